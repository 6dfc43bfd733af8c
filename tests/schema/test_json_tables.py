"""What `generate.py --json` prints is enough to read Kafka's messages: a reader that knows it and nothing else finds in the golden
messages what Kafka's own classes wrote; the offsets that it names are where the fields lie."""

import base64
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}


def has(range_, version):
    return range_ is not None and range_[0] <= version <= range_[1]


def key_of(field):
    """The key that Kafka's JSON uses for a field."""
    return field["name"][:1].lower() + field["name"][1:]


class Reader:
    """Reads one message body with the tables alone."""

    def __init__(self, message, version, data):
        self.message, self.version, self.data, self.at = message, version, data, 0
        self.flexible = has(message["flexibleVersions"], version)

    def take(self, count):
        if count < 0 or count > len(self.data) - self.at:
            raise ValueError("cut")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, type_):
        return struct.unpack(NUMBERS[type_], self.take(struct.calcsize(NUMBERS[type_])))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def struct(self, place):
        there = [field for field in place["fields"] if has(field["versions"], self.version)]
        tagged = {field["tag"]: field for field in there if has(field.get("taggedVersions"), self.version)}
        found = {key_of(field): self.value(field, False) for field in there if field.get("tag") not in tagged}
        if self.flexible:
            for _ in range(self.uvarint()):
                tag, size = self.uvarint(), self.uvarint()
                if tag in tagged:
                    found[key_of(tagged[tag])] = self.value(tagged[tag], True)
                else:
                    self.take(size)
        return found

    def length(self, field, classic):
        if self.flexible and not field.get("neverCompact"):
            return self.uvarint() - 1
        return self.number(classic)

    def value(self, field, tagged):
        if field["array"]:
            count = self.length(field, "int32")
            return None if count < 0 else [self.one(field) for _ in range(count)]
        if field.get("struct") and has(field.get("nullableVersions"), self.version):
            if self.uvarint() == 0 if tagged else self.number("int8") < 0:
                return None
        return self.one(field)

    def one(self, field):
        """A value, or the element of an array."""
        type_ = field["type"]
        if field.get("struct"):
            return self.struct(self.message["structs"][type_])
        if type_ == "bool":
            return self.take(1) != b"\0"
        if type_ == "uuid":
            return base64.urlsafe_b64encode(self.take(16)).decode().rstrip("=")
        if type_ in NUMBERS:
            return self.number(type_)
        length = self.length(field, "int16" if type_ == "string" else "int32")
        if length < 0:
            return None
        raw = self.take(length)
        return raw.decode() if type_ == "string" else base64.b64encode(raw).decode()


class JsonTables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tables = json.loads(subprocess.run([sys.executable, str(ROOT / "schema" / "generate.py"), "--json"], check=True,
                                               capture_output=True, text=True).stdout)
        cls.messages = {message["name"]: message for message in cls.tables["messages"]}
        with gzip.open(ROOT / "tests" / "golden" / "messages.jsonl.gz", "rt", encoding="utf-8") as lines:
            cls.golden = [line for line in map(json.loads, lines) if "error" not in line]

    def test_a_reader_with_the_tables_alone_reads_every_golden_message(self):
        for line in self.golden:
            message = self.messages[line["message"]]
            version = message["versions"][0] if line["version"] in message.get("aliases", ()) else line["version"]
            reader = Reader(message, version, bytes.fromhex(line["hex"]))
            self.assertEqual(reader.struct(message), line["json"], f"{line['message']} {version} {line['sample']}")
            self.assertEqual(reader.at, len(reader.data))

    def test_fields_in_front_of_the_first_of_variable_size_lie_where_the_tables_say(self):
        checked = sized = 0
        for line in self.golden:
            message = self.messages[line["message"]]
            if not has(message["versions"], line["version"]):
                continue
            fits = [layout for layout in message["layouts"] if has(layout["versions"], line["version"])]
            self.assertEqual(len(fits), 1)
            data = bytes.fromhex(line["hex"])
            fields = {field["name"]: field for field in message["fields"]}
            for fixed in fits[0]["fixed"]:
                field = fields[fixed["name"]]
                reader = Reader(message, line["version"], data[fixed["offset"]:fixed["offset"] + fixed["size"]])
                self.assertEqual(reader.one(field), line["json"][key_of(field)], f"{line['message']} {line['version']} {field['name']}")
                self.assertEqual(reader.at, fixed["size"])
                checked += 1
            if fits[0]["size"] is not None:
                self.assertEqual(fits[0]["size"], len(data))
                sized += 1
        self.assertGreater(checked, 10000)
        self.assertGreater(sized, 50)

    def test_every_message_and_version_is_there_and_defaults_have_the_types_of_their_fields(self):
        golden = {(line["message"], line["version"]) for line in self.golden}
        kinds = {"string": str, "bool": bool, "float64": float, "uuid": str, "bytes": str}
        for name, message in self.messages.items():
            for version in [*range(message["versions"][0], message["versions"][1] + 1), *message.get("aliases", ())]:
                self.assertIn((name, version), golden)
            for place in [message, *message["structs"].values()]:
                for field in place["fields"]:
                    default = field["default"]
                    if default is not None:
                        kind = list if field["array"] else dict if field.get("struct") else kinds.get(field["type"], int)
                        self.assertIs(type(default), kind, f"{name} {field}")
        self.assertEqual(len({name for name, _ in golden}), len(self.messages))


if __name__ == "__main__":
    unittest.main(verbosity=2)
