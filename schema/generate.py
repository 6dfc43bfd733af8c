#!/usr/bin/env python3
"""Writes the message headers of kwire from the facts in schema/messages and the words in schema/words.txt.

    python3 schema/generate.py       # writes include/kwire/messages, api.hpp, error_code.hpp, marked_fields.txt and
                                     # the sources of tests and examples/kwire_convert that list every message
    python3 schema/generate.py --out DIR --only 'FetchRequest'   # some messages, somewhere else
    python3 schema/generate.py --check                           # fails unless the checked-in headers are fresh
    python3 schema/generate.py --c fetch produce -o tables.h     # a header of C that finds these messages' fields
    python3 schema/generate.py --json -o kafka.json              # the schema for other languages
"""

import argparse
import pathlib
import re
import sys

import c_tables
import error_codes
import json_tables
import model
import naming
import transcode_page

HERE = pathlib.Path(__file__).resolve().parent
WIDTH = 110

# The files of facts whose messages the tests compile in every way. Together they use every construct of the schema
# language; tests/schema/test_fresh.py checks that. Of all others the tests have the walks, and what works without types.
IN_TABLES = ["alter_client_quotas", "api_versions", "broker_heartbeat", "consumer_group_member_metadata_record",
             "create_topics", "delete_topics", "describe_topic_partitions", "envelope", "fetch", "find_coordinator",
             "init_producer_id", "join_group", "list_config_resources", "list_offsets", "list_transactions", "metadata",
             "no_op_record", "offset_fetch", "partition_change_record", "produce", "producer_snapshot",
             "remote_log_segment_metadata_record", "request_header", "response_header", "sasl_handshake", "share_fetch",
             "streams_group_heartbeat", "transaction_log_record", "update_raft_voter", "voters_record"]
# Those that tests also read through one view type per version; the others only where their encoding changes.
EVERY_VERSION_FIXED = {"fetch", "metadata", "produce"}
CONVERT_TABLES = 8  # sources of examples/kwire_convert that hold every message's typed functions
FILES_PER_TABLE = 4  # in one source of tests/generated, that is in one compiler run
WALK_TABLES = 16  # sources of tests/generated that hold the walks of every message at each version

SCALARS = {"bool": ("boolean", "bool"), "int8": ("int8", "std::int8_t"), "int16": ("int16", "std::int16_t"),
           "uint16": ("uint16", "std::uint16_t"), "int32": ("int32", "std::int32_t"),
           "uint32": ("uint32", "std::uint32_t"), "int64": ("int64", "std::int64_t"),
           "float64": ("float64", "double"), "uuid": ("id128", "uuid")}
# What fields mean: the kind, as Kafka or entities.txt calls it: its enumerator in kwire::entity, and the types of
# the fields of this kind.
ENTITIES = {
    "brokerId": ("broker_id", ("int32",)),
    "topicName": ("topic_name", ("string",)),
    "topicId": ("topic_id", ("uuid",)),
    "groupId": ("group_id", ("string",)),
    "producerId": ("producer_id", ("int64",)),
    "transactionalId": ("transactional_id", ("string",)),
    "host": ("host", ("string",)),
    "port": ("port", ("int32", "uint16")),
    "clusterId": ("cluster_id", ("string",)),
    "rack": ("rack", ("string",)),
    "clientId": ("client_id", ("string",)),
    "clientHost": ("client_host", ("string",)),
    "clientPort": ("client_port", ("uint16",)),
    "principal": ("principal", ("string",)),
    "principalType": ("principal_type", ("string",)),
    "principalName": ("principal_name", ("string",)),
    "tokenId": ("token_id", ("string",)),
    "memberId": ("member_id", ("string",)),
    "instanceId": ("instance_id", ("string",)),
    "protocolType": ("protocol_type", ("string",)),
    "subscription": ("subscription", ("bytes",)),
    "assignment": ("assignment", ("bytes",)),
    "topicPattern": ("topic_pattern", ("string",)),
    "transactionPattern": ("transaction_pattern", ("string",)),
    "clientMetrics": ("client_metrics", ("string",)),
    "configName": ("config_name", ("string",)),
    "configValue": ("config_value", ("string",)),
    "configResource": ("config_resource", ("string",)),
    "configResourceType": ("config_resource_type", ("int8",)),
    "aclResource": ("acl_resource", ("string",)),
    "aclResourceType": ("acl_resource_type", ("int8",)),
    "aclPatternType": ("acl_pattern_type", ("int8",)),
    "quotaEntity": ("quota_entity", ("string",)),
    "quotaEntityType": ("quota_entity_type", ("string",)),
    "coordinatorKey": ("coordinator_key", ("string",)),
    "coordinatorKeyType": ("coordinator_key_type", ("int8",)),
}
SECRETS = {"always": "secret", "flagged": "secret_if_flagged", "flag": "secret_flag"}  # the marks of secrets.txt
MAX_MEMBERS = 24  # kwire::detail::max_members


def load_words(path):
    """`Message: text`, `Message.Struct: text` and `Message.Struct.Field: text`, one a line."""
    words = {}
    if not path.exists():
        return words
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, text = line.partition(": ")
        if not colon or key in words:
            raise SystemExit(f"{path}:{number}: not `key: words`, or a duplicate key")
        words[key] = text.strip()
    return words


def versions_of(range_, last):
    """`v3+`, `v0-2`, `v5`: the form that doc lines use."""
    if range_[1] >= last:
        return f"v{range_[0]}+"
    return f"v{range_[0]}" if range_[0] == range_[1] else f"v{range_[0]}-{range_[1]}"


def range_call(range_, last, prefix=""):
    """`since(3)`, `between(0, 2)`: the form that field lists use."""
    if range_[1] >= last:
        return f"{prefix}since({range_[0]})"
    return f"{prefix}between({range_[0]}, {range_[1]})"


def literal(value, type_):
    if isinstance(value, bool):
        return "true" if value else "false"
    if type_ in ("int64",) and value == -(2**63):
        return "-9223372036854775807 - 1"
    return str(value)


def cpp_scalar(field):
    """The C++ type of a number, boolean or uuid, or of the elements of an array of such."""
    enumeration = naming.enumeration(field)
    return f"kwire::{enumeration}" if enumeration else SCALARS[field.type][1]  # accessors have the same name


def is_number(field):
    """Whether it is one number or boolean: a type whose default is always written down, even if it is zero."""
    return field.type in SCALARS and field.type != "uuid" and not field.array and field.struct is None


def own_default(field):
    """The default in C++ syntax, or nothing if it is the default of the type: zero, empty, null."""
    if not field.default or field.array or field.struct is not None:
        return None
    if field.type == "string":
        return f'"{field.default}"'
    return literal(field.default, field.type) if is_number(field) else None


class Writer:
    def __init__(self, message, words, partner, secrets):
        self.message = message
        self.words = words
        self.secrets = secrets
        self.partner = partner
        self.last = message.versions[1]
        self.cpp = naming.snake(message.name)
        self.structs = message.structs()
        self.struct_names = naming.struct_names([s.name for s in self.structs], message.name)
        self.used_words = set()

    def say(self, *keys):
        for key in keys:
            if key in self.words:
                self.used_words.add(key)
                return self.words[key]
        return ""

    def path_of(self, place, field):
        """The key of a field in words.txt and secrets.txt."""
        return f"{self.message.name if place is self.message else f'{self.message.name}.{place.name}'}.{field.name}"

    # -- names of types

    def struct_type(self, field, siblings):
        """The struct's name, as written inside a struct that has the members `siblings`."""
        name = self.struct_names[field.struct.name]
        return f"{self.cpp}::{name}" if name in siblings else name

    def list_type(self, field):
        if field.struct is not None:
            name = self.struct_names[field.struct.name]
            return f"array<{name}>()" if field.array else f"structure<{name}>()"
        name = naming.enumeration(field) or (SCALARS[field.type][0] if field.type in SCALARS else field.type)
        return f"array({name})" if field.array else name

    def view_type(self, field, siblings):
        nullable = field.nullable is not None
        if field.struct is not None:
            value = f"{self.struct_type(field, siblings)}::basic_view<V>"
        elif field.type == "string":
            value = "std::string_view"
        elif field.type in ("bytes", "records"):
            value = "std::span<const std::byte>"
        else:
            value = cpp_scalar(field)
        if field.array:
            return f"{'nullable_' if nullable else ''}array_of<{value}>"
        return f"std::optional<{value}>" if nullable else value

    def data_member(self, field, name, siblings):
        nullable = field.nullable is not None
        if field.struct is not None:
            value = f"{self.struct_type(field, siblings)}::data"
        elif field.type == "string":
            value = "std::string"
        elif field.type == "bytes":
            value = "shared_buffer"
        elif field.type == "records":
            return f"payload {name}{{}};"  # may be null, but only if the caller asks for it: see data.hpp
        else:
            value = cpp_scalar(field)
        if field.array and nullable:
            return f"nullable_list<{value}> {name}{'{}' if field.default is not None else ' = nullptr'};"
        if field.array:
            is_scalar = field.struct is None and field.type in SCALARS
            value = f"{'scalar_list' if is_scalar else 'std::vector'}<{value}>"
        start = "{}"  # GCC warns if a designated initialiser leaves out a member without a default
        default = own_default(field)
        if nullable:
            value = f"std::optional<{value}>"
            start = "{}" if field.default is None else f"{{{default}}}" if default else "{std::in_place}"
        elif is_number(field):
            number = literal(field.default, field.type)
            start = f" = {number}" if naming.enumeration(field) is None else f"{{{number if field.default else ''}}}"
        elif default:
            start = f" = {default}"
        return f"{value} {name}{start};"

    # -- the parts of a struct

    def attributes(self, place, field):
        found = []
        if field.tag is not None:
            found.append(f"tag({field.tag})")
        if field.nullable is not None:
            found.append(range_call(field.nullable, self.last, "nullable_"))
        if field.default is None:
            if field.type != "records":
                found.append("defaults_to_null")
        elif default := own_default(field):
            found.append(f"defaults_to({default})")
        if field.ignorable is not None:
            if field.ignorable != self.message.versions:
                raise SystemExit(f"{self.path_of(place, field)}: ignorable in some versions only, for which field lists have "
                                 "no word: see `vocabulary` in schema/field.hpp")
            found.append("ignorable")
        if field.map_key:
            found.append("map_key")
        if field.key:
            found.append("key")
        if not field.compact:
            found.append("never_compact")
        if field.entity:
            found.append(f"{{entity::{ENTITIES[field.entity][0]}}}")
        if (mark := self.secrets.get(self.path_of(place, field))) is not None:
            found.append(SECRETS[mark])
        return found

    def field_list(self, place, indent):
        children = [self.struct_names[field.struct.name] for field in place.fields if field.struct]
        template = f"template <class M = {self.cpp}>"
        head = f"static constexpr field_list<{', '.join(['M', str(len(place.fields)), *children])}> fields{{"
        lines = [f"{indent}{template} {head}"] if len(indent + template + head) + 2 <= WIDTH \
            else [indent + template, indent + head]
        if not place.fields:
            return [*lines[:-1], lines[-1] + "};"]
        lines[-1] += "{"
        for field in place.fields:
            parts = [f'"{naming.snake(field.name)}"', self.list_type(field), range_call(field.versions, self.last)]
            lines.append(f"{indent}    {{{', '.join(parts + self.attributes(place, field))}}},")
        lines[-1] = lines[-1][:-1] + "}};"
        return lines

    def facts_of(self, place, field):
        facts = [versions_of(field.versions, self.last)]
        if field.tag is not None:
            facts.append(f"tag {field.tag}")
        if field.nullable is not None:
            if field.nullable == field.versions:
                facts.append("nullable")
            else:
                facts.append(f"nullable {versions_of(field.nullable, self.last)}")
        if field.default is None:
            facts.append("default null")
        elif default := own_default(field):
            facts.append(f"default {default}")
        if field.map_key:
            facts.append("map key")
        if field.key:
            facts.append("key")
        if (mark := self.secrets.get(self.path_of(place, field))) in ("always", "flagged"):
            facts.append("secret" if mark == "always" else "secret if flagged")
        return " | ".join(facts)

    def versions_with(self, place):
        """The least range around the versions in which the message holds this struct."""
        if place is self.message:
            return self.message.versions
        found = []
        for holder in [self.message, *self.structs]:
            for field in holder.fields:
                if field.struct is place and (range_ := model.intersect(field.versions, self.versions_with(holder))):
                    found.append(range_)
        return min(r[0] for r in found), max(r[1] for r in found)

    def requirement(self, place, field):
        """The constraint of an accessor whose field not all versions of its struct have."""
        first, last = self.versions_with(place)
        if field.versions[0] <= first and field.versions[1] >= last:
            return ""
        return f" requires(in_version<V>({range_call(field.versions, self.last)}))"

    def place_body(self, place, names, indent):
        """The field list and the view of one struct or of the message itself."""
        struct_cpp = self.cpp if place is self.message else self.struct_names[place.name]
        siblings = set(names.values())
        if len(place.fields) + 1 > MAX_MEMBERS:
            raise SystemExit(f"{self.message.name}: {place.name} has more fields than kwire::detail::max_members")
        lines = self.field_list(place, indent)
        lines += ["", f"{indent}struct data;"]
        lines += ["", f"{indent}template <int V>"]
        lines.append(f"{indent}struct KWIRE_POINTER basic_view : struct_view<{struct_cpp}, V> {{")
        for number, field in enumerate(place.fields):
            words = self.say(self.path_of(place, field))
            facts = self.facts_of(place, field)
            lines.append(f"{indent}    /// {words + '   ' if words else ''}{facts}")
            head = f"{indent}    [[nodiscard]] {self.view_type(field, siblings)} {names[field.name]}() const noexcept"
            limit = self.requirement(place, field)
            body = f"return get<{number}>(*this);"
            if len(head) + len(limit) + len(body) + 5 <= WIDTH:
                lines.append(f"{head}{limit} {{ {body} }}")
            elif limit:
                lines += [head, f"{indent}       {limit} {{ {body} }}"]
            else:
                lines += [f"{head} {{", f"{indent}        {body}", f"{indent}    }}"]
        lines.append(f"{indent}}};")
        lines.append(f"{indent}using view = basic_view<any_version>;")
        return lines

    def data_of(self, place):
        """The definition of one `data` struct, outside the description, where all structs that it contains are complete."""
        struct_cpp = self.cpp if place is self.message else f"{self.cpp}::{self.struct_names[place.name]}"
        names = naming.field_names([field.name for field in place.fields], place.name)
        members = [self.data_member(field, names[field.name], set(names.values())) for field in place.fields]
        if self.message.flexible_from is not None:
            members.append("unknown_tag_list unknown_tags{};")
        own = struct_cpp.rpartition("::")[2]
        alias = f"using struct_type = {struct_cpp if own in names.values() else own};"
        return [f"struct {struct_cpp}::data {{", f"    {alias}", *(f"    {member}" for member in members), "};"]

    def write_data(self):
        """The `data` structs of the message, each after those that it contains."""
        lines = []
        for place in [*self.structs, self.message]:
            lines += ["", *self.data_of(place)]
        return lines[1:]

    def head_doc(self):
        message = self.message
        words = self.say(message.name)
        facts = []
        if message.key is not None:
            facts.append(f"{'key' if message.kind in ('request', 'response') else 'type'} {message.key}")
        first, last = message.versions
        facts.append(f"v{first}" if first == last else f"v{first}-{last}")
        if message.flexible_from is not None:
            facts.append("flexible" if message.flexible_from <= first else f"flexible v{message.flexible_from}+")
        if message.unstable is not None:
            facts.append(f"v{message.unstable} unstable")
        if self.partner is not None:
            facts.append(f"{'answered by' if message.kind == 'request' else 'answers'} {naming.snake(self.partner)}")
        lines = [f"/// {words}"] if words else []
        return lines + [f"///     {' | '.join(facts)}" if words else f"/// {' | '.join(facts)}"]

    def write(self):
        message = self.message
        first, last = message.versions
        key = -1 if message.key is None else message.key
        flexible = "" if message.flexible_from is None else f", {message.flexible_from}"
        if message.aliases:
            [alias] = message.aliases
            flexible = f"{flexible or ', 32767'}, {alias}"
        lines = self.head_doc()
        lines.append(f"struct {self.cpp} : private vocabulary {{")
        lines.append(f'    static constexpr message_facts facts{{"{message.name}", {key}, '
                     f"{{{first}, {last}}}{flexible}}};")
        for struct in self.structs:
            words = self.say(f"{message.name}.{struct.name}")
            lines.append("")
            if words:
                lines.append(f"    /// {words}")
            lines.append(f"    struct {self.struct_names[struct.name]} {{")
            lines += self.place_body(struct, naming.field_names([f.name for f in struct.fields], struct.name), " " * 8)
            lines.append("    };")
        lines.append("")
        lines += self.place_body(message, naming.field_names([f.name for f in message.fields], message.name), " " * 4)
        lines.append("};")
        return lines


def fields_by_path(facts):
    """Every field, by its key in secrets.txt and entities.txt."""
    fields = {}
    for message in (message for messages in facts.values() for message in messages):
        for place in [message, *message.structs()]:
            where = message.name if place is message else f"{message.name}.{place.name}"
            fields |= {f"{where}.{field.name}": field for field in place.fields}
    return fields


def mark_entities(entities, facts):
    """Adds the lines of entities.txt to the facts. Each must match a field that exists and has no entity in Kafka."""
    fields = fields_by_path(facts)
    wrong = []
    for key, kind in entities.items():
        field = fields.get(key)
        if field is None or kind not in ENTITIES:
            wrong.append(f"{key}: no such field, or `{kind}` is not a kind")
        elif field.entity is not None:
            wrong.append(f"{key}: Kafka says itself that it is a {field.entity}")
        elif field.type not in ENTITIES[kind][1] or field.struct is not None:
            wrong.append(f"{key}: a {kind} is a {' or '.join(ENTITIES[kind][1])}")
        else:
            field.entity = kind
    refuse_lines("entities.txt", wrong)


def marked_fields(facts):
    """Every field with a meaning, one a line, by the path that errors and dynamic views have: marked_fields.txt."""
    lines = ["# Generated by schema/generate.py. Do not edit.", "#",
             "# Every field with a meaning: `message | path | versions | kwire::entity`, of all messages, in wire order. Kafka's schemas",
             "# say it, or entities.txt. An array of numbers or strings has the meaning of its elements."]

    def walk(message, fields, path, within):
        for field in fields:
            versions = model.intersect(field.versions, within)
            if versions is None:
                continue
            where = f"{path}{naming.snake(field.name)}{'[]' if field.array else ''}"
            if field.struct is not None:
                walk(message, field.struct.fields, f"{where}.", versions)
            elif field.entity:
                lines.append(f"{message.name} | {where} | {versions[0]}-{versions[1]} | {ENTITIES[field.entity][0]}")

    for message in sorted((message for messages in facts.values() for message in messages), key=lambda message: message.name):
        walk(message, message.fields, "", message.versions)
    return "\n".join(lines) + "\n"


def structs_in_arrays(facts):
    """Every struct that some array holds, as keys.txt calls it."""
    found = {}
    for message in (message for messages in facts.values() for message in messages):
        for place in [message, *message.structs()]:
            found |= {f"{message.name}.{field.struct.name}": field.struct
                      for field in place.fields if field.array and field.struct is not None}
    return found


def mark_keys(keys, facts):
    """Puts the lines of keys.txt into the facts. Each means a struct in an array, of which Kafka's schema has no map key."""
    structs = structs_in_arrays(facts)
    wrong = []
    for path, text in keys.items():
        if path not in structs:
            wrong.append(f"{path}: no array holds such a struct")
            continue
        if any(field.map_key for field in structs[path].fields):
            wrong.append(f"{path}: Kafka's schema has a map key")
        if text.startswith("none, "):
            continue
        fields = {field.name: field for field in structs[path].fields}
        for name in text.split(", "):
            field = fields.get(name)
            if field is None or field.array or field.type not in (*model.INTEGERS, "string", "uuid"):
                wrong.append(f"{path}: {name} is not a field that can be looked for")
            else:
                field.key = True
    refuse_lines("keys.txt", wrong)


def check_secrets(secrets, facts):
    """Checks that each line of secrets.txt matches a field, and that each `flagged` field has a flag."""
    fields = fields_by_path(facts)
    flags = {key.split(".")[0] for key, mark in secrets.items() if mark == "flag"}
    wrong = []
    for key, mark in secrets.items():
        if key not in fields or mark not in SECRETS:
            wrong.append(f"{key}: no such field, or `{mark}` is not a mark")
        elif mark == "flag" and fields[key].type != "bool":
            wrong.append(f"{key}: a flag is a bool")
        elif mark == "flagged" and key.split(".")[0] not in flags:
            wrong.append(f"{key}: no field of {key.split('.')[0]} is marked as the flag")
    refuse_lines("secrets.txt", wrong)


def refuse_lines(file, wrong):
    """Stops with everything that is wrong in one of the files above."""
    if wrong:
        raise SystemExit(f"correct or delete these lines of schema/{file}:\n    " + "\n    ".join(wrong))


# ------------------------------------------------------------------------------------------------ meaning.txt

ANY_NUMBER = "any_number"


def meaning_fields(message):
    """`Struct.Field` or `Field`: (path from the message in snake_case, the field, its struct's fields)."""
    found = {}

    def visit(place, fields, path):
        for field in fields:
            where = (*path, naming.snake(field.name))
            found.setdefault(f"{place}{field.name}", (".".join(where), field, fields))
            if field.struct is not None:
                visit(f"{field.struct.name}.", field.struct.fields, where)

    visit("", message.fields, ())
    return found


def numbers(words):
    """The values of a rule as pairs; an empty string is 0, which stands for empty."""
    pairs = []
    for word in words:
        left, _, right = word.partition("=")
        value = [ANY_NUMBER if side == "*" else "0" if side == '""' else str(int(side)) for side in (left, right or "0")]
        pairs.append(f"{{{value[0]}, {value[1]}}}")
    return pairs


def meaning_rule(text, siblings):
    """One rule of meaning.txt as (kind, version, other field, pairs of numbers)."""
    def sibling(name):
        if not any(field.name == name for field in siblings):
            raise ValueError(f"no field {name} beside it")
        return naming.snake(name)

    if text == "needed":
        return "needed", -1, "", []
    if found := re.fullmatch(r"needed or ([-\d ]+)", text):
        return "needed", -1, "", numbers(found[1].split())
    if found := re.fullmatch(r"needed since (\d+)", text):
        return "needed_since", int(found[1]), "", []
    if text in ("unknown", "lost"):
        return text, -1, "", []
    if found := re.fullmatch(r"error to (\w+)", text):
        return "error_of", -1, sibling(found[1]), []
    if found := re.fullmatch(r"holds (\w+) unless (-?\d+)", text):
        return "holds", -1, sibling(found[1]), numbers([found[2]])
    if found := re.fullmatch(r"is ([-\d ]+)", text):
        return "implied", -1, "", numbers(found[1].split())
    if found := re.fullmatch(r"(like|topic) (\w+)", text):
        return found[1], -1, sibling(found[2]), []
    if found := re.fullmatch(r"(since|until) (\d+): ([-\d\" ]+?)(?: unless (\w+))?", text):
        return found[1], int(found[2]), sibling(found[4]) if found[4] else "", numbers(found[3].split())
    if found := re.fullmatch(r"below (\d+): ((?:-?\d+=-?\d+ ?)+)", text):
        return "translated", int(found[1]), "", numbers(found[2].split())
    if found := re.fullmatch(r"from (\d+): ((?:(?:-?\d+|\*)=-?\d+ ?)+)", text):
        return "raised", int(found[1]), "", numbers(found[2].split())
    if found := re.fullmatch(r"same around (\d+): ([-\d ]+)", text):
        return "same_around", int(found[1]), "", numbers(found[2].split())
    if found := re.fullmatch(r"(empty is null|null is empty) below (\d+)", text):
        return found[1].replace(" ", "_"), int(found[2]), "", []
    if found := re.fullmatch(r"becomes (\w+)(?:: ([-\d=* ]+))?", text):
        return "becomes", -1, sibling(found[1]), numbers((found[2] or "").split())
    if found := re.fullmatch(r"omit below (\d+): (\w+)=(-?\d+)", text):
        return "omit", int(found[1]), naming.snake(found[2]), numbers([found[3]])
    if found := re.fullmatch(r"records (\d+)-(\d+): (\d)-(\d)", text):
        return "records", int(found[1]), "", numbers([f"{found[2]}=0", f"{found[3]}={found[4]}"])
    if found := re.fullmatch(r"codecs below (\d+): (\d)-(\d)", text):
        return "codecs", int(found[1]), "", numbers([f"{found[2]}={found[3]}"])
    if found := re.fullmatch(r"(gathers|each) (\w*=[-\w]+(?: \w+=[-\w]+)*)", text):
        pairs = [word.partition("=") for word in found[2].split()]
        return found[1], -1, " ".join(f"{naming.snake(a) if a else ''}={b if b == '-' else sibling(b)}" for a, _, b in pairs), []
    raise ValueError(f"`{text}` is not a rule")


def meaning_rules(facts, lines):
    """The rules of meaning.txt: [(message, path, kind, version, other, pairs, why)], sorted by message."""
    messages = {message.name: message for stem in facts.values() for message in stem}
    rules, wrong = [], []
    for key, text in lines.items():
        name, _, place = key.partition(".")
        words, _, why = text.partition(" -- ")
        try:
            message = messages[name]
            if not place:
                found = re.fullmatch(r"differs at (\d+)(?: if (\w+))?", words)
                if not found:
                    raise ValueError(f"`{words}` is not a rule for a message")
                other = found[2] or ""
                if other and not any(field.name == other for field in message.fields):
                    raise ValueError(f"no field {other}")
                rules.append((name, "", "differs", int(found[1]), naming.snake(other) if other else "", [], why))
                continue
            path, _, siblings = meaning_fields(message)[place]
            kinds, whys = words.split("; "), why.split(" / ")
            if len(whys) not in (1, len(kinds)):
                raise ValueError("another number of reasons than of rules")
            for i, rule in enumerate(kinds):
                rules.append((name, path, *meaning_rule(rule, siblings), whys[i % len(whys)]))
        except KeyError:
            wrong.append(f"{key}: no such message or field")
        except ValueError as error:
            wrong.append(f"{key}: {error}")
        if not why:
            wrong.append(f"{key}: no reason after ` -- `")
    refuse_lines("meaning.txt", wrong)
    return sorted(rules, key=lambda rule: rule[0])


def meaning_header(rules):
    lines = ["// Generated by schema/generate.py from schema/meaning.txt. Do not edit.",
             "/// Internal: where versions of a message mean different things, sorted by message (meaning.hpp).",
             "#pragma once", "", "#include <kwire/reflect/detail/meaning_rule.hpp>", "", "namespace kwire::inline KWIRE_ABI::detail {", "",
             "inline constexpr meaning_rule meaning_table[] = {"]
    for message, path, kind, version, other, pairs, _ in rules:
        values = f", {{{{{', '.join(pairs)}}}}}" if pairs else ""
        lines.append(f'    {{"{message}", "{path}", "{other}", meaning::{kind}, {len(pairs)}, {version}{values}}},')
    return "\n".join([*lines, "};", "", "} // namespace kwire::inline KWIRE_ABI::detail"]) + "\n"


def view_header_of(stem, messages, words, secrets, used_words):
    """The messages of one file of facts: their descriptions and views."""
    lines = [f"// Generated by schema/generate.py from schema/messages/{stem}.txt and schema/words.txt. Do not edit.",
             "#pragma once", "", "#include <kwire/messages/detail/view.hpp>", "", "namespace kwire::inline KWIRE_ABI {", ""]
    if any(naming.enumeration(field) == "api_key" for field in fields_by_path({stem: messages}).values()):
        lines.insert(3, "#include <kwire/api.hpp>")
    for message in messages:
        naming.check_message(message)
        partner = None
        if message.kind in ("request", "response"):
            partner = next((m.name for m in messages if m.kind in ("request", "response") and m.kind != message.kind),
                           None)
        writer = Writer(message, words, partner, secrets)
        lines += writer.write() + [""]
        used_words |= writer.used_words
    lines += ["} // namespace kwire::inline KWIRE_ABI"]
    return "\n".join(lines) + "\n"


def header_of(stem, messages):
    """The same messages with the `data` structs that programs fill in."""
    lines = [f"// Generated by schema/generate.py from schema/messages/{stem}.txt. Do not edit.",
             "#pragma once", "", f"#include <kwire/messages/view/{stem}.hpp>", "",
             "#include <kwire/messages/detail/data.hpp>"]
    if any(field.type == "records" for field in fields_by_path({stem: messages}).values()):
        lines.append("#include <kwire/write/payload.hpp>")
    lines += ["", "namespace kwire::inline KWIRE_ABI {", ""]
    for message in messages:
        lines += Writer(message, {}, None, {}).write_data() + [""]
    lines += ["} // namespace kwire::inline KWIRE_ABI"]
    return "\n".join(lines) + "\n"


def messages_by_key(facts, kind):
    """The requests or the responses by API key, each under its newest name."""
    found = {}
    for messages in facts.values():
        for message in messages:
            if message.kind == kind:
                known = found.get(message.key)
                if known is None or message.versions[1] > known.versions[1]:
                    found[message.key] = message
    return found


def api_header(facts, words):
    """The table of all APIs: what reading a frame's header requires for any key, generated or not."""
    apis = messages_by_key(facts, "request")
    lines = ["// Generated by schema/generate.py from schema/messages. Do not edit.",
             "/// Every API of the Kafka protocol: key, name, versions and first flexible version.",
             "#pragma once", "", "#include <kwire/detail/config.hpp>", "", "#include <array>", "#include <cstdint>", "#include <string_view>", "",
             "namespace kwire::inline KWIRE_ABI {", "",
             "/// The API keys that Kafka has assigned. A frame may carry any other number.",
             "enum class api_key : std::int16_t {"]
    for key in sorted(apis):
        lines += [f"    /// {words[apis[key].name]}", f"    {naming.file_stem(apis[key].name, 'request')} = {key},"]
    lines += ["};", "", "/// The facts of one API.", "struct api_facts {",
              '    std::string_view name;        ///< Kafka\'s name without Request or Response: "Fetch"',
              "    std::int16_t first_version;   ///< the oldest version that kwire knows",
              "    std::int16_t last_version;    ///< the newest version that kwire knows",
              "    std::int16_t first_flexible;  ///< the first version with compact lengths and tags; 32767 if there is none",
              "    bool assigned;                ///< false for numbers that Kafka has not assigned", "};", "",
              "namespace detail {", "",
              "using namespace std::string_view_literals; // cost: without, counting characters takes the compiler 5 ms", "",
              f"inline constexpr std::array<api_facts, {max(apis) + 1}> apis{{{{"]
    for key in range(max(apis) + 1):
        if key in apis:
            message = apis[key]
            flexible = 32767 if message.flexible_from is None else message.flexible_from
            lines.append(f'    {{"{message.name.removesuffix("Request")}"sv, {message.versions[0]}, '
                         f"{message.versions[1]}, {flexible}, true}},  // {key}")
        else:
            lines.append(f'    {{"", 0, -1, 32767, false}},  // {key}')
    lines += ["}};", "", "} // namespace detail", "",
              "/// The facts of an API key; those of an unassigned key have an empty name and no versions.",
              "[[nodiscard]] constexpr api_facts facts_of(api_key key) noexcept {",
              "    const auto number = static_cast<std::int16_t>(key);",
              "    if (number < 0 || static_cast<std::size_t>(number) >= detail::apis.size())",
              '        return {"", 0, -1, 32767, false};',
              "    return detail::apis[static_cast<std::size_t>(number)];",
              "}",
              "",
              "/// The name of an API, such as `Fetch`; empty for an unassigned key.",
              "[[nodiscard]] constexpr std::string_view name_of(api_key key) noexcept { return facts_of(key).name; }",
              "", "} // namespace kwire::inline KWIRE_ABI"]
    return "\n".join(lines) + "\n"


def all_header(facts):
    """One include for every message."""
    lines = ["// Generated by schema/generate.py from schema/messages. Do not edit.",
             "/// Every message of the protocol, with the `data` structs. Programs that use a few messages include only their",
             "/// headers; programs that only read include messages/view/all.hpp.",
             "#pragma once", ""]
    return "\n".join(lines + [f"#include <kwire/messages/{stem}.hpp>" for stem in facts]) + "\n"


def all_views_header(facts):
    """The views of every message."""
    lines = ["// Generated by schema/generate.py from schema/messages. Do not edit.",
             "/// The views of every message of the protocol: messages/all.hpp without the `data` structs.",
             "#pragma once", ""]
    return "\n".join(lines + [f"#include <kwire/messages/view/{stem}.hpp>" for stem in facts]) + "\n"


def apis_header(facts):
    """The lists of all requests and of all responses."""
    requests = messages_by_key(facts, "request")
    lines = ["// Generated by schema/generate.py from schema/messages. Do not edit.",
             "/// The lists of all requests and all responses, for a `dispatch` that handles every message.",
             "///",
             "/// A list itself costs nothing; the code for each message in it is compiled once for each visitor.",
             "#pragma once", "", "#include <kwire/messages/detail/view.hpp>"]
    lines += [f"#include <kwire/messages/view/{naming.file_stem(requests[key].name, 'request')}.hpp>" for key in sorted(requests)]
    lines += ["", "namespace kwire::inline KWIRE_ABI {"]
    for kind in ("request", "response"):
        found = messages_by_key(facts, kind)
        names = [f"    {naming.snake(found[key].name)}" for key in sorted(found)]
        lines += ["", f"/// The {kind}s of all APIs, in ascending order of their keys; an API that was renamed is listed under its current name.",
                  f"using all_{kind}s = message_list<", ",\n".join(names) + ">;"]
    lines += ["", "} // namespace kwire::inline KWIRE_ABI"]
    return "\n".join(lines) + "\n"


# Kafka's own topics, in the order in which messages choose them: the first whose kind and prefixes of names fit has the
# message. Kafka's schemas say which type number a message has, not in which topic.
TOPICS = [
    ("transaction_state", "__transaction_state", "coordinator", ("TransactionLog",),
     "The transactions of each transactional id, kept by their coordinators (KIP-98)."),
    ("share_group_state", "__share_group_state", "coordinator", ("ShareSnapshot", "ShareUpdate"),
     "What members of share groups have acquired and acknowledged, kept by the share coordinators (KIP-932)."),
    ("consumer_offsets", "__consumer_offsets", "coordinator", ("",),
     "Groups of all kinds, their members and their committed offsets, kept by the group coordinators."),
    ("remote_log_metadata", "__remote_log_metadata", "metadata", ("RemoteLog", "RemotePartition"),
     "Which segments of a log lie in remote storage, kept by the default manager of their metadata (KIP-405)."),
    ("cluster_metadata", "__cluster_metadata", "metadata", ("",),
     "The log of the KRaft controllers and its snapshots: topics, partitions, brokers, configurations (KIP-631)."),
]


def messages_by_topic(facts):
    """The messages of each topic in TOPICS by their type: for topics with keys, pairs of a key and a value."""
    found = {topic[0]: {} for topic in TOPICS}
    chosen = [(cpp, kind, tuple(prefixes)) for cpp, _, kind, prefixes, _ in TOPICS]
    for messages in facts.values():
        for message in messages:
            kind = message.kind.removesuffix("-key").removesuffix("-value")
            place = next((cpp for cpp, of, prefixes in chosen if of == kind and message.name.startswith(prefixes)), None)
            if place is not None:
                found[place].setdefault(message.key, []).append(message)
    for place, types in found.items():
        for key, messages in types.items():
            messages.sort(key=lambda message: message.kind)
            kinds = [message.kind for message in messages]
            if kinds not in (["metadata"], ["coordinator-key", "coordinator-value"]):
                names = ", ".join(message.name for message in messages)
                raise SystemExit(f"type {key} of {place} is {names}: correct TOPICS in schema/generate.py")
    return found


def topics_header(facts):
    """Kafka's own topics: the messages of their records, by type."""
    by_topic = messages_by_topic(facts)
    names = sorted(naming.snake(message.name) for types in by_topic.values() for messages in types.values()
                   for message in messages)
    lines = ["// Generated by schema/generate.py from schema/messages. Do not edit.",
             "/// The topics in which Kafka keeps its own state, and the messages in their records: for `visit_record`.",
             "///",
             "/// The messages are declared only: a program includes the headers of those that it reads.",
             "#pragma once", "", "#include <kwire/messages/detail/view.hpp>", "", "#include <cstdint>",
             "#include <string_view>", "", "namespace kwire::inline KWIRE_ABI {", ""]
    lines += [f"struct {name};" for name in names]
    lines += ["", "namespace detail {", "", "/// The names of the messages of one type of record.", "struct stored_type {",
              "    std::int16_t number;", "    std::string_view key;   ///< empty in topics without keys",
              "    std::string_view value;", "};", "", "} // namespace detail"]
    for cpp, topic, kind, _, doc in TOPICS:
        types = [by_topic[cpp][key] for key in sorted(by_topic[cpp])]
        keyed = kind == "coordinator"
        lines += ["", f"/// `{topic}`: {doc[0].lower() + doc[1:]}", f"struct {cpp} {{",
                  f'    static constexpr std::string_view name = "{topic}"; ///< of the topic',
                  f"    static constexpr bool keyed = {'true' if keyed else 'false'}; "
                  f"///< {'the type is in the key' if keyed else 'records have no key; the type is in the value'}"]
        if keyed:
            lines.append("    /// The keys of its records, by type.\n    using keys = message_list<\n        " + ",\n        ".join(naming.snake(key.name) for key, _ in types) + ">;")
        lines.append("    /// The values of its records, by type.\n    using values = message_list<\n        " + ",\n        ".join(naming.snake(one[-1].name) for one in types) + ">;")
        lines.append("    /// The types of its records, and their messages by name.\n    static constexpr detail::stored_type types[] = {")
        lines += [f'        {{{one[0].key}, "{one[0].name if keyed else ""}", "{one[-1].name}"}},' for one in types]
        lines += ["    };", "};"]
    lines += ["", "} // namespace kwire::inline KWIRE_ABI"]
    return "\n".join(lines) + "\n"


def registry_header(facts):
    """The names of all messages, for look-ups at run time."""
    names = sorted(message.name for messages in facts.values() for message in messages)
    lines = ["// Generated by schema/generate.py from schema/messages. Do not edit.",
             "/// Every message by name or by API key, for tools that learn at run time what they read: see dynamic.hpp.",
             "///",
             "/// This header brings the tables of all messages: include it in one source file of a program.",
             "#pragma once", "", "#include <kwire/api.hpp>", "#include <kwire/reflect/dynamic.hpp>",
             "#include <kwire/messages/view/all.hpp>", "",
             "#include <algorithm>", "#include <array>", "#include <cstddef>", "#include <cstdint>",
             "#include <span>", "#include <string_view>", "",
             "namespace kwire::inline KWIRE_ABI {", "", "namespace detail {", "",
             f"inline constexpr std::array<message_info, {len(names)}> registry{{{{"]
    lines += [f"    message_info_of<{naming.snake(name)}>," for name in names]
    requests, responses = messages_by_key(facts, "request"), messages_by_key(facts, "response")
    if sorted(requests) != sorted(responses) or sorted(requests) != list(range(len(requests))):
        raise SystemExit("the API keys are not 0, 1, 2... with a request and a response each")
    lines += ["}};", "", "/// The positions of an API's request and response in the registry.",
              "struct api_messages {", "    std::int16_t request;", "    std::int16_t response;", "};",
              f"inline constexpr std::array<api_messages, {len(requests)}> messages_by_key{{{{"]
    lines += [f"    {{{names.index(requests[key].name)}, {names.index(responses[key].name)}}}, "
              f"// {key} {requests[key].name.removesuffix('Request')}" for key in sorted(requests)]
    lines += ["}};", "",
              "constexpr const message_info* message_of_api(api_key api, std::int16_t api_messages::*kind) noexcept {",
              "    const auto key = static_cast<std::size_t>(static_cast<std::int16_t>(api)); // negative keys become too large",
              "    if (key >= messages_by_key.size()) return nullptr;",
              "    return &registry[static_cast<std::size_t>(messages_by_key[key].*kind)];", "}", "",
              "} // namespace detail", "",
              "/// Every message that kwire knows, ordered by name. Static storage.",
              "[[nodiscard]] constexpr std::span<const message_info> all_messages() noexcept { return detail::registry; }",
              "", "/// The message with the schema's name, such as \"FetchRequest\"; nullptr if there is none.",
              "[[nodiscard]] constexpr const message_info* find_message(std::string_view name) noexcept {",
              "    const auto at = std::ranges::lower_bound(detail::registry, name, {},",
              "                                             [](const message_info& one) { return one.facts.name; });",
              "    return at != detail::registry.end() && at->facts.name == name ? &*at : nullptr;", "}", "",
              "/// The request of an API, under its current name if it was renamed; nullptr for unassigned keys.",
              "[[nodiscard]] constexpr const message_info* find_request(api_key api) noexcept {",
              "    return detail::message_of_api(api, &detail::api_messages::request);", "}", "",
              "/// The response of an API; otherwise as find_request.",
              "[[nodiscard]] constexpr const message_info* find_response(api_key api) noexcept {",
              "    return detail::message_of_api(api, &detail::api_messages::response);", "}", "",
              "} // namespace kwire::inline KWIRE_ABI"]
    return "\n".join(lines) + "\n"


def test_files(facts):
    """The rows that tests loop over, see tests/messages/message_type.hpp; a few files of facts per source."""
    tables = [IN_TABLES[i:i + FILES_PER_TABLE] for i in range(0, len(IN_TABLES), FILES_PER_TABLE)]
    files = {}
    for number, table in enumerate(tables):
        lines = ["// Generated by schema/generate.py. Do not edit."]
        lines += [f"#include <kwire/messages/{stem}.hpp>" for stem in table]
        lines += ["", '#include "messages/message_type.hpp"', "", "namespace support {", "",
                  f"std::span<const message_type> message_table_{number}() {{",
                  "    static constexpr message_type rows[] = {"]
        lines += [f"        describe<kwire::{naming.snake(message.name)}"
                  f"{', fixed_versions::every' if stem in EVERY_VERSION_FIXED else ''}>(),"
                  for stem in table for message in facts[stem]]
        lines += ["    };", "    return rows;", "}", "", "} // namespace support"]
        files[f"table_{number}.cpp"] = "\n".join(lines) + "\n"
    lines = ["// Generated by schema/generate.py. Do not edit.",
             "/// The messages that the tests compile in every way.", "#pragma once", "",
             '#include "messages/message_type.hpp"', "", "#include <vector>", "", "namespace support {", ""]
    lines += [f"std::span<const message_type> message_table_{number}();" for number in range(len(tables))]
    lines += ["", "inline std::vector<message_type> all_messages() {", "    std::vector<message_type> all;",
              "    for (const auto table : {"]
    calls = [f"message_table_{number}()" for number in range(len(tables))]
    lines += ["             " + ", ".join(calls[i:i + 4]) + ("," if i + 4 < len(calls) else "})")
              for i in range(0, len(calls), 4)]
    lines += ["        all.insert(all.end(), table.begin(), table.end());", "    return all;", "}", "",
              "} // namespace support"]
    files["all.hpp"] = "\n".join(lines) + "\n"
    return files


def walk_files(facts):
    """The rows of tests/walks/places.hpp for every message, in several sources that take the compiler about as long."""
    def work(stem):  # each struct is compiled once a version
        return sum((last - first + 2) * (1 + len(list(message.structs()))) for message in facts[stem]
                   for first, last in [message.versions])

    tables = [[0, []] for _ in range(WALK_TABLES)]
    for stem in sorted(facts, key=lambda stem: (-work(stem), stem)):
        least = min(tables, key=lambda table: table[0])
        least[0] += work(stem)
        least[1].append(stem)
    files = {}
    for number, (_, table) in enumerate(tables):
        table.sort()
        lines = ["// Generated by schema/generate.py. Do not edit."]
        lines += [f"#include <kwire/messages/view/{stem}.hpp>" for stem in table]
        lines += ["", '#include "walks/places.hpp"', "", "namespace support {", "",
                  f"std::span<const walked_message> walk_table_{number}() {{", "    static constexpr walked_message rows[] = {"]
        lines += [f"        walked<kwire::{naming.snake(message.name)}>()," for stem in table for message in facts[stem]]
        lines += ["    };", "    return rows;", "}", "", "} // namespace support"]
        files[f"walks_{number}.cpp"] = "\n".join(lines) + "\n"
    lines = ["// Generated by schema/generate.py. Do not edit.",
             "/// The walks of every message.", "#pragma once", "", '#include "walks/places.hpp"', "", "#include <vector>", "",
             "namespace support {", ""]
    lines += [f"std::span<const walked_message> walk_table_{number}();" for number in range(WALK_TABLES)]
    lines += ["", "inline std::vector<walked_message> all_walked_messages() {", "    std::vector<walked_message> all;",
              "    for (const auto table : {"]
    calls = [f"walk_table_{number}()" for number in range(WALK_TABLES)]
    lines += ["             " + ", ".join(calls[i:i + 4]) + ("," if i + 4 < len(calls) else "})")
              for i in range(0, len(calls), 4)]
    lines += ["        all.insert(all.end(), table.begin(), table.end());", "    return all;", "}", "",
              "} // namespace support"]
    files["walks.hpp"] = "\n".join(lines) + "\n"
    return files


def convert_files(facts):
    """The functions of examples/kwire_convert for every message, in several sources so that two cores can share them."""
    stems = sorted(facts)
    tables = [stems[i::CONVERT_TABLES] for i in range(CONVERT_TABLES)]
    files = {}
    for number, table in enumerate(tables):
        lines = ["// Generated by schema/generate.py. Do not edit.", '#include "typed.hpp"', ""]
        lines += [f"#include <kwire/messages/{stem}.hpp>" for stem in table]
        lines += ["", "namespace convert {", "", f"std::span<const typed_message> typed_messages_{number}() {{",
                  "    static constexpr typed_message rows[] = {"]
        lines += [f"        typed<kwire::{naming.snake(message.name)}>," for stem in table for message in facts[stem]]
        lines += ["    };", "    return rows;", "}", "", "} // namespace convert"]
        files[f"typed_{number}.cpp"] = "\n".join(lines) + "\n"
    lines = ["// Generated by schema/generate.py. Do not edit.", "/// The typed functions of every message.",
             "#pragma once", "", '#include "typed.hpp"', "", "#include <array>", "", "namespace convert {", ""]
    lines += [f"std::span<const typed_message> typed_messages_{number}();" for number in range(CONVERT_TABLES)]
    lines += ["", f"inline constexpr std::array<std::span<const typed_message> (*)(), {CONVERT_TABLES}> typed_tables{{"]
    lines += [f"    &typed_messages_{number}," for number in range(CONVERT_TABLES)]
    lines += ["};", "", "} // namespace convert"]
    files["typed_tables.hpp"] = "\n".join(lines) + "\n"
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, help="directory for the headers of messages")
    parser.add_argument("--only", nargs="*", help="stems of schema/messages to write instead of the usual ones")
    parser.add_argument("--check", action="store_true", help="compare with what is there instead of writing")
    parser.add_argument("--c", nargs="+", metavar="STEM", help="write a header of C for these files of facts: docs/tables.md")
    parser.add_argument("--fields", nargs="+", metavar="PATTERN", default=(),
                        help="with --c: report these alone, such as 'FetchRequest.Topics.*'")
    parser.add_argument("--json", nargs="*", metavar="STEM", help="write these files of facts, or all, as JSON")
    parser.add_argument("-o", type=pathlib.Path, metavar="FILE", help="where --c and --json write instead of standard output")
    arguments = parser.parse_args()
    facts = model.load_directory(HERE / "messages")
    words = load_words(HERE / "words.txt")
    secrets = load_words(HERE / "secrets.txt")
    check_secrets(secrets, facts)
    mark_entities(load_words(HERE / "entities.txt"), facts)
    mark_keys(load_words(HERE / "keys.txt"), facts)
    if arguments.c is not None or arguments.json is not None:
        text = json_tables.text(facts, arguments.json or None) if arguments.c is None \
            else c_tables.header(arguments.c, facts, arguments.fields)
        if arguments.o is None:
            sys.stdout.write(text)
        else:
            arguments.o.write_text(text, encoding="utf-8")
        return 0
    rules = meaning_rules(facts, load_words(HERE / "meaning.txt"))
    include = HERE.parent / "include" / "kwire"
    out = arguments.out or include / "messages"
    used_words = set()
    wanted = {}
    for stem in arguments.only if arguments.only is not None else facts:
        wanted[out / "view" / f"{stem}.hpp"] = view_header_of(stem, facts[stem], words, secrets, used_words)
        wanted[out / f"{stem}.hpp"] = header_of(stem, facts[stem])
    if arguments.out is None:
        wanted[include / "api.hpp"] = api_header(facts, words)
        wanted[include / "reflect" / "detail" / "meaning_table.hpp"] = meaning_header(rules)
        wanted[HERE / "marked_fields.txt"] = marked_fields(facts)
        wanted[include / "error_code.hpp"] = error_codes.header(error_codes.load(HERE / "error_codes.txt"))
        for_tests = HERE.parent / "tests" / "generated"
        wanted |= {out / "all.hpp": all_header(facts), out / "view" / "all.hpp": all_views_header(facts),
                   out / "apis.hpp": apis_header(facts),
                   out / "registry.hpp": registry_header(facts), out / "topics.hpp": topics_header(facts)}
        wanted |= {for_tests / name: text for name, text in (test_files(facts) | walk_files(facts)).items()}
        page = HERE.parent / "docs" / "transcode.md"
        wanted[page] = transcode_page.page(page.read_text(encoding="utf-8"), facts, rules)
        convert = HERE.parent / "examples" / "kwire_convert"
        wanted |= {convert / name: text for name, text in convert_files(facts).items()}
    stale = []
    if arguments.out is None:
        stale += [path for directory in (out, out / "view", for_tests) for path in sorted(directory.glob("*.[ch]pp"))
                  if path not in wanted]
    if not arguments.check:
        for path in stale:  # of messages that are gone
            path.unlink()
        stale = []
    for path, text in wanted.items():
        if arguments.check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print("not what schema/generate.py writes:", *stale, sep="\n    ", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
