"""Draws the results of the benchmarks as SVG, with the standard library alone."""

import math

COLOURS = {"kwire, static": "#0b6e4f", "kwire": "#2fa37c", "by hand": "#8a8f98", "kafka-protocol": "#d1495b", "krabka": "#edae49",
           "franz-go": "#3d7ea6", "kafka-clients": "#7d5ba6"}
STYLE = ('<style>text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-size:15px;font-weight:600}.s{fill:#57606a}'
         '.g{stroke:#d0d7de;stroke-width:1}</style>')


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">{STYLE}'
            f'<rect width="100%" height="100%" rx="6" fill="#ffffff"/>' + "".join(parts) + "</svg>\n")


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{words}</text>'


def short(ns):
    return f"{ns / 1e6:.3g} ms" if ns >= 1e6 else f"{ns / 1e3:.3g} µs" if ns >= 1e3 else f"{ns:.3g} ns"


def series(times, peers):
    """The bars of one case, in a fixed order; of several forms of a library the fastest."""
    named = {"kwire, static": ["kwire_static"], "kwire": ["kwire"], "by hand": ["by_hand"], **peers}
    for name, forms in named.items():
        known = [times[form] for form in forms if form in times]
        if known and name in COLOURS:
            yield name, min(known)


def bars(title, results, operation, cases, peers):
    """Horizontal bars, each as a multiple of kwire's time with the version known at run time; logarithmic, shorter is faster."""
    cases = [case for case in cases if "kwire" in results.get(case, {}).get(operation, {})]
    groups = [(case, list(series(results[case][operation], peers))) for case in cases]
    multiples = [ns / results[case][operation]["kwire"] for case, group in groups for _, ns in group]
    low, high = math.floor(math.log2(min(multiples)) - 0.3), math.ceil(math.log2(max(multiples)))
    left, right, bar, gap, top = 185, 90, 15, 16, 84
    width = 860
    height = top + sum(len(group) * bar + gap for _, group in groups) + 14
    scale = (width - left - right) / (high - low)
    at = lambda multiple: left + (math.log2(multiple) - low) * scale
    parts = [text(20, 28, title, "t"),
             text(20, 48, "time as a multiple of kwire’s (version known at run time); logarithmic, shorter is faster", "s")]
    x = 20
    for name in dict.fromkeys(name for _, group in groups for name, _ in group):
        parts.append(f'<rect x="{x}" y="58" width="11" height="11" rx="2" fill="{COLOURS[name]}"/>' + text(x + 16, 68, name, "s"))
        x += 30 + 7.2 * len(name)
    for power in range(low, high + 1):
        style = ' style="stroke:#57606a"' if power == 0 else ""
        parts.append(f'<line class="g"{style} x1="{at(2 ** power):.1f}" x2="{at(2 ** power):.1f}" y1="{top}" y2="{height - 18}"/>')
        parts.append(text(at(2 ** power), height - 5, f"{2 ** power}×" if power >= 0 else f"1/{2 ** -power}", "s", "middle"))
    y = top + 4
    for case, group in groups:
        parts.append(text(left - 8, y + len(group) * bar / 2 + 4, case.replace("_", " "), "", "end"))
        for name, ns in group:
            end = at(ns / results[case][operation]["kwire"])
            parts.append(f'<rect x="{left}" y="{y}" width="{max(end - left, 1):.1f}" height="{bar - 3}" rx="2" fill="{COLOURS[name]}"/>')
            parts.append(text(end + 5, y + bar - 5, short(ns), "s"))
            y += bar
        y += gap
    return svg(width, height, parts)


def growth(title, results, sizes, lines):
    """A log-log chart: time over the number of topics."""
    left, top, plot_width, plot_height = 80, 62, 560, 330
    points = {name: [(n, results[case][operation][contender]) for n, case in sizes.items()
                     if contender in results.get(case, {}).get(operation, {})] for name, (operation, contender) in lines.items()}
    points = {name: line for name, line in points.items() if line}
    every = [ns for line in points.values() for _, ns in line]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    first, last = math.log10(min(sizes)), math.log10(max(sizes))
    at_x = lambda n: left + (math.log10(n) - first) / (last - first) * plot_width
    at_y = lambda ns: top + plot_height - (math.log10(ns) - low) / (high - low) * plot_height
    parts = [text(20, 28, title, "t"), text(20, 48, "both axes logarithmic: ten times the topics, ten times the time, is linear growth", "s")]
    for power in range(low, high + 1):
        y = at_y(10 ** power)
        parts.append(f'<line class="g" x1="{left}" x2="{left + plot_width}" y1="{y:.1f}" y2="{y:.1f}"/>' + text(left - 8, y + 4, short(10 ** power), "s", "end"))
    for n in sizes:
        parts.append(f'<line class="g" x1="{at_x(n):.1f}" x2="{at_x(n):.1f}" y1="{top}" y2="{top + plot_height}"/>' +
                     text(at_x(n), top + plot_height + 18, f"{n}", "s", "middle"))
    palette = ["#0b6e4f", "#2fa37c", "#3d7ea6", "#edae49", "#d1495b", "#7d5ba6", "#8a8f98"]
    ends = sorted(((at_y(line[-1][1]), name) for name, line in points.items()))
    label_y = {}
    for y, name in ends:
        label_y[name] = max(y + 4, max(label_y.values(), default=-1e9) + 15)
    for colour, (name, line) in zip(palette, points.items()):
        path = " ".join(f"{at_x(n):.1f},{at_y(ns):.1f}" for n, ns in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{at_x(n):.1f}" cy="{at_y(ns):.1f}" r="3" fill="{colour}"/>' for n, ns in line]
        parts.append(f'<text x="{left + plot_width + 10}" y="{label_y[name]:.1f}" style="fill:{colour}">{name}</text>')
    parts.append(text(left + plot_width / 2, top + plot_height + 38, "topics of a Metadata response, ten partitions each", "s", "middle"))
    return svg(860, top + plot_height + 54, parts)


def headline(results, peers):
    """The chart of the README: a few jobs, each library's time as a multiple of kwire's; linear, longer is slower."""
    jobs = [("Read a Metadata response, 1000×10", "metadata_1000x10", "visit"), ("Read a Fetch response, 100×10", "fetch_response_100x10", "visit"),
            ("Read a Fetch request, 100×50", "fetch_request_100x50", "visit"), ("Own a Metadata response", "metadata_1000x10", "decode"),
            ("Write a Metadata response", "metadata_1000x10", "encode"), ("Write a Fetch response, 100×10", "fetch_response_100x10", "encode")]
    most = 10 # longer bars are cut, and say how long they would be
    left, right, bar, gap, top, width = 250, 110, 13, 12, 62, 860
    parts = [text(20, 28, "Time of the same work, kwire = 1", "t")]
    groups = []
    for title, case, operation in jobs:
        times = dict(series(results.get(case, {}).get(operation, {}), peers))
        own = min((times[name] for name in ("kwire, static", "kwire") if name in times), default=None)
        if own is None:
            continue
        group = [("kwire", own)] + [(name, times[name]) for name in peers if name in times and name in COLOURS]
        groups.append((title, own, group))
    x = 20
    for name in dict.fromkeys(name for _, _, group in groups for name, _ in group):
        parts.append(f'<rect x="{x}" y="38" width="11" height="11" rx="2" fill="{COLOURS[name]}"/>' + text(x + 16, 48, name, "s"))
        x += 30 + 7.2 * len(name)
    y = top
    for title, own, group in groups:
        parts.append(text(left - 10, y + len(group) * bar / 2 + 4, title, "", "end"))
        for name, ns in group:
            multiple = ns / own
            length = min(multiple, most) / most * (width - left - right)
            parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" rx="2" fill="{COLOURS[name]}"/>')
            label = short(ns) if name == "kwire" else f"{multiple:.1f}×" + (" (cut)" if multiple > most else "")
            parts.append(text(left + length + 6, y + bar - 3, label, "s"))
            y += bar
        y += gap
    return svg(width, y + 4, parts)


def draw_all(results, peers, folder):
    """Writes the charts; returns (file, title) of each."""
    messages = ["metadata_10x3", "metadata_1000x10", "fetch_request_100x50", "fetch_response_1x1_tiny", "fetch_response_100x10",
                "produce_request_100x10", "api_versions_v3", "offset_commit_100x10", "join_group_v9"]
    (folder / "headline.svg").write_text(headline(results, peers)) # shown by the README
    drawn = []
    for operation, title in [("visit", "Read every field"), ("encode", "Encode into reused memory"), ("decode", "Decode to owned data")]:
        (folder / f"{operation}.svg").write_text(bars(title, results, operation, messages, peers))
        drawn.append((f"{operation}.svg", title))
    sizes = {n: f"metadata_{n}x10" for n in (10, 32, 100, 316, 1000)}
    lines = {"check": ("check", "kwire"), "visit": ("visit", "kwire"), "encode": ("encode", "kwire"), "decode (owned)": ("decode", "kwire"),
             "transcode": ("transcode", "kwire"), "visit, kafka-protocol": ("visit", "kafka_protocol")}
    (folder / "growth.svg").write_text(growth("Growth of kwire’s work with the size of the message", results, sizes, lines))
    drawn.append(("growth.svg", "Growth"))
    return drawn
