#!/usr/bin/env python3
"""The generated headers are what schema/generate.py writes, and the tests' tables use every construct of the schema.

    python3 tests/schema/test_fresh.py
"""

import copy
import fnmatch
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


def marked(facts):
    """A copy with the lines of entities.txt."""
    facts = copy.deepcopy(facts)
    generate.mark_entities(generate.load_words(SCHEMA / "entities.txt"), facts)
    return facts


NUMBER_THAT_MAY_NAME = re.compile(
    "host|port$|topic|group|broker|node|replica|leader|controller|rack|client|principal|cluster|member|instance|producer|transaction"
    "|config|resource|endpoint|listener|voter|voted|candidate|isr$|owner|requester|renewer|coordinator|user|quota|entity|pattern"
    "|regex|address|token|keytype", re.I)


def fields_that_may_mean_something(facts):
    """The keys of fields without a mark that may need one, and of all that have one.

    Each text, UUID and opaque bytes may; each array of int32 that does not count partitions; and numbers by their names, the
    small ones if they are a type of something.
    """
    seen, known = set(), set()
    for key, field in generate.fields_by_path(facts).items():
        name = key.rpartition(".")[2]
        if field.struct is not None or field.type in ("bool", "float64", "records"):
            continue
        if field.entity:
            known.add(key)
        elif field.type in ("string", "bytes", "uuid"):
            seen.add(key)
        elif field.type == "int32" and field.array and not re.search("partition", key, re.I):
            seen.add(key)
        elif NUMBER_THAT_MAY_NAME.search(name) and (field.type not in ("int8", "int16") or field.array or name.endswith("Type")):
            seen.add(key)
    return seen, known


def undecided(seen, marked, excuses):
    """What is wrong with the excuses for `seen`. A key with `*` excuses every field that it matches."""
    wrong, excused = [], set()
    for key in sorted(excuses):
        found = set(fnmatch.filter(seen, key)) if "*" in key else seen & {key}
        if "*" in key and fnmatch.filter(marked, key):
            wrong.append(f"excuses a field that is marked: {key}")
        elif not found:
            wrong.append(f"idle, what it excuses is gone or marked: {key}")
        excused |= found
    return [f"not marked: {key}" for key in sorted(seen - excused)] + wrong


# In one struct: a field of the first kind has exactly one of the second, in all its versions; or, because the default decides
# where it is absent, at all.
BESIDE = [("host", "port"), ("port", "host"), ("clientPort", "clientHost"), ("configValue", "configName"),
          ("aclResource", "aclResourceType")]
BESIDE_OR_DEFAULT = [("configResource", "configResourceType"), ("aclResource", "aclPatternType"),
                     ("quotaEntity", "quotaEntityType"), ("coordinatorKey", "coordinatorKeyType")]


def missing_partners(facts):
    """Fields whose meaning needs another field which is not there."""
    wrong = []
    for message in (message for messages in facts.values() for message in messages):
        for place in [message, *message.structs()]:
            for at, field in enumerate(place.fields):
                key = f"{message.name}: {place.name}.{field.name}"
                around = [place.fields[i].entity if 0 <= i < len(place.fields) else None for i in (at - 1, at + 1)]
                for one, other in BESIDE + BESIDE_OR_DEFAULT:
                    if field.entity != one or (one == "coordinatorKey" and message.kind == "response"):
                        continue
                    beside = [f for f in place.fields if f.entity == other and not f.array]
                    always = [f for f in beside if model.intersect(f.versions, field.versions) == field.versions]
                    if len(beside) != 1 or ((one, other) in BESIDE and not always):
                        wrong.append(f"{key}: not one {other} beside it")
                if field.entity == "principalType" and around[1] != "principalName":
                    wrong.append(f"{key}: no principalName after it")
                if field.entity == "principalName" and around[0] != "principalType" and "Scram" not in message.name:
                    wrong.append(f"{key}: no principalType before it")
    return wrong


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

    def assert_decided(self, seen, marked, marks, excuses):
        """Every suspicious field without a mark has its line, with a reason, in the file of excuses, and that has no other."""
        known = generate.load_words(SCHEMA / excuses)
        self.assertEqual([key for key, reason in known.items() if not reason], [], f"without a reason in {excuses}")
        wrong = undecided(seen, marked, known)
        if wrong:
            self.fail(f"\nwhat is not marked goes to {marks}, or to {excuses} with a reason:\n    " + "\n    ".join(wrong))

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
        self.assert_decided(seen, set(secrets), "secrets.txt", "not_secret.txt")
        generate.check_secrets(secrets, FACTS)
        for wrong in ({"ConfigRecord.Nothing": "always"}, {"ConfigRecord.Value": "maybe"}, {"ConfigRecord.Name": "flag"},
                      {"ConfigRecord.Value": "flagged"}):
            with self.assertRaises(SystemExit):
                generate.check_secrets(wrong, FACTS)

    def test_fields_that_may_mean_something_are_marked_or_known_to_mean_nothing(self):
        facts = marked(FACTS)
        seen, known = fields_that_may_mean_something(facts)
        self.assert_decided(seen, known, "entities.txt", "not_entities.txt")
        self.assertGreater(len(known), 650)

    def test_a_field_that_a_release_brings_or_takes_is_noticed(self):
        """The test above and its helpers, on facts that differ from ours by one field each."""
        excuses = generate.load_words(SCHEMA / "not_entities.txt")

        def wrong(change, excuses=excuses):
            facts = marked(FACTS)
            change({message.name: message for messages in facts.values() for message in messages})
            return undecided(*fields_that_may_mean_something(facts), excuses)

        def brings(name, type_, **more):
            return lambda messages: messages["MetadataResponse"].fields.append(
                model.Field(name, type_, messages["MetadataResponse"].versions, **more))

        self.assertEqual(wrong(lambda messages: None), [])
        for name, type_ in (("AdvertisedHost", "string"), ("AdvertisedPort", "uint16"), ("Whatever", "string"), ("Blob", "bytes"),
                            ("Thing", "uuid"), ("PreferredLeader", "int32"), ("LastProducerId", "int64"), ("TopicKeyType", "int8"),
                            ("MemberNumber", "int32"), ("Coordinator", "int32")):
            self.assertEqual(wrong(brings(name, type_)), [f"not marked: MetadataResponse.{name}"])
        self.assertEqual(wrong(brings("Successors", "int32", array=True)), ["not marked: MetadataResponse.Successors"])
        for name, type_ in (("ErrorMessage", "string"), ("OtherLeaderEpoch", "int32"), ("ClientsAreNice", "bool"), ("Lag", "int64")):
            self.assertEqual(wrong(brings(name, type_)), [])
        self.assertEqual(wrong(brings("Whatever", "string", entity="rack")), [])

        def without_mechanism(messages):
            del messages["SaslHandshakeRequest"].fields[:]

        def with_rack(messages):
            messages["SaslHandshakeRequest"].fields[0].entity = "rack"

        idle = ["idle, what it excuses is gone or marked: SaslHandshakeRequest.Mechanism"]
        self.assertEqual(wrong(without_mechanism), idle)
        self.assertEqual(wrong(with_rack), idle)
        self.assertEqual(wrong(lambda messages: None, excuses | {"*.RackId": "no"}), ["excuses a field that is marked: *.RackId"])
        self.assertEqual(wrong(lambda messages: None, excuses | {"*.Nothing": "no"}),
                         ["idle, what it excuses is gone or marked: *.Nothing"])

    def test_lines_of_entities_that_are_wrong_are_refused(self):
        for wrong in ({"OffsetCommitKey.nothing": "topicName"}, {"OffsetCommitKey.topic": "topic"},
                      {"MetadataRequest.MetadataRequestTopic.Name": "topicName"},  # Kafka says so
                      {"OffsetCommitKey.topic": "topicId"}, {"ConsumerProtocolSubscription.OwnedPartitions": "topicName"},
                      {"MetadataResponse.MetadataResponseBroker.Port": "clientPort"}):
            with self.assertRaises(SystemExit):
                generate.mark_entities(wrong, copy.deepcopy(FACTS))

    def test_meanings_that_need_another_field_have_it(self):
        """What schema/field.hpp and schema/meaning.hpp promise of `port`, `principal_name` and what a second field decides."""
        self.assertEqual(missing_partners(marked(FACTS)), [])
        for path, was in (("MetadataResponse.MetadataResponseBroker.Port", "port"), ("ConfigRecord.ResourceType", "configResourceType"),
                          ("AccessControlEntryRecord.PatternType", "aclPatternType"), ("DefaultPrincipalData.Type", "principalType"),
                          ("FindCoordinatorRequest.KeyType", "coordinatorKeyType"), ("ConfigRecord.Name", "configName"),
                          ("ClientQuotaRecord.EntityData.EntityType", "quotaEntityType"),
                          ("StreamsGroupDescribeResponse.Endpoint.Host", "clientHost")):
            facts = marked(FACTS)
            field = generate.fields_by_path(facts)[path]
            self.assertEqual(field.entity, was)
            field.entity = None
            self.assertGreater(len(missing_partners(facts)), 0, path)

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
