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

    def any_tags(self):
        """{number: bytes}."""
        return {self.uvarint(): self.take(self.uvarint()) for _ in range(self.uvarint() if self.flexible else 0)}

    def end(self):
        if self.at != len(self.data):
            raise ValueError(f"{len(self.data) - self.at} bytes are left")


FLEXIBLE = {0: 9, 1: 12, 2: 6, 3: 9, 10: 3, 17: 99, 18: 3, 22: 2,
            19: 5, 20: 4, 21: 2, 23: 4, 32: 4, 33: 2, 35: 2, 36: 2, 37: 2, 44: 1, 60: 0, 75: 0,
            24: 3, 25: 3, 26: 3, 61: 0, 65: 0, 66: 0}


def is_flexible(key, version):
    return version >= FLEXIBLE.get(key, 0)


def frame(key, version, body, correlation=7, client="test"):
    header = struct.pack(">hhih", key, version, correlation, len(client)) + client.encode()
    if is_flexible(key, version):
        header += b"\0"
    return struct.pack(">i", len(header) + len(body)) + header + body


def produce_body(version, topic, partitions, acks=1, tag=b"", transactional_id=None):
    """`partitions`: (index, records). `topic`: a name, from v13 on 16 bytes. `tag`: the content of an unknown tagged field."""
    w = Writer(version >= 9)
    if version >= 3:
        w.string(transactional_id)
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
        index, text = r.get("i"), r.string()
        r.tags()
        return index, text

    def partition():
        index, error, base = r.get("ihq")
        if version >= 2:
            assert r.get("q") == -1
        if version >= 5:
            start = r.get("q")  # the first offset of the log, even if the log refuses the records
            assert start >= 0 or error != 0
        if version >= 8:
            assert r.array(record_error) == [] or error == 32  # a wrong timestamp
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


def fetch_body(version, topic, partitions, *, max_wait=0, min_bytes=1, max_bytes=1 << 30, session=(0, -1), epoch=-1,
               isolation=0):
    """`partitions`: (index, offset, max bytes). `session`: its id and epoch. `epoch`: of the leader, from v9 on."""
    w = Writer(version >= 12)
    if version < 15:
        w.put("i", -1)
    w.put("ii", max_wait, min_bytes)
    if version >= 3:
        w.put("i", max_bytes)
    if version >= 4:
        w.put("b", isolation)
    if version >= 7:
        w.put("ii", *session)

    def partition(item):
        index, offset, limit = item
        w.put("i", index)
        if version >= 9:
            w.put("i", epoch)
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


def fetch_answer(version, data, stable=None):
    """(error, [(index, error, high watermark, records)] of the one topic). To a dict `stable` it adds for each partition its
    last stable offset and [(producer, first offset)] of the aborted transactions; without one there must be no transactions."""
    r = Reader(data, version >= 12)
    if version >= 1:
        assert r.get("i") == 0
    error = 0
    if version >= 7:
        error, session = r.get("hi")
        assert session == 0

    def aborted_transaction():
        out = r.get("qq")
        r.tags()
        return out

    def partition():
        index, failure, high = r.get("ihq")
        if version >= 4:
            last_stable = r.get("q")
        if version >= 5:
            assert (r.get("q") >= 0) == (failure == 0)  # the first offset of the log
        if version >= 4:
            aborted = r.array(aborted_transaction)
            if stable is not None:
                stable[index] = last_stable, aborted
            elif failure == 0:
                assert (last_stable, aborted) == (high, None)
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
            assert r.get("b") == name.startswith("__")  # whether it is the broker's own
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


def list_offsets_body(version, topic, partitions, epoch=-1, most=1, isolation=0):
    """`partitions`: (index, timestamp). `epoch`: of the leader, from v4 on. `most`: how many offsets, in v0."""
    w = Writer(version >= 6)
    w.put("i", -1)
    if version >= 2:
        w.put("b", isolation)

    def partition(item):
        w.put("i", item[0])
        if version >= 4:
            w.put("i", epoch)
        w.put("q", item[1])
        if version == 0:
            w.put("i", most)
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
    """[(index, error, timestamp, offset)] of the one topic; in v0 (index, error, offsets)."""
    r = Reader(data, version >= 6)
    if version >= 2:
        r.get("i")

    def partition():
        if version == 0:
            return *r.get("ih"), r.array(lambda: r.get("q"))
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


def api_versions_body(version, name="test", software_version="1.0"):
    w = Writer(version >= 3)
    if version >= 3:
        w.string(name)
        w.string(software_version)
    if version >= 5:
        w.string(None)
        w.put("i", -1)
    w.tags()
    return w.out


def api_versions_answer(version, data):
    """(error, {key: (min, max)}, {number of a tag: {feature: levels, min before max} or an epoch})."""
    r = Reader(data, version >= 3)
    error = r.get("h")

    def entry():
        out = r.get("hhh")
        r.tags()
        return out
    keys = {key: (low, high) for key, low, high in r.array(entry)}
    if version >= 1:
        r.get("i")
    tags = {}
    for number, content in r.any_tags().items():
        inner = Reader(content, True)

        def feature():
            name, levels = inner.string(), inner.get("hh")
            inner.tags()
            return name, tuple(sorted(levels))  # one of the two arrays has the highest level first
        tags[number] = inner.get("q") if number == 1 else dict(inner.array(feature))
        inner.end()
    r.end()
    return error, keys, tags


def find_coordinator_body(version, kind, keys):
    """`keys`: before v4 one."""
    w = Writer(version >= 3)
    if version < 4:
        w.string(keys[0])
    if version >= 1:
        w.put("b", kind)
    if version >= 4:
        w.array(keys, w.string)
    w.tags()
    return w.out


def find_coordinator_answer(version, data):
    """[(error, message, (node, host, port))] for each key."""
    r = Reader(data, version >= 3)
    if version >= 1:
        r.get("i")

    def node():
        return r.get("i"), r.string(), r.get("i")

    def coordinator():
        r.string()
        place = node()
        out = r.get("h"), r.string(), place
        r.tags()
        return out
    if version >= 4:
        out = r.array(coordinator)
    else:
        out = [(r.get("h"), r.string() if version >= 1 else None, node())]
    r.tags()
    r.end()
    return out


# -- transactions

def init_producer_body(version, transactional_id=None, timeout=60_000, producer=(-1, -1)):
    w = Writer(version >= 2)
    w.string(transactional_id)
    w.put("i", timeout)
    if version >= 3:
        w.put("qh", *producer)
    w.tags()
    return w.out


def init_producer_answer(version, data):
    """(error, producer id, epoch)."""
    r = Reader(data, version >= 2)
    _, *out = r.get("ihqh")
    r.tags()
    r.end()
    return tuple(out)


def add_partitions_body(version, transactional_id, producer, topics, verify=False):
    """`topics`: {name: [index]}. From v4 on, a list with this one transaction."""
    w = Writer(version >= 3)

    def topic(item):
        w.string(item[0])
        w.array(item[1], lambda index: w.put("i", index))
        w.tags()

    def transaction(item):
        w.string(item)
        w.put("qh", *producer)
        if version >= 4:
            w.put("?", verify)
        w.array(list(topics.items()), topic)
        if version >= 4:
            w.tags()
    if version >= 4:
        w.array([transactional_id], transaction)
    else:
        transaction(transactional_id)
    w.tags()
    return w.out


def add_partitions_answer(version, data):
    """{(topic, index): error}."""
    r = Reader(data, version >= 3)
    r.get("i")
    out = {}

    def topic():
        name = r.string()

        def partition():
            index, error = r.get("ih")
            out[name, index] = error
            r.tags()
        r.array(partition)
        r.tags()

    def transaction():
        r.string()
        r.array(topic)
        r.tags()
    if version >= 4:
        assert r.get("h") == 0
        r.array(transaction)
    else:
        r.array(topic)
    r.tags()
    r.end()
    return out


def add_offsets_body(version, transactional_id, producer, group):
    w = Writer(version >= 3)
    w.string(transactional_id)
    w.put("qh", *producer)
    w.string(group)
    w.tags()
    return w.out


def end_transaction_body(version, transactional_id, producer, commit):
    w = Writer(version >= 3)
    w.string(transactional_id)
    w.put("qh?", *producer, commit)
    w.tags()
    return w.out


def end_transaction_answer(version, data):
    """(error, producer id, epoch); -1 before v5."""
    r = Reader(data, version >= 3)
    _, error = r.get("ih")
    producer = r.get("qh") if version >= 5 else (-1, -1)
    r.tags()
    r.end()
    return (error, *producer)
