"""docs/proxy.md names every response with an address in it, so that a proxy made by the page hides its brokers."""

import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
page = (root / "docs/proxy.md").read_text(encoding="utf-8")
section = page[page.index("### Where the addresses are") : page.index("## Versions")]

found = set()
for facts in sorted((root / "schema/messages").glob("*.txt")):
    response = re.search(r"^response (\w+)Response .*\n((?: .*\n|\n)*)", facts.read_text(encoding="utf-8"), re.MULTILINE)
    if response and re.search(r"^ +\w*(Host|Port|Address): ", response[2], re.MULTILINE):
        found.add(response[1])

missing = sorted(name for name in found if not re.search(rf"\b{name}\b", section))
assert len(found) >= 20, f"found only {len(found)} responses with addresses"
for name in missing:
    print(f"docs/proxy.md does not name {name}, which has an address")
sys.exit(bool(missing))
