"""Messages of magic 0 and 1, written and read by hand, independent of kwire."""

import gzip
import struct
import zlib

GZIP = 1


def message(magic, value, *, key=None, offset=0, timestamp=1000, attributes=0, damage=False):
    """One message, or a wrapper whose value is compressed."""
    def field(data):
        return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data
    covered = bytes([magic, attributes]) + (struct.pack(">q", timestamp) if magic else b"") + field(key) + field(value)
    crc = zlib.crc32(covered) ^ (1 if damage else 0)
    return struct.pack(">qiI", offset, 4 + len(covered), crc) + covered


def wrapper(magic, messages, *, offset=0, timestamp=1000, attributes=GZIP, compress=gzip.compress, damage=False):
    """`messages`, bytes one after another, in a compressed message."""
    return message(magic, compress(b"".join(messages)), offset=offset, timestamp=timestamp, attributes=attributes, damage=damage)


def read(data):
    """[(magic, offset, timestamp, key, value)] of all messages, and how many bytes of a last one are there that is cut short."""
    out, at = [], 0
    while len(data) - at >= 12:
        offset, length = struct.unpack_from(">qi", data, at)
        if length > len(data) - at - 12:
            break
        crc, magic, attributes = struct.unpack_from(">IbB", data, at + 12)
        assert zlib.crc32(data[at + 16:at + 12 + length]) == crc
        place, timestamp = at + 18, -1
        if magic == 1:
            timestamp, = struct.unpack_from(">q", data, place)
            place += 8
        fields = []
        for _ in range(2):
            size, = struct.unpack_from(">i", data, place)
            fields.append(None if size < 0 else data[place + 4:place + 4 + size])
            place += 4 + max(0, size)
        at += 12 + length
        assert place == at
        if attributes & 7 == GZIP:
            inner, cut = read(gzip.decompress(fields[1]))
            assert cut == 0
            shift = offset - inner[-1][1] if magic == 1 else 0
            assert max(one[2] for one in inner) == timestamp
            out += [(m, o + shift, t, k, v) for m, o, t, k, v in inner]
        else:
            assert attributes == 0
            out.append((magic, offset, timestamp, *fields))
    return out, len(data) - at
