#!/usr/bin/env python3
"""Consumer groups of the classic protocol in the echo broker: members, generations, committed offsets, and every error code.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_groups.py
"""

import pathlib
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import group_bytes as gb
import kafka_bytes as kb
from echo_broker import *

OK = (0, "consumer", "range")
(UNKNOWN_TOPIC, OFFSET_METADATA_TOO_LARGE, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, UNKNOWN_MEMBER_ID,
 INVALID_SESSION_TIMEOUT, REBALANCE_IN_PROGRESS, NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, MEMBER_ID_REQUIRED, GROUP_MAX_SIZE_REACHED,
 FENCED_INSTANCE_ID, GROUP_SUBSCRIBED_TO_TOPIC, UNKNOWN_TOPIC_ID) = (3, 12, 22, 23, 24, 25, 26, 27, 68, 69, 79, 81, 82, 86, 100)


BRIEF = 2000  # ms for a session or a rebalance that is to end: a test that has to wait for a processor stays within it


class GroupTest(BrokerTest):
    arguments = ("--partitions", "2", "--group-session-ms", "50", "--group-size", "3")

    def member(self, group="g"):
        member = gb.Member(self.broker, group)
        self.addCleanup(member.socket.close)
        return member

    def stable_pair(self, **options):
        """Two members of a stable group, the leader first."""
        leader, other = self.member(), self.member()
        leader.join(**options)
        leader.sync([(leader.id, b"all")])
        other.send_join(**options)
        self.assertEqual(other.receive_join()["error"], MEMBER_ID_REQUIRED)
        other.send_join(**options)
        self.wait_until(lambda: leader.heartbeat() == REBALANCE_IN_PROGRESS)
        leader.join(**options)
        self.assertEqual(other.receive_join()["error"], 0)
        other.send_sync()
        self.assertEqual(leader.sync([(leader.id, b"a"), (other.id, b"b")]), (*OK, b"a"))
        self.assertEqual(other.receive_sync(), (*OK, b"b"))
        return leader, other


class Members(GroupTest):
    def test_a_member_joins_syncs_and_leaves_in_every_version(self):
        for version in range(10):
            member = self.member(f"group-{version}")
            if version >= 4:
                member.send_join(version)
                first = member.receive_join(version)
                self.assertEqual(first["error"], MEMBER_ID_REQUIRED)
                self.assertRegex(first["member"], r"^test-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
            answer = member.join(version)
            self.assertEqual(answer, {"error": 0, "generation": 1, "type": "consumer" if version >= 7 else None,
                                      "protocol": "range", "leader": member.id, "skip": False, "member": member.id,
                                      "members": {member.id: (None, b"meta")}})
            sync = min(version, 5)
            self.assertEqual(member.sync([(member.id, b"mine")], sync),
                             (0, "consumer", "range", b"mine") if sync == 5 else (0, None, None, b"mine"))
            self.assertEqual(member.heartbeat(min(version, 4)), 0)
            self.assertEqual(member.sync((), sync)[3], b"mine")  # again
            leave = min(version, 5)
            self.assertEqual(member.leave(version=leave), (0, [(member.id, None, 0)] if leave >= 3 else []))
            self.assertEqual(member.heartbeat(), UNKNOWN_MEMBER_ID)
            self.assertEqual(member.describe()["state"], "Empty")

    def test_the_leader_hears_of_all_members_and_assigns_their_work(self):
        leader, other = self.stable_pair()
        self.assertEqual((leader.generation, other.generation), (2, 2))
        self.assertEqual((leader.heartbeat(), other.heartbeat()), (0, 0))
        described = leader.describe()
        self.assertEqual((described["error"], described["state"], described["type"], described["protocol"]),
                         (0, "Stable", "consumer", "range"))
        self.assertEqual(described["members"], {leader.id: (None, "test", "/127.0.0.1", b"meta", b"a"),
                                                other.id: (None, "test", "/127.0.0.1", b"meta", b"b")})

    def test_when_a_member_leaves_the_others_join_again_and_share_its_work(self):
        leader, other = self.stable_pair()
        self.assertEqual(other.leave(), (0, [(other.id, None, 0)]))
        self.assertEqual(leader.heartbeat(), REBALANCE_IN_PROGRESS)
        self.assertEqual(leader.sync()[0], REBALANCE_IN_PROGRESS)
        self.assertEqual(list(leader.join()["members"]), [leader.id])
        self.assertEqual(leader.generation, 3)

    def test_a_member_that_is_silent_is_removed_after_its_session_time_out_and_not_when_its_connection_ends(self):
        leader, other = self.stable_pair(session=BRIEF)
        other.reset()
        self.assertEqual(leader.heartbeat(), 0)
        self.assertEqual(len(leader.describe()["members"]), 2)
        self.wait_until(lambda: leader.heartbeat() != 0)
        self.assertEqual(list(leader.join()["members"]), [leader.id])

    def test_a_group_chooses_the_protocol_that_most_members_prefer_among_those_that_all_support(self):
        one, two = self.member(), self.member()
        one.join(protocols=[("a", b"1a"), ("b", b"1b"), ("c", b"1c")])
        two.send_join(protocols=[("c", b"2c"), ("b", b"2b")])
        two.receive_join()
        two.send_join(protocols=[("c", b"2c"), ("b", b"2b")])
        self.wait_until(lambda: one.heartbeat() == REBALANCE_IN_PROGRESS)
        answer = one.join(protocols=[("b", b"1b"), ("a", b"1a"), ("c", b"1c")])
        self.assertIn(answer["protocol"], "bc")
        self.assertEqual(two.receive_join()["protocol"], answer["protocol"])
        third = self.member()
        self.assertEqual(third.join(protocols=[("a", b"")])["error"], INCONSISTENT_GROUP_PROTOCOL)
        self.assertEqual(third.join(kind="connect", protocols=[("b", b"")])["error"], INCONSISTENT_GROUP_PROTOCOL)

    def test_a_member_that_does_not_join_in_time_is_removed(self):
        leader, other = self.stable_pair(rebalance=BRIEF)
        answer = leader.join(rebalance=BRIEF)  # `other` sends nothing
        self.assertEqual(list(answer["members"]), [leader.id])
        self.assertEqual(other.heartbeat(), UNKNOWN_MEMBER_ID)

    def test_a_member_that_does_not_sync_in_time_is_removed(self):
        leader, other = self.stable_pair(rebalance=BRIEF)
        leader.send_join(rebalance=BRIEF)
        other.join(rebalance=BRIEF)
        leader.receive_join()
        leader.sync([(leader.id, b"x")])
        self.wait_until(lambda: leader.heartbeat() == REBALANCE_IN_PROGRESS)
        self.assertEqual(list(leader.join()["members"]), [leader.id])

    def test_a_rebalance_does_not_wait_for_a_client_that_has_left_while_it_joined(self):
        leader, other = self.stable_pair(session=BRIEF)
        newcomer = self.member()
        newcomer.send_join(1, session=BRIEF)
        self.wait_until(lambda: leader.heartbeat() == REBALANCE_IN_PROGRESS)
        newcomer.reset()
        leader.send_join(session=BRIEF)
        other.join(session=BRIEF)
        self.assertIn(len(leader.receive_join()["members"]), (2, 3))
        leader.sync()
        if len(leader.describe()["members"]) == 3:  # the member stays until its session ends
            self.wait_until(lambda: {leader.heartbeat(), other.heartbeat()} == {REBALANCE_IN_PROGRESS})
        self.assertEqual(set(leader.describe()["members"]), {leader.id, other.id})

    def test_members_that_wait_for_an_assignment_must_join_again_if_someone_else_joins(self):
        leader, other = self.stable_pair()
        leader.send_join()
        other.join()
        leader.receive_join()
        other.send_sync()
        third = self.member()
        third.send_join(3)
        self.assertEqual(other.receive_sync()[0], REBALANCE_IN_PROGRESS)
        self.assertEqual(other.heartbeat(), REBALANCE_IN_PROGRESS)

    def test_a_new_group_waits_for_more_members_if_told_so(self):
        broker = Broker("--group-delay-ms", str(BRIEF))
        try:
            members = [gb.Member(broker) for _ in range(3)]
            for member in members:
                member.send_join(0)
            answers = [member.receive_join(0) for member in members]
            self.assertEqual([answer["generation"] for answer in answers], [1, 1, 1])
            self.assertEqual(sorted(len(answer["members"]) for answer in answers), [0, 0, 3])
            for member in members:
                member.socket.close()
        finally:
            broker.stop()
            broker.process.stdout.close()
            broker.log.close()

    def test_a_follower_that_joins_again_unchanged_gets_the_same_generation_and_a_leader_a_new_one(self):
        leader, other = self.stable_pair()
        answer = other.join()
        self.assertEqual((answer["generation"], answer["members"]), (2, {}))
        other.send_join(protocols=[("range", b"new")])
        self.wait_until(lambda: leader.heartbeat() == REBALANCE_IN_PROGRESS)
        self.assertEqual(leader.join()["members"][other.id], (None, b"new"))
        other.receive_join()
        leader.send_join()
        self.wait_until(lambda: other.heartbeat() == REBALANCE_IN_PROGRESS)
        self.assertEqual(other.join()["generation"], 4)


class StaticMembers(GroupTest):
    def test_a_restarted_static_member_takes_its_place_without_a_rebalance_and_fences_the_old_one(self):
        for version in (5, 9):
            old = self.member(f"g{version}")
            self.assertEqual(old.join(version, instance="i")["error"], 0)  # the broker does not ask for its id first
            old.sync([(old.id, b"work")], instance="i")
            new = self.member(f"g{version}")
            answer = new.join(version, instance="i")
            self.assertEqual((answer["error"], answer["generation"], answer["skip"]), (0, 1, version == 9))
            if version == 9:
                self.assertEqual((answer["leader"], list(answer["members"])), (new.id, [new.id]))
            else:
                self.assertEqual((answer["leader"], answer["members"]), (old.id, {}))
            self.assertEqual(new.sync(instance="i"), (*OK, b"work"))
            self.assertEqual(old.heartbeat(instance="i"), FENCED_INSTANCE_ID)
            self.assertEqual(old.sync(instance="i")[0], FENCED_INSTANCE_ID)
            self.assertEqual(old.join(version, instance="i", member=old.id)["error"], FENCED_INSTANCE_ID)
            self.assertEqual(old.commit({}, generation=1, member=old.id, instance="i"), {})
            self.client().create(self.topic)
            self.assertEqual(old.commit({self.topic: [(0, 1, "")]}, generation=1, member=old.id, instance="i"),
                             {self.topic: {0: FENCED_INSTANCE_ID}})
            self.assertEqual(old.leave([(old.id, "i")]), (0, [(old.id, "i", FENCED_INSTANCE_ID)]))
            self.assertEqual(new.heartbeat(instance="i"), 0)
            self.assertEqual(new.heartbeat(instance="other"), UNKNOWN_MEMBER_ID)
            self.assertEqual(list(new.describe()["members"].values())[0][0], "i")

    def test_an_administrator_removes_a_static_member_by_its_instance_id(self):
        member, admin = self.member(), self.member()
        member.join(instance="i")
        self.assertEqual(admin.leave([("", "j"), ("", "i"), ("x", None)]),
                         (0, [("", "j", UNKNOWN_MEMBER_ID), ("", "i", 0), ("x", None, UNKNOWN_MEMBER_ID)]))
        self.assertEqual(admin.describe()["state"], "Empty")

    def test_a_static_member_whose_join_waits_is_fenced(self):
        leader, _ = self.stable_pair()
        waiting, new = self.member(), self.member()
        waiting.send_join(instance="i")
        self.wait_until(lambda: leader.heartbeat() == REBALANCE_IN_PROGRESS)
        new.send_join(instance="i")
        self.assertEqual(waiting.receive_join()["error"], FENCED_INSTANCE_ID)


class Refusals(GroupTest):
    def test_join_group_refuses_what_kafka_refuses(self):
        member = self.member()
        for options, error in (({"group": ""}, INVALID_GROUP_ID), ({"session": 49}, INVALID_SESSION_TIMEOUT),
                               ({"session": 1_800_001}, INVALID_SESSION_TIMEOUT), ({"member": "x"}, UNKNOWN_MEMBER_ID),
                               ({"kind": ""}, INCONSISTENT_GROUP_PROTOCOL), ({"protocols": []}, INCONSISTENT_GROUP_PROTOCOL)):
            answer = member.join(**options)
            self.assertEqual((answer["error"], answer["generation"], answer["members"]), (error, -1, {}), options)
        self.assertEqual(gb.list_answer(5, member.ask(gb.LIST, 5, gb.list_body(5))), {})
        member.join()
        self.assertEqual(member.join(member="x")["error"], UNKNOWN_MEMBER_ID)

    def test_the_shortest_session_is_that_of_kafka_by_default(self):
        broker = Broker()
        try:
            with gb.Member(broker) as member:
                self.assertEqual(member.join(session=5999)["error"], INVALID_SESSION_TIMEOUT)
                self.assertEqual(member.join(session=6000)["error"], 0)
        finally:
            broker.stop()
            broker.process.stdout.close()
            broker.log.close()

    def test_a_group_takes_no_more_members_than_allowed(self):
        members = [self.member() for _ in range(4)]
        members[0].join(1)
        for member in members[1:3]:
            member.send_join(1)
        self.wait_until(lambda: len(members[0].describe()["members"]) == 3)
        members[0].join(1)
        for member in members[1:3]:
            self.assertEqual(member.receive_join(1)["error"], 0)
        answer = members[3].join()
        self.assertEqual((answer["error"], answer["member"]), (GROUP_MAX_SIZE_REACHED, ""))

    def test_sync_group_refuses_what_kafka_refuses(self):
        member = self.member()
        member.join()
        for options, error in (({"group": ""}, INVALID_GROUP_ID), ({"group": "h"}, UNKNOWN_MEMBER_ID),
                               ({"member": "x"}, UNKNOWN_MEMBER_ID), ({"instance": "i"}, UNKNOWN_MEMBER_ID),
                               ({"generation": 0}, ILLEGAL_GENERATION), ({"generation": 2}, ILLEGAL_GENERATION),
                               ({"kind": "connect"}, INCONSISTENT_GROUP_PROTOCOL), ({"kind": None}, INCONSISTENT_GROUP_PROTOCOL),
                               ({"protocol": "other"}, INCONSISTENT_GROUP_PROTOCOL)):
            self.assertEqual(member.sync(**options), (error, None, None, b""), options)
        self.assertEqual(member.sync(), (*OK, b""))  # the leader has assigned nothing

    def test_heartbeat_and_leave_group_refuse_what_kafka_refuses(self):
        member = self.member()
        member.join()
        for version in range(5):
            for options, error in (({"group": ""}, INVALID_GROUP_ID), ({"group": "h"}, UNKNOWN_MEMBER_ID),
                                   ({"member": "x"}, UNKNOWN_MEMBER_ID), ({"generation": 3}, ILLEGAL_GENERATION)):
                self.assertEqual(member.heartbeat(version, **options), error, options)
        for version in range(6):
            self.assertEqual(member.leave(version=version, group=""), (INVALID_GROUP_ID, []))
            for group in "gh":
                self.assertEqual(member.leave([("x", None)], version, group),
                                 (0, [("x", None, UNKNOWN_MEMBER_ID)]) if version >= 3 else (UNKNOWN_MEMBER_ID, []))

    def test_a_member_id_that_was_given_out_but_not_used_expires(self):
        member = self.member()
        member.send_join(session=100)
        answer = member.receive_join()
        self.assertEqual(answer["error"], MEMBER_ID_REQUIRED)
        self.wait_until(lambda: member.describe()["error"] == GROUP_ID_NOT_FOUND)
        self.assertEqual(member.join(member=answer["member"])["error"], UNKNOWN_MEMBER_ID)


class Administration(GroupTest):
    def test_groups_are_described_listed_and_deleted_in_every_version(self):
        member, admin = self.member(), self.member()
        member.join()
        for version in range(7):
            answer = gb.describe_answer(version, admin.ask(gb.DESCRIBE, version, gb.describe_body(version, ["g", "none"], version >= 3)))
            self.assertEqual((answer["g"]["error"], answer["g"]["state"], answer["g"]["type"], answer["g"]["protocol"]),
                             (0, "CompletingRebalance", "consumer", ""))
            self.assertEqual(answer["g"]["members"], {member.id: (None, "test", "/127.0.0.1", b"", b"")})
            self.assertEqual(answer["g"]["operations"], 3400 if version >= 3 else None)
            self.assertEqual((answer["none"]["state"], answer["none"]["error"]), ("Dead", GROUP_ID_NOT_FOUND if version >= 6 else 0))
        for version in range(6):
            self.assertEqual(gb.list_answer(version, admin.ask(gb.LIST, version, gb.list_body(version))),
                             {"g": ("consumer", "CompletingRebalance" if version >= 4 else None, "classic" if version >= 5 else None)})
        for states, kinds, found in ((["stable"], [], 0), (["COMPLETINGrebalance", "Empty"], [], 1), ([], ["Classic"], 1),
                                     ([], ["consumer"], 0), ([], ["nonsense"], 0)):
            self.assertEqual(len(gb.list_answer(5, admin.ask(gb.LIST, 5, gb.list_body(5, states, kinds)))), found)
        for version in range(3):
            self.assertEqual(gb.delete_answer(version, admin.ask(gb.DELETE, version, gb.delete_body(version, ["g", "none"]))),
                             {"g": NON_EMPTY_GROUP, "none": GROUP_ID_NOT_FOUND})
        member.leave()
        self.assertEqual(gb.delete_answer(2, admin.ask(gb.DELETE, 2, gb.delete_body(2, ["g"]))), {"g": 0})
        self.assertEqual(gb.list_answer(5, admin.ask(gb.LIST, 5, gb.list_body(5))), {})


class Offsets(GroupTest):
    def setUp(self):
        super().setUp()
        self.ident = self.client().create(self.topic)
        self.admin = self.member()

    def test_offsets_are_committed_and_fetched_in_every_version(self):
        for version in range(11):
            group = f"group-{version}"
            name = self.ident if version >= 10 else self.topic
            unknown, error = (b"\1" * 16, UNKNOWN_TOPIC_ID) if version >= 10 else ("none", UNKNOWN_TOPIC)
            answer = self.admin.commit({name: [(0, 10, "x"), (1, 11, None), (2, 12, "")], unknown: [(0, 1, "")]}, version, group=group)
            self.assertEqual(answer, {name: {0: 0, 1: 0, 2: UNKNOWN_TOPIC}, unknown: {0: error}})
            for fetch in range(11):
                name = self.ident if fetch >= 10 else self.topic
                epoch = 0 if version >= 6 and fetch >= 5 else -1
                stored = {0: (10, epoch, "x", 0), 1: (11, epoch, "", 0)}
                self.assertEqual(self.admin.committed({name: [0, 1, 2]}, fetch, group=group), {name: {**stored, 2: gb.NO_OFFSET}})
                if fetch >= 2:
                    self.assertEqual(self.admin.committed(None, fetch, group=group), {name: stored})
                self.assertEqual(self.admin.committed({name: [0]}, fetch, group="none"), {name: {0: gb.NO_OFFSET}})
        self.assertEqual(self.admin.committed({b"\1" * 16: [0]}, 10)[b"\1" * 16], {0: (-1, -1, "", UNKNOWN_TOPIC_ID)})
        groups = {"group-3": {self.topic: [1]}, "none": None, "group-4": None}
        answer = gb.fetch_answer(8, self.admin.ask(gb.OFFSET_FETCH, 8, gb.fetch_body(8, groups)))
        self.assertEqual(answer, {"group-3": (0, {self.topic: {1: (11, -1, "", 0)}}), "none": (0, {}),
                                  "group-4": (0, {self.topic: {0: (10, -1, "x", 0), 1: (11, -1, "", 0)}})})

    def test_metadata_has_kafkas_limit(self):
        for text, error in (("x" * 4096, 0), ("x" * 4097, OFFSET_METADATA_TOO_LARGE), ("ä" * 4096, 0),
                            ("\U0001F600" * 2048, 0), ("\U0001F600" * 2049, OFFSET_METADATA_TOO_LARGE)):
            self.assertEqual(self.admin.commit({self.topic: [(0, 1, text)]}), {self.topic: {0: error}})
        self.assertEqual(self.admin.committed({self.topic: [0]})[self.topic][0][2], "\U0001F600" * 2048)

    def test_only_members_of_the_generation_commit_to_a_group_that_has_members(self):
        def commit(version=9, **options):
            return self.admin.commit({self.topic: [(0, 5, "")]}, version, **options)[self.topic][0]
        self.assertEqual(commit(generation=1, member="x", group="h"), GROUP_ID_NOT_FOUND)
        self.assertEqual(commit(8, generation=1, member="x", group="h"), ILLEGAL_GENERATION)
        self.assertEqual(commit(), 0)  # no group yet: a simple consumer
        member = self.member()
        member.join(session=BRIEF)
        self.assertEqual(commit(), UNKNOWN_MEMBER_ID)
        self.assertEqual(commit(generation=1, member="x"), UNKNOWN_MEMBER_ID)
        self.assertEqual(commit(generation=1, member=member.id, instance="i"), UNKNOWN_MEMBER_ID)
        self.assertEqual(commit(generation=2, member=member.id), ILLEGAL_GENERATION)
        self.assertEqual(commit(generation=1, member=member.id), REBALANCE_IN_PROGRESS)
        member.sync()
        end = time.monotonic() + 2 * BRIEF / 1000
        while time.monotonic() < end:  # a commit is a sign of life
            self.assertEqual(commit(generation=1, member=member.id), 0)
            time.sleep(0.2)
        member.leave()
        self.assertEqual(commit(), 0)
        self.assertEqual(member.committed({self.topic: [0]}), {self.topic: {0: (5, 0, "", 0)}})

    def test_offsets_are_deleted_if_no_member_reads_their_topic(self):
        client = self.client()
        client.create("other")
        everything = {self.topic: [0, 5], "other": [0], "none": [0]}

        def delete(group="g"):
            return gb.offset_delete_answer(self.admin.ask(gb.OFFSET_DELETE, 0, gb.offset_delete_body(group, everything)))
        self.assertEqual(delete(), (GROUP_ID_NOT_FOUND, {}))
        self.assertEqual(delete(""), (INVALID_GROUP_ID, {}))
        self.admin.commit({self.topic: [(0, 5, "")], "other": [(0, 6, "")]})
        member = self.member()
        member.join(protocols=[("range", gb.subscription([self.topic]))])
        self.assertEqual(delete(), (0, {self.topic: {0: GROUP_SUBSCRIBED_TO_TOPIC, 5: UNKNOWN_TOPIC}, "other": {0: 0},
                                        "none": {0: UNKNOWN_TOPIC}}))
        self.assertEqual(self.admin.committed(None), {self.topic: {0: (5, 0, "", 0)}})
        member.leave()
        self.assertEqual(delete()[1][self.topic], {0: 0, 5: UNKNOWN_TOPIC})
        self.assertEqual(self.admin.committed(None), {})
        worker = self.member("workers")
        worker.join(kind="connect")
        self.assertEqual(delete("workers"), (NON_EMPTY_GROUP, {}))

    def test_offsets_go_with_their_group(self):
        self.admin.commit({self.topic: [(0, 5, "")]})
        self.assertEqual(gb.delete_answer(2, self.admin.ask(gb.DELETE, 2, gb.delete_body(2, ["g"]))), {"g": 0})
        self.assertEqual(self.admin.committed(None), {})


if __name__ == "__main__":
    unittest.main()
