"""Checks the links between the pages of a site: each leads to a file, and to an anchor in it."""

import html.parser
import re


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.anchors = set()
        self.links = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if "id" in given:
            self.anchors.add(given["id"])
        for name in ("href", "src"):
            if name in given:
                self.links.append(given[name])


def check(out, quick=False):
    """What is wrong with the links of the pages below `out`, and with what they load."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(out.rglob("*.html"))}
    problems = []
    for path, page in pages.items():
        here = path.relative_to(out)
        for link in page.links:
            if re.match(r"https?:", link):
                continue  # leads away, which a reader chooses; the browser loads none of them (below)
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            if quick and "reference" in target.parts:
                continue
            if not target.is_file():
                problems.append(f"{here}: no file {link}")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                problems.append(f"{here}: no anchor {link}")
        text = path.read_text(encoding="utf-8")
        for loaded in re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(https?:[^"]*)"', text):
            problems.append(f"{here}: loads {loaded}, which a reader without network cannot see")
    if len(pages) < 2:
        problems.append(f"{out} has no pages")
    return problems
