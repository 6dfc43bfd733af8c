"""Reads Kafka's message schemas (JSON with comments and loosely typed scalars) into model.Message.

Every range that comes out is effective: clipped to the message, to what encloses a field and to the struct's own
versions. Whatever this file does not know is refused, so that a new construct in a Kafka release is noticed.
"""

import json
import math
import re
import zipfile

from model import (FIXED_SIZE, INTEGERS, KINDS, PRIMITIVES, Field, Message, Range, SchemaError, Struct, has,
                   implicit_default, intersect)

OPEN_END = 32767

MESSAGE_KEYS = {"type", "name", "apiKey", "validVersions", "flexibleVersions", "fields", "listeners", "commonStructs",
                "deprecatedVersions", "latestVersionUnstable", "about"}
STRUCT_KEYS = {"name", "versions", "fields", "about"}
FIELD_KEYS = {"name", "type", "versions", "fields", "default", "entityType", "nullableVersions", "ignorable", "mapKey",
              "taggedVersions", "tag", "zeroCopy", "flexibleVersions", "about"}
SCHEMA_FOLDERS = ("common/message/", "common/metadata/", "message/")


# ------------------------------------------------------------------------------------------------------- the JSON


def without_comments(text: str) -> str:
    """The JSON with its // and /* */ comments blanked; the same marks inside strings stay."""
    token = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
    return token.sub(lambda match: match[0] if match[0].startswith('"') else " ", text)


def _object(pairs):
    found = {}
    for key, value in pairs:
        # Jackson takes the last of two equal keys; with equal values it does not matter which.
        if key in found and found[key] != value:
            raise SchemaError(f"the key {key} is there twice with different values")
        found[key] = value
    return found


def parse_json(text: str) -> dict:
    try:
        found = json.loads(without_comments(text), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise SchemaError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise SchemaError("not a JSON object")
    return found


def read_jars(paths) -> dict[str, dict]:
    """Every schema in the jars by message name, as plain JSON objects."""
    found: dict[str, dict] = {}
    for path in paths:
        with zipfile.ZipFile(path) as jar:
            for entry in sorted(name for name in jar.namelist() if name.endswith(".json")):
                where = f"{path.name}:{entry}"
                if not entry.startswith(SCHEMA_FOLDERS):
                    raise SchemaError(f"{where}: a JSON file outside the folders where schemas are known to be")
                try:
                    raw = parse_json(jar.read(entry).decode("utf-8"))
                    name = raw["name"]
                except (SchemaError, KeyError) as error:
                    raise SchemaError(f"{where}: {error}") from error
                if found.setdefault(name, raw) != raw:
                    raise SchemaError(f"{where}: another schema of the name {name} is in the same release")
    return found


# -------------------------------------------------------------------------------------- loosely typed scalars


def parse_versions(value) -> Range | None:
    """`none`, `3`, `3-5` or `3+`."""
    text = str(value)
    if text == "none":
        return None
    match = re.fullmatch(r"(\d+)(?:(\+)|-(\d+))?", text)
    if not match:
        raise SchemaError(f"`{text}` is not a range of versions")
    first = int(match[1])
    last = OPEN_END if match[2] else int(match[3] or first)
    if last < first:
        raise SchemaError(f"the range {text} ends before it begins")
    return first, last


def parse_bool(value) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise SchemaError(f"`{value}` is neither true nor false")
    return text == "true"


def parse_int(value) -> int:
    """A decimal or 0x number, also in quotes; a leading zero would be octal in one place of Kafka and is refused."""
    text = str(value)
    if not re.fullmatch(r"-?(0|[1-9]\d*)|-?0[xX][0-9a-fA-F]+", text) or isinstance(value, bool):
        raise SchemaError(f"`{value}` is not an integer")
    return int(text, 16 if "x" in text.lower() else 10)


def parse_default(raw: dict, type_: str, array: bool, is_struct: bool):
    """The default value; JSON's null means that none is given, the text "null" means null."""
    given = raw.get("default")
    if given is None or (given == "" and not (type_ == "string" and not array)):
        return implicit_default(type_, array, is_struct)
    if given == "null" and (array or is_struct or type_ in ("string", "bytes", "records")):
        return None
    if not array and not is_struct:
        if type_ == "string":
            return str(given)
        if type_ == "bool":
            return parse_bool(given)
        if type_ == "float64":
            value = float(given)
            if math.isfinite(value):
                return value
        if type_ in INTEGERS:
            value = parse_int(given)
            if not INTEGERS[type_][0] <= value <= INTEGERS[type_][1]:
                raise SchemaError(f"the default {given} does not fit into {type_}")
            return value
    raise SchemaError(f"`{given}` is not a default of {'[]' if array else ''}{type_}")


def parse_type(value: str) -> tuple[str, bool]:
    """(element type, whether it is an array)"""
    array = value.startswith("[]")
    type_ = value.removeprefix("[]")
    if type_ not in PRIMITIVES and not re.fullmatch(r"[A-Z][A-Za-z0-9]*", type_):
        raise SchemaError(f"unknown type `{value}`")
    if array and type_ == "records":
        raise SchemaError("an array of records has no encoding")
    return type_, array


def _known_keys(raw: dict, known: set[str], what: str):
    unknown = set(raw) - known
    if unknown:
        raise SchemaError(f"{what} has attributes that the importer does not know: {', '.join(sorted(unknown))}")


# ------------------------------------------------------------------------------------------------------ messages


def load(raw: dict) -> Message | None:
    """The message with effective ranges; None where Kafka only keeps the key occupied (validVersions none)."""
    try:
        _known_keys(raw, MESSAGE_KEYS, "the message")
        versions = parse_versions(raw["validVersions"])
        if versions is None:
            return None
        if versions[1] == OPEN_END:
            raise SchemaError("validVersions is open-ended")
        return _Loader(raw, versions).load()
    except SchemaError as error:
        raise SchemaError(f"{raw.get('name')}: {error}") from error


class _Loader:
    def __init__(self, raw: dict, versions: Range):
        self.raw = raw
        self.versions = versions
        self.declared: dict[str, tuple[Range, list[dict]]] = {}  # struct name -> (versions, raw fields)
        self.spans: dict[str, Range] = {}
        self.built: dict[str, Struct] = {}

    def load(self) -> Message:
        raw = self.raw
        kind = raw["type"]
        if kind not in KINDS:
            raise SchemaError(f"unknown kind of message `{kind}`")
        flexible = parse_versions(raw["flexibleVersions"])
        if flexible is not None and flexible[1] != OPEN_END:
            raise SchemaError("flexibleVersions is bounded")
        self.flexible = intersect(flexible, self.versions)
        for struct in raw.get("commonStructs", []):
            _known_keys(struct, STRUCT_KEYS, f"struct {struct['name']}")
            self.declare(struct["name"], parse_versions(struct["versions"]), struct["fields"])
        self.collect(raw["fields"])
        for struct in raw.get("commonStructs", []):
            self.collect(struct["fields"])
        self.span(raw["fields"], self.versions, ())
        fields = self.fields(raw["fields"], self.versions)
        unstable = parse_bool(raw.get("latestVersionUnstable", False))
        message = Message(raw["name"], kind, parse_int(raw["apiKey"]) if "apiKey" in raw else None, self.versions,
                          self.flexible[0] if self.flexible else None, fields, [],
                          self.versions[1] if unstable else None, tuple(raw.get("listeners", ())))
        check(message)
        return message

    def declare(self, name: str, versions: Range, fields: list[dict]):
        if name in self.declared:
            raise SchemaError(f"struct {name} is there twice")
        self.declared[name] = (versions, fields)

    def collect(self, fields: list[dict]):
        for raw in fields:
            if "fields" in raw:
                type_, _ = parse_type(raw["type"])
                if type_ in PRIMITIVES:
                    raise SchemaError(f"{raw['name']}: a {type_} has no fields")
                self.declare(type_, field_versions(raw), raw["fields"])
                self.collect(raw["fields"])

    def span(self, fields: list[dict], within: Range, path: tuple[str, ...]):
        """Where each struct occurs, over all its uses."""
        for raw in fields:
            type_, _ = parse_type(raw["type"])
            versions = intersect(field_versions(raw), within)
            if type_ in PRIMITIVES or versions is None:
                continue
            if type_ not in self.declared:
                raise SchemaError(f"{raw['name']}: unknown type `{type_}`")
            if type_ in path:
                raise SchemaError(f"struct {type_} contains itself")
            declared, inner = self.declared[type_]
            if intersect(declared, versions) != versions:
                raise SchemaError(f"{raw['name']}: struct {type_} lacks versions of its field")
            before = self.spans.get(type_, versions)
            self.spans[type_] = (min(before[0], versions[0]), max(before[1], versions[1]))
            self.span(inner, versions, (*path, type_))

    def fields(self, fields: list[dict], within: Range) -> list[Field]:
        found = []
        for raw in fields:
            try:
                field = self.field(raw, within)
            except SchemaError as error:
                raise SchemaError(f"{raw.get('name')}: {error}") from error
            if field is not None:
                found.append(field)
        return found

    def field(self, raw: dict, within: Range) -> Field | None:
        _known_keys(raw, FIELD_KEYS, "the field")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", raw["name"]):
            raise SchemaError("the name holds more than letters and digits")
        type_, array = parse_type(raw["type"])
        is_struct = type_ not in PRIMITIVES
        declared = field_versions(raw)
        versions = intersect(declared, within)
        if versions is None:
            return None
        field = Field(raw["name"], type_, versions, array)
        field.default = parse_default(raw, type_, array, is_struct)
        nullable = parse_versions(raw.get("nullableVersions", "none"))
        if nullable and not (array or is_struct or type_ in ("string", "bytes", "records")):
            raise SchemaError(f"a {type_} cannot be null")
        if field.default is None and field.default != field.implicit_default and \
                intersect(nullable, declared) != declared:
            raise SchemaError("null is the default but not every version allows it")
        field.nullable = intersect(nullable, versions)
        if ("tag" in raw) != ("taggedVersions" in raw):
            raise SchemaError("tag and taggedVersions come together")
        if "tag" in raw:
            tagged = parse_versions(raw["taggedVersions"])
            if tagged is None or tagged[1] != OPEN_END or type_ == "records":
                raise SchemaError("taggedVersions is bounded or the type cannot be tagged")
            field.tagged = intersect(tagged, versions)
            if intersect(field.tagged, self.flexible) != field.tagged:
                raise SchemaError("tagged in a version that is not flexible")
            field.tag = parse_int(raw["tag"]) if field.tagged else None
            if field.tagged and field.nullable and intersect(field.nullable, field.tagged) != field.tagged:
                raise SchemaError("some tagged versions are nullable and some are not")
        if parse_bool(raw.get("ignorable", False)):
            field.ignorable = self.versions
        field.map_key = parse_bool(raw.get("mapKey", False))
        field.entity = raw.get("entityType")
        field.zero_copy = parse_bool(raw.get("zeroCopy", False))
        if "flexibleVersions" in raw:
            if raw["flexibleVersions"] != "none" or type_ not in ("string", "bytes") or array:
                raise SchemaError("flexibleVersions of a field is only known as `none` on string and bytes")
            field.compact = False
        if is_struct:
            field.struct = self.struct(type_)
        return field

    def struct(self, name: str) -> Struct:
        if name not in self.built:
            span = self.spans[name]
            self.built[name] = Struct(name, span, self.fields(self.declared[name][1], span))
        return self.built[name]


def field_versions(raw: dict) -> Range:
    """A field without versions has those in which it is tagged."""
    found = parse_versions(raw["versions"] if "versions" in raw else raw["taggedVersions"])
    if found is None:
        raise SchemaError(f"{raw['name']}: the field occurs in no version")
    return found


# ------------------------------------------------------------------------------------------- rules of a message


def uses_of(message: Message) -> dict[str, int]:
    """How many fields use each struct, structs that are used themselves counting once."""
    counts: dict[str, int] = {}

    def visit(fields):
        for field in fields:
            if field.struct is not None:
                counts[field.struct.name] = counts.get(field.struct.name, 0) + 1
                if counts[field.struct.name] == 1:
                    visit(field.struct.fields)

    visit(message.fields)
    return counts


def tidy(message: Message):
    """Marks the structs with more than one use as common, and lists them, users last."""
    counts = uses_of(message)
    message.common_structs = []
    ordered = message.structs()
    for struct in ordered:
        struct.common = counts[struct.name] > 1
    message.common_structs = [struct for struct in ordered if struct.common]


def smallest_size(fields: list[Field], version: int, flexible: bool) -> int:
    """A lower bound of the bytes that the fields take; what matters is whether it is zero."""
    size = 1 if flexible else 0
    for field in fields:
        if has(field.versions, version) and not has(field.tagged, version):
            if field.struct is not None and not field.array and not has(field.nullable, version):
                size += smallest_size(field.struct.fields, version, flexible)
            else:
                size += FIXED_SIZE.get(field.type, 1)
    return size


def check(message: Message):
    """The rules that hold for each schema and for the union of several; also puts the structs in order."""
    tidy(message)
    for place in [message, *message.structs()]:
        names = [field.name.lower() for field in place.fields]
        if len(set(names)) != len(names):
            raise SchemaError(f"two fields of {place.name} differ in nothing but case")
        tags = sorted(field.tag for field in place.fields if field.tag is not None)
        if tags != list(range(len(tags))):
            raise SchemaError(f"the tags of {place.name} do not run from 0 without gaps: {tags}")
        for field in place.fields:
            if field.map_key and field.tag is not None:
                raise SchemaError(f"{field.name}: a tagged field cannot be a map key")
            if not field.array or field.struct is None:
                continue
            for version in range(field.versions[0], field.versions[1] + 1):
                # Every check of a count against the bytes left rests on elements of at least one byte.
                if smallest_size(field.struct.fields, version, message.flexible(version)) == 0:
                    raise SchemaError(f"{field.name}: an element takes no byte in version {version}")
