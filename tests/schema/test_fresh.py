#!/usr/bin/env python3
"""The generated headers are what schema/generate.py writes, and the tests' tables use every construct of the schema.

    python3 tests/schema/test_fresh.py
"""

import copy
import pathlib
import re
import subprocess
import sys
import unittest

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
sys.path.insert(0, str(SCHEMA))

import error_codes  # noqa: E402
import generate  # noqa: E402
import model  # noqa: E402

FACTS = model.load_directory(SCHEMA / "messages")


def constructs_of_field(message, place, field):
    """What one field uses of the vocabulary, as a set of words."""
    flexible = message.flexible_from is not None
    shape = "struct" if field.struct is not None else field.type
    found = {f"{'array of ' if field.array else ''}{shape}"}
    if field.array:
        shape = "array"
    if field.versions[0] > message.versions[0]:
        found.add("a field that starts later")
    if field.versions[1] < message.versions[1]:
        found.add("a field that ends early")
    if field.nullable is not None:
        found.add(f"nullable {shape}")
        if field.nullable[0] > max(field.versions[0], message.versions[0]):
            found.add("nullable from a later version on")
        if field.nullable[1] < field.versions[1]:
            found.add("nullable up to a version only")
        if field.default is not None:
            found.add(f"nullable {shape} that is not null by default")
    if field.tag is not None:
        found.add("tagged " + ("struct" if shape == "struct" else "array" if shape == "array" else "value"))
        if place is not message:
            found.add("tagged inside a struct")
        if field.nullable is not None:
            found.add(f"tagged nullable {shape}")
    elif field.nullable is not None and shape == "struct":
        found.add("untagged nullable struct, " + ("flexible" if flexible else "classic"))
    if field.default is not None and field.default != field.implicit_default:
        found.add(f"default of its own: {field.type}")
    if field.ignorable is not None:
        found.add("ignorable" if field.ignorable == message.versions else "ignorable in some versions")
    if field.map_key:
        found.add("map key")
    if field.entity is not None:
        found.add(f"entity {field.entity}")
    if not field.compact:
        found.add("never compact")
    if field.struct is not None and field.struct.common:
        found.add("common struct")
    return found


def constructs_of(message):
    found = {f"kind {message.kind}"}
    first, last = message.versions
    if message.aliases:
        found.add("a version with two numbers")
    if message.flexible_from is None:
        found.add("never flexible")
    elif message.flexible_from <= first:
        found.add("always flexible")
    else:
        found.add("flexible from a later version on")
    if first > 0:
        found.add("a first version above 0")
    if not message.fields:
        found.add("a message without fields")
    for place in [message, *message.structs()]:
        tags = [field.tag for field in place.fields if field.tag is not None]
        if tags != sorted(tags):
            found.add("tags out of declaration order")
        for version in range(first, last + 1):
            if not any(model.has(field.versions, version) for field in place.fields):
                found.add("a version in which a struct or message has no field")
        for field in place.fields:
            found |= constructs_of_field(message, place, field)
    return found


def constructs_in(stems):
    return set().union(*(constructs_of(message) for stem in stems for message in FACTS[stem]))


class Fresh(unittest.TestCase):
    def test_generated_files_are_what_the_generator_writes(self):
        ran = subprocess.run([sys.executable, SCHEMA / "generate.py", "--check"], capture_output=True, text=True)
        if (ran.returncode, ran.stderr) != (0, ""):
            self.fail(f"run python3 schema/generate.py\n{ran.stderr}")

    def test_every_construct_of_the_schema_is_compiled_in_every_way(self):
        everything = constructs_in(FACTS)
        missing = sorted(everything - constructs_in(generate.IN_TABLES))
        if missing:
            who = {word: [stem for stem in FACTS if word in constructs_in([stem])] for word in missing}
            self.fail("\nadd one of these to IN_TABLES in schema/generate.py:\n" + "\n".join(
                f"    {word}: {', '.join(stems)}" for word, stems in who.items()))
        self.assertGreater(len(everything), 50)

    def assert_decided(self, seen, marks, excuses):
        """Every suspicious field without a mark has its line, with a reason, in the file of excuses, and that has no other."""
        known = generate.load_words(SCHEMA / excuses)
        self.assertEqual([key for key, reason in known.items() if not reason], [], f"without a reason in {excuses}")
        wrong = [f"add to {marks}, or to {excuses} with a reason:    {key}" for key in sorted(seen - set(known))]
        wrong += [f"not suspicious, marked or gone, take it out of {excuses}:    {key}" for key in sorted(set(known) - seen)]
        if wrong:
            self.fail("\n" + "\n".join(wrong))

    def test_fields_whose_names_suggest_a_secret_are_marked_or_known_to_be_none(self):
        suspicious = re.compile("password|secret|token|hmac|salt|authbytes|credential|storedkey|serverkey|sensitive", re.I)
        secrets = generate.load_words(SCHEMA / "secrets.txt")
        seen = set()
        for message in (message for messages in FACTS.values() for message in messages):
            for place in [message, *message.structs()]:
                where = message.name if place is message else f"{message.name}.{place.name}"
                for field in place.fields:
                    key = f"{where}.{field.name}"
                    if suspicious.search(field.name) and key not in secrets:
                        seen.add(key)
        self.assert_decided(seen, "secrets.txt", "not_secret.txt")
        generate.check_secrets(secrets, FACTS)
        for wrong in ({"ConfigRecord.Nothing": "always"}, {"ConfigRecord.Value": "maybe"}, {"ConfigRecord.Name": "flag"},
                      {"ConfigRecord.Value": "flagged"}):
            with self.assertRaises(SystemExit):
                generate.check_secrets(wrong, FACTS)

    def test_fields_whose_names_suggest_what_they_name_are_marked_or_known_to_name_nothing(self):
        suspicious = re.compile("topic|groups?(ids?|names?)?$|transactionalid|producerid|"
                                "(broker|leader|candidate|voter|voted|controller|node|replica)ids?$|isr$|replicas$", re.I)
        entities = generate.load_words(SCHEMA / "entities.txt")
        seen = set()
        for key, field in generate.fields_by_path(FACTS).items():
            place, name = key.split(".")[-2:]
            named = suspicious.search(name) or (name in ("Name", "Id") and re.search("topic|topolog", place, re.I))
            if named and field.struct is None and field.type != "bool" and not field.entity and key not in entities:
                seen.add(key)
        self.assert_decided(seen, "entities.txt", "not_entities.txt")
        generate.mark_entities(entities, copy.deepcopy(FACTS))
        for wrong in ({"OffsetCommitKey.nothing": "topicName"}, {"OffsetCommitKey.topic": "topic"},
                      {"MetadataRequest.MetadataRequestTopic.Name": "topicName"},  # Kafka says so
                      {"OffsetCommitKey.topic": "topicId"}, {"ConsumerProtocolSubscription.OwnedPartitions": "topicName"}):
            with self.assertRaises(SystemExit):
                generate.mark_entities(wrong, copy.deepcopy(FACTS))

    def test_no_field_lies_deeper_than_the_path_of_an_error_reaches(self):
        def depth(fields):
            return max((1 + (depth(field.struct.fields) if field.struct is not None else 0) for field in fields), default=0)

        text = (SCHEMA.parent / "include" / "kwire" / "error.hpp").read_text(encoding="utf-8")
        longest = int(re.search(r"\bmax_depth = (\d+);", text)[1])
        for messages in FACTS.values():
            for message in messages:
                self.assertLessEqual(depth(message.fields), longest,
                                     f"{message.name}: raise max_depth in include/kwire/error.hpp, or its errors lose their last steps")

    def test_error_codes_are_those_that_kafka_has(self):
        """Numbers, names and what can be retried, as the golden vectors took them from Kafka's jars."""
        lines = (SCHEMA.parent / "tests" / "golden" / "error-codes.txt").read_text(encoding="utf-8").splitlines()[1:]
        kafkas = {(int(code), name, retriable == "1") for code, name, retriable, _ in map(str.split, lines)}
        ours = {(code.number, code.name, code.retriable) for code in error_codes.load(SCHEMA / "error_codes.txt")}

        def line(code):
            return f"{code[0]} {code[1]}{' retriable' if code[2] else ''}:"

        wrong = [f"add to error_codes.txt, with what it means:    {line(code)}" for code in sorted(kafkas - ours)]
        wrong += [f"not Kafka's, take it out of error_codes.txt:    {line(code)}" for code in sorted(ours - kafkas)]
        if wrong:
            self.fail("\n" + "\n".join(wrong))

    def test_no_array_has_elements_of_no_bytes(self):
        """Nothing would bound a count before such elements."""
        def least(message, fields, version):
            size = 1 if message.flexible(version) else 0
            for field in fields:
                if not model.has(field.versions, version) or field.tag is not None:
                    continue
                if field.struct is not None and not field.array and not model.has(field.nullable, version):
                    size += least(message, field.struct.fields, version)
                else:
                    size += 1  # at least: a fixed width, a length, a count or a marker
            return size

        for messages in FACTS.values():
            for message in messages:
                for place in [message, *message.structs()]:
                    for field in place.fields:
                        if field.struct is None or not field.array:
                            continue
                        for version in range(field.versions[0], field.versions[1] + 1):
                            self.assertGreater(least(message, field.struct.fields, version), 0,
                                               f"{message.name} v{version} {field.name}")


if __name__ == "__main__":
    unittest.main()
