#!/usr/bin/env python3
"""The seeds of the fuzz targets that are not about messages (those of the others are made by fuzz_seeds).

    python3 tests/fuzz/seeds.py unpack <directory>   writes them to <directory>/<target>, a file each
    python3 tests/fuzz/seeds.py pack <directory>     makes tests/fuzz/seeds.zip of some of them, of all sizes

seeds.zip holds small inputs that together reach what longer runs have reached: pack what `fuzz_<target> -merge=1` leaves.
`unpack` adds the golden record sets and frames of real clients.
"""

import gzip
import json
import pathlib
import struct
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ARCHIVE = HERE / "seeds.zip"
GOLDEN = HERE.parent / "golden"
TARGETS = ("builder", "capture", "chain", "codecs", "connection", "correlator", "frames", "headers", "patch", "records", "resync",
           "sniff", "split", "transform")
LARGEST, MOST = 512, 150  # bytes of a packed seed, seeds of a target
LARGEST_GOLDEN = 4096


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def captured():
    """The beginnings of captures as files, and as programs of segments: their bits say who sends, and what else is true of them."""
    for path in sorted((GOLDEN / "captures").glob("*.pcap")):
        data = path.read_bytes()
        yield "capture", f"file-{path.stem}", b"\0" + data[:LARGEST_GOLDEN]
        program, at, client = b"\1", 24, None
        while at < len(data) and len(program) < LARGEST_GOLDEN:
            size, = struct.unpack_from("<I", data, at + 8)
            tcp = data[at + 16 + 34:at + 16 + size]
            at += 16 + size
            port, flags, payload = tcp[:2], tcp[13], tcp[tcp[12] >> 4 << 2:]
            client = client or port
            side = 0 if port == client else 1
            if flags & 0x12 == 2 or payload:
                what = side | (0x0e if flags & 2 else 0)
                pieces = [payload[i:i + 255] for i in range(0, len(payload), 255)] or [b""]
                program += b"".join(bytes([what, len(piece)]) + piece for piece in pieces)
        yield "capture", f"segments-{path.stem}", program[:LARGEST_GOLDEN]


def golden():
    """Target, name and bytes of each seed that other tests' vectors give."""
    for line in lines(GOLDEN / "records.jsonl.gz"):
        if len(line["hex"]) <= 2 * LARGEST_GOLDEN:
            yield "records", line["sample"], bytes.fromhex(line["hex"])
    yield from captured()
    seen = set()
    for number, line in enumerate(lines(GOLDEN / "captures" / "frames.jsonl.gz")):
        frame = bytes.fromhex(line["hex"])
        kind = (line["from"], frame[:4], len(frame))
        if len(frame) > LARGEST or kind in seen:
            continue
        seen.add(kind)
        yield "headers", f"frame-{number}", frame
        yield "frames", f"frame-{number}", struct.pack(">I", len(frame)) + frame
        yield "sniff", f"frame-{number}", struct.pack(">I", len(frame)) + frame
        yield "resync", f"frame-{number}", b"\x03xyz" + struct.pack(">I", len(frame)) + frame


def unpack(directory):
    for target in TARGETS:
        (directory / target).mkdir(parents=True, exist_ok=True)
        for old in (directory / target).iterdir():
            old.unlink()
    count = 0
    with zipfile.ZipFile(ARCHIVE) as archive:
        for name in archive.namelist():
            target, _, file = name.partition("/")
            if target not in TARGETS or "/" in file:
                return f"{name} is of no target"
            (directory / target / file).write_bytes(archive.read(name))
            count += 1
    for target, name, seed in golden():
        (directory / target / name).write_bytes(seed)
        count += 1
    print(f"{count} files in {directory}")
    return 0


def pack(directory):
    foreign = {seed for _, _, seed in golden()}
    with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for target in TARGETS:
            seeds = {file.read_bytes() for file in (directory / target).iterdir()} - foreign
            small = sorted((seed for seed in seeds if 0 < len(seed) <= LARGEST), key=lambda seed: (len(seed), seed))
            chosen = small[:: -(-len(small) // MOST) or 1]
            for number, seed in enumerate(chosen):
                archive.writestr(zipfile.ZipInfo(f"{target}/{number}"), seed, zipfile.ZIP_DEFLATED)
            print(f"{target}: {len(chosen)} of {len(seeds)}")
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit({"unpack": unpack, "pack": pack}[sys.argv[1]](pathlib.Path(sys.argv[2])))
