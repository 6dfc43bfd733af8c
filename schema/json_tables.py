"""The whole schema as JSON, for readers in other languages: `generate.py --json`. docs/tables.md says what it holds."""

import json
import math

import model

FORMAT = 1  # of the JSON: grows when a reader of the older one would be wrong


def default_of(field):
    """A value of JSON: binary values are hex, null is null."""
    if isinstance(field.default, bytes):
        return field.default.hex()
    if isinstance(field.default, tuple):
        return []
    if isinstance(field.default, float) and not math.isfinite(field.default):
        raise SystemExit(f"{field.name}: JSON has no form for the default {field.default}")
    return field.default


def versions(range_):
    return list(range_)


def layout(place, message, version):
    """The fields before the first of variable size, and their offsets in the struct."""
    found, offset = [], 0
    for field in place.fields:
        if not model.has(field.versions, version) or model.has(field.tagged, version):
            continue
        size = size_of(field, message, version)
        if size is None:
            return {"fixed": found, "then": field.name, "size": None}
        found.append({"name": field.name, "offset": offset, "size": size})
        offset += size
    return {"fixed": found, "then": None, "size": None if message.flexible(version) else offset}


def size_of(field, message, version):
    """How many bytes the field takes at this version, whatever its value; None if that depends on the value."""
    if field.array or model.has(field.nullable, version):
        return None
    return layout(field.struct, message, version)["size"] if field.struct is not None else model.FIXED_SIZE.get(field.type)


def layouts(place, message, range_):
    """The layout of each version, one entry for each run of versions that lie alike."""
    found = []
    for version in range(range_[0], range_[1] + 1):
        one = layout(place, message, version)
        if found and {key: found[-1][key] for key in one} == one:
            found[-1]["versions"][1] = version
        else:
            found.append({"versions": [version, version], **one})
    return found


def field_row(field):
    row = {"name": field.name, "type": field.type, "array": field.array, "versions": versions(field.versions)}
    if field.struct is not None:
        row["struct"] = True
    if field.tag is not None:
        row["tag"] = field.tag
        row["taggedVersions"] = versions(field.tagged)
    if field.nullable is not None:
        row["nullableVersions"] = versions(field.nullable)
    row["default"] = default_of(field)
    if field.ignorable is not None:
        row["ignorableVersions"] = versions(field.ignorable)
    if field.map_key or field.key:
        row["key"] = True
    if field.entity:
        row["entity"] = field.entity
    if not field.compact:
        row["neverCompact"] = True
    return row


def struct_row(place, message):
    return {"fields": [field_row(field) for field in place.fields], "layouts": layouts(place, message, place.versions)}


def message_row(message):
    row = {"name": message.name, "kind": message.kind, "versions": versions(message.versions)}
    if message.key is not None:
        row["apiKey" if message.kind in ("request", "response") else "recordType"] = message.key
    if message.aliases:
        row["aliases"] = list(message.aliases)
    row["flexibleVersions"] = None if message.flexible_from is None else [message.flexible_from, message.versions[1]]
    if message.unstable is not None:
        row["unstableVersion"] = message.unstable
    if message.renamed is not None:
        row["renamedTo"] = message.renamed
    if message.listeners:
        row["listeners"] = list(message.listeners)
    row |= struct_row(message, message)
    row["structs"] = {struct.name: struct_row(struct, message) for struct in message.structs()}
    return row


def text(facts, stems=None):
    """The messages of the files of facts, or of all, as JSON: one line for each message."""
    chosen = facts if stems is None else list(dict.fromkeys(stems))
    for stem in chosen:
        if stem not in facts:
            raise SystemExit(f"schema/messages has no {stem}.txt")
    messages = [json.dumps(message_row(message), ensure_ascii=False) for stem in chosen for message in facts[stem]]
    return f'{{"format": {FORMAT}, "messages": [\n' + ",\n".join(messages) + "\n]}\n"
