"""What the drivers in Python share: the records of each scenario, and how a driver reports.

A driver is a program that a client library's user could have written:

    driver SCENARIO BOOTSTRAP TOPIC

It produces, consumes and compares, prints a line for people when something is wrong, and exits with 0, with 1 if the scenario
failed, or with 77 if the client has no such thing.
"""

import os
import pathlib
import sys
import time
import traceback

SKIPPED = 77
CODECS = ("gzip", "snappy", "lz4", "zstd")
SAME_FOR_ALL = ("plain", "acks0", *CODECS, "large", "idempotent")  # all drivers write the same records
PATIENCE = 60  # seconds for each step
SESSION_MS = 6000


def value_of(number, size):
    """Bytes that differ for each record and compress well."""
    text = b"record %d of the scenario;" % number
    return (text * (size // len(text) + 1))[:size]


def records_of(scenario):
    """(key, value, headers) of each record."""
    if scenario == "large":
        return [(b"k%d" % i, value_of(i, 900_000), []) for i in range(10)]
    if scenario == "headers":
        return [(b"k%d" % i, value_of(i, 50), [("trace", b"%d" % i), ("empty", b""), ("null", None), ("trace", b"again")])
                for i in range(100)]
    if scenario == "nulls":
        return [[(None, b"value", []), (b"key", None, []), (b"", b"", []), (b"key", b"", [])][i % 4] for i in range(100)]
    return [(b"k%d" % i, value_of(i, i * 37 % 2000 + 1), []) for i in range(500)]


def producer_settings(scenario):
    """What a scenario asks of the producer, by the names that kafka-python and aiokafka have for it."""
    if scenario in CODECS:
        return {"compression_type": scenario}
    return {"idempotent": {"enable_idempotence": True}, "acks0": {"acks": 0}}.get(scenario, {})


TRANSACTIONS = (("first", True), ("aborted", False), ("last", True))  # and whether it commits


def text_records(name):
    """The records of one of the transactions."""
    return [(b"k", b"%s %d" % (name.encode(), i), []) for i in range(50)]


def expect(what, seen, wanted):
    if seen != wanted:
        shown = [repr(x)[:200] for x in (seen, wanted)]
        raise AssertionError(f"{what}: {shown[0]}, expected {shown[1]}")


def expect_records(seen, wanted):
    expect("count of records", len(seen), len(wanted))
    for number, (one, other) in enumerate(zip(seen, wanted)):
        expect(f"record {number}", one, other)


def failover(send, poll, count_of):
    """Writes numbered values one by one, each acknowledged, and reads them, until the file ENOUGH exists: meanwhile leaders change
    and brokers stop. `send(value)` waits, `poll()` takes what there is, `count_of()` returns all values so far."""
    sent = 0
    enough = pathlib.Path(os.environ["ENOUGH"])
    while sent < 50 or not enough.exists():
        send(b"%d" % sent)
        sent += 1
        poll()
        time.sleep(0.02)
    wait_for("all records", lambda: [poll()] and len(count_of()) >= sent)
    expect("values", count_of(), [b"%d" % n for n in range(sent)])


def wait_for(what, happens, patience=PATIENCE):
    end = time.monotonic() + patience
    while not happens():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {patience} s")


def main(scenarios):
    """Runs the scenario of the command line; `scenarios` maps names to functions (scenario, bootstrap, topic)."""
    scenario, bootstrap, topic = sys.argv[1:4]
    if scenario not in scenarios:
        sys.exit(SKIPPED)
    try:
        scenarios[scenario](scenario, bootstrap, topic)
    except Exception:  # noqa: BLE001 - whatever a client raises is its answer
        traceback.print_exc()
        sys.exit(1)
