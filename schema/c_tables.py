"""A header of C that finds the fields of some messages in the first bytes of a frame, without kwire: `generate.py --c`.

Each version of a message becomes a program: one operation for each thing that lies on the wire. Versions that lie alike
share one. The functions that read them are in c_tables.h.in. docs/tables.md says how the header is used.
"""

import dataclasses
import fnmatch
import pathlib

import model
import naming

TEMPLATE = pathlib.Path(__file__).resolve().parent / "c_tables.h.in"
HEADERS = ("request_header", "response_header")
API_VERSIONS = 18  # the API whose response has the first header in all versions, so that any client can read it
NO_VERSION = 255


@dataclasses.dataclass
class Op:
    """One operation. `jump` is the position of another operation within the program."""

    kind: str
    field: int = 0
    jump: int = 0
    size: int = 0
    width: int = 0
    nullable: bool = False


def constant(*names):
    return "_".join(["KWIRE", *(naming.snake(name).upper() for name in names)])


class Names:
    """The constants of the header, each with one meaning."""

    def __init__(self):
        self.meanings = {}

    def add(self, name, meaning):
        if self.meanings.setdefault(name, meaning) != meaning:
            raise SystemExit(f"{name} would mean both {self.meanings[name]} and {meaning}")
        return name


class Fields:
    """The numbers of the fields that the header reports."""

    def __init__(self, names, patterns):
        self.names = names
        self.patterns = patterns
        self.found = {}  # path -> (constant, number, comment)
        self.used = set()

    def number(self, path, comment):
        """The field's number, or 0 if not asked for."""
        dotted = ".".join(path)
        hits = [pattern for pattern in self.patterns if fnmatch.fnmatchcase(dotted, pattern)]
        if self.patterns and not hits and path[0] not in ("RequestHeader", "ResponseHeader"):
            return 0
        self.used |= set(hits)
        if path not in self.found:
            name = self.names.add(constant(*path), dotted)
            self.found[path] = (name, len(self.found) + 1, comment)
        return self.found[path][1]

    def of(self, field, path):
        """The numbers of the field itself and of its elements, 0 for what is not reported."""
        path = (*path, field.name)
        itself = element = 0
        if field.array or field.struct is None or field.nullable is not None:
            itself = self.number(path, ("array of " if field.array else "") + field.type)
        if field.array and field.type in model.VARIABLE:
            element = self.number((*path, "Element"), field.type)
        return itself, element

    def declare(self, fields, path):
        """Numbers the fields in the schema's order."""
        for field in fields:
            self.of(field, path)
            if field.struct is not None:
                self.declare(field.struct.fields, (*path, field.name))


class Program:
    """What lies on the wire in one version of a message."""

    def __init__(self, message, version, fields):
        self.flexible = message.flexible(version)
        self.version = version
        self.fields = fields
        self.ops = []
        self.depth = self.deepest = 0
        self.skipped = 0
        self.struct(message.fields, (message.name,))
        self.add("DONE")

    def add(self, kind, **what):
        self.here()
        self.ops.append(Op(kind, **what))
        return self.ops[-1]

    def here(self):
        """Where the next operation will be, for jumps. Bytes to skip before it become an operation before."""
        if self.skipped:
            skipped, self.skipped = self.skipped, 0
            self.ops.append(Op("FIXED", size=skipped))
        return len(self.ops)

    def enter(self):
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)

    def leave(self):
        self.depth -= 1

    def struct(self, fields, path):
        there = [field for field in fields if model.has(field.versions, self.version)]
        for field in there:
            if not model.has(field.tagged, self.version):
                self.value(field, path, tagged=False)
        if self.flexible:
            self.tags([field for field in there if model.has(field.tagged, self.version)], path)

    def value(self, field, path, tagged):
        number, element = self.fields.of(field, path)
        path = (*path, field.name)
        nullable = model.has(field.nullable, self.version)
        compact = self.flexible and field.compact
        if field.array:
            width = 0 if compact else 4
            if field.type in model.FIXED_SIZE:
                self.add("PACKED", field=number, width=width, nullable=nullable, size=model.FIXED_SIZE[field.type])
                return
            array = self.add("ARRAY", field=number, width=width, nullable=nullable)
            start = self.here()
            self.enter()
            if field.struct is not None:
                self.struct(field.struct.fields, path)
            else:
                self.bytes(field, element, False, compact)
            self.add("NEXT", jump=start)
            self.leave()
            array.jump = self.here()
        elif field.struct is not None:
            marker = self.add("STRUCT", field=number, width=0 if tagged else 1) if nullable else None
            self.struct(field.struct.fields, path)
            if marker:
                marker.jump = self.here()
        elif field.type in model.VARIABLE:
            self.bytes(field, number, nullable, compact)
        elif number == 0:
            self.skipped += model.FIXED_SIZE[field.type]
        elif field.type in ("uuid", "float64"):
            self.add("FIXED", field=number, size=model.FIXED_SIZE[field.type])
        else:
            kind = "UNSIGNED" if field.type in ("uint16", "uint32", "bool") else "SIGNED"
            self.add(kind, field=number, width=model.FIXED_SIZE[field.type])

    def bytes(self, field, number, nullable, compact):
        kind, width = ("STRING", 2) if field.type == "string" else ("BYTES", 4)
        self.add(kind, field=number, width=0 if compact else width, nullable=nullable)

    def tags(self, fields, path):
        tags = self.add("TAGS")
        self.enter()
        room = max((field.tag + 1 for field in fields), default=0)
        loop = self.here()
        tag = self.add("TAG", size=room)
        table = [self.add("CASE") for _ in range(room)]
        self.enter()
        for field in fields:
            table[field.tag].jump = self.here()
            self.value(field, path, tagged=True)
            self.add("TAG_END", jump=loop)
        self.leave()
        self.leave()
        tags.jump = tag.jump = self.here()


def messages_of(stems, facts):
    """The messages of the files, those of the frames' headers first."""
    for stem in stems:
        if stem not in facts:
            raise SystemExit(f"schema/messages has no {stem}.txt; --c takes names such as fetch or offset_commit")
    chosen = [*HEADERS, *(stem for stem in dict.fromkeys(stems) if stem not in HEADERS)]
    return [message for stem in chosen for message in facts[stem]]


def apis_of(facts):
    """Every API's name, number, first flexible version of its requests and that of its responses."""
    found = {}
    for messages in facts.values():
        for message in messages:
            if message.kind in ("request", "response") and message.renamed is None:
                first = NO_VERSION if message.flexible_from is None else message.flexible_from
                found.setdefault(message.key, {})[message.kind] = (message, first)
    return [found[key] for key in range(len(found))]


def rows(values, indent="    ", width=120):
    """The values as lines, as many to a line as fit."""
    lines = [indent]
    for value in values:
        if len(lines[-1]) + len(value) + 1 > width:
            lines[-1] = lines[-1].rstrip()
            lines.append(indent)
        lines[-1] += value + ", "
    return "\n".join(line.rstrip() for line in lines)


def shifts(depth):
    """The statements that push and pop the levels: without an index, which older kernels do not let programs vary."""
    push = [f"    at->level{i} = at->level{i - 1};" for range_ in [range(depth - 1, 0, -1)] for i in range_]
    pop = [f"    at->level{i} = at->level{i + 1};" for i in range(depth - 1)]
    return ("\n".join([*push, "    at->level0 = level;"]), "\n".join([*pop, f"    at->level{depth - 1} = 0;"]),
            "\n".join(f"    unsigned long long level{i};" for i in range(depth)),
            "\n".join(f"    at->level{i} = 0;" for i in range(depth)))


def header(stems, facts, patterns=()):
    """The text of the header for the files of facts; with patterns, it reports only the fields that match one."""
    names = Names()
    fields = Fields(names, patterns)
    messages = messages_of(stems, facts)
    ops, starts, table, ids = [Op("DONE")], [], [], []
    depth = 1
    for number, message in enumerate(messages):
        ids.append((names.add(constant(message.name), message.name), number))
        first, last = message.versions
        known = {}  # the operations of a program -> where it begins
        begins = len(starts)
        fields.declare(message.fields, (message.name,))
        for version in range(first, last + 1):
            program = Program(message, version, fields)
            depth = max(depth, program.deepest)
            key = tuple(dataclasses.astuple(op) for op in program.ops)
            if key not in known:
                known[key] = len(ops)
                base = len(ops)
                ops += [dataclasses.replace(op, jump=base + op.jump) if op.jump else op for op in program.ops]
            starts.append(known[key])
        table.append(f"{{{first}, {last}, {begins}}}")
    if len(ops) > 65535:
        raise SystemExit("these are more messages than the tables can number: name fewer APIs")
    if unused := [pattern for pattern in patterns if pattern not in fields.used]:
        raise SystemExit(f"no field of these messages is called {', '.join(unused)}")
    apis = apis_of(facts)
    places = {message.name: number for number, message in enumerate(messages)}
    api_rows = []
    for key, api in enumerate(apis):
        request, request_flexible = api["request"]
        response, response_flexible = api["response"]
        if key == API_VERSIONS:
            response_flexible = NO_VERSION
        api_rows.append(f"{{{request_flexible}, {response_flexible}, {places.get(request.name, 0)}, "
                        f"{places.get(response.name, 0)}}}")
    keys = [(names.add(constant("Api", message.name.removesuffix("Request")), f"the key of {message.name}"), message.key)
            for message in messages if message.kind == "request"]
    push, pop, levels, clear = shifts(depth)
    texts = {
        "NAMES": ", ".join(dict.fromkeys(stems)),
        "APIS": "\n".join(f"    {name} = {key}," for name, key in keys),
        "MESSAGES": "\n".join(f"    {name} = {number}," for name, number in ids),
        "FIELDS": "\n".join(f"    {name} = {number}, /* {comment} */" for name, number, comment in fields.found.values()),
        "LEVELS": levels, "CLEAR": clear, "PUSH": push, "POP": pop,
        "OP_COUNT": str(len(ops)),
        "OPS": rows(f"{{{op.field}, {op.jump}, {op.size}, KWIRE_OP_{op.kind}, {op.width}, {int(op.nullable)}}}" for op in ops),
        "START_COUNT": str(len(starts)), "STARTS": rows(str(start) for start in starts),
        "MESSAGE_COUNT": str(len(table)), "MESSAGE_ROWS": rows(table),
        "API_COUNT": str(len(apis)), "API_ROWS": rows(api_rows),
        "NO_VERSION": str(NO_VERSION),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in texts.items():
        text = text.replace(f"@{name}@", value)
    return text
