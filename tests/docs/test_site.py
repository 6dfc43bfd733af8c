"""The catalogue of the site has every API, message, version and field of schema/, and the drawings are what their script draws."""

import html
import importlib
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "docs" / "site"))
sys.path.insert(0, str(root / "schema"))
catalogue = importlib.import_module("catalogue")
links = importlib.import_module("links")
import generate  # noqa: E402
import naming  # noqa: E402


class Site:
    """What add_pages fills."""

    def __init__(self):
        self.names, self.search, self.pages = {}, [], {}

    def add(self, address, title, body, headings=""):
        self.pages[address] = body


site = Site()
problems = catalogue.add_pages(site)
facts = catalogue.load()
fields = 0
for stem, messages in facts.items():
    page = site.pages.get(f"catalogue/{stem}.html", "")
    if f'href="{stem}.html"' not in site.pages["catalogue/index.html"]:
        problems.append(f"the catalogue's index has no link to {stem}")
    for message in messages:
        name = naming.snake(message.name)
        section = page.partition(f'<h2 id="{name}">')[2].partition("<h2 ")[0]
        first, last = message.versions
        if f"version{'' if first == last else 's'} {first}" not in section:
            problems.append(f"{message.name} has no section that says its versions")
        for place in [message, *message.structs()]:
            for field in place.fields:
                row = re.search(rf"<tr><td[^>]*><code>{naming.snake(field.name)}</code></td>(?:(?!</tr>).)*"
                                rf"<td>{re.escape(generate.versions_of(field.versions, last))}<", section)
                if row is None:
                    problems.append(f"{message.name}: no row for {field.name} with its versions")
                fields += 1

apis = {message.key for messages in facts.values() for message in messages if message.kind == "request"}
header = (root / "include/kwire/api.hpp").read_text(encoding="utf-8")
keys = set(map(int, re.findall(r"^    \w+ = (\d+),$", header, flags=re.MULTILINE)))
listed = set(map(int, re.findall(r"<tr><td>(\d+)</td>", site.pages["catalogue/index.html"])))
if not keys <= listed or not keys <= apis or len(keys) < 90:
    problems.append(f"the catalogue's index lacks the APIs {sorted(keys - listed)}")
assert fields > 2000, f"found only {fields} fields"

# A field with everything that a row can say.
cluster = html.unescape(site.pages["catalogue/fetch.html"])
for words in ("tag 0", "nullable", "default null", "entity::cluster_id", "dropped where a version lacks it"):
    assert words in cluster.partition("cluster_id</code></td>")[2].partition("</tr>")[0], words

# The checker of links notices what is wrong.
probe = links.Page('<a id="here"></a><a href="#here"></a><img src="x.svg">')
assert (probe.anchors, probe.links) == ({"here"}, ["#here", "x.svg"])

drawn = subprocess.run([sys.executable, root / "docs/site/drawings.py", "--check"], capture_output=True, text=True)
if drawn.returncode != 0:
    problems.append(drawn.stdout.strip())
for problem in problems:
    print(problem)
sys.exit(bool(problems))
