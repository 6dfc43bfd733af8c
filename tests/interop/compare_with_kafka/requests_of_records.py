"""Hostile and odd Produce, Fetch and ListOffsets requests.

A case is a function of a Peer that returns what is compared; its name is that of the case.
"""

import gzip
import struct

import kafka_bytes as kb
import old_messages as old
from test_echo_broker_records import CONTROL, GOOD, GZIP, LOG_APPEND_TIME, LZ4, REFUSED, SNAPPY, TRANSACTIONAL, ZSTD, gzip_bomb

ANY_ID = bytes(range(16))
ZSTD_FRAME = (lambda plain: bytes.fromhex("28b52ffd") + bytes([0x20, len(plain)]) +
              struct.pack("<I", len(plain) << 3 | 1)[:3] + plain)(kb.record(0, None, b"zstd"))  # one raw block


def produce(peer, topic, records, version=7, partitions=(0,), **options):
    body = kb.produce_body(version, topic, [(partition, records) for partition in partitions], **options)
    return peer.send("Produce", version, body)


def fetch(peer, topic, offset=0, version=11, limit=1 << 20, partition=0, **options):
    return peer.send("Fetch", version, kb.fetch_body(version, topic, [(partition, offset, limit)], **options))


def list_offsets(peer, topic, timestamp, version=7, partition=0, **options):
    return peer.send("ListOffsets", version, kb.list_offsets_body(version, topic, [(partition, timestamp)], **options))


def records_cases(records, versions=(7,)):
    return lambda peer: [[produce(peer, topic, records, version), list_offsets(peer, topic, -1)]
                         for topic in [peer.topic()] for version in versions]


def with_setting(name, value, *batches):
    """Produces to a topic with that setting."""
    def run(peer):
        topic = f"with-{name}-{value}-{len(batches)}"
        made = peer.ask("CreateTopics", 7, timeoutMs=5000, validateOnly=False, topics=[
            {"name": topic, "numPartitions": 1, "replicationFactor": 1, "assignments": [], "configs": [{"name": name, "value": value}]}])
        peer.wait_for_leader(topic)
        return [made["topics"][0]["errorCode"]] + [produce(peer, topic, batch, 9) for batch in batches]
    return run


def sequence_case(*steps):
    """Batches as (producer id, epoch, sequence, records), one after another."""
    def run(peer):
        topic = peer.topic()
        # the id is one that both brokers would give out, or have not seen
        return [produce(peer, topic, kb.batch([b"x"] * count, producer=who)) for *who, count in steps]
    return run


def with_records(*batches, then):
    def run(peer):
        topic = peer.topic()
        for batch in batches:
            produce(peer, topic, batch)
        return then(peer, topic)
    return run


TEN = kb.batch([b"x"] * 10, timestamp=1_000_000, step=1000)
GZIP_TEN = kb.batch([b"x"] * 10, timestamp=1_000_000, step=1000, attributes=GZIP, records=gzip.compress)
TWO_SIZES = [kb.batch([b"x" * 1000], timestamp=1), kb.batch([b"y" * 1000], timestamp=2)]


def produce_cases():
    for what, _, records in REFUSED:
        yield f"Produce: {what}", records_cases(records, (7, 9))
    yield "Produce: a good batch, all versions", records_cases(GOOD, range(3, 13))
    yield "Produce: a second batch that is cut", records_cases(GOOD + GOOD[:-1])
    yield "Produce: one byte after the batch", records_cases(GOOD + b"\0")
    yield "Produce: append time", records_cases(kb.batch([b"x"], attributes=LOG_APPEND_TIME))
    yield "Produce: wrong largest timestamp", records_cases(kb.batch([b"x"] * 3, step=10, max_timestamp=7))
    yield "Produce: a timestamp of the far future", records_cases(kb.batch([b"x"], timestamp=1 << 60))
    yield "Produce: to a topic of append time", with_setting(
        "message.timestamp.type", "LogAppendTime", GOOD, kb.batch([b"x"], timestamp=1 << 60), kb.batch([b"x"], timestamp=-1),
        kb.batch([b"x"] * 3, attributes=LOG_APPEND_TIME), kb.batch([b"x"], attributes=LOG_APPEND_TIME, timestamp=-1))
    yield "Produce: to a topic of small batches", with_setting("max.message.bytes", "200", GOOD, kb.batch([b"x" * 200]))
    yield "Produce: a negative timestamp", records_cases(kb.batch([b"x"], timestamp=-5))
    yield "Produce: unused attribute bits", records_cases(kb.batch([b"x"], attributes=0x4000))
    yield "Produce: a delete horizon", records_cases(kb.batch([b"x"], attributes=0x40))
    yield "Produce: gzip bomb of 200 MiB", records_cases(kb.batch([b"x"], attributes=GZIP, records=gzip_bomb(200 << 20)))
    yield "Produce: zstd", records_cases(kb.batch([b"zstd"], attributes=ZSTD, records=ZSTD_FRAME), (3, 6, 7, 9))
    yield "Produce: control and transactional", records_cases(kb.batch([b"x"], attributes=CONTROL | TRANSACTIONAL, producer=(1, 0, 0)))
    yield "Produce: epoch without producer id", records_cases(kb.batch([b"x"], producer=(-1, 3, 0)))
    yield "Produce: negative epoch", records_cases(kb.batch([b"x"], producer=(70, -1, 0)))
    for acks in (-1, 0, 1, 2, -2, 32767):
        if acks:
            yield f"Produce: acks {acks}", lambda peer, acks=acks: produce(peer, peer.topic(), GOOD, acks=acks)
    yield "Produce: bad records with acks 0", lambda peer: produce(peer, peer.topic(), GOOD[:-1], acks=0)
    yield "Produce: unknown topics", lambda peer: [produce(peer, name, GOOD) for name in ("none", "", "a b", "x" * 300)]
    yield "Produce: unknown partitions", lambda peer: [produce(peer, topic, GOOD, partitions=[n])
                                                       for topic in [peer.topic()] for n in (1, -1, 2**31 - 1)]
    yield "Produce: unknown topic id", lambda peer: [produce(peer, id, GOOD, 13) for id in (ANY_ID, bytes(16))]
    yield "Produce: a partition twice", lambda peer: produce(peer, peer.topic(), GOOD, partitions=(0, 0))
    yield "Produce: no partitions", lambda peer: produce(peer, peer.topic(), GOOD, partitions=())
    yield "Produce: a good and a bad partition", lambda peer: produce(peer, peer.topic(), GOOD, partitions=(0, 9))
    for version in (0, 1, 2):
        yield f"Produce v{version}", records_cases(old.message(0, b"x"), [version])
    yield "Sequences: the same twice", sequence_case((7001, 0, 0, 2), (7001, 0, 0, 2), (7001, 0, 2, 1))
    yield "Sequences: a gap", sequence_case((7002, 0, 0, 1), (7002, 0, 5, 1), (7002, 0, 1, 1))
    yield "Sequences: begins at 5", sequence_case((7003, 0, 5, 1), (7003, 0, 6, 1))
    yield "Sequences: older than the last five", sequence_case(*[(7004, 0, n, 1) for n in range(8)], (7004, 0, 0, 1), (7004, 0, 3, 1))
    yield "Sequences: other limits", sequence_case((7005, 0, 0, 3), (7005, 0, 0, 2), (7005, 0, 1, 2), (7005, 0, 2, 2))
    yield "Sequences: epochs", sequence_case((7006, 2, 0, 1), (7006, 1, 1, 1), (7006, 3, 1, 1), (7006, 3, 0, 1), (7006, 2, 0, 1))
    yield "Sequences: they wrap", sequence_case((7007, 0, 2**31 - 1, 3), (7007, 0, 1, 1), (7007, 0, 2, 1))


def fetch_cases():
    for offset in (-2, -1, 0, 1, 2, 3, 2**62):
        yield f"Fetch: offset {offset} of 2", with_records(*TWO_SIZES, then=lambda p, t, offset=offset: fetch(p, t, offset))
    for limit in (-1, 0, 1, 1100, 2000, 1 << 20, -2**31):
        yield f"Fetch: partition limit {limit}", with_records(*TWO_SIZES, then=lambda p, t, n=limit: fetch(p, t, limit=n))
        yield f"Fetch: limit {limit}", with_records(*TWO_SIZES, then=lambda p, t, n=limit: fetch(p, t, max_bytes=n))
        yield f"Fetch: limit {limit} at the end", with_records(*TWO_SIZES, then=lambda p, t, n=limit: fetch(p, t, 2, max_bytes=n))
    for wait, least in ((-5, 1), (0, 2**31 - 1), (50, 2**31 - 1), (50, -1), (-1, -1)):
        yield (f"Fetch: wait {wait}, at least {least}",
               with_records(GOOD, then=lambda p, t, w=wait, m=least: fetch(p, t, max_wait=w, min_bytes=m)))
    for epoch in (-2, -1, 0, 1, 2**31 - 1):
        yield f"Fetch: leader epoch {epoch}", with_records(GOOD, then=lambda p, t, e=epoch: fetch(p, t, epoch=e))
        yield (f"ListOffsets: leader epoch {epoch}",
               with_records(GOOD, then=lambda p, t, e=epoch: list_offsets(p, t, -1, epoch=e)))
    for session in ((0, 0), (0, -1), (5, 0), (5, -1), (0, 1), (5, 1), (-1, 0), (0, -2), (0, 2**31 - 1)):
        yield f"Fetch: session {session}", with_records(GOOD, then=lambda p, t, s=session: fetch(p, t, session=s))
    for version in range(4, 13):
        yield f"Fetch v{version}", with_records(GOOD, GZIP_TEN, then=lambda p, t, v=version: fetch(p, t, version=v))
        yield (f"Fetch v{version}: zstd", with_records(kb.batch([b"zstd"], attributes=ZSTD, records=ZSTD_FRAME),
                                                       then=lambda p, t, v=version: fetch(p, t, version=v)))
    yield "Fetch: unknown topics", lambda peer: [fetch(peer, name) for name in ("none", "", "a b")]
    yield "Fetch: unknown partitions", lambda peer: [fetch(peer, t, partition=n) for t in [peer.topic()] for n in (1, -1)]
    yield "Fetch: unknown topic id", lambda peer: [fetch(peer, id, version=v) for id in (ANY_ID, bytes(16)) for v in (13, 18)]
    yield "Fetch: a partition twice", with_records(GOOD, then=lambda p, t: p.send(
        "Fetch", 11, kb.fetch_body(11, t, [(0, 0, 1 << 20), (0, 0, 1 << 20)])))
    yield "Fetch: no partitions", lambda peer: peer.send("Fetch", 11, kb.fetch_body(11, peer.topic(), []))
    for version in (0, 1, 2, 3):
        yield f"Fetch v{version}", lambda peer, v=version: fetch(peer, "none", version=v)

    def fetch_as(peer, topic, **changes):
        fields = {"replicaId": -1, "maxWaitMs": 0, "minBytes": 0, "maxBytes": 1 << 20, "isolationLevel": 0, "sessionId": 0,
                  "sessionEpoch": -1, "forgottenTopicsData": [], "rackId": "", "topics": [{"topic": topic, "partitions": [
                      {"partition": 0, "currentLeaderEpoch": -1, "fetchOffset": 0, "logStartOffset": -1,
                       "partitionMaxBytes": 1 << 20}]}]}
        return peer.ask("Fetch", 11, **fields | changes)
    for replica in (-2, -3, 0, 1, 5):
        yield f"Fetch: replica {replica}", with_records(GOOD, then=lambda p, t, n=replica: fetch_as(p, t, replicaId=n))
    for level in (1, 2, -1):
        yield f"Fetch: isolation level {level}", with_records(GOOD, then=lambda p, t, n=level: fetch_as(p, t, isolationLevel=n))
    yield "Fetch: forgotten topics", with_records(GOOD, then=lambda p, t: fetch_as(
        p, t, forgottenTopicsData=[{"topic": t, "partitions": [0, 7]}, {"topic": "none", "partitions": []}]))


def list_offsets_cases():
    for name, ten in (("plain", TEN), ("gzip", GZIP_TEN)):
        for time in (0, 999_999, 1_000_000, 1_005_500, 1_009_000, 1_009_001, 2**62):
            yield (f"ListOffsets: {time} of {name} records",
                   with_records(TEN, ten, then=lambda p, t, n=time: list_offsets(p, t, n)))
    for special in (-1, -2, -3, -4, -5, -6, -7, -2**63):
        yield (f"ListOffsets: {special}", with_records(TEN, then=lambda p, t, n=special: [
            list_offsets(p, t, n, v) for v in range(1, 12)]))
        yield f"ListOffsets: {special} of an empty log", lambda p, n=special: list_offsets(p, p.topic(), n, 11)
    yield "ListOffsets: unknown topics", lambda p: [list_offsets(p, name, -1, v) for name in ("none", "", "a b") for v in (1, 11)]
    yield "ListOffsets: unknown partitions", lambda p: [list_offsets(p, t, -1, 7, n) for t in [p.topic()] for n in (1, -1)]
    yield "ListOffsets: a partition twice", lambda p: p.send(
        "ListOffsets", 7, kb.list_offsets_body(7, p.topic(), [(0, -1), (0, -2)]))
    yield "ListOffsets v0", lambda p: list_offsets(p, "none", -1, 0)
    for replica in (-2, -3, 0, 1, 5):
        yield (f"ListOffsets: replica {replica}", with_records(GOOD, then=lambda p, t, n=replica: p.ask(
            "ListOffsets", 7, replicaId=n, isolationLevel=0, topics=[{"name": t, "partitions": [
                {"partitionIndex": 0, "currentLeaderEpoch": -1, "timestamp": -1}]}])))


def old_format_cases():
    """For brokers that serve clients of before 0.11."""
    good, inner = old.message(1, b"good"), [old.message(1, b"x%d" % n, offset=n, timestamp=50 - n) for n in range(3)]
    for what, records in (
            ("a message of magic 0", old.message(0, b"x")), ("messages of magic 1", good * 3), ("mixed magics", old.message(0, b"x") + good),
            ("a wrapper of magic 1", old.wrapper(1, inner, timestamp=50)), ("a wrapper of magic 0", old.wrapper(0, [old.message(0, b"x")] * 2)),
            ("a wrapper with a wrong timestamp", old.wrapper(1, inner, timestamp=7)), ("nothing", b""),
            ("a bad checksum", old.message(0, b"x", damage=True)), ("a bad checksum after a message", good + old.message(1, b"x", damage=True)),
            ("a bad checksum of a wrapper", old.wrapper(1, [good], damage=True)),
            ("a bad checksum in a wrapper", old.wrapper(1, [old.message(1, b"x", damage=True)])),
            ("gzip that is none", old.message(1, b"none", attributes=GZIP)), ("snappy that is none", old.message(1, b"none", attributes=SNAPPY)),
            ("lz4 that is none", old.message(1, b"none", attributes=LZ4)), ("zstd", old.message(1, b"none", attributes=ZSTD)),
            ("codec 5", old.message(1, b"none", attributes=5)), ("an empty wrapper", old.wrapper(1, [])),
            ("a wrapper in a wrapper", old.wrapper(1, [old.wrapper(1, [good])])),
            ("a cut message in a wrapper", old.wrapper(1, [good, good[:-1]])), ("magic 0 in magic 1", old.wrapper(1, [old.message(0, b"x")])),
            ("a wrapper and a message", old.wrapper(1, [good]) + good), ("two wrappers", old.wrapper(1, [good]) * 2),
            ("magic 2 after a message", good + GOOD), ("magic 2", GOOD), ("two batches of magic 2", GOOD * 2),
            ("zstd of magic 2", kb.batch([b"zstd"], attributes=ZSTD, records=ZSTD_FRAME)),
            ("append time", old.message(1, b"x", attributes=8)), ("append time without a time", old.message(1, b"x", attributes=8, timestamp=-1)),
            ("magic 3", good[:16] + b"\3" + good[17:]), ("a cut message", good[:-1]), ("a cut message after a message", good + good[:-1]),
            ("more than 1 MiB", old.message(1, bytes(1 << 20))), ("an unused attribute", old.message(1, b"x", attributes=64))):
        for version in (0, 2):
            yield f"Produce v{version}: {what}", records_cases(records, [version])
    stored = {"a batch": [GOOD], "gzip": [GZIP_TEN], "two batches": TWO_SIZES, "zstd": [kb.batch([b"zstd"], attributes=ZSTD, records=ZSTD_FRAME)]}
    for version in (0, 1, 2, 3):
        for what, batches in stored.items():
            for limit in (1 << 20, 500, 0):
                for offset in (0, 1):
                    yield (f"Fetch v{version}: {what} at {offset}, limit {limit}", with_records(
                        *batches, then=lambda p, t, v=version, o=offset, n=limit: fetch(p, t, o, v, n)))
        yield f"Fetch v{version}: unknown topic", lambda p, v=version: fetch(p, "none", version=v)
    for time, most in ((-1, 10), (-1, 1), (-1, 0), (-1, -1), (-2, 10), (1 << 60, 10), (0, 10), (-3, 1), (-1, 2**31 - 1)):
        yield (f"ListOffsets v0: {most} at {time}", with_records(
            TEN, then=lambda p, t, n=time, m=most: list_offsets(p, t, n, 0, most=m)))
        yield f"ListOffsets v0: {most} at {time} of an empty log", lambda p, n=time, m=most: list_offsets(p, p.topic(), n, 0, most=m)
