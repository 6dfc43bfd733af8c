"""Draws where a program's time went as SVG: a box is a function, as wide as its share, on the functions that called it."""

import collections
import html
import re

WIDTH, ROW, TOP = 1200, 17, 72
LEAST = 0.0015  # of all; narrower boxes are left out
COPY = re.compile(r"\b_*(?:mem(?:cpy|move)|mempcpy)\w*")  # in the program: those of the kernel have other names
COLOURS = {"copy": "#d1495b", "kernel": "#b8c4d0", "program": "#2fa37c"}
STYLE = ("<style>text{font:11px system-ui,sans-serif;fill:#24292f}.t{font-size:15px;font-weight:600}.s{font-size:12px;fill:#57606a}"
         "rect{stroke:#fff;stroke-width:.6}</style>")


def short(name):
    """A function's name without arguments, templates and the clones that compilers make."""
    name = re.sub(r"\[clone [^]]*\]", "", name)
    while (shorter := re.sub(r"<[^<>]*>|\([^()]*\)", "", name)) != name:
        name = shorter
    return re.sub(r"\s+(const)?\s*$", "", name.split(" ")[-1] if " " in name.strip() else name).strip() or "?"


def fold_perf(script):
    """{stack from the outermost function: samples} of `perf script -F comm,ip,sym,dso`."""
    stacks = collections.Counter()
    for sample in script.split("\n\n"):
        frames = []
        for line in sample.split("\n")[1:]:
            if found := re.match(r"\s*[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)? \((.*)\)$", line):
                kernel = "kernel" in found[2] or found[2].endswith(".ko]")
                name = short(found[1])
                frames.append(("kernel" if kernel else "copy" if COPY.search(name) else "program", name))
        if frames:
            stacks[tuple(reversed(frames))] += 1
    return stacks


def own_cost(text):
    """{function: instructions of its own} of a file of callgrind's."""
    names, own, current, skip = {}, collections.Counter(), None, False
    for line in text.split("\n"):
        if found := re.match(r"fn=\((\d+)\)(?: (.*))?$", line):
            if found[2]:
                names[found[1]] = found[2]
            current = names[found[1]]
        elif found := re.match(r"cfn=\((\d+)\) (.*)$", line):
            names[found[1]] = found[2]
        elif line.startswith("calls="):
            skip = True  # the next line has the cost of what was called
        elif found := re.match(r"[+\-*\d]\d* (\d+)$", line):
            if not skip:
                own[current] += int(found[1])
            skip = False
    return own


def fold_flat(own):
    """The stacks of own_cost: callgrind counts calls and not stacks, so there is one level."""
    return collections.Counter({(("copy" if COPY.search(name) else "program", short(name)),): n for name, n in own.items()})


def svg(stacks, title, subtitle):
    whole = sum(stacks.values())
    boxes = []  # (depth, first, size, kind, name)

    def place(group, depth, first):
        children = collections.defaultdict(collections.Counter)
        for stack, n in group.items():
            if len(stack) > depth:
                children[stack[depth]][stack] += n
        for (kind, name), part in sorted(children.items()):
            size = sum(part.values())
            if size >= LEAST * whole:
                boxes.append((depth, first, size, kind, name))
                place(part, depth + 1, first)
            first += size

    place(stacks, 0, 0)
    height = TOP + (max(box[0] for box in boxes) + 1) * ROW + 14
    scale = (WIDTH - 20) / whole
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">{STYLE}'
             f'<rect width="100%" height="100%" fill="#ffffff"/><text class="t" x="10" y="24">{html.escape(title)}</text>'
             f'<text class="s" x="10" y="42">{html.escape(subtitle)}</text>']
    x = 10
    for kind, words in (("program", "the program"), ("kernel", "the kernel"), ("copy", "memcpy and memmove of the program")):
        parts.append(f'<rect x="{x}" y="50" width="11" height="11" fill="{COLOURS[kind]}"/><text class="s" x="{x + 16}" y="60">{words}</text>')
        x += 40 + 7 * len(words)
    for depth, first, size, kind, name in boxes:
        left, width, top = 10 + first * scale, size * scale, height - 14 - (depth + 1) * ROW
        letters = int((width - 4) / 6)
        label = name if len(name) <= letters else name[: letters - 1] + "…" if letters > 3 else ""
        parts.append(f'<g><title>{html.escape(name)}: {100 * size / whole:.2f} %</title><rect x="{left:.1f}" y="{top}" width="{width:.1f}" '
                     f'height="{ROW - 1}" rx="1.5" fill="{COLOURS[kind]}"/><text x="{left + 3:.1f}" y="{top + 12}">{html.escape(label)}</text></g>')
    return "\n".join(parts) + "\n</svg>\n"
