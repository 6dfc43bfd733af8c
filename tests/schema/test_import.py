"""The importer over synthetic schemas, one for each quirk of Kafka's, and the facts that are checked in.

    python3 tests/schema/test_import.py
"""

import contextlib
import importlib.util
import io
import json
import pathlib
import sys
import tempfile
import unittest
import zipfile

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
sys.path.insert(0, str(SCHEMA))

import compare  # noqa: E402
import kafka_json  # noqa: E402
import merge  # noqa: E402
import model  # noqa: E402
import naming  # noqa: E402

spec = importlib.util.spec_from_file_location("kwire_import", SCHEMA / "import.py")
importer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(importer)


def schema(fields, name="ThingRequest", valid="0-5", flexible="2+", **more):
    return {"type": "request", "apiKey": 7, "name": name, "validVersions": valid, "flexibleVersions": flexible,
            "fields": fields, **more}


def field(name="Name", type_="string", versions="0+", **more):
    return {"name": name, "type": type_, "versions": versions, **more}


def load(fields, **more):
    return kafka_json.load(schema(fields, **more))


def only(raw_field, **more):
    """The one field of a message that has just this one."""
    return load([raw_field], **more).fields[0]


def lines(message):
    return model.write(message).splitlines()


class Json(unittest.TestCase):
    def test_comments_anywhere_but_in_strings(self):
        text = """// licence
        { "name": "A", // trailing
          /* two
             lines */ "about": "see https://kafka /* not a comment */", "x": [ 1 /* one */, 2 ] }
        // end"""
        self.assertEqual(kafka_json.parse_json(text),
                         {"name": "A", "about": "see https://kafka /* not a comment */", "x": [1, 2]})

    def test_a_key_twice_with_the_same_value_is_taken_and_with_another_refused(self):
        self.assertEqual(kafka_json.parse_json('{"versions": "0+", "versions": "0+"}'), {"versions": "0+"})
        with self.assertRaisesRegex(model.SchemaError, "twice"):
            kafka_json.parse_json('{"versions": "0+", "versions": "1+"}')

    def test_what_is_no_json_object_is_refused(self):
        for text in ("[]", "{", '{"a": 1,}'):
            with self.assertRaises(model.SchemaError):
                kafka_json.parse_json(text)

    def test_jars(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.jar"

            def jar(**entries):
                with zipfile.ZipFile(path, "w") as out:
                    for name, content in entries.items():
                        out.writestr(name.replace("__", "/"), content)
                return kafka_json.read_jars([path])

            one = json.dumps(schema([]))
            self.assertEqual(jar(**{"common__message__A.json": one, "other.class": "x"}), {"ThingRequest": schema([])})
            with self.assertRaisesRegex(model.SchemaError, "outside the folders"):
                jar(**{"config__A.json": one})
            with self.assertRaisesRegex(model.SchemaError, "another schema"):
                jar(**{"common__message__A.json": one, "message__A.json": json.dumps(schema([], valid="0"))})


class Scalars(unittest.TestCase):
    def test_ranges(self):
        self.assertIsNone(kafka_json.parse_versions("none"))
        self.assertEqual(kafka_json.parse_versions("3"), (3, 3))
        self.assertEqual(kafka_json.parse_versions("3-5"), (3, 5))
        self.assertEqual(kafka_json.parse_versions("3+"), (3, 32767))
        for wrong in ("", "5-3", "3-", "-3", "a", "3++", "3 - 5"):
            with self.assertRaises(model.SchemaError):
                kafka_json.parse_versions(wrong)

    def test_numbers_and_truth_in_quotes(self):
        found = load([field("A", "int32", "2+", tag="0", taggedVersions="2+", ignorable="false"),
                      field("B", "bool", default="TRUE"), field("C", "bool", default=True),
                      field("D", "int8", default=-3, ignorable=True)], valid="1-5")
        self.assertEqual([found.fields[0].tag, found.fields[0].ignorable], [0, None])
        self.assertEqual([f.default for f in found.fields], [0, True, True, -3])
        self.assertEqual(found.fields[3].ignorable, (1, 5))
        with self.assertRaises(model.SchemaError):
            only(field(ignorable="no"))

    def test_hexadecimal_defaults(self):
        self.assertEqual(only(field("Max", "int32", default="0x7fffffff")).default, 2**31 - 1)
        for wrong in ("0x80000000", "010", "1.5", "", " 1", "1_0"):
            if wrong:
                with self.assertRaises(model.SchemaError, msg=wrong):
                    only(field("Max", "int32", default=wrong))

    def test_null_in_quotes_is_null_and_without_quotes_no_default(self):
        struct = [field("Inner", "int32")]
        quoted = field("S", "Thing", nullableVersions="0+", default="null", fields=struct)
        plain = field("S", "Thing", nullableVersions="0+", default=None, fields=struct)
        self.assertIsNone(only(quoted).default)
        self.assertEqual(only(plain).default, {})
        self.assertEqual(only(field(nullableVersions="0+")).default, "")
        self.assertIsNone(only(field(nullableVersions="0+", default="null")).default)
        with self.assertRaisesRegex(model.SchemaError, "null is the default"):
            only(field(nullableVersions="1+", default="null"))
        with self.assertRaises(model.SchemaError):
            only(field("N", "int32", default="null"))

    def test_implicit_defaults(self):
        for type_, expected in (("int64", 0), ("bool", False), ("float64", 0.0), ("string", ""), ("bytes", b""),
                                ("records", None), ("uuid", bytes(16)), ("[]string", ())):
            found = only(field("F", type_)).default
            self.assertEqual((found, type(found)), (expected, type(expected)))

    def test_the_text_null_and_spaces_survive_the_compact_text(self):
        for default in ("", "two words", 'a "quote" = 1', "ünï"):
            found = load([field(default=default)])
            self.assertEqual(model.parse(model.write(found)), [found])
        self.assertIn('default="two words"', model.write(load([field(default="two words")])))


class Ranges(unittest.TestCase):
    def test_presence_is_clipped_to_what_encloses_it(self):
        found = load([field("Outer", "[]Outer", "3-4", fields=[field("In", "int32", "0+"), field("Gone", "int8", "5+")]),
                      field("Never", "int8", "9+")])
        self.assertEqual(lines(found)[1:], ["    Outer: []Outer 3-4", "        In: int32 3-4"])

    def test_nullable_ranges_may_reach_outside(self):
        found = load([field("A", versions="1-4", nullableVersions="3+"),
                      field("B", versions="2+", nullableVersions="0-1")])
        self.assertEqual(lines(found)[1:], ["    A: string 1-4 nullable=3-4", "    B: string 2+"])

    def test_versions_may_come_from_tagged_versions(self):
        raw = {"name": "T", "type": "int64", "tag": 0, "taggedVersions": "4+"}
        self.assertEqual(lines(load([raw]))[1:], ["    T: int64 4+ tag=0"])

    def test_tagged_in_some_versions_only(self):
        self.assertEqual(lines(load([field("T", tag=0, taggedVersions="3+", versions="1+")]))[1:],
                         ["    T: string 1+ tag=0 tagged=3+"])

    def test_the_message_line(self):
        raw = schema([], valid="1-4", latestVersionUnstable=True, listeners=["broker", "controller"])
        self.assertEqual(lines(kafka_json.load(raw)),
                         ["request ThingRequest key=7 versions=1-4 flexible=2+ unstable=4 listeners=broker,controller"])
        self.assertEqual(lines(load([], flexible="none", valid="3"))[0],
                         "request ThingRequest key=7 versions=3 flexible=none")
        self.assertEqual(lines(load([], flexible="6+"))[0], "request ThingRequest key=7 versions=0-5 flexible=none")

    def test_a_key_that_is_only_kept_occupied_is_no_message(self):
        self.assertIsNone(kafka_json.load({"type": "request", "apiKey": 4, "name": "XRequest", "validVersions": "none"}))

    def test_field_without_compact_length(self):
        self.assertEqual(lines(load([field(flexibleVersions="none")]))[1:], ["    Name: string 0+ compact=none"])


class Structs(unittest.TestCase):
    def common(self, uses, versions="0+"):
        return load([field(f"F{at}", "[]Part", use) for at, use in enumerate(uses)],
                    commonStructs=[{"name": "Part", "versions": versions, "fields": [field("Id", "int32")]}])

    def test_used_twice_it_stands_first_and_used_once_in_its_place(self):
        self.assertEqual(lines(self.common(["0-1", "4+"]))[1:],
                         ["    struct Part 0+", "        Id: int32 0+", "    F0: []Part 0-1", "    F1: []Part 4+"])
        self.assertEqual(lines(self.common(["3+"]))[1:], ["    F0: []Part 3+", "        Id: int32 3+"])

    def test_common_structs_follow_those_that_they_use(self):
        parts = [{"name": "Upper", "versions": "0+", "fields": [field("L", "Lower")]},
                 {"name": "Lower", "versions": "0+", "fields": [field("Id", "int32")]}]
        found = load([field("A", "Upper"), field("B", "Upper"), field("C", "Lower")], commonStructs=parts)
        self.assertEqual([struct.name for struct in found.common_structs], ["Lower", "Upper"])
        self.assertEqual(model.parse(model.write(found)), [found])

    def test_a_struct_that_lacks_versions_of_its_field_is_refused(self):
        with self.assertRaisesRegex(model.SchemaError, "lacks versions"):
            self.common(["0+"], versions="1+")


class Refusals(unittest.TestCase):
    def refused(self, reason, fields, **more):
        with self.assertRaisesRegex(model.SchemaError, reason):
            load(fields, **more)

    def test_unknown_things(self):
        self.refused("unknown type", [field(type_="int128")])
        self.refused("unknown type", [field(type_="Missing")])
        self.refused("unknown type", [field(type_="[][]int32")])
        self.refused("does not know: colour", [field(colour="red")])
        self.refused("does not know: audience", [], audience="all")
        self.refused("no encoding", [field(type_="[]records")])
        self.refused("open-ended", [], valid="0+")
        self.refused("bounded", [], flexible="1-3")
        with self.assertRaisesRegex(model.SchemaError, "unknown kind"):
            kafka_json.load(schema([]) | {"type": "coordinator-note"})

    def test_elements_of_no_bytes(self):
        empty = field("E", "[]Part", fields=[field("Late", "int32", "1+")])
        self.refused("takes no byte in version 0", [empty])
        self.assertTrue(load([empty], flexible="0+"))
        self.assertTrue(load([empty | {"versions": "1+"}]))

    def test_structs_that_contain_themselves(self):
        ring = [{"name": "A", "versions": "0+", "fields": [field("B", "[]B")]},
                {"name": "B", "versions": "0+", "fields": [field("A", "[]A")]}]
        self.refused("contains itself", [field("Root", "A")], commonStructs=ring)

    def test_tags(self):
        tagged = {"taggedVersions": "2+", "versions": "2+"}
        self.refused("without gaps", [field("A", tag=1, **tagged)])
        self.refused("without gaps", [field("A", tag=0, **tagged), field("B", tag=0, **tagged)])
        self.refused("not flexible", [field("A", tag=0, taggedVersions="1+", versions="1+")])
        self.refused("bounded", [field("A", tag=0, taggedVersions="2-3", versions="2+")])
        self.refused("come together", [field("A", tag=0)])
        self.refused("map key", [field("A", tag=0, mapKey=True, **tagged)])
        self.refused("some tagged versions", [field("A", tag=0, nullableVersions="3+", **tagged)])

    def test_names_and_nulls(self):
        self.refused("cannot be null", [field("A", "int32", nullableVersions="0+")])
        self.refused("differ in nothing but case", [field("Aa"), field("aA")])
        self.refused("more than letters", [field("a_b")])
        self.refused("there twice", [field("A", "P", fields=[field()]), field("B", "P", fields=[field()])])


class Union(unittest.TestCase):
    def merged(self, newer, older):
        self.newer, self.older = schema(**newer), schema(**older)
        return merge.merge(kafka_json.load(self.newer), kafka_json.load(self.older))

    def test_old_versions_come_from_the_older_release(self):
        found = self.merged(
            {"valid": "2-4", "fields": [field("A"), field("B", "int8", "3+"), field("C")]},
            {"valid": "0-3", "fields": [field("A"), field("Old", "int32", "0-1"), field("B", "int8", "3+"), field("C")]})
        self.assertEqual(lines(found), ["request ThingRequest key=7 versions=0-4 flexible=2+", "    A: string 0+",
                                        "    Old: int32 0-1", "    B: int8 3+", "    C: string 0+"])

    def test_the_newer_release_decides_what_both_have(self):
        found = self.merged({"valid": "2-4", "fields": [field("New", nullableVersions="2+")]},
                            {"valid": "2-3", "fields": [field("Old")]})
        self.assertEqual(lines(found)[1:], ["    New: string 2+ nullable=2+"])

    def test_inside_structs(self):
        def topics(*inner):
            return [field("Topics", "[]Topic", fields=list(inner))]
        found = self.merged({"valid": "3-4", "fields": topics(field("Id", "uuid", "3+"), field("N", "int8"))},
                            {"valid": "0-3", "fields": topics(field("Name", versions="0-2"), field("N", "int8"))})
        self.assertEqual(lines(found)[1:], ["    Topics: []Topic 0+", "        Name: string 0-2", "        Id: uuid 3+",
                                            "        N: int8 0+"])

    def test_fields_in_another_order_cannot_be_one_list(self):
        with self.assertRaisesRegex(model.SchemaError, "order"):
            self.merged({"valid": "2-4", "fields": [field("A"), field("B")]},
                        {"valid": "0-1", "fields": [field("B"), field("A")]})

    def test_what_changes_its_meaning_is_refused(self):
        for old, new, reason in ((field("A", "int8"), field("A", "int16"), "int8 became int16"),
                                 (field("A", "int8", default="1"), field("A", "int8"), "default"),
                                 (field("A", versions="0"), field("A", versions="3+"), "gap")):
            with self.assertRaisesRegex(model.SchemaError, reason):
                self.merged({"valid": "2-4", "fields": [new]}, {"valid": "0-1", "fields": [old]})

    def test_versions_that_do_not_join_are_refused(self):
        with self.assertRaisesRegex(model.SchemaError, "only the oldest"):
            self.merged({"valid": "3-4", "fields": []}, {"valid": "0-1", "fields": []})
        with self.assertRaisesRegex(model.SchemaError, "only the oldest"):
            self.merged({"valid": "0-1", "fields": []}, {"valid": "0-2", "fields": []})

    def test_who_says_ignorable(self):
        # Version 0 lacks the field and only the older release knows it: that one's word counts.
        found = self.merged({"valid": "1-2", "fields": [field("A", versions="1+")]},
                            {"valid": "0-2", "fields": [field("A", versions="1+", ignorable=True)]})
        self.assertEqual(lines(found)[1:], ["    A: string 1+ ignorable"])
        # Each release is asked about a version that lacks the field, and they differ.
        found = self.merged({"valid": "2-4", "fields": [field("A", versions="3-3")]},
                            {"valid": "0-3", "fields": [field("A", versions="3-3", ignorable=True)]})
        self.assertEqual(lines(found)[1:], ["    A: string 3 ignorable=0-1"])
        # Every version that the older release speaks for has the field.
        found = self.merged({"valid": "2-4", "fields": [field("A", versions="0-3", ignorable=True)]},
                            {"valid": "0-3", "fields": [field("A")]})
        self.assertEqual(lines(found)[1:], ["    A: string 0-3 ignorable"])

    def test_an_older_number_of_a_coordinator_key_is_an_alias(self):
        def key(valid, **more):
            return kafka_json.load(schema([field("group", versions=valid)], name="ThingKey", valid=valid,
                                          flexible="none") | more)
        found = merge.merge(key("0", type="coordinator-key"), key("7", type="data"))
        self.assertEqual(lines(found), ["coordinator-key ThingKey key=7 versions=0 alias=7 flexible=none",
                                        "    group: string 0+"])
        self.assertEqual((found.version_numbers(), found.canonical(7)), ([0, 7], 0))

    def test_the_check_sees_every_wrong_fact(self):
        parts = [field("Topics", "[]Topic", fields=[field("Name", nullableVersions="1+"), field("Late", "int8", "4+")]),
                 field("Tail", "int64", "2+", tag=0, taggedVersions="2+", default="5")]
        raw = schema(parts)
        edits = {"Name: string 0+ nullable=1+": ["Name: string 0+", "Name: string 1+ nullable=1+",
                                                 "Name: bytes 0+ nullable=1+", "Named: string 0+ nullable=1+",
                                                 "Name: []string 0+ nullable=1+", "Name: string 0+ nullable=2+",
                                                 "Name: string 0+ nullable=1+ compact=none",
                                                 "Name: string 0+ nullable=1+ mapkey"],
                 "Late: int8 4+": ["Late: int8 3+", "Late: int8 4+ ignorable", "Late: int8 4+ default=1"],
                 "tag=0 default=5": ["tag=1 default=5", "tag=0", "default=5"]}
        text = model.write(kafka_json.load(raw))

        def verify(message):
            for version in range(6):
                compare.check_layout(compare.layout_of_raw(raw, version), compare.layout_of(message, version), "", True)

        verify(model.parse(text)[0])
        for right, wrongs in edits.items():
            self.assertIn(right, text)
            for wrong in wrongs:
                with self.assertRaises(model.SchemaError, msg=wrong):
                    verify(model.parse(text.replace(right, wrong))[0])


class Decisions(unittest.TestCase):
    def differing(self, newer, older):
        raws = [{"ThingRequest": schema(**which)} for which in (older, newer)]
        loaded = [{name: kafka_json.load(raw) for name, raw in group.items()} for group in raws]
        return compare.differences(*raws, *loaded, "1.0", "2.0")

    def test_differences_are_named_by_path_and_versions(self):
        old = [field("T", "[]T", fields=[field("A"), field("B", "int8")]), field("C", "int32")]
        new = [field("T", "[]T", fields=[field("A", ignorable=True), field("B", "int8"), field("X", "int8", "3+")]),
               field("D", "int32")]
        self.assertEqual(self.differing({"fields": new}, {"fields": old}),
                         ["ignorable ThingRequest T.A v0-5: false -> true",
                          "name ThingRequest C v0-5: C -> D",
                          "layout ThingRequest T v3-5: nothing -> X"])
        self.assertEqual(self.differing({"fields": old}, {"fields": old}), [])

    def test_an_undecided_difference_stops_the_import_and_a_decision_covers_it(self):
        decisions = importer.read_decisions("# Why\n\nProse newer: no\n\n    newer: name Thing* C v*: C -> D\n"
                                            "    newer: kind Gone*\n    both: twin request*\n")
        lines_ = ["name ThingRequest C v0-5: C -> D", "layout ThingRequest T v3-5: nothing -> X", "twin request key 7: A -> B"]
        open_, idle = importer.undecided(lines_, decisions)
        self.assertEqual(open_, ["layout ThingRequest T v3-5: nothing -> X"])
        self.assertEqual(idle, ["newer: kind Gone*"])

    def test_a_message_of_the_older_release_alone_is_decided_by_its_whole_name(self):
        lines_ = [importer.ONLY_IN_OLDER + name for name in ("Gone", "GoneToo", "Moved")]
        decisions = importer.read_decisions("    older: Gone\n    older: Moved*\n    newer: only in older: *\n    older: There\n")
        open_, idle = importer.undecided(lines_, decisions)
        self.assertEqual(open_, ["only in older: GoneToo", "only in older: Moved"])
        self.assertEqual(idle, ["older: Moved*", "newer: only in older: *", "older: There"])

    def test_a_whole_import(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for release, valid, inner in (("1.0", "0-3", [field("A"), field("B")]),
                                          ("2.0", "2-4", [field("A"), field("B", ignorable=True)])):
                with zipfile.ZipFile(root / f"clients-{release}.jar", "w") as jar:
                    jar.writestr("common/message/ThingRequest.json", json.dumps(schema(inner, valid=valid)))
                    if release == "1.0":
                        jar.writestr("common/message/GoneRequest.json", json.dumps(schema([], "GoneRequest", "0", apiKey=8)))
            (root / "releases.txt").write_text("# r\nnewer 2.0 clients\nolder 1.0 clients\nmessages 2\npairs 6\n")
            (root / "decisions.md").write_text("")
            with self.assertRaisesRegex(model.SchemaError, "ignorable ThingRequest B v2-3: false -> true"):
                importer.run(root, None, root)
            self.assertFalse((root / "messages").exists())
            (root / "decisions.md").write_text("    newer: ignorable *\n")
            with self.assertRaisesRegex(model.SchemaError, r"decide in .*\n    only in older: GoneRequest\n.*find_artifacts"):
                importer.run(root, None, root)
            (root / "decisions.md").write_text("    newer: ignorable *\n    older: GoneRequest\n")
            with contextlib.redirect_stdout(io.StringIO()) as said:
                importer.run(root, None, root)
            self.assertTrue(said.getvalue().startswith("only in older: GoneRequest\n"))
            self.assertEqual((root / "messages/thing.txt").read_text(),
                             "# Facts imported by schema/import.py; do not edit. Kafka 1.0 speaks for v0-1.\n"
                             "request ThingRequest key=7 versions=0-4 flexible=2+\n"
                             "    A: string 0+\n    B: string 0+ ignorable\n")
            (root / "releases.txt").write_text("newer 2.0 clients\nolder 1.0 clients\nmessages 2\npairs 7\n")
            with self.assertRaisesRegex(model.SchemaError, "7 pairs"):
                importer.run(root, None, root)
            with self.assertRaisesRegex(model.SchemaError, "lacks clients-3.0.jar"):
                importer.run(root, "3.0", root)


class CompactText(unittest.TestCase):
    def test_what_is_not_understood_is_refused_with_its_line(self):
        head = "request ThingRequest key=7 versions=0-5 flexible=2+\n"
        for body in ("    A: int32\n", "    A int32 0+\n", "    A: int32 0-6\n", "    A: int32 4-3\n", "    A: int32 0+ big\n",
                     "    A: int32 0+ tag=0 tag=1\n", "    A: Part 0+\n", "    A: int32 0+\n        B: int8 0+\n",
                     "     A: int32 0+\n", "    A: int32 0+\n    A: int8 0+\n", "    A: int8 0+ default=128\n",
                     "    A: int32 0+ compact=all\n", "    A: P 0+\n        B: int8 0+\n    C: P 0+\n"):
            with self.assertRaisesRegex(model.SchemaError, r"^text:\d+: ", msg=body):
                model.parse(head + body)
        with self.assertRaises(model.SchemaError):
            model.parse("question ThingRequest versions=0 flexible=none\n")


class Names(unittest.TestCase):
    def test_snake_case(self):
        for name, expected in (("IsrNodes", "isr_nodes"), ("V3AndBelowTopics", "v3_and_below_topics"),
                               ("namedTopology", "named_topology"), ("ACLFilter", "acl_filter"), ("Id", "id")):
            self.assertEqual(naming.snake(name), expected)

    def test_structs_lose_the_message_in_front_but_never_everything(self):
        for message, struct, expected in (("MetadataRequest", "MetadataRequestTopic", "topic"),
                                          ("FetchRequest", "FetchTopic", "topic"),
                                          ("FetchRequest", "ReplicaState", "replica_state"),
                                          ("CreateTopicsRequest", "CreatableTopic", "creatable_topic"),
                                          ("FetchRequest", "FetchableTopic", "fetchable_topic"),
                                          ("FetchRequest", "FetchData", "fetch_data"),
                                          ("FetchRequest", "Fetch", "fetch"),
                                          ("SwitchRequest", "SwitchDefault", "switch_default")):
            self.assertEqual(naming.struct_names([struct], message), {struct: expected})

    def test_on_a_collision_the_long_names_stay(self):
        self.assertEqual(naming.struct_names(["FetchTopic", "Topic"], "FetchRequest"),
                         {"FetchTopic": "fetch_topic", "Topic": "topic"})
        self.assertEqual(naming.struct_names(["FetchTopic", "FetchRequestTopic"], "FetchRequest"),
                         {"FetchTopic": "fetch_topic", "FetchRequestTopic": "fetch_request_topic"})

    def test_what_cannot_be_named_is_refused(self):
        with self.assertRaises(naming.NamingError):
            naming.struct_names(["View"], "FetchRequest")
        with self.assertRaises(naming.NamingError):
            naming.field_names(["Default"], "x")
        with self.assertRaises(naming.NamingError):
            naming.field_names(["IsrNodes", "isrNodes"], "x")

    def test_files(self):
        self.assertEqual(naming.file_stem("OffsetCommitRequest", "request"), "offset_commit")
        self.assertEqual(naming.file_stem("OffsetCommitResponse", "response"), "offset_commit")
        self.assertEqual(naming.file_stem("OffsetCommitValue", "coordinator-value"), "offset_commit_record")
        self.assertEqual(naming.file_stem("RequestHeader", "header"), "request_header")


class CheckedIn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = model.load_directory(SCHEMA / "messages")
        cls.messages = [message for group in cls.files.values() for message in group]

    def test_as_many_messages_and_versions_as_the_import_came_to(self):
        releases = importer.read_releases(SCHEMA / "releases.txt")
        self.assertEqual([str(len({message.name for message in self.messages}))], releases["messages"])
        self.assertEqual([str(sum(len(message.version_numbers()) for message in self.messages))], releases["pairs"])

    def test_they_keep_the_rules_and_stand_in_their_files(self):
        for stem, group in self.files.items():
            for message in group:
                self.assertEqual(naming.file_stem(message.name, message.kind), stem)
                before = model.write(message)
                kafka_json.check(message)
                naming.check_message(message)
                self.assertEqual(model.write(message), before)

    def test_requests_and_responses_come_in_pairs_with_the_same_versions(self):
        for group in self.files.values():
            if group[0].kind == "request":
                self.assertEqual([message.kind for message in group], ["request", "response"])
                self.assertEqual(*[(m.key, m.versions, m.flexible_from, m.renamed is None) for m in group])

    def test_one_message_for_each_key_but_for_renamed_ones(self):
        keys = [message.key for message in self.messages if message.kind == "request" and not message.renamed]
        self.assertEqual(sorted(keys), sorted(set(keys)))

    def test_json_keys_come_back_from_snake_case(self):
        for message in self.messages:
            for place in [message, *message.structs()]:
                for found in place.fields:
                    self.assertEqual(naming.lower_camel(naming.snake(found.name)), naming.json_key(found.name))


class Words(unittest.TestCase):
    """schema/words.txt: every key exists, every message has its line, and the common APIs are described whole."""

    WHOLE = ("RequestHeader ResponseHeader ApiVersions Metadata Produce Fetch ListOffsets FindCoordinator InitProducerId "
             "SaslHandshake SaslAuthenticate JoinGroup SyncGroup Heartbeat LeaveGroup OffsetCommit OffsetFetch "
             "CreateTopics DeleteTopics").split()

    def test_words(self):
        known, needed = set(), set()
        for group in model.load_directory(SCHEMA / "messages").values():
            for message in group:
                keys = {message.name}
                for place in [message, *message.structs()]:
                    where = message.name if place is message else f"{message.name}.{place.name}"
                    keys |= {where, *(f"{where}.{found.name}" for found in place.fields)}
                known |= keys
                whole = message.name.removesuffix("Request").removesuffix("Response") in self.WHOLE
                needed |= keys if whole or message.name in self.WHOLE else {message.name}
        found = {}
        for line in (SCHEMA / "words.txt").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                key, colon, words = line.partition(": ")
                self.assertTrue(colon and key not in found, line)
                self.assertLessEqual(len(words), 95, line)
                self.assertTrue(words.endswith("."), line)
                found[key] = words
        wrong = [f"add to words.txt, with what it means:    {key}" for key in sorted(needed - set(found))]
        wrong += [f"no longer in the schema, take it out of words.txt:    {key}" for key in sorted(set(found) - known)]
        if wrong:
            self.fail("\n" + "\n".join(wrong))


class Readme(unittest.TestCase):
    def test_its_example_is_what_the_importer_would_write(self):
        text = (SCHEMA / "README.md").read_text(encoding="utf-8").split("## The text")[1]
        lines_ = [line[4:] for line in text.split("A message's line")[0].splitlines() if line.startswith("    ")]
        example = "\n".join(lines_) + "\n"
        [message] = model.parse(example)
        kafka_json.check(message)
        self.assertEqual(model.write(message), example)


if __name__ == "__main__":
    unittest.main()
