"""The message facts as plain objects, and the compact text that holds them.

    messages = model.load_directory("schema/messages")      # {file stem: [Message, ...]}
    for field in messages["fetch"][0].fields: print(field.name, field.versions)

A range is a tuple (first, last), both included. The text is described in README.md; parse() and write() are each
other's inverse.
"""

import dataclasses
import json
import pathlib
import re

Range = tuple[int, int]

KINDS = ("request", "response", "header", "metadata", "coordinator-key", "coordinator-value", "data")
INTEGERS = {"int8": (-(2**7), 2**7 - 1), "int16": (-(2**15), 2**15 - 1), "uint16": (0, 2**16 - 1),
            "int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-(2**63), 2**63 - 1)}
FIXED_SIZE = {"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8,
              "uuid": 16}
VARIABLE = ("string", "bytes", "records")
PRIMITIVES = (*FIXED_SIZE, *VARIABLE)


class SchemaError(Exception):
    """Facts that kwire does not understand or that contradict themselves."""


@dataclasses.dataclass
class Field:
    """One field of a message or struct.

    `type` is a primitive or, when `struct` is set, that struct's name; for arrays it is the element's type.
    `versions` is where the field occurs, clipped to what encloses it; `nullable` and `tagged` lie within it.
    `default` is a value of Python: int, bool, float, str, b"" (bytes, and 16 zeros for uuid), () for an empty array,
    {} for a struct of defaults, None for null. `ignorable` is the range of versions to write for which a value that
    the version cannot carry is dropped instead of refused; it is clipped to the message, not to the field.
    """

    name: str
    type: str
    versions: Range
    array: bool = False
    nullable: Range | None = None
    tag: int | None = None
    tagged: Range | None = None
    default: object = 0
    ignorable: Range | None = None
    map_key: bool = False
    key: bool = False  # what schema/keys.txt says where the schema has no map key: never in the text
    entity: str | None = None
    zero_copy: bool = False
    compact: bool = True  # False: the classic length prefix also in flexible versions (RequestHeader.ClientId)
    struct: "Struct | None" = None

    @property
    def implicit_default(self):
        """The default of a field for which the schema names none."""
        return implicit_default(self.type, self.array, self.struct is not None)


@dataclasses.dataclass
class Struct:
    """A struct within one message; `versions` spans all places that use it.

    A common struct is used at several places and is written before the message's fields; any other is written where its
    one field is.
    """

    name: str
    versions: Range
    fields: list[Field]
    common: bool = False


@dataclasses.dataclass
class Message:
    """One schema: `key` is the API key, or the record type of metadata and coordinator records, or None.

    `flexible_from` is the first flexible version that the message has, None where it has none. `unstable` is the
    version that brokers keep to themselves. `aliases` are further version numbers for the one layout that the message
    has (Kafka 3 numbered a coordinator key's version like its record type). `renamed` is the message that has this one's
    key now and speaks for it wherever a key is looked up. `common_structs` are in an order in which each precedes its
    users.
    """

    name: str
    kind: str
    key: int | None
    versions: Range
    flexible_from: int | None
    fields: list[Field]
    common_structs: list[Struct] = dataclasses.field(default_factory=list)
    unstable: int | None = None
    listeners: tuple[str, ...] = ()
    aliases: tuple[int, ...] = ()
    renamed: str | None = None

    def canonical(self, version: int) -> int:
        """The version whose layout this version number means."""
        return self.versions[0] if version in self.aliases else version

    def flexible(self, version: int) -> bool:
        return self.flexible_from is not None and version >= self.flexible_from

    def structs(self) -> list[Struct]:
        """All structs, each once and after the structs that its fields use."""
        found: list[Struct] = []

        def visit(fields):
            for field in fields:
                if field.struct is not None and not any(field.struct is s for s in found):
                    visit(field.struct.fields)
                    found.append(field.struct)

        for struct in self.common_structs:
            visit(struct.fields)
            if not any(struct is s for s in found):
                found.append(struct)
        visit(self.fields)
        return found

    def version_numbers(self) -> list[int]:
        """Every number under which a version of this message is known, aliases last."""
        return [*range(self.versions[0], self.versions[1] + 1), *self.aliases]


def implicit_default(type_: str, array: bool, is_struct: bool):
    if array:
        return ()
    if is_struct:
        return {}
    return {"bool": False, "float64": 0.0, "string": "", "bytes": b"", "records": None,
            "uuid": bytes(16)}.get(type_, 0)


def has(range_: Range | None, version: int) -> bool:
    """Whether the range holds the version; None is the empty range."""
    return range_ is not None and range_[0] <= version <= range_[1]


def intersect(a: Range | None, b: Range | None) -> Range | None:
    if a is None or b is None:
        return None
    first, last = max(a[0], b[0]), min(a[1], b[1])
    return (first, last) if first <= last else None


# ---------------------------------------------------------------------------------------------- writing the text


def range_text(range_: Range, last: int) -> str:
    """`N+` where the range reaches the message's last version, else `A-B` or `N`."""
    if range_[1] == last:
        return f"{range_[0]}+"
    return str(range_[0]) if range_[0] == range_[1] else f"{range_[0]}-{range_[1]}"


def default_text(field: Field) -> str:
    if field.default is None:
        return "null"
    if field.type == "string":
        return json.dumps(field.default)
    if field.type == "bool":
        return "true" if field.default else "false"
    if field.type in INTEGERS or field.type == "float64":
        return repr(field.default)
    raise SchemaError(f"{field.name}: the text has no form for the default {field.default!r} of a {field.type}")


def field_line(field: Field, message: Message) -> str:
    last = message.versions[1]
    parts = [f"{field.name}: {'[]' if field.array else ''}{field.type}", range_text(field.versions, last)]
    if field.tag is not None:
        parts.append(f"tag={field.tag}")
        if field.tagged != field.versions:
            parts.append(f"tagged={range_text(field.tagged, last)}")
    if field.nullable:
        parts.append(f"nullable={range_text(field.nullable, last)}")
    if field.default != field.implicit_default:
        parts.append(f"default={default_text(field)}")
    if field.ignorable:
        whole = field.ignorable == message.versions
        parts.append("ignorable" if whole else f"ignorable={range_text(field.ignorable, last)}")
    if field.map_key:
        parts.append("mapkey")
    if field.entity:
        parts.append(f"entity={field.entity}")
    if field.zero_copy:
        parts.append("zerocopy")
    if not field.compact:
        parts.append("compact=none")
    return " ".join(parts)


def write(message: Message) -> str:
    """The message as text, with a newline at the end."""
    parts = [message.kind, message.name]
    if message.key is not None:
        parts.append(f"key={message.key}")
    first, last = message.versions
    parts.append(f"versions={first}" if first == last else f"versions={first}-{last}")
    if message.aliases:
        parts.append(f"alias={','.join(map(str, message.aliases))}")
    parts.append("flexible=none" if message.flexible_from is None else f"flexible={message.flexible_from}+")
    if message.unstable is not None:
        parts.append(f"unstable={message.unstable}")
    if message.renamed is not None:
        parts.append(f"renamed={message.renamed}")
    if message.listeners:
        parts.append(f"listeners={','.join(message.listeners)}")
    lines = [" ".join(parts)]

    def put(fields, depth):
        for field in fields:
            lines.append("    " * depth + field_line(field, message))
            if field.struct is not None and not field.struct.common:
                put(field.struct.fields, depth + 1)

    for struct in message.common_structs:
        lines.append(f"    struct {struct.name} {range_text(struct.versions, last)}")
        put(struct.fields, 2)
    put(message.fields, 1)
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------------------- reading the text


def parse_range(text: str, last: int) -> Range:
    if not re.fullmatch(r"\d+(\+|-\d+)?", text):
        raise SchemaError(f"`{text}` is not a range of versions")
    if text.endswith("+"):
        found = (int(text[:-1]), last)
    elif "-" in text:
        first, _, end = text.partition("-")
        found = (int(first), int(end))
    else:
        found = (int(text), int(text))
    if not found[0] <= found[1] <= last:
        raise SchemaError(f"the range {text} is empty or ends after version {last}")
    return found


def parse_default(text: str, type_: str, array: bool, is_struct: bool):
    if text == "null":
        return None
    if not array and not is_struct:
        if type_ == "string":
            return json.loads(text)
        if type_ == "bool" and text in ("true", "false"):
            return text == "true"
        if type_ == "float64":
            return float(text)
        if type_ in INTEGERS:
            value = int(text)
            if not INTEGERS[type_][0] <= value <= INTEGERS[type_][1]:
                raise SchemaError(f"the default {text} does not fit into {type_}")
            return value
    raise SchemaError(f"`{text}` is not a default of {'[]' if array else ''}{type_}")


# A line's words; a quoted default may hold spaces.
WORD = re.compile(r'[^\s"]+(?:"(?:[^"\\]|\\.)*")?')


def _words(line: str) -> list[str]:
    words = WORD.findall(line)
    if "".join(words).replace(" ", "") != line.strip().replace(" ", ""):
        raise SchemaError("words cannot be told apart")
    return words


def _attributes(words: list[str], allowed: tuple[str, ...]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in allowed or name in found:
            raise SchemaError(f"unknown or repeated attribute `{word}`")
        found[name] = value if equals else None
    return found


class _Parser:
    def __init__(self, text: str, where: str):
        self.where = where
        self.lines = [(number, line) for number, line in enumerate(text.splitlines(), 1)
                      if line.strip() and not line.lstrip().startswith("#")]
        self.at = 0
        self.message: Message | None = None
        self.structs: dict[str, Struct] = {}

    def depth(self) -> int:
        if self.at == len(self.lines):
            return -1
        line = self.lines[self.at][1]
        spaces = len(line) - len(line.lstrip(" "))
        if spaces % 4:
            raise SchemaError("indentation is not a multiple of four spaces")
        return spaces // 4

    def messages(self) -> list[Message]:
        found = []
        try:
            while self.at < len(self.lines):
                if self.depth() != 0:
                    raise SchemaError("unexpected indentation")
                found.append(self.one_message())
        except (SchemaError, ValueError, KeyError) as error:
            number = self.lines[min(self.at, len(self.lines) - 1)][0]
            raise SchemaError(f"{self.where}:{number}: {error}") from error
        return found

    def one_message(self) -> Message:
        kind, name, *rest = _words(self.lines[self.at][1])
        if kind not in KINDS:
            raise SchemaError(f"unknown kind of message `{kind}`")
        given = _attributes(rest, ("key", "versions", "alias", "flexible", "unstable", "renamed",
                                   "listeners"))
        first, _, last = given["versions"].partition("-")
        versions = (int(first), int(last or first))
        flexible = None if given["flexible"] == "none" else parse_range(given["flexible"], versions[1])[0]
        self.message = Message(name, kind, int(given["key"]) if "key" in given else None, versions, flexible, [],
                               unstable=int(given["unstable"]) if "unstable" in given else None,
                               listeners=tuple(given["listeners"].split(",")) if "listeners" in given else (),
                               aliases=tuple(map(int, given["alias"].split(","))) if "alias" in given else (),
                               renamed=given.get("renamed"))
        if self.message.aliases and versions[0] != versions[1]:
            raise SchemaError("only a message with one version has aliases")
        self.structs = {}
        self.at += 1
        while self.depth() == 1 and self.lines[self.at][1].split()[0] == "struct":
            words = _words(self.lines[self.at][1])
            if len(words) != 3:
                raise SchemaError("a common struct is `struct NAME VERSIONS`")
            struct = Struct(words[1], parse_range(words[2], versions[1]), [], common=True)
            self.at += 1
            struct.fields = self.fields(2)
            self.add(struct)
            self.message.common_structs.append(struct)
        self.message.fields = self.fields(1)
        return self.message

    def add(self, struct: Struct):
        if struct.name in self.structs:
            raise SchemaError(f"struct {struct.name} is there twice")
        self.structs[struct.name] = struct

    def fields(self, depth: int) -> list[Field]:
        found: list[Field] = []
        while self.depth() == depth:
            field = self.one_field(depth)
            if any(field.name == other.name for other in found):
                raise SchemaError(f"field {field.name} is there twice")
            found.append(field)
        if self.depth() > depth:
            raise SchemaError("unexpected indentation")
        return found

    def one_field(self, depth: int) -> Field:
        message_versions = self.message.versions
        last = message_versions[1]
        name, type_, versions, *rest = _words(self.lines[self.at][1])
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*:", name):
            raise SchemaError(f"`{name}` is not a field name with a colon")
        array = type_.startswith("[]")
        type_ = type_.removeprefix("[]")
        is_struct = type_ not in PRIMITIVES
        given = _attributes(rest, ("tag", "tagged", "nullable", "default", "ignorable", "mapkey", "entity", "zerocopy",
                                   "compact"))
        field = Field(name[:-1], type_, parse_range(versions, last), array)
        if "tag" in given:
            field.tag = int(given["tag"])
            field.tagged = parse_range(given["tagged"], last) if "tagged" in given else field.versions
        if "nullable" in given:
            field.nullable = parse_range(given["nullable"], last)
        field.default = (parse_default(given["default"], type_, array, is_struct) if "default" in given
                         else implicit_default(type_, array, is_struct))
        if "ignorable" in given:
            field.ignorable = message_versions if given["ignorable"] is None else parse_range(given["ignorable"], last)
        field.map_key = "mapkey" in given
        field.entity = given.get("entity")
        field.zero_copy = "zerocopy" in given
        if "compact" in given and given["compact"] != "none":
            raise SchemaError("compact is only ever `none`")
        field.compact = "compact" not in given
        self.at += 1
        if is_struct:
            if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", type_):
                raise SchemaError(f"unknown type `{type_}`")
            if type_ in self.structs and self.depth() <= depth:
                field.struct = self.structs[type_]
                if not field.struct.common:
                    raise SchemaError(f"struct {type_} is used twice but is not before the fields")
            else:
                if self.depth() <= depth:
                    raise SchemaError(f"struct {type_} has no fields")
                field.struct = Struct(type_, field.versions, [])
                self.add(field.struct)
                field.struct.fields = self.fields(depth + 1)
        return field


def parse(text: str, where: str = "text") -> list[Message]:
    """All messages of one file; raises SchemaError with the line's number."""
    return _Parser(text, where).messages()


def load_directory(directory) -> dict[str, list[Message]]:
    """Every file's messages by the file's stem, sorted."""
    return {path.stem: parse(path.read_text(encoding="utf-8"), str(path))
            for path in sorted(pathlib.Path(directory).glob("*.txt"))}
