"""The header of C that `generate.py --c` writes finds in golden messages what Kafka's own classes wrote there, whole and cut at
every byte, in every version; compilers take it without a warning, for eBPF too."""

import base64
import collections
import ctypes
import errno
import gzip
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "schema"))

import c_tables
import model
import naming

GOLDEN = ROOT / "tests" / "golden"
EXAMPLE = ROOT / "examples" / "tables"
READER = ROOT / "tests" / "schema" / "c_tables" / "reader.c"
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-pedantic", "-Werror"]
FORMATS = {"bool": ">b", "int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q"}
CLANG = next((path for name in ("clang-19", "clang") if (path := shutil.which(name))), None)


def run(*command, **what):
    done = subprocess.run(command, capture_output=True, text=True, **what)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def lines_of(name):
    with gzip.open(GOLDEN / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def constants(header):
    """The constants of the header and their numbers."""
    return {name: int(number) for name, number in re.findall(r"^    (KWIRE_\w+) = (-?\d+),", header, flags=re.MULTILINE)}


class Expected:
    """What lies on the wire, worked out from the values and the schema alone: rows as the reader prints them."""

    def __init__(self, message, version, values, numbers):
        self.version, self.numbers = version, numbers
        self.flexible = message.flexible(version)
        self.rows = []
        self.struct(message.fields, values, (message.name,))

    def row(self, path, length, number, raw=b""):
        name = "_".join(["KWIRE", *(naming.snake(part).upper() for part in path)])
        if name in self.numbers:
            self.rows.append(f"{self.numbers[name]},{length},{number},{raw.hex()}")

    def struct(self, fields, values, path):
        there = [field for field in fields if model.has(field.versions, self.version)]
        tagged = [field for field in there if model.has(field.tagged, self.version)]
        for field in there:
            if field not in tagged:
                self.value(field, values[naming.json_key(field.name)], (*path, field.name))
        for field in sorted(tagged, key=lambda field: field.tag):
            if naming.json_key(field.name) in values:
                self.value(field, values[naming.json_key(field.name)], (*path, field.name))

    def value(self, field, value, path):
        if field.array and value is None:
            self.row(path, -1, -1)
        elif field.array and field.type in model.FIXED_SIZE:
            raw = b"".join(self.fixed(field, one) for one in value)
            self.row(path, len(raw), len(value), raw)
        elif field.array:
            self.row(path, 0, len(value))
            for one in value:
                if field.struct is not None:
                    self.struct(field.struct.fields, one, path)
                else:
                    self.bytes(field, one, (*path, "Element"))
        elif field.struct is not None:
            if model.has(field.nullable, self.version):
                self.row(path, 0 if value is not None else -1, 1 if value is not None else -1)
            if value is not None:
                self.struct(field.struct.fields, value, path)
        elif field.type in model.VARIABLE:
            self.bytes(field, value, path)
        else:
            raw = self.fixed(field, value)
            self.row(path, len(raw), int(value) if field.type in FORMATS else 0, raw)

    def bytes(self, field, value, path):
        raw = None if value is None else value.encode() if field.type == "string" else base64.b64decode(value)
        self.row(path, -1 if raw is None else len(raw), 0, raw or b"")

    @staticmethod
    def fixed(field, value):
        if field.type == "uuid":
            return base64.urlsafe_b64decode(value + "==")
        return struct.pack(FORMATS.get(field.type, ">d"), value)


class TestRun(ctypes.Structure):
    """struct bpf_test_run_opts of libbpf."""

    _fields_ = [("sz", ctypes.c_size_t), ("data_in", ctypes.c_char_p), ("data_out", ctypes.c_void_p),
                ("data_size_in", ctypes.c_uint32), ("data_size_out", ctypes.c_uint32), ("ctx_in", ctypes.c_void_p),
                ("ctx_out", ctypes.c_void_p), ("ctx_size_in", ctypes.c_uint32), ("ctx_size_out", ctypes.c_uint32),
                ("retval", ctypes.c_uint32), ("repeat", ctypes.c_int), ("duration", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("cpu", ctypes.c_uint32), ("batch_size", ctypes.c_uint32)]


class Kernel:
    """An eBPF program that this machine's kernel has verified; its error where programs may not load any."""

    def __init__(self, file):
        self.lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
        for name in ("bpf_object__open", "bpf_object__next_program", "bpf_object__next_map"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.lib.libbpf_set_print(None)
        opened = self.lib.bpf_object__open(str(file).encode())
        if not opened:
            raise AssertionError(f"libbpf does not read {file}")
        self.object = ctypes.c_void_p(opened)
        program = ctypes.c_void_p(self.lib.bpf_object__next_program(self.object, None))
        log = ctypes.create_string_buffer(1 << 24)
        self.lib.bpf_program__set_log_level(program, 4)
        self.lib.bpf_program__set_log_buf(program, log, ctypes.c_size_t(len(log)))
        self.error = -self.lib.bpf_object__load(self.object)
        self.log = log.value.decode(errors="replace")
        self.program = self.lib.bpf_program__fd(program)
        bss = ctypes.c_void_p(self.lib.bpf_object__next_map(self.object, None))
        self.size = self.lib.bpf_map__value_size(bss)
        self.bss = self.lib.bpf_map__fd(bss)

    def run(self, packet):
        """The program's answer for a packet, and what its variables hold afterwards."""
        ethernet = bytes(14)  # what the kernel takes off the packet's start
        run = TestRun(sz=ctypes.sizeof(TestRun), data_in=ethernet + packet, data_size_in=14 + len(packet), repeat=1)
        failed = self.lib.bpf_prog_test_run_opts(self.program, ctypes.byref(run))
        memory = ctypes.create_string_buffer(self.size)
        zero = ctypes.c_uint32(0)
        if failed or self.lib.bpf_map_lookup_elem(self.bss, ctypes.byref(zero), memory):
            raise AssertionError(f"the kernel does not run the program: {failed}")
        return run.retval, memory.raw

    def close(self):
        self.lib.bpf_object__close(self.object)


class CTables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.facts = model.load_directory(ROOT / "schema" / "messages")
        cls.directory = tempfile.TemporaryDirectory()
        cls.there = pathlib.Path(cls.directory.name)
        cls.compiler = next((path for name in ("gcc", "cc", "clang-19") if (path := shutil.which(name))), None)
        cls.stems = sorted(cls.facts)
        cls.text = cls.header("all.h", *cls.stems)
        cls.reader = cls.there / "reader"
        run(cls.compiler, *WARNINGS, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DKWIRE_MAX_PREFIX=2097152",
            f'-DKWIRE_HEADER="{cls.there}/all.h"', str(READER), "-o", str(cls.reader))
        cls.golden = lines_of("messages.jsonl.gz")

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    @classmethod
    def header(cls, name, *arguments):
        """The header as the command writes it."""
        run(sys.executable, str(ROOT / "schema" / "generate.py"), "--c", *arguments, "-o", str(cls.there / name))
        return (cls.there / name).read_text(encoding="utf-8")

    def read(self, lines, *arguments, reader=None):
        done = run(str(reader or self.reader), *arguments, input="\n".join(lines) + "\n")
        rows = done.splitlines()
        self.assertEqual(len(rows), len(lines))
        return rows

    def test_every_value_of_every_golden_message_is_found_in_it_whole_and_cut(self):
        numbers = constants(self.text)
        messages = {message.name: message for found in self.facts.values() for message in found}
        lines, expected, changed = [], [], []
        for line in self.golden:
            if "error" in line or line["version"] in messages[line["message"]].aliases:
                continue
            number = numbers[c_tables.constant(line["message"])]
            lines.append(f"{number} {line['version']} {line['hex']}")
            if line["sample"] in ("full", "null", "tags"):
                changed.append(lines[-1])
            rows = Expected(messages[line["message"]], line["version"], line["json"], numbers).rows
            expected.append(" ".join([*rows, f"end {len(line['hex']) // 2}"]))
        self.assertGreater(len(lines), 9000)
        for line, row, wanted in zip(lines, self.read(lines, "cuts"), expected):
            self.assertEqual(row, wanted, line)
        self.assertGreater(len(changed), 2000)
        self.read(changed, "changes")

    def test_what_kafka_refuses_is_cut_or_bad(self):
        numbers = constants(self.text)
        messages = {message.name: message for found in self.facts.values() for message in found}
        refused = [line for line in self.golden if "error" in line and line["version"] not in messages[line["message"]].aliases]
        rows = self.read([f"{numbers[c_tables.constant(line['message'])]} {line['version']} {line['hex']}" for line in refused], "cuts")
        ends = collections.Counter((line["sample"], row.split()[-2]) for line, row in zip(refused, rows))
        allowed = {"reject-truncated": {"cut"}, "reject-past-end": {"cut", "bad"}, "reject-null": {"bad"}, "reject-length": {"bad"},
                   "reject-count": {"cut", "bad"}, "reject-varint": {"bad"}, "reject-tag-count": {"cut", "bad"}}
        for (sample, end), count in sorted(ends.items()):
            if sample in allowed:
                self.assertIn(end, allowed[sample], f"{sample}: {count} times")
        self.assertGreater(len(refused), 1000)

    def test_frames_of_clients_and_brokers_are_read_from_their_first_byte_on(self):
        numbers = constants(self.text)
        lines, wanted, asked = [], [], {}
        for one in lines_of("captures/frames.jsonl.gz"):
            frame = bytes.fromhex(one["hex"])
            whole = struct.pack(">i", len(frame)) + frame
            who = (one["capture"], one["broker"], one["connection"])
            if one["from"] == "client":
                key, version, correlation = struct.unpack(">hhi", frame[:8])
                length = struct.unpack(">h", frame[8:10])[0]
                asked[who, correlation] = key, version
                lines.append(f"request {whole.hex()}")
                client = frame[10:10 + length].hex() if length > 0 else ""
                wanted.append((key, correlation, f"{numbers['KWIRE_REQUEST_HEADER_CLIENT_ID']},{length},0,{client}", len(whole)))
            else:
                correlation = struct.unpack(">i", frame[:4])[0]
                key, version = asked[who, correlation]
                lines.append(f"response {key} {version} {whole.hex()}")
                wanted.append((key, correlation, f"{numbers['KWIRE_RESPONSE_HEADER_CORRELATION_ID']},4,{correlation},", len(whole)))
        ends = collections.Counter()
        for row, (key, correlation, value, size) in zip(self.read(lines, "cuts"), wanted):
            self.assertTrue(any(one.startswith(value) for one in row.split()), f"API {key}: {row[:200]}")
            *_, end, at = row.split()
            ends[end, int(at) == size] += 1
        # tests/messages/captures.test.cpp says which 38 have spare bytes after the message, and which one is none.
        self.assertEqual(ends, {("end", True): len(lines) - 39, ("end", False): 38, ("cut", True): 1})

    def test_only_the_fields_that_one_asks_for_are_reported(self):
        text = self.header("some.h", "fetch", "--fields", "FetchRequest.Topics.*", "*.RackId")
        some = constants(text)
        reader = self.there / "some_reader"
        run(self.compiler, *WARNINGS, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
            f'-DKWIRE_HEADER="{self.there}/some.h"', "-DKWIRE_MAX_PREFIX=2097152", str(READER), "-o", str(reader))
        self.assertIn("KWIRE_FETCH_REQUEST_TOPICS_PARTITIONS_FETCH_OFFSET", some)
        self.assertNotIn("KWIRE_FETCH_REQUEST_MIN_BYTES", some)
        self.assertLess(text.count("KWIRE_OP_SIGNED"), self.header("fetch.h", "fetch").count("KWIRE_OP_SIGNED"))
        message = next(message for message in self.facts["fetch"] if message.name == "FetchRequest")
        lines, wanted = [], []
        for line in self.golden:
            if line["message"] == "FetchRequest" and "error" not in line:
                lines.append(f"{some['KWIRE_FETCH_REQUEST']} {line['version']} {line['hex']}")
                rows = Expected(message, line["version"], line["json"], some).rows
                wanted.append(" ".join([*rows, f"end {len(line['hex']) // 2}"]))
        self.assertEqual(self.read(lines, "cuts", reader=reader), wanted)
        done = subprocess.run([sys.executable, str(ROOT / "schema" / "generate.py"), "--c", "fetch", "--fields", "Typo.*"],
                              capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Typo.*", done.stderr)

    def test_compilers_take_it_without_a_library_and_without_a_warning(self):
        self.header("tables.h", "fetch", "produce", "metadata")
        source = self.there / "alone.c"
        source.write_text('#include "tables.h"\nint alone(const unsigned char* buf, unsigned int len);\n'
                          "int alone(const unsigned char* buf, unsigned int len) {\n    struct kwire_cursor at;\n"
                          "    struct kwire_value value;\n    const int got = kwire_begin_request(&at, buf, len);\n"
                          "    return got < 0 ? got : kwire_find(&at, buf, len, KWIRE_FETCH_REQUEST_TOPICS, &value);\n}\n",
                          encoding="utf-8")
        for compiler in filter(None, {shutil.which("gcc"), CLANG}):
            for level in ("-O0", "-O2"):
                made = self.there / "alone.o"
                run(compiler, *WARNINGS, level, "-ffreestanding", "-c", str(source), "-o", str(made))
                if nm := shutil.which("nm"):
                    self.assertEqual(run(nm, "--undefined-only", str(made)), "", "it calls something")
        if compiler := shutil.which("g++"):
            run(compiler, "-std=c++11", *WARNINGS[1:], "-x", "c++", "-c", str(source), "-o", str(self.there / "alone.o"))

    def frames(self):
        """Requests of golden messages, each as a frame; with it the key, the version, and the values if it is not cut."""
        messages = {message.name: message for stem in self.watched for message in self.facts[stem] if message.kind == "request"}
        for line in self.golden:
            if (message := messages.get(line["message"])) is not None and "error" not in line:
                flexible = message.flexible(line["version"])
                body = struct.pack(">hhih", message.key, line["version"], 7, 5) + b"agent" + bytes(flexible) + bytes.fromhex(line["hex"])
                yield struct.pack(">i", len(body)) + body, message, line["version"], line["json"]

    watched = ("produce", "fetch", "metadata", "offset_commit", "join_group")

    def build_watch(self):
        watch = self.there / "watch"
        run(self.compiler, *WARNINGS, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{self.there}", f"-I{EXAMPLE}",
            str(READER.parent / "watch.c"), "-o", str(watch))
        return watch

    def watched_frames(self):
        """The frames, the line that says where the struct lies in memory, and what the example made of each."""
        self.header("kafka_tables.h", *self.watched)
        watch = self.build_watch()
        frames = list(self.frames())
        first, *rows = run(str(watch), input="".join(frame.hex() + "\n" for frame, *_ in frames)).splitlines()
        return frames, first, rows

    def test_the_example_observes_topics_and_partitions_in_the_first_bytes(self):
        frames, _, rows = self.watched_frames()
        whole = 0
        for (frame, message, version, values), row in zip(frames, rows, strict=True):
            error, key, seen_version, end, topics, partitions, names, *_ = row.split(" ")
            self.assertEqual((int(error), int(key), int(seen_version)), (0, message.key, version))
            client, topic = names.split("/")
            self.assertEqual(client, b"agent".hex(), row)
            if len(frame) > 256:
                self.assertIn(int(end), (-2, 0), row)
                continue
            whole += 1
            self.assertEqual(int(end), -1, row)
            listed = values.get("topicData", values.get("topics")) or []
            named = [topic for topic in listed if "topic" in topic or "name" in topic]
            self.assertEqual(int(topics), len(named), row)
            self.assertEqual(topic, next((name.encode().hex() for one in named if (name := one.get("topic", one.get("name")))), ""), row)
            inner = [topic.get("partitionData", topic.get("partitions")) or [] for topic in listed]
            self.assertEqual(int(partitions), sum(map(len, inner)), row)
        self.assertGreater(whole, 200)

    def test_the_example_observes_the_first_error_of_an_answer(self):
        numbers = constants(self.header("kafka_tables.h", *self.watched))
        errors = {name: number for name, number in numbers.items() if name in EXAMPLE.joinpath("observe.h").read_text()}
        messages = {message.name: message for stem in self.watched for message in self.facts[stem] if message.kind == "response"}
        lines, wanted = [], []
        for line in self.golden:
            message = messages.get(line["message"])
            if message is None or "error" in line or len(line["hex"]) > 400:
                continue
            flexible = message.flexible(line["version"])
            frame = struct.pack(">ii", 0, 7) + bytes(flexible) + bytes.fromhex(line["hex"])
            lines.append(f"{message.key} {line['version']} {frame.hex()}")
            rows = Expected(message, line["version"], line["json"],
                            {name: number for name, number in errors.items() if name.endswith("_ERROR_CODE")}).rows
            wanted.append(next((number for row in rows if (number := int(row.split(",")[2]))), 0))
        watch = self.build_watch()
        rows = run(str(watch), input="\n".join(lines) + "\n").splitlines()[1:]
        self.assertEqual([int(row.split()[0]) for row in rows], wanted)
        self.assertGreater(len(lines) - wanted.count(0), 100)

    def test_the_example_compiles_for_ebpf_and_the_kernel_takes_it(self):
        if CLANG is None or "bpf" not in run(CLANG, "-print-targets"):
            self.skipTest("there is no Clang with eBPF")
        frames, first, rows = self.watched_frames()
        source, made = EXAMPLE / "observe.bpf.c", self.there / "observe.bpf.o"
        options = ["-target", "bpf", "-O2", "-std=c11", "-ffreestanding", "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{self.there}"]
        run(CLANG, *options, "-fsyntax-only", str(source))
        run(CLANG, *options, "-c", str(source), "-o", str(made))
        try:
            kernel = Kernel(made)
        except OSError:
            self.skipTest("libbpf1 is not installed: the program is not shown to the kernel")
        if kernel.error in (errno.EPERM, errno.ENOSYS):
            self.skipTest("this machine does not let programs load eBPF")
        self.assertEqual(kernel.error, 0, kernel.log[-3000:])
        if visited := re.search(r"processed (\d+) insns \(limit (\d+)\)", kernel.log):
            self.assertLess(int(visited[1]), int(visited[2]) / 2, "the verifier is close to its limit")
        offset, size = map(int, first.split())
        for (frame, *_), row in zip(frames, rows, strict=True):
            length, memory = kernel.run(frame[:1024])  # more than the program copies, less than a page
            self.assertEqual(length, min(len(frame), 256))
            self.assertEqual(memory[offset:offset + size].hex(), row.split()[-1], frame.hex())
        kernel.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
