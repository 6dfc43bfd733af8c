#!/usr/bin/env python3
"""What schema/generate.py writes of `data` structs for facts that no message of Kafka has today.

    python3 tests/schema/test_data.py
"""

import pathlib
import sys
import unittest

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
sys.path.insert(0, str(SCHEMA))

import generate  # noqa: E402
import model  # noqa: E402
import naming  # noqa: E402


def data_of(text):
    [message] = model.parse(text)
    return generate.Writer(message, {}, None, {}).write_data()


class Data(unittest.TestCase):
    def test_text_defaults_become_initialisers(self):
        self.assertEqual(data_of('data Sample versions=0 flexible=none\n'
                                 '    Name: string 0+ default="unnamed"\n'
                                 '    Rack: string 0+ nullable=0+ default="none"\n'
                                 '    Host: string 0+ nullable=0+\n'
                                 '    Cluster: string 0+ nullable=0+ default=null\n'),
                         ["struct sample::data {", "    using struct_type = sample;", '    std::string name = "unnamed";',
                          '    std::optional<std::string> rack{"none"};', "    std::optional<std::string> host{std::in_place};",
                          "    std::optional<std::string> cluster{};", "};"])

    def test_structs_come_after_those_that_they_hold(self):
        lines = data_of("data Sample versions=0 flexible=none\n"
                        "    Outers: []Outer 0+\n"
                        "        Inner: Inner 0+\n"
                        "            Number: int32 0+\n")
        self.assertEqual([line for line in lines if line.startswith("struct")],
                         ["struct sample::inner::data {", "struct sample::outer::data {", "struct sample::data {"])

    def test_a_field_with_the_name_of_a_struct_does_not_hide_it(self):
        lines = data_of("data Sample versions=0 flexible=none\n"
                        "    Inner: Inner 0+\n"
                        "        inner: int32 0+\n")
        self.assertIn("    sample::inner::data inner{};", lines)
        self.assertIn("    using struct_type = sample::inner;", lines)

    def test_fields_cannot_be_called_like_what_every_data_struct_has(self):
        for name in ("UnknownTags", "StructType"):
            with self.assertRaises(naming.NamingError):
                naming.field_names([name], "Sample")


if __name__ == "__main__":
    unittest.main()
