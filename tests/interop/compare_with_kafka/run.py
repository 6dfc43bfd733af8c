#!/usr/bin/env python3
"""Sends the same odd and hostile requests to the echo broker and to Apache Kafka, and prints each difference with its reason.

    KWIRE_BUILD_DIR=build/interop python3 tests/interop/compare_with_kafka/run.py [words of cases]

Exit status 1 if a difference has no reason in explained.py, or a reason explains no difference; 77 if Kafka cannot be fetched.
"""

import collections
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "examples")]

import echo_broker  # noqa: E402
import explained  # noqa: E402
import kafka_node  # noqa: E402
import peer as peers  # noqa: E402
import requests_of_clients  # noqa: E402
import requests_of_records  # noqa: E402

BUILD = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]).resolve()
WORK = BUILD / "interop" / "kafka"
SKIPPED = 77
RUNS = [
    ("Kafka 4.4.0", "kafka_4_4.xml", explained.of_4_4,
     [requests_of_records.produce_cases, requests_of_records.fetch_cases, requests_of_records.list_offsets_cases,
      requests_of_clients.cluster_cases, requests_of_clients.topic_cases, requests_of_clients.group_cases,
      requests_of_clients.transaction_cases, requests_of_clients.frame_cases]),
    ("Kafka 3.9.2", "kafka_3_9.xml", explained.of_3_9, [requests_of_records.old_format_cases]),
]


def differences(ours, theirs, path=""):
    """(path, our value, theirs) of each leaf that differs."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(name), theirs.get(name), f"{path}.{name}" if path else name)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs)):
            yield from differences(*pair, f"{path}[{index}]")
    elif ours != theirs:
        yield path, ours, theirs


def short(value):
    text = str(value)
    return text if len(text) < 100 else text[:97] + "..."


def answers(ask, peer):
    try:
        return ask(peer)
    finally:
        peer.close()  # of a connection that may wait for more


def compare(name, port, broker, converter, reasons, cases):
    """How many differences have no reason."""
    unexplained, equal, used, missing = 0, 0, set(), collections.Counter()
    with echo_broker.Client(broker) as client:
        served = client.api_versions(0)[1]
    both = peers.Peer(broker.port, converter, served), peers.Peer(port, converter)
    both[1].wait_for_coordinators()
    for what, ask in cases:
        try:
            ours, theirs = (answers(ask, peer) for peer in both)
        except peers.NotServed as api:
            missing[str(api)] += 1
            continue
        found = list(differences(ours, theirs))
        if not found:
            equal += 1
            continue
        shown = collections.Counter()
        bad = False
        for path, our, their in found:
            reason = next((r for r in reasons if r.explains(what, path)), None)
            used.add(reason)
            bad |= reason is None
            why = reason.why if reason else "NOT EXPLAINED"
            shown[why] += 1
            if shown[why] == 1:
                print(f"{what}: {why}")
            if shown[why] <= 3:
                print(f"    {path or 'answer'}: echo {short(our)}, Kafka {short(their)}")
        unexplained += bad
    for api, count in missing.items():
        print(f"{count} cases need {api}, which the echo broker does not serve")
    print(f"{name}: {equal} of {len(cases)} cases are equal, {unexplained} differ without a reason")
    return unexplained, [r for r in reasons if r not in used]


def main():
    words = sys.argv[1:]
    converter = peers.Converter(BUILD / "examples" / "kwire-convert")
    failed = 0
    for name, pom, reasons, families in RUNS:
        cases = [case for family in families for case in family() if not words or any(word in case[0] for word in words)]
        if not cases:
            continue
        try:
            kafka = kafka_node.Cluster(pom, WORK)
        except kafka_node.Unavailable as why:
            print(f"comparison with Kafka skipped: {why}")
            return SKIPPED
        broker = echo_broker.Broker("--partitions", "1")
        try:
            unexplained, unused = compare(name, kafka.nodes[0].port, broker, converter, reasons, cases)
        finally:
            kafka.stop()
            broker.stop()
            broker.process.stdout.close()
        failed += unexplained
        if not words:
            for reason in unused:
                print(f"explains no difference any more: {reason.cases}")
            failed += len(unused)
    converter.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
