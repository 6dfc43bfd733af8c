"""What a schema means at one version, computed from Kafka's JSON without the importer's range arithmetic.

layout_of_raw() and layout_of() must agree for every version that a release decides: that is the check of an import.
Comparing layout_of_raw() of two releases gives what they say differently about one version.
"""

import dataclasses

import kafka_json
from kafka_json import parse_bool, parse_int, parse_versions
from model import PRIMITIVES, Field, Message, SchemaError, has


@dataclasses.dataclass
class Entry:
    """One field that is present; `inner` is None for primitives."""

    name: str
    type: str  # "struct" for every struct
    array: bool
    nullable: bool
    tag: int | None
    default: object
    compact: bool
    hints: tuple  # no effect on the wire: (map key, entity type, zero copy)
    ignorable: bool
    struct: str | None
    inner: "Layout | None"


@dataclasses.dataclass
class Layout:
    present: list[Entry]
    absent: dict[str, bool]  # fields that this version lacks, and whether they are ignorable


def layout_of_raw(raw: dict, version: int) -> Layout:
    structs = {struct["name"]: struct["fields"] for struct in raw.get("commonStructs", [])}

    def walk(fields) -> Layout:
        found = Layout([], {})
        for field in fields:
            type_, array = kafka_json.parse_type(field["type"])
            ignorable = parse_bool(field.get("ignorable", False))
            if not has(kafka_json.field_versions(field), version):
                found.absent[field["name"]] = ignorable
                continue
            is_struct = type_ not in PRIMITIVES
            tagged = has(parse_versions(field.get("taggedVersions", "none")), version)
            found.present.append(Entry(
                field["name"], "struct" if is_struct else type_, array,
                has(parse_versions(field.get("nullableVersions", "none")), version),
                parse_int(field["tag"]) if tagged else None,
                kafka_json.parse_default(field, type_, array, is_struct), "flexibleVersions" not in field,
                (parse_bool(field.get("mapKey", False)), field.get("entityType"),
                 parse_bool(field.get("zeroCopy", False))),
                ignorable, type_ if is_struct else None,
                walk(field["fields"] if "fields" in field else structs[type_]) if is_struct else None))
        return found

    return walk(raw["fields"])


def layout_of(message: Message, version: int) -> Layout:
    version = message.canonical(version)

    def entry(field: Field) -> Entry:
        return Entry(field.name, "struct" if field.struct else field.type, field.array, has(field.nullable, version),
                     field.tag if has(field.tagged, version) else None, field.default, field.compact,
                     (field.map_key, field.entity, field.zero_copy), has(field.ignorable, version),
                     field.struct.name if field.struct else None, walk(field.struct.fields) if field.struct else None)

    def walk(fields) -> Layout:
        return Layout([entry(field) for field in fields if has(field.versions, version)],
                      {field.name: has(field.ignorable, version) for field in fields
                       if not has(field.versions, version)})

    return walk(message.fields)


WIRE = ("name", "type", "array", "nullable", "tag", "default", "compact")


def check_layout(expected: Layout, found: Layout, where: str, with_hints: bool):
    """Raises SchemaError unless a merged message says of one version what the deciding release says."""
    names = [entry.name for entry in expected.present]
    if names != [entry.name for entry in found.present]:
        raise SchemaError(f"{where}: the fields should be {names}, not {[entry.name for entry in found.present]}")
    for want, have in zip(expected.present, found.present):
        for what in (*WIRE, "hints") if with_hints else WIRE:
            if getattr(want, what) != getattr(have, what) or type(want.default) is not type(have.default):
                raise SchemaError(f"{where}.{want.name}: {what} should be {getattr(want, what)!r}, "
                                  f"not {getattr(have, what)!r}")
        if want.inner is not None:
            check_layout(want.inner, have.inner, f"{where}.{want.name}", with_hints)
    for name, ignorable in expected.absent.items():
        # A field that no version has is missing from the merged message; no one can set it.
        if found.absent.get(name, ignorable) != ignorable:
            raise SchemaError(f"{where}.{name}: ignorable should be {ignorable}")


# -------------------------------------------------------------------------------------------- two releases


def _word(value) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return "empty" if value in ((), {}, "") else str(value)


def _names(entries) -> str:
    return " ".join(sorted(entry.name for entry in entries)) or "nothing"


def _layout_differences(older: Layout, newer: Layout, path: str):
    """Yields (kind, path, older, newer)."""
    def at(name):
        return f"{path}.{name}" if path else name

    untagged = [[entry for entry in layout.present if entry.tag is None] for layout in (older, newer)]
    tagged = [{entry.tag: entry for entry in layout.present if entry.tag is not None} for layout in (older, newer)]
    pairs = [(tagged[0][tag], tagged[1][tag]) for tag in sorted(set(tagged[0]) & set(tagged[1]))]
    for tag in sorted(set(tagged[0]) ^ set(tagged[1])):
        one = [entries[tag].name if tag in entries else "nothing" for entries in tagged]
        yield "tag", at(str(tag)), one[0], one[1]
    shapes = [[(entry.type, entry.array) for entry in entries] for entries in untagged]
    if shapes[0] == shapes[1]:
        pairs += list(zip(*untagged))
    else:
        names = [{entry.name for entry in entries} for entries in untagged]
        only = [[entry for entry in untagged[i] if entry.name not in names[1 - i]] for i in (0, 1)]
        yield "layout", path or "-", _names(only[0]), _names(only[1])
        by_name = {entry.name: entry for entry in untagged[1]}
        pairs += [(entry, by_name[entry.name]) for entry in untagged[0] if entry.name in by_name]
    for old, new in pairs:
        for what in (*WIRE, "ignorable", "hints"):
            if getattr(old, what) != getattr(new, what):
                say = _hints if what == "hints" else lambda entry: _word(getattr(entry, what))
                yield what, at(old.name), say(old), say(new)
        if old.inner is not None and new.inner is not None:
            yield from _layout_differences(old.inner, new.inner, at(new.name))


def _versions_text(versions: list[int]) -> str:
    if versions == list(range(versions[0], versions[-1] + 1)) and len(versions) > 1:
        return f"v{versions[0]}-{versions[-1]}"
    return "v" + ",".join(map(str, versions))


def differences(older: dict[str, dict], newer: dict[str, dict], older_messages: dict[str, Message],
                newer_messages: dict[str, Message], older_name: str, newer_name: str) -> list[str]:
    """One line for each thing that the releases say differently, as schema/decisions.md quotes them:

    `kind message path versions: older -> newer`, with `-` for no path.
    """
    found: list[str] = []
    for name in sorted(set(older_messages) & set(newer_messages)):
        old, new = older_messages[name], newer_messages[name]
        for what in ("kind", "key"):
            if getattr(old, what) != getattr(new, what):
                found.append(f"{what} {name} - all: {_word(getattr(old, what))} -> {_word(getattr(new, what))}")
        common = [version for version in old.version_numbers() if has(new.versions, version)]
        by_line: dict[tuple, list[int]] = {}
        for version in common:
            lines = _layout_differences(layout_of_raw(older[name], version), layout_of_raw(newer[name], version), "")
            for line in dict.fromkeys(lines):
                by_line.setdefault(line, []).append(version)
            if old.flexible(version) != new.flexible(version):
                by_line.setdefault(("flexible", "-", _word(old.flexible(version)), _word(new.flexible(version))),
                                   []).append(version)
        for (kind, path, was, is_), versions in by_line.items():
            found.append(f"{kind} {name} {path} {_versions_text(versions)}: {was} -> {is_}")
        for version in old.version_numbers():
            if new.kind == "coordinator-key" and version not in common:
                found.append(f"alias {name} - v{version}: {version} -> {new.versions[0]}")
            elif version not in common:
                # A version that the newer release lacks, with hints that it gives for other versions of the field.
                for path, was, is_ in _hint_differences(layout_of_raw(older[name], version),
                                                        layout_of_raw(newer[name], new.versions[0]), ""):
                    found.append(f"hints {name} {path} v{version}: {was} -> {is_}")
    keyed: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for release, messages in ((older_name, older_messages), (newer_name, newer_messages)):
        for message in messages.values():
            if message.key is not None and message.kind in ("request", "response"):
                keyed.setdefault((message.kind, message.key), set()).add((message.name, release))
    for (kind, key), users in keyed.items():
        if len({name for name, _ in users}) > 1:
            old, new = ("/".join(sorted(name for name, release in users if release == which))
                        for which in (older_name, newer_name))
            found.append(f"twin {kind} key {key}: {old} -> {new}")
    return found


def _hint_differences(older: Layout, newer: Layout, path: str):
    new = {entry.name: entry for entry in newer.present}
    for old in older.present:
        if old.name in new:
            at = f"{path}.{old.name}" if path else old.name
            if old.hints != new[old.name].hints:
                yield at, _hints(old), _hints(new[old.name])
            if old.inner is not None and new[old.name].inner is not None:
                yield from _hint_differences(old.inner, new[old.name].inner, at)


def _hints(entry: Entry) -> str:
    map_key, entity, zero_copy = entry.hints
    words = [word for word, on in (("mapkey", map_key), (entity, entity), ("zerocopy", zero_copy)) if on]
    return " ".join(words) or "none"
