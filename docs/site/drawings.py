"""Draws docs/produce-frame.svg, view.svg, owners.svg and batch-life.svg.

    python3 docs/site/drawings.py           writes them
    python3 docs/site/drawings.py --check   fails if they are not what it draws

Colours are those of the page (docs/site/style.css) where the drawing is a part of one, and its own elsewhere, by day and by night.
"""

import html
import pathlib
import sys

DOCS = pathlib.Path(__file__).resolve().parents[1]
STYLE = """<style>
.k-t { fill: var(--text, #1f2328); font: 14px system-ui, "DejaVu Sans", sans-serif; }
.k-m { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
.k-q { fill: var(--quiet, #59636e); font-size: 12px; }
.k-b { fill: var(--bytes, #dbe9fb); } .k-o { fill: var(--own, #d7efdc); } .k-v { fill: var(--view, #fdeecb); }
.k-n { fill: var(--raised, #f6f8fa); }
.k-s { stroke: var(--text, #1f2328); stroke-width: 1; }
.k-l { stroke: var(--text, #1f2328); stroke-width: 1.5; fill: none; }
@media (prefers-color-scheme: dark) {
.k-t { fill: var(--text, #dfe4ea); } .k-q { fill: var(--quiet, #9aa5b1); } .k-b { fill: var(--bytes, #1e3a5c); }
.k-o { fill: var(--own, #1f4429); } .k-v { fill: var(--view, #4d3d12); } .k-n { fill: var(--raised, #1d232a); }
.k-s, .k-l { stroke: var(--text, #dfe4ea); }
}
</style>"""


class Drawing:
    def __init__(self, width, height, title):
        self.size, self.title, self.parts = (width, height), title, []

    def box(self, x, y, width, height, text, kind="n", small="", mono=False):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" class="k-{kind} k-s"/>')
        if text:
            self.text(x + width / 2, y + height / 2 + (0 if small else 5), text, "middle", mono)
        if small:
            self.text(x + width / 2, y + height / 2 + 17, small, "middle", quiet=True)

    def text(self, x, y, text, anchor="start", mono=False, quiet=False):
        kinds = "k-t" + (" k-m" if mono else "") + (" k-q" if quiet else "")
        self.parts.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" class="{kinds}">{html.escape(text)}</text>')

    def arrow(self, *points):
        path = " ".join(f"{'M' if i == 0 else 'L'}{x:g} {y:g}" for i, (x, y) in enumerate(points))
        self.parts.append(f'<path d="{path}" class="k-l" marker-end="url(#k-arrow)"/>')

    def line(self, *points):
        path = " ".join(f"{'M' if i == 0 else 'L'}{x:g} {y:g}" for i, (x, y) in enumerate(points))
        self.parts.append(f'<path d="{path}" class="k-l" stroke-dasharray="4 3"/>')

    def svg(self):
        width, height = self.size
        marker = ('<defs><marker id="k-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
                  '<path d="M0 0L10 5L0 10z" class="k-t"/></marker></defs>')
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
                f"<title>{html.escape(self.title)}</title>\n{STYLE}\n{marker}\n" + "\n".join(self.parts) + "\n</svg>\n")


def row(drawing, y, fields, x=10, height=50):
    """Boxes side by side: (width, text, what is below it, kind). Returns where each begins."""
    starts = []
    for width, text, small, kind in fields:
        drawing.box(x, y, width, height, text, kind, small)
        starts.append(x)
        x += width
    return [*starts, x]


def produce_frame():
    d = Drawing(860, 380, "The bytes of a Produce request, version 9")
    d.text(10, 20, "The frame")
    a = row(d, 30, [(70, "length", "4", "n"), (290, "request header", "", "b"), (480, "body: ProduceRequest v9", "", "b")])
    d.text(60, 118, "Header: the API and its version say how to read the rest")
    b = row(d, 128, [(80, "API key", "2", "b"), (80, "version", "2", "b"), (110, "correlation id", "4", "b"), (140, "client id", "2 + n", "b"),
                     (60, "tags", "1 + n", "b")])
    d.line((a[1], 80), (b[0], 128))
    d.line((a[2], 80), (b[5], 128))
    d.text(10, 216, "Body: fields one after the other; where one has no fixed length, its length comes first")
    c = row(d, 226, [(105, "transact. id", "1 + n", "b"), (60, "acks", "2", "b"), (70, "timeout", "4", "b"), (60, "topics", "count", "b"),
                     (80, "name", "1 + n", "b"), (80, "partitions", "count", "b"), (55, "index", "4", "b"), (170, "records", "length, then bytes", "v"),
                     (50, "tags", "1", "b"), (50, "tags", "1", "b"), (50, "tags", "1", "b")])
    e = row(d, 316, [(240, "batch header", "61: offset, checksum, count, producer", "v"), (110, "record", "", "v"), (110, "record", "", "v"), (110, "…", "", "v")],
            x=270)
    d.line((c[7], 276), (e[0], 316))
    d.line((c[8], 276), (e[4], 316))
    return d


def view():
    d = Drawing(860, 330, "A view over the bytes of a struct")
    d.text(10, 22, "The view: three words or more, copied like a number")
    d.box(10, 34, 110, 46, "base", "o", "where it begins")
    d.box(120, 34, 110, 46, "layout", "o", "of this version")
    d.box(230, 34, 130, 46, "ends", "o", "of each step")
    d.text(430, 22, "The layout: a table, one for each version")
    d.box(430, 34, 410, 30, "steps: 1 string · 6 bytes and an array · tags", "n")
    d.box(430, 64, 410, 30, "places: acks 0 after end 1; timeout 2 after end 1", "n")
    d.arrow((175, 80), (175, 130), (620, 130), (620, 96))
    x = row(d, 190, [(130, "transactional id", "step 1", "b"), (90, "acks", "2", "v"), (110, "timeout", "4", "b"), (390, "topic data", "step 2", "b"), (80, "tags", "", "b")],
            x=30)
    d.arrow((65, 80), (32, 186))
    d.arrow((270, 80), (x[1], 186))
    d.arrow((320, 80), (x[4], 186))
    d.text(10, 272, "view.acks()", mono=True)
    d.text(110, 272, "reads the place in the layout, then ends[1], adds the two, and loads two bytes: it cannot fail, for parse has")
    d.text(110, 292, "looked at all of them. A field that the version lacks has no place: the accessor gives its default.")
    d.text(110, 316, "Fields with the same place in all versions need no table.", quiet=True)
    return d


def owners():
    d = Drawing(860, 350, "Who keeps the memory of a frame")
    d.box(60, 130, 740, 80, "", "b")
    d.text(70, 150, "One block of memory with a count of references: it is freed when the last one goes")
    d.box(80, 160, 120, 40, "header", "n")
    d.box(200, 160, 170, 40, "topic, partition", "n")
    d.box(370, 160, 220, 40, "batch", "v")
    d.box(590, 160, 60, 40, "tags", "n")
    d.text(670, 185, "next frame …", quiet=True)
    for x, name, what, to in ((60, "shared_buffer", "the frame", 140), (235, "message<M>", "frame and its view", 250),
                              (430, "held<batch_view>", "in the log", 440), (625, "buffer_chain", "an answer to Fetch", 520)):
        d.box(x, 30, 165, 50, name, "o", what, mono=True)
        d.arrow((x + 82, 80), (to, 128))
    d.text(10, 20, "These keep it alive: copying one adds a reference")
    d.box(200, 280, 150, 44, "produce view", "n", "", mono=True)
    d.box(390, 280, 150, 44, "batch_view", "n", "", mono=True)
    d.box(580, 280, 180, 44, "std::string_view", "n", "", mono=True)
    d.arrow((275, 280), (290, 212))
    d.arrow((465, 280), (460, 212))
    d.arrow((660, 280), (360, 212))
    d.text(10, 344, "These only point: they are valid while one of those above lives")
    return d


def batch_life():
    d = Drawing(860, 430, "The life of a batch from socket to socket")
    steps = [("socket", "the kernel's copy in", "n"), ("request_reader", "finds the frames", "o"), ("parse", "checks every length", "o"),
             ("edit, stamp", "a few bytes, in place", "v"), ("freeze, hold", "one more reference", "o")]
    y = 40
    d.text(10, 24, "Produce")
    for i, (name, what, kind) in enumerate(steps):
        d.box(10 + 170 * i, y, 150, 54, name, kind, what)
        if i:
            d.arrow((10 + 170 * i - 20, y + 27), (10 + 170 * i - 2, y + 27))
    d.arrow((765, 94), (765, 168))
    d.box(90, 170, 750, 90, "", "b")
    d.text(100, 190, "The memory that the socket was read into: the batch stays where it is")
    d.box(110, 202, 150, 44, "batch", "v", "offsets 0 to 9")
    d.box(290, 202, 150, 44, "batch", "v", "offsets 10 to 41")
    d.box(690, 202, 130, 44, "log", "o", "a list of held")
    d.arrow((690, 224), (442, 224))
    d.text(10, 302, "Fetch")
    back = [("fetch request", "from offset 10", "o"), ("look in the log", "slices of batches", "o"), ("encode_response", "new fields, old records", "o"),
            ("outbox", "one write for many", "o"), ("socket", "the kernel's copy out", "n")]
    for i, (name, what, kind) in enumerate(back):
        d.box(10 + 170 * i, 316, 150, 54, name, kind, what)
        if i:
            d.arrow((10 + 170 * i - 20, 343), (10 + 170 * i - 2, 343))
    d.arrow((255, 316), (365, 262))
    d.text(10, 408, "Between the two copies of the kernel no byte of a record moves; copied_bytes() counts what would.", quiet=True)
    return d


DRAWINGS = {"produce-frame": produce_frame, "view": view, "owners": owners, "batch-life": batch_life}


def main():
    stale = []
    for name, draw in DRAWINGS.items():
        path, text = DOCS / f"{name}.svg", draw().svg()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(str(path))
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print("not what docs/site/drawings.py draws:", *stale)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
