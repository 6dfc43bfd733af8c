#!/usr/bin/env python3
"""A mistake in schema/meaning.txt is found, and every topic whose name gives way to an id has a rule.

    python3 tests/schema/test_meaning.py
"""

import pathlib
import re
import sys
import unittest

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
sys.path.insert(0, str(SCHEMA))

import generate
import model
import naming

FACTS = model.load_directory(SCHEMA / "messages")
LINES = generate.load_words(SCHEMA / "meaning.txt")
RULES = generate.meaning_rules(FACTS, LINES)


class Meaning(unittest.TestCase):
    def test_a_line_that_is_wrong_is_refused(self):
        for key, text in [("MetadataRequest.Topic", "needed -- why"),  # no such field
                          ("MetadataRequests.Topics", "needed -- why"),
                          ("MetadataRequest.Topics", "needed"),  # no reason
                          ("MetadataRequest.Topics", "need -- why"),
                          ("MetadataRequest.Topics", "like Names -- why"),
                          ("MetadataRequest", "needed -- why"),
                          ("MetadataRequest", "differs at 1 if Names -- why"),
                          ("EndTxnResponse.ErrorCode", "since 4: 120; below 2: 90=47; until 1: 3 -- two / reasons"),
                          ("EndTxnResponse.ErrorCode", "from 2: *=any -- why"),
                          ("ProduceRequest.TopicProduceData.PartitionProduceData.Records", "codecs below 7 -- why"),
                          ("LeaveGroupResponse.Members", "error to Error -- why"),
                          ("ListOffsetsResponse.ListOffsetsPartitionResponse.OldStyleOffsets", "holds Offset -- why")]:
            with self.subTest(key=key, text=text), self.assertRaises(SystemExit):
                generate.meaning_rules(FACTS, {key: text})

    def test_rules_of_a_field_have_their_own_reasons_or_share_one(self):
        def whys(text):
            return [rule[-1] for rule in generate.meaning_rules(FACTS, {"EndTxnResponse.ErrorCode": text})]

        self.assertEqual(whys("since 4: 120; below 2: 90=47 -- one / two"), ["one", "two"])
        self.assertEqual(whys("since 4: 120; below 2: 90=47 -- one"), ["one", "one"])

    def test_the_page_names_every_field_that_some_versions_lack(self):
        named = {}
        for line in (SCHEMA.parent / "docs" / "transcode.md").read_text(encoding="utf-8").splitlines():
            cells = line.split(" | ")
            if line.startswith("| "):
                named.setdefault(cells[0].removeprefix("| "), set()).update(re.findall(r"`([a-z0-9_.]+)`", line))
        missing = []

        def visit(message, fields, versions, path):
            for field in fields:
                here = [version for version in versions if field.versions[0] <= version <= field.versions[1]]
                name = ".".join((*path, naming.snake(field.name)))
                # A field that another one gives way to is named beside it, without its path.
                if here and here != versions and not {name, naming.snake(field.name)} & named.get(message.name, set()):
                    missing.append(f"{message.name} {name}")
                if here and field.struct is not None:
                    visit(message, field.struct.fields, here, (*path, naming.snake(field.name)))

        for message in (message for stem in FACTS.values() for message in stem):
            if message.kind in ("request", "response"):
                visit(message, message.fields, list(range(message.versions[0], message.versions[1] + 1)), ())
        self.assertEqual(missing, [])

    def test_rules_are_sorted_by_message(self):
        names = [rule[0] for rule in RULES]
        self.assertEqual(names, sorted(names))

    def test_a_topic_name_that_an_id_takes_the_place_of_has_a_rule(self):
        ruled = {(name, path) for name, path, kind, *_ in RULES if kind in ("topic", "needed")}
        missing = []
        for message in (message for stem in FACTS.values() for message in stem):
            if message.kind not in ("request", "response"):
                continue
            for key, (path, field, siblings) in generate.meaning_fields(message).items():
                ids = [other for other in siblings if other.type == "uuid" and other.name == "TopicId"]
                # Where a version has the id alone, and another one the name alone.
                if field.entity == "topicName" and ids and field.versions[1] < ids[0].versions[1] \
                        and (message.name, path) not in ruled:
                    missing.append(f"{message.name}.{key}")
        self.assertEqual(missing, [])

    def test_an_error_of_a_whole_message_is_not_dropped(self):
        ruled = {(name, path) for name, path, kind, *_ in RULES if kind in ("needed", "gathers")}
        missing = [message.name for stem in FACTS.values() for message in stem if message.kind == "response"
                   for field in message.fields
                   if field.name == "ErrorCode" and field.ignorable and field.versions != message.versions
                   and (message.name, "error_code") not in ruled]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
