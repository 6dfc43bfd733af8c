"""aiokafka. See scenario.py."""

import asyncio
import signal
import subprocess
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import scenario as s


def consumer(bootstrap, *topics, group=None, **more):
    return AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                            enable_auto_commit=False, session_timeout_ms=s.SESSION_MS, heartbeat_interval_ms=500,
                            metadata_max_age_ms=1000, **more)


async def read_all(bootstrap, topic, count, **more):
    async with consumer(bootstrap, **more) as reader:
        reader.assign([TopicPartition(topic, 0)])
        await reader.seek_to_beginning()
        seen = []
        while len(seen) < count:
            one = await asyncio.wait_for(reader.getone(), s.PATIENCE)
            seen.append((one.key, one.value, list(one.headers)))
        s.expect("records after the last one", await reader.getmany(timeout_ms=500), {})
        return seen


async def produce(bootstrap, topic, records, **settings):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2_000_000, **settings) as producer:
        sent = [await producer.send(topic, key=key, value=value, headers=headers, partition=0) for key, value, headers in records]
        await asyncio.wait_for(asyncio.gather(*sent), s.PATIENCE)


async def pass_through(name, bootstrap, topic):
    records = s.records_of(name)
    await produce(bootstrap, topic, records, **s.producer_settings(name))
    s.expect_records(await read_all(bootstrap, topic, len(records)), records)


async def transactions(_, bootstrap, topic):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic + "-writer") as producer:
        written = {}
        for name, keep in s.TRANSACTIONS:
            await producer.begin_transaction()
            written[name] = s.text_records(name)
            for key, value, _ in written[name]:
                await producer.send_and_wait(topic, key=key, value=value, partition=0)
            await (producer.commit_transaction if keep else producer.abort_transaction)()
        kept = written["first"] + written["last"]
        s.expect_records(await read_all(bootstrap, topic, 100, isolation_level="read_committed"), kept)
        s.expect_records(await read_all(bootstrap, topic, 150, isolation_level="read_uncommitted"),
                         written["first"] + written["aborted"] + written["last"])
        await producer.begin_transaction()
        await producer.send_offsets_to_transaction({TopicPartition(topic, 0): 40}, topic + "-group")
        await producer.commit_transaction()
    async with consumer(bootstrap, group=topic + "-group") as reader:
        s.expect("committed offset", await reader.committed(TopicPartition(topic, 0)), 40)


async def member(_, bootstrap, topic):
    async with consumer(bootstrap, topic, group=topic + "-group") as one:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        while not stopped.is_set():
            await one.getmany(timeout_ms=200)


async def group(_, bootstrap, topic):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 4, 1)])
    await admin.close()
    await produce(bootstrap, topic, s.records_of("plain"))
    async with consumer(bootstrap, topic, group=topic + "-group") as first:
        seen = set()

        async def wait_for(what, partitions, records=0):
            async def reached():
                while len(first.assignment()) != partitions or len(seen) < records:
                    for batch in (await first.getmany(timeout_ms=200)).values():
                        seen.update((r.partition, r.offset) for r in batch)
            try:
                await asyncio.wait_for(reached(), s.PATIENCE)
            except asyncio.TimeoutError:
                raise AssertionError(f"{what} did not happen; assigned: {first.assignment()}, records: {len(seen)}")
        await wait_for("four partitions alone", 4)
        for ending in (signal.SIGKILL, signal.SIGTERM):
            other = subprocess.Popen([sys.executable, __file__, "member", bootstrap, topic])
            try:
                await wait_for("two partitions beside another", 2)
                other.send_signal(ending)
                await wait_for(f"four partitions after {ending.name} to the other", 4)
            finally:
                other.kill()
                other.wait()
        await wait_for("all records", 4, 500)
        await first.commit({TopicPartition(topic, 0): 321})
    async with consumer(bootstrap, topic, group=topic + "-group") as later:
        one = await asyncio.wait_for(later.getone(), s.PATIENCE)
        s.expect("first offset after the committed one", (one.partition, one.offset), (0, 321))


async def admin(_, bootstrap, topic):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    s.expect("the topic is listed", topic in await admin.list_topics(), True)
    s.expect("partitions", len((await admin.describe_topics([topic]))[0]["partitions"]), 3)
    await admin.delete_topics([topic])
    s.expect("the topic is listed", topic in await admin.list_topics(), False)
    await admin.close()


def synchronous(function):
    return lambda *arguments: asyncio.run(function(*arguments))


if __name__ == "__main__":
    # It refuses a record whose key and value are both null, which no scenario has.
    s.main({name: synchronous(pass_through) for name in ("plain", "acks0", *s.CODECS, "headers", "nulls", "large", "idempotent")}
           | {"transactions": synchronous(transactions), "group": synchronous(group), "member": synchronous(member),
              "admin": synchronous(admin)})
