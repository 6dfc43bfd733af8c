"""The catalogue: a page for each request with its response, and for each other message, from schema/.

Which versions there are; every field with its type, versions, tag, default, null and meaning; what becomes of it in another version.
"""

import html
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "schema"))

import generate  # noqa: E402
import model  # noqa: E402
import naming  # noqa: E402
import transcode_page  # noqa: E402

TYPES = {"bool": "bool", "int8": "int8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t",
         "uint32": "uint32_t", "int64": "int64_t", "float64": "double", "uuid": "uuid", "string": "string_view",
         "bytes": "span of bytes", "records": "record batches"}
GROUPS = [("Requests and responses of clients and brokers", lambda m: m.kind == "request" and "broker" in m.listeners),
          ("Between brokers and controllers", lambda m: m.kind == "request"),
          ("Headers", lambda m: m.kind == "header"),
          ("Records of the metadata log", lambda m: m.kind == "metadata"),
          ("Records of Kafka's own topics", lambda m: m.kind in ("coordinator-key", "coordinator-value")),
          ("Other messages", lambda m: True)]


def load():
    """The facts with all that is known of them, by stem."""
    facts = model.load_directory(ROOT / "schema" / "messages")
    generate.mark_entities(generate.load_words(ROOT / "schema" / "entities.txt"), facts)
    generate.mark_keys(generate.load_words(ROOT / "schema" / "keys.txt"), facts)
    return facts


def heading_of(stem, messages):
    """What a page is called: an API by its name in Kafka, `Fetch`."""
    return messages[0].name.removesuffix("Request") if messages[0].kind == "request" else naming.snake(stem)


def versions_text(range_, last):
    return generate.versions_of(range_, last)


def type_text(field):
    own = naming.enumeration(field)
    name = own or (TYPES[field.type] if field.struct is None else naming.snake(field.type))
    return f"array of {name}" if field.array else name


def default_text(field):
    """The default where it is not that of the type."""
    if field.default == field.implicit_default:
        return ""
    if field.default is None:
        return "default null"
    return f"default {'true' if field.default is True else 'false' if field.default is False else field.default}"


class Table:
    """The fields of one message."""

    def __init__(self, message, words, secrets):
        self.message, self.words, self.secrets = message, words, secrets
        self.names = naming.struct_names([s.name for s in message.structs()], message.name)
        self.rows = []

    def bar(self, versions):
        first, last = self.message.versions
        if first == last:
            return ""
        cells = "".join(f'<i class="{"y" if versions[0] <= v <= versions[1] else ""}" title="v{v}"></i>' for v in range(first, last + 1))
        return f'<span class="v">{cells}</span>'

    def notes(self, place, field):
        last = self.message.versions[1]
        where = f"{self.message.name if place is self.message else f'{self.message.name}.{place.name}'}.{field.name}"
        notes = []
        if field.tag is not None:
            notes.append(f"tag {field.tag}" + (f" {versions_text(field.tagged, last)}" if field.tagged != field.versions else ""))
        if field.nullable is not None:
            notes.append("nullable" + (f" {versions_text(field.nullable, last)}" if field.nullable != field.versions else ""))
        if default := default_text(field):
            notes.append(default)
        if field.map_key or field.key:
            notes.append("key of the array")
        if field.entity:
            notes.append(f"means <code>entity::{generate.ENTITIES[field.entity][0]}</code>")
        if field.ignorable is not None:
            notes.append("dropped where a version lacks it")
        if where in self.secrets:
            notes.append({"always": "secret", "flagged": "secret if flagged", "flag": "says what is secret"}[self.secrets[where]])
        return ", ".join(notes), self.words.get(where, "")

    def add(self, place, depth):
        names = naming.field_names([field.name for field in place.fields], place.name)
        for field in place.fields:
            notes, words = self.notes(place, field)
            kind = type_text(field)
            if field.struct is not None:
                kind = kind.replace(naming.snake(field.type), f"<code>{self.names[field.struct.name]}</code>")
                words = words or self.words.get(f"{self.message.name}.{field.struct.name}", "")
            else:
                kind = f"<code>{html.escape(kind)}</code>" if not field.array else f"array of <code>{html.escape(kind[9:])}</code>"
            about = html.escape(words) + (f'<br><span class="facts">{notes}</span>' if notes else "")
            self.rows.append(f'<tr><td class="in{min(depth, 4)}"><code>{names[field.name]}</code></td><td>{kind}</td>'
                             f"<td>{versions_text(field.versions, self.message.versions[1])}{self.bar(field.versions)}</td>"
                             f"<td>{about}</td></tr>")
            if field.struct is not None:
                self.add(field.struct, depth + 1)

    def text(self):
        self.add(self.message, 0)
        if not self.rows:
            return "<p>It has no fields.</p>"
        return ('<table class="fields"><thead><tr><th>field</th><th>type</th><th>versions</th><th>what it says</th></tr></thead><tbody>'
                + "".join(self.rows) + "</tbody></table>")


def facts_of(message, partner):
    first, last = message.versions
    found = []
    if message.key is not None:
        found.append(f"{'API key' if message.kind in ('request', 'response') else 'type'} {message.key}")
    found.append(f"version {first}" if first == last else f"versions {first} to {last}")
    if message.flexible_from is not None:
        found.append("flexible" if message.flexible_from <= first else f"flexible from {message.flexible_from} on")
    else:
        found.append("not flexible")
    if message.unstable is not None:
        found.append(f"version {message.unstable} is unstable: brokers offer it only if told to")
    if message.listeners:
        found.append("served by " + " and ".join(f"{name}s" for name in message.listeners))
    if partner is not None:
        name = naming.snake(partner.name)
        found.append(f'{"answered by" if message.kind == "request" else "answers"} <a href="#{name}"><code>{name}</code></a>')
    return "; ".join(found)


def meaning_of(message, rules):
    """The rows of docs/transcode.md about this message."""
    rows = []
    for name, path, kind, version, other, pairs, why in rules:
        if name == message.name:
            string = bool(path) and transcode_page.field_at(message, path).type == "string"
            rows.append(f"<tr><td>{f'<code>{path}</code>' if path else 'the message'}</td><td>"
                        f"{html.escape(transcode_page.rule_text(kind, version, other, pairs, string)).replace('`', '')}</td>"
                        f"<td>{html.escape(why)}</td></tr>")
    if not rows:
        return ""
    return ('<h3>Where versions differ in meaning</h3><p>What <code>transcode</code> does about it: '
            '<a href="../transcode.html">another version</a>.</p><table><thead><tr><th>field</th><th>what becomes of it</th><th>why</th></tr></thead><tbody>'
            + "".join(rows) + "</tbody></table>")


def page(stem, messages, words, secrets, rules):
    body = f"<h1>{heading_of(stem, messages)}</h1>"
    body += f"<p><code>#include &lt;kwire/messages/{stem}.hpp&gt;</code></p>"
    partners = {messages[0].name: messages[1], messages[1].name: messages[0]} \
        if len(messages) == 2 and messages[0].kind == "request" else {}
    for message in messages:
        name = naming.snake(message.name)
        body += f'<h2 id="{name}"><code>{name}</code></h2><p>{html.escape(words.get(message.name, ""))}</p>'
        body += f'<p class="facts">{facts_of(message, partners.get(message.name))}</p>'
        body += Table(message, words, secrets).text() + meaning_of(message, rules)
    return body


def add_pages(site):
    """Adds the pages and returns what is wrong: a message without words or without a page."""
    facts = load()
    words = generate.load_words(ROOT / "schema" / "words.txt")
    secrets = generate.load_words(ROOT / "schema" / "secrets.txt")
    rules = generate.meaning_rules(facts, generate.load_words(ROOT / "schema" / "meaning.txt"))
    problems = []
    groups = [[] for _ in GROUPS]
    for stem, messages in facts.items():
        address = f"catalogue/{stem}.html"
        title = heading_of(stem, messages)
        names = [naming.snake(message.name) for message in messages]
        site.add(address, title, page(stem, messages, words, secrets, rules),
                 "".join(f'<a href="#{name}">{name}</a>' for name in names))
        site.search.append((title, "messages", address))
        for message, name in zip(messages, names):
            site.names[name] = f"{address}#{name}"
            site.search.append((name, "message", f"{address}#{name}"))
            if message.name not in words:
                problems.append(f"schema/words.txt does not say what {message.name} is")
        number = next(i for i, (_, belongs) in enumerate(GROUPS) if belongs(messages[0]))
        groups[number].append((messages[0].key if messages[0].key is not None else -1, title, stem, messages))
    body = ("<h1>Catalogue of messages</h1><p>Every message that kwire knows, from Kafka "
            + " and ".join(release_names()) + ": its versions, its fields, and what they mean. "
            "The column <em>versions</em> says where a field is there; a field that the version of a message does not have shows its default. "
            'Types are those of the views; <code>data</code> structs own their strings and arrays. '
            'How the fields lie in the bytes: <a href="../how.html">how it works</a>.</p>')
    for (heading, _), entries in zip(GROUPS, groups):
        body += f"<h2>{heading}</h2><table><thead><tr><th>key</th><th>name</th><th>versions</th><th></th></tr></thead><tbody>"
        for key, title, stem, messages in sorted(entries, key=lambda entry: entry[:2]):
            first, last = messages[0].versions
            body += (f"<tr><td>{key if key >= 0 else ''}</td><td><a href=\"{stem}.html\">{title}</a></td>"
                     f"<td>{first if first == last else f'{first}–{last}'}</td><td>{html.escape(words.get(messages[0].name, ''))}</td></tr>")
        body += "</tbody></table>"
    site.add("catalogue/index.html", "Catalogue of messages", body)
    site.search.append(("Catalogue of messages", "page", "catalogue/index.html"))
    return problems


def release_names():
    lines = (ROOT / "schema" / "releases.txt").read_text(encoding="utf-8").splitlines()
    return sorted((line.split()[1] for line in lines if line.startswith(("newer ", "older "))), reverse=False)
