"""Writes the site to build/docs: run by docs/build.sh.

    python3 docs/site/build.py [--quick] [--out DIRECTORY]

Markdown of docs/ becomes a page each; contents.txt has their order. catalogue.py makes a page for each message from schema/,
reference.py one for each public header. A name in `code` that the reference has becomes a link to it. Nothing on a page is
loaded from elsewhere.
"""

import argparse
import html
import pathlib
import re
import shutil
import sys

import markdown
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CppLexer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import catalogue  # noqa: E402
import links  # noqa: E402

EXTENSIONS = ["tables", "fenced_code", "codehilite", "toc", "sane_lists"]


def slug(text, _separator):
    """The anchor of a heading, as GitHub makes it, so that links work there too."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def contents():
    """[(chapter, [page...])]"""
    found = []
    for line in (HERE / "contents.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            found[-1][1].append(line.strip())
        elif line and not line.startswith("#"):
            found.append((line, []))
    listed = {page for _, pages in found for page in pages}
    more = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem not in listed)
    return [*found, ("More", more)] if more else found


def title_of(text):
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1].replace("`", "")


class Site:
    def __init__(self, out):
        self.out = out
        self.names = {}  # what `code` may link to: name -> address from the root of the site
        self.search = []  # (title, what it is, address), for the box at the top
        self.pages = {}  # address -> (title, body, headings)

    def add(self, address, title, body, headings=""):
        self.pages[address] = (title, body, headings)

    def add_markdown(self, address, text):
        converter = markdown.Markdown(extensions=EXTENSIONS, extension_configs={
            "codehilite": {"guess_lang": False}, "toc": {"slugify": slug, "toc_depth": "2-3"}})
        body = converter.convert(text)
        headings = [(token["id"], token["name"]) for token in converter.toc_tokens]
        if headings and headings[0][1] == html.escape(title_of(text), quote=False):
            headings = []
        self.add(address, title_of(text), body, "".join(f'<a href="#{i}">{name}</a>' for i, name in headings))
        self.search.append((title_of(text), "page", address))
        self.search += [(html.unescape(re.sub("<.*?>", "", name)), title_of(text), f"{address}#{i}") for i, name in headings]

    # -- writing

    def linked(self, body, address):
        """The body with links for `code` that names something, and .html for .md."""
        up = "../" * address.count("/")

        def code(match):
            text = html.unescape(match[1])
            name = re.sub(r"\(.*\)$", "", text.strip(), flags=re.DOTALL).removeprefix("kwire::")
            target = self.names.get(name) or self.names.get(text)
            if address.startswith("reference/") and not re.search(r"_|::|<", name):
                return match[0]  # a member as a rule, such as `message`
            if target is None or target.partition("#")[0] == address:
                return match[0]
            return f'<a class="name" href="{up}{target}">{match[0]}</a>'

        parts = re.split(r"(<pre.*?</pre>|<a .*?</a>|<h\d.*?</h\d>)", body, flags=re.DOTALL)
        parts[::2] = [re.sub(r"<code>([^<]{1,80})</code>", code, part) for part in parts[::2]]
        body = "".join(parts)
        body = re.sub(r'(<a href="([\w-]+)\.md(?:#[\w-]*)?">)\2\.md</a>', self.with_title, body)
        return re.sub(r'href="([\w./-]+)\.md(#[\w-]*)?"', lambda m: f'href="{m[1]}.html{m[2] or ""}"', body)

    def add_programs(self):
        """The small programs of the guides, as they are: `examples/x.cpp` is a link to its page."""
        formatter = HtmlFormatter(nowrap=True)
        for path in sorted((ROOT / "examples").glob("*.[ch]pp")):
            source = path.read_text(encoding="utf-8")
            name, address = f"examples/{path.name}", f"programs/{path.stem}-{path.suffix[1:]}.html"
            shown = highlight(source, CppLexer(), formatter)
            self.add(address, name, f'<h1><code>{name}</code></h1><pre class="codehilite"><code>{shown}</code></pre>')
            self.names[name] = address
            self.search.append((name, "program", address))

    def with_title(self, match):
        """A link whose text is a file's name, with the title of that page."""
        return f"{match[1]}{html.escape(self.pages[match[2] + '.html'][0]).lower() if match[2] + '.html' in self.pages else match[2]}</a>"

    def write(self):
        template = (HERE / "page.html").read_text(encoding="utf-8")
        chapters = contents()
        for address, (title, body, headings) in self.pages.items():
            up = "../" * address.count("/")
            body = re.sub(r"<table>", '<div class="wide"><table>', body).replace("</table>", "</table></div>")
            body = re.sub(r'<p><img ([^>]*?)src="([\w/-]+\.svg)"([^>]*)></p>',
                          lambda m: f'<figure>{self.drawing(m[2])}</figure>', body)
            nav = ""
            for chapter, names in chapters:
                nav += f"<h2>{chapter}</h2>"
                addresses = [f"{name}.html" for name in names]
                if chapter == "Look up":
                    addresses = ["catalogue/index.html", *(["reference/index.html"] if "reference/index.html" in self.pages else []),
                                 *addresses]
                for each in addresses:
                    here = ' class="here"' if each == address else ""
                    nav += f'<a{here} href="{up}{each}">{html.escape(self.pages[each][0])}</a>'
            values = {"title": html.escape(title), "nav": nav, "body": self.linked(body, address), "up": up,
                      "headings": f'<nav class="headings"><h2>On this page</h2>{headings}</nav>' if headings else ""}
            path = self.out / address
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(re.sub(r"\{\{(\w+)\}\}", lambda m: values[m[1]], template), encoding="utf-8")
        style = (HERE / "style.css").read_text(encoding="utf-8")
        light = HtmlFormatter(style="default").get_style_defs(".codehilite")
        dark = HtmlFormatter(style="native").get_style_defs(".codehilite")
        colours = "\n".join(line for line in light.splitlines() if line.startswith(".codehilite ."))
        night = "\n".join(line for line in dark.splitlines() if line.startswith(".codehilite ."))
        (self.out / "style.css").write_text(f"{style}\n{colours}\n@media (prefers-color-scheme: dark) {{\n{night}\n}}\n", "utf-8")
        shutil.copy(HERE / "search.js", self.out / "search.js")
        entries = ",\n".join(str([title, what, address]) for title, what, address in sorted(set(self.search)))
        (self.out / "search-index.js").write_text(f"const searchIndex = [\n{entries}\n];\n", "utf-8")

    def drawing(self, name):
        """An SVG of docs/, as a part of the page: so its text can be searched, and it follows the colours of the page."""
        return (ROOT / "docs" / name).read_text(encoding="utf-8")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true", help="without the reference")
    options.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "docs")
    options = options.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)

    site = Site(options.out)
    problems = []
    listed = [name for _, names in contents() for name in names]
    there = {path.stem: path for path in sorted((ROOT / "docs").glob("*.md"))}
    there["schema"] = ROOT / "schema" / "README.md"  # the steps of a release are in one place
    problems += [f"docs/site/contents.txt has {name}, which is not there" for name in sorted(set(listed) - set(there))]
    for name, path in there.items():
        site.add_markdown(f"{name}.html", path.read_text(encoding="utf-8"))
    site.add_programs()
    problems += catalogue.add_pages(site)
    if not options.quick:
        import reference
        problems += reference.add_pages(site)
    if not problems:
        site.write()
        for folder in ("benchmarks",):
            shutil.copytree(ROOT / "docs" / folder, options.out / folder)
        problems += links.check(options.out, quick=options.quick)
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print(f"{len(site.pages)} pages: {(options.out / 'index.html').relative_to(ROOT) if options.out.is_relative_to(ROOT) else options.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
