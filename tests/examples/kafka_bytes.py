"""Kafka's bytes, written and read by hand, independent of kwire: just enough of the protocol to test a broker."""

import struct


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC32C[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def uvarint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def zigzag(n):
    return uvarint(n << 1 if n >= 0 else (-n << 1) - 1)


def record(offset_delta, key, value, timestamp_delta=0):
    def field(data):
        return zigzag(-1) if data is None else zigzag(len(data)) + data
    body = b"\0" + zigzag(timestamp_delta) + zigzag(offset_delta) + field(key) + field(value) + zigzag(0)
    return zigzag(len(body)) + body


def batch(values, *, base_offset=0, attributes=0, timestamp=1000, step=0, max_timestamp=None, last_delta=None, count=None,
          producer=(-1, -1, -1), damage=False, records=None):
    """A batch of magic 2, as a producer sends it. The records are `step` ms apart; `records` takes the place of their bytes,
    and may be a function that compresses them."""
    plain = b"".join(record(i, None, value, i * step) for i, value in enumerate(values))
    records = plain if records is None else records(plain) if callable(records) else records
    count = len(values) if count is None else count
    last_delta = len(values) - 1 if last_delta is None else last_delta
    if max_timestamp is None:
        max_timestamp = timestamp + step * max(0, len(values) - 1)
    covered = struct.pack(">hiqqqhii", attributes, last_delta, timestamp, max_timestamp, *producer, count) + records
    crc = crc32c(covered) ^ (1 if damage else 0)
    return struct.pack(">qiibI", base_offset, 9 + len(covered), -1, 2, crc) + covered


class Writer:
    """Writes the classic or the compact form of each type."""

    def __init__(self, flexible):
        self.flexible = flexible
        self.out = b""

    def put(self, form, *values):
        self.out += struct.pack(">" + form, *values)

    def length(self, n, form):
        if self.flexible:
            self.out += uvarint(n + 1)
        else:
            self.put(form, n)

    def string(self, text):
        data = None if text is None else text.encode()
        self.length(-1 if data is None else len(data), "h")
        self.out += data or b""

    def blob(self, data):
        self.length(-1 if data is None else len(data), "i")
        self.out += data or b""

    def array(self, items, put):
        self.length(-1 if items is None else len(items), "i")
        for item in items or []:
            put(item)

    def tags(self):
        if self.flexible:
            self.out += b"\0"


class Reader:
    """Reads the same types, strictly: end() fails if bytes are left."""

    def __init__(self, data, flexible):
        self.data, self.at, self.flexible = data, 0, flexible

    def get(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def take(self, n):
        if n > len(self.data) - self.at:
            raise ValueError("answer is cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def uvarint(self):
        out = shift = 0
        while True:
            byte = self.get("B")
            out |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return out

    def length(self, form):
        return self.uvarint() - 1 if self.flexible else self.get(form)

    def string(self):
        n = self.length("h")
        return None if n < 0 else self.take(n).decode()

    def blob(self):
        n = self.length("i")
        return None if n < 0 else self.take(n)

    def array(self, read):
        n = self.length("i")
        return None if n < 0 else [read() for _ in range(n)]

    def tags(self):
        if self.flexible and self.uvarint() != 0:
            raise ValueError("tags that this test does not know")

    def end(self):
        if self.at != len(self.data):
            raise ValueError(f"{len(self.data) - self.at} bytes are left")


FLEXIBLE = {0: 9, 1: 12, 2: 6, 3: 9, 10: 3, 17: 99, 18: 3, 22: 2}


def is_flexible(key, version):
    return version >= FLEXIBLE.get(key, 0)


def frame(key, version, body, correlation=7, client="test"):
    header = struct.pack(">hhih", key, version, correlation, len(client)) + client.encode()
    if is_flexible(key, version):
        header += b"\0"
    return struct.pack(">i", len(header) + len(body)) + header + body


def produce_body(version, topic, partitions, acks=1, tag=b""):
    """`partitions`: (index, records). `topic`: a name, from v13 on 16 bytes. `tag`: the content of an unknown tagged field."""
    w = Writer(version >= 9)
    if version >= 3:
        w.string(None)
    w.put("hi", acks, 1000)

    def partition(item):
        w.put("i", item[0])
        w.blob(item[1])
        w.tags()

    def entry(name):
        if version >= 13:
            w.out += name
        else:
            w.string(name)
        w.array(partitions, partition)
        w.tags()
    w.array([topic], entry)
    if tag:
        w.out += uvarint(1) + uvarint(77) + uvarint(len(tag)) + tag
    else:
        w.tags()
    return w.out


def produce_answer(version, data):
    """[(index, error, base offset)] of the one topic."""
    r = Reader(data, version >= 9)

    def record_error():
        r.get("i"), r.string(), r.tags()

    def partition():
        index, error, base = r.get("ihq")
        if version >= 2:
            assert r.get("q") == -1
        if version >= 5:
            assert (r.get("q") >= 0) == (error == 0)  # the first offset of the log
        if version >= 8:
            assert r.array(record_error) == []
            assert (r.string() is None) == (error == 0)
        r.tags()
        return index, error, base

    def entry():
        r.take(16) if version >= 13 else r.string()
        out = r.array(partition)
        r.tags()
        return out
    topics = r.array(entry)
    if version >= 1:
        r.get("i")
    r.tags()
    r.end()
    return topics[0]


def fetch_body(version, topic, partitions, *, max_wait=0, min_bytes=1, max_bytes=1 << 30, session=0):
    """`partitions`: (index, offset, max bytes)."""
    w = Writer(version >= 12)
    if version < 15:
        w.put("i", -1)
    w.put("iiib", max_wait, min_bytes, max_bytes, 0)
    if version >= 7:
        w.put("ii", session, -1)

    def partition(item):
        index, offset, limit = item
        w.put("i", index)
        if version >= 9:
            w.put("i", -1)
        w.put("q", offset)
        if version >= 12:
            w.put("i", -1)
        if version >= 5:
            w.put("q", -1)
        w.put("i", limit)
        w.tags()

    def entry(name):
        if version >= 13:
            w.out += name
        else:
            w.string(name)
        w.array(partitions, partition)
        w.tags()
    w.array([topic], entry)
    if version >= 7:
        w.array([], None)
    if version >= 11:
        w.string("")
    w.tags()
    return w.out


def fetch_answer(version, data):
    """(error, [(index, error, high watermark, records)] of the one topic)."""
    r = Reader(data, version >= 12)
    assert r.get("i") == 0
    error = 0
    if version >= 7:
        error, session = r.get("hi")
        assert session == 0

    def partition():
        index, failure, high, stable = r.get("ihqq")
        if failure == 0:
            assert stable == high
        if version >= 5:
            assert (r.get("q") >= 0) == (failure in (0, 1))  # the first offset of the log
        assert not r.array(None)
        if version >= 11:
            assert r.get("i") == -1
        records = r.blob()
        r.tags()
        return index, failure, high, records

    def entry():
        r.take(16) if version >= 13 else r.string()
        out = r.array(partition)
        r.tags()
        return out
    topics = r.array(entry)
    r.tags()
    r.end()
    return error, topics[0] if topics else None


def metadata_body(version, topics, create=True):
    w = Writer(version >= 9)

    def entry(name):
        if version >= 10:
            w.out += bytes(16)
        w.string(name)
        w.tags()
    w.array(topics, entry)
    if version >= 4:
        w.put("?", create)
    if 8 <= version <= 10:
        w.put("?", False)
    if version >= 8:
        w.put("?", False)
    w.tags()
    return w.out


def metadata_answer(version, data):
    """(brokers [(id, host, port)], controller, {name: (error, id, partition count)})."""
    r = Reader(data, version >= 9)
    if version >= 3:
        r.get("i")

    def broker():
        node, host, port = r.get("i"), r.string(), r.get("i")
        if version >= 1:
            assert r.string() is None
        r.tags()
        return node, host, port

    def partition():
        error, _, leader = r.get("hii")
        assert (error, leader) == (0, 1)
        if version >= 7:
            assert r.get("i") == 0
        assert r.array(lambda: r.get("i")) == [1]
        assert r.array(lambda: r.get("i")) == [1]
        if version >= 5:
            assert r.array(lambda: r.get("i")) == []
        r.tags()

    def topic():
        error, name = r.get("h"), r.string()
        ident = r.take(16) if version >= 10 else None
        if version >= 1:
            assert r.get("b") == 0
        partitions = r.array(partition)
        if version >= 8:
            r.get("i")
        r.tags()
        return name, (error, ident, len(partitions))
    brokers = r.array(broker)
    if version >= 2:
        assert r.string()
    controller = r.get("i") if version >= 1 else None
    topics = dict(r.array(topic))
    if 8 <= version <= 10:
        r.get("i")
    if version >= 13:
        assert r.get("h") == 0
    r.tags()
    r.end()
    return brokers, controller, topics


def list_offsets_body(version, topic, partitions):
    """`partitions`: (index, timestamp)."""
    w = Writer(version >= 6)
    w.put("i", -1)
    if version >= 2:
        w.put("b", 0)

    def partition(item):
        w.put("i", item[0])
        if version >= 4:
            w.put("i", -1)
        w.put("q", item[1])
        w.tags()

    def entry(name):
        w.string(name)
        w.array(partitions, partition)
        w.tags()
    w.array([topic], entry)
    if version >= 10:
        w.put("i", 1000)
    w.tags()
    return w.out


def list_offsets_answer(version, data):
    """[(index, error, timestamp, offset)] of the one topic."""
    r = Reader(data, version >= 6)
    if version >= 2:
        r.get("i")

    def partition():
        out = r.get("ihqq")
        if version >= 4:
            r.get("i")
        r.tags()
        return out

    def entry():
        r.string()
        out = r.array(partition)
        r.tags()
        return out
    topics = r.array(entry)
    r.tags()
    r.end()
    return topics[0]


def find_coordinator_answer(version, data):
    """[(error, message)] for each key."""
    r = Reader(data, version >= 3)
    if version >= 1:
        r.get("i")

    def coordinator():
        r.string()
        assert (r.get("i"), r.string(), r.get("i")) == (-1, "", -1)
        out = r.get("h"), r.string()
        r.tags()
        return out
    if version >= 4:
        out = r.array(coordinator)
    else:
        out = [(r.get("h"), r.string() if version >= 1 else None)]
        assert (r.get("i"), r.string(), r.get("i")) == (-1, "", -1)
    r.tags()
    r.end()
    return out
