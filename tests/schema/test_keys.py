#!/usr/bin/env python3
"""Every struct in an array has a key, Kafka's own or one in schema/keys.txt, or is known there to have none.

    python3 tests/schema/test_keys.py
"""

import pathlib
import sys
import unittest

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
sys.path.insert(0, str(SCHEMA))

import generate  # noqa: E402
import model  # noqa: E402
import naming  # noqa: E402

KEYS = generate.load_words(SCHEMA / "keys.txt")


def facts():
    return model.load_directory(SCHEMA / "messages")


class Keys(unittest.TestCase):
    def test_each_struct_in_an_array_has_a_key_or_a_reason_to_have_none(self):
        structs = generate.structs_in_arrays(facts())
        without = sorted(path for path, struct in structs.items() if not any(field.map_key for field in struct.fields))
        wrong = [f"add to keys.txt, with its key or `none, ` and why:    {path}" for path in without if path not in KEYS]
        wrong += [f"has a key of Kafka's or is gone, take it out of keys.txt:    {path}" for path in sorted(set(KEYS) - set(without))]
        if wrong:
            self.fail("\n" + "\n".join(wrong))
        self.assertGreater(len(without), 200)

    def test_each_version_of_a_keyed_struct_has_a_key_field(self):
        structs = generate.structs_in_arrays(facts())
        generate.mark_keys(KEYS, marked := facts())
        for path, struct in generate.structs_in_arrays(marked).items():
            keys = [field.versions for field in struct.fields if field.key]
            for version in range(structs[path].versions[0], structs[path].versions[1] + 1) if keys else ():
                self.assertTrue(any(model.has(versions, version) for versions in keys), f"{path} v{version}")

    def test_lines_that_mean_nothing_are_refused(self):
        for wrong in ({"MetadataResponse.Nothing": "Name"},  # no such struct,
                      {"MetadataResponse.MetadataResponsePartition": "Nothing"},  # no such field,
                      {"MetadataResponse.MetadataResponsePartition": "ReplicaNodes"},  # an array,
                      {"MetadataResponse.MetadataResponseTopic": "TopicId"},  # Kafka has a key,
                      {"FetchRequest.ReplicaState": "ReplicaId"}):  # in no array
            with self.assertRaises(SystemExit):
                generate.mark_keys(wrong, facts())


class Enumerations(unittest.TestCase):
    def test_fields_called_error_code_or_api_key_have_that_type(self):
        found = {"error_code": 0, "api_key": 0}
        others = set()
        for path, field in generate.fields_by_path(facts()).items():
            if (type_ := naming.enumeration(field)) is not None:
                found[type_] += 1
            elif any(word in naming.snake(field.name) for word in ("error_code", "api_key")):
                others.add(path)
        self.assertGreater(found["error_code"], 100)
        self.assertGreaterEqual(found["api_key"], 2)  # of ApiVersions' response and of the request header
        excused = generate.load_words(SCHEMA / "not_enumerations.txt")
        wrong = [f"no type of its own; add to not_enumerations.txt with a reason:    {path}" for path in sorted(others - set(excused))]
        wrong += [f"take it out of not_enumerations.txt:    {path}" for path in sorted(set(excused) - others)]
        if wrong:
            self.fail("\n" + "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
