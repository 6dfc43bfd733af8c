#!/usr/bin/env python3
"""The echo broker's groups of the new protocol (KIP-848): heartbeats, assignments, hand-over, and who is refused.

    KWIRE_BUILD_DIR=build/release python3 tests/examples/test_echo_broker_consumer_groups.py
"""

import pathlib
import signal
import struct
import sys
import tempfile
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_bytes as kb
from consumer_group_bytes import *
from echo_broker import *
from echo_broker_topics import TopicsTest

INVALID_GROUP_ID, UNKNOWN_MEMBER, INVALID_REQUEST, GROUP_NOT_FOUND, FENCED_INSTANCE = 24, 25, 42, 69, 82
DELETE_GROUPS = 42
FENCED_EPOCH, UNRELEASED, NO_ASSIGNOR, BAD_REGEX = 110, 111, 112, 128


def unique(text):
    return f"{text}-{uuid.uuid4().hex[:12]}"


class ConsumerGroupsTest(TopicsTest):
    arguments = ("--partitions", "6", "--consumer-session-ms", "45000", "--consumer-heartbeat-ms", "500")

    def setUp(self):
        super().setUp()
        self.peer = self.client()
        self.group, self.topic = unique("group"), unique("orders")
        self.ident = self.peer.create(self.topic)

    def member(self, name="a", *, version=1, **subscription):
        subscription = subscription or {"names": [self.topic]}
        return Member(self.peer, self.group, name, version=version, **subscription)

    def joined(self, *names, **subscription):
        members = []
        for name in names:
            members.append(self.member(name, **subscription))
            members[-1].join()
        settle(*members)
        return members

    def describe(self, group=None, version=1, **options):
        return describe_answer(version, self.peer.ask(DESCRIBE, version, describe_body([group or self.group], **options)))[0]

    def all_partitions(self, *idents):
        return {(ident, partition) for ident in idents or (self.ident,) for partition in range(6)}

    def assert_owned(self, members, *idents):
        """Together they own all partitions, each by one, and the numbers differ by one at most."""
        owned = [one for m in members for one in m.all_owned()]
        self.assertEqual(len(owned), len(set(owned)))
        self.assertEqual(set(owned), self.all_partitions(*idents))
        counts = [len(m.all_owned()) for m in members]
        self.assertLessEqual(max(counts) - min(counts), 1, counts)


class ConsumerGroups(ConsumerGroupsTest):
    # -- joining and sharing

    def test_api_versions_names_the_feature_that_tells_clients_to_use_the_protocol(self):
        for version in (3, 4, 5):
            body = kb.api_versions_body(version)
            finalized = kb.api_versions_answer(version, self.peer.ask(API_VERSIONS, version, body))[2][2]
            self.assertEqual(finalized["group.version"], (1, 1))

    def test_a_lone_member_gets_all_partitions_with_its_first_heartbeat(self):
        a = self.member("a")
        answer = a.join()
        self.assertEqual((answer["member"], answer["epoch"], answer["interval"]), ("a", 2, 500))
        self.assert_owned([a])
        self.assertIsNone(a.beat()["assignment"])  # nothing new
        self.assertIsNone(a.beat_silently()["assignment"])
        full = a.send(a.epoch, rebalance_timeout=60000, names=[self.topic], owned=a.owned)
        self.assertEqual(full["assignment"], a.owned)  # a complete heartbeat gets a complete answer
        self.assertEqual(self.describe()["state"], "Stable")

    def test_the_broker_names_a_member_that_joins_without_an_id_in_version_0_only(self):
        first, second = self.member("", version=0), self.member("", version=0)
        first.join(), second.join()
        self.assertTrue(first.id and second.id and first.id != second.id)
        settle(first, second)
        self.assert_owned([first, second])
        self.assertEqual(self.member("").send(0, rebalance_timeout=1000, owned={}, names=[self.topic])["error"],
                         INVALID_REQUEST)

    def test_a_partition_moves_only_after_its_owner_has_given_it_up(self):
        a, b = self.member("a"), self.member("b")
        a.join()
        b.join()
        self.assertEqual((b.owned, b.epoch), ({}, 3))
        answer = a.beat_silently()  # is told what to give up, and stays in its epoch until it has
        self.assertEqual((answer["epoch"], len(answer["assignment"][self.ident])), (2, 3))
        b.beat()
        self.assertEqual(b.owned, {})
        self.assertEqual(self.describe()["state"], "Reconciling")
        self.assertEqual(a.beat_silently()["epoch"], 2)  # a heartbeat without partitions gives up nothing
        b.beat()
        self.assertEqual(b.owned, {})
        a.owned = answer["assignment"]
        a.beat()
        self.assertEqual(a.epoch, 3)
        b.beat()
        self.assert_owned([a, b])
        self.assertEqual(self.describe()["state"], "Stable")

    def test_members_that_come_and_go_move_as_few_partitions_as_possible(self):
        a, b = self.joined("a", "b")
        before = a.all_owned(), b.all_owned()
        c = self.member("c")
        c.join()
        settle(a, b, c)
        self.assert_owned([a, b, c])
        self.assertTrue(a.all_owned() < before[0] and b.all_owned() < before[1])
        self.assertEqual(c.leave()["epoch"], -1)
        settle(a, b)
        self.assert_owned([a, b])
        self.assertEqual(a.epoch, b.epoch)

    def test_many_members_share_the_partitions_of_many_topics_evenly(self):
        topics = [unique("many") for _ in range(5)]
        idents = [self.peer.create(topic) for topic in topics]
        members = self.joined(*[f"m{i}" for i in range(7)], names=topics)
        self.assert_owned(members, *idents)
        members[3].leave()
        del members[3]
        settle(*members)
        self.assert_owned(members, *idents)

    def test_more_members_than_partitions_leave_some_with_nothing(self):
        members = self.joined(*[f"m{i}" for i in range(8)])
        self.assert_owned(members)

    def test_members_with_different_topics_get_partitions_of_their_own_topics_only(self):
        other = unique("payments")
        ident = self.peer.create(other)
        a, b = self.member("a", names=[self.topic]), self.member("b", names=[self.topic, other])
        a.join(), b.join()
        settle(a, b)
        self.assert_owned([a, b], self.ident, ident)
        self.assertEqual(a.all_owned(), self.all_partitions(self.ident))

    def test_range_gives_neighbouring_partitions_of_every_topic(self):
        other = unique("payments")
        ident = self.peer.create(other)
        a, b = (self.member(name, names=[self.topic, other], assignor="range") for name in "ab")
        a.join(), b.join()
        settle(a, b)
        self.assertEqual({m.id: m.owned for m in (a, b)},
                         {"a": {self.ident: {0, 1, 2}, ident: {0, 1, 2}}, "b": {self.ident: {3, 4, 5}, ident: {3, 4, 5}}})
        self.assertEqual(self.describe()["assignor"], "range")

    # -- topics

    def test_a_topic_that_is_created_later_is_assigned_with_the_next_heartbeats(self):
        later = unique("later")
        a, b = self.joined("a", "b", names=[self.topic, later])
        self.assert_owned([a, b])
        ident = self.peer.create(later)
        self.wait_until(lambda: (settle(a, b), len(a.owned) + len(b.owned) == 4)[1])
        self.assert_owned([a, b], self.ident, ident)

    def test_a_topic_that_is_deleted_is_taken_away_and_one_that_is_created_again_is_another(self):
        a, b = self.joined("a", "b")
        self.assertEqual([error for _, _, error in self.delete_topics([self.topic])], [0])
        settle(a, b)
        self.assertEqual((a.all_owned(), b.all_owned()), (set(), set()))
        self.assertEqual(self.describe()["state"], "Stable")
        again = self.peer.create(self.topic)
        self.assertNotEqual(again, self.ident)
        settle(a, b)
        self.assert_owned([a, b], again)

    def test_partitions_that_are_added_are_assigned(self):
        a, b = self.joined("a", "b")
        before = a.all_owned(), b.all_owned()
        self.assertEqual(self.create_partitions([(self.topic, 9, None)]), {self.topic: 0})
        settle(a, b)
        self.assertEqual(len(a.all_owned() | b.all_owned()), 9)
        self.assertTrue(a.all_owned() > before[0] and b.all_owned() > before[1])

    def test_a_changed_subscription_changes_the_assignment(self):
        other = unique("payments")
        ident = self.peer.create(other)
        a, b = self.joined("a", "b")
        a.take(a.send(a.epoch, names=[other], owned=a.owned))
        settle(a, b)
        self.assertEqual((a.all_owned(), b.all_owned()), (self.all_partitions(ident), self.all_partitions()))
        a.take(a.send(a.epoch, names=[], owned=a.owned))
        settle(a, b)
        self.assertEqual((a.all_owned(), b.all_owned()), (set(), self.all_partitions()))

    def test_a_member_without_topics_is_a_member(self):
        a = self.member("a", names=[])
        answer = a.join()
        self.assertEqual((answer["epoch"], answer["assignment"]), (1, {}))
        self.assertEqual(self.describe()["state"], "Stable")

    # -- regular expressions

    def test_a_regular_expression_subscribes_to_the_topics_that_it_matches_as_a_whole(self):
        mark = unique("r").replace("-", "")
        matching = {self.peer.create(f"{mark}.{name}") for name in ("eu", "us")}
        self.peer.create(f"x{mark}.eu")
        self.peer.create(f"{mark}.eu.old")
        a = self.member("a", regex=mark + r"\.(eu|us|jp)")
        a.join()
        self.wait_until(lambda: a.beat() and set(a.owned) == matching)
        matching.add(self.peer.create(f"{mark}.jp"))
        if self.regex_is_followed_at_once:
            self.wait_until(lambda: a.beat() and set(a.owned) == matching)
        self.assertEqual(self.describe()["members"]["a"]["regex"], mark + r"\.(eu|us|jp)")
        a.take(a.send(a.epoch, regex="", names=[self.topic], owned=a.owned))
        self.wait_until(lambda: a.beat() and set(a.owned) == {self.ident})

    regex_is_followed_at_once = True

    def test_regular_expressions_that_are_none_or_are_not_known_are_refused(self):
        for n, regex in enumerate(("(", ")", "[a", "*", "{2}", "a{1}{2}", "a**", "[b-a]", "\\", r"\q", "(?!a)", r"(a)\1", "a{3,2}", "a{1001}")):
            answer = self.member(f"m{n}", regex=regex).send(0, rebalance_timeout=1000, owned={}, regex=regex)
            self.assertEqual((answer["error"], answer["assignment"]), (BAD_REGEX, None), regex)
        self.assertEqual(self.describe()["error"], GROUP_NOT_FOUND)  # a refused member makes no group

    def test_regular_expressions_match_as_their_parts_say(self):
        mark = unique("z").replace("-", "")
        names = ["a", "aa", "aaa", "ab", "b", "a.b", "a-b", "aXb", "c_d", "A1", "a1"]
        by_name = {name: self.peer.create(mark + name) for name in names}
        cases = {"a*": "a aa aaa", "a+b?": "a aa aaa ab", "a{2,}": "aa aaa", "a{2}": "aa", "a{1,2}": "a aa", "[^a]": "b",
                 "a.b": "a.b a-b aXb", r"a\.b": "a.b", r"[a-z]\d": "a1", r"\w\d": "A1 a1", "(?:a|b)": "a b", "a[._-]b": "a.b a-b", "c[._-]d": "c_d",
                 "(a|b)*": "a aa aaa ab b", "a(|b)": "a ab", r"\D+": "a aa aaa ab b a.b a-b aXb c_d", "(a*)*b$": "ab b", ".*b": "ab b a.b a-b aXb",
                 "a+?": "a aa aaa", "nothing": "", "^a": "", r"[\d\.]+": ""}
        for n, (regex, expected) in enumerate(cases.items()):
            a = self.member(f"m{n}", regex=mark + regex)
            a.group = unique("regex")
            a.join()
            wanted = {by_name[name] for name in expected.split()}
            self.wait_until(lambda: a.beat() and set(a.owned) == wanted)

    def test_a_hostile_regular_expression_takes_no_time(self):
        self.peer.create("a" * 240)
        before = self.broker.cpu_seconds()
        for n, regex in enumerate(("(a*)*" * 50 + "b", "(((((a{9}){9}){9}){9}){9}){9}", "(){1000}" * 30, "((((){1000}){1000}){1000}){1000}",
                                   "(" * 500 + ")" * 500, "(a|a|a|a)*" * 30 + "b", "a" * 5000)):
            self.assertIn(self.member(f"m{n}").send(0, rebalance_timeout=1000, owned={}, regex=regex)["error"], (0, BAD_REGEX))
        self.assertLess(self.broker.cpu_seconds() - before, 5 if SANITIZED else 0.5)

    def test_a_search_that_takes_long_goes_on_with_the_next_heartbeats(self):
        names = [f"z{n:03}" + "a" * 236 for n in range(100)]
        idents = {self.peer.create(name) for name in names}
        a = self.member("a", regex="z.{0,239}.{0,239}")
        a.join()
        self.assertEqual(a.owned, {})
        self.wait_until(lambda: a.beat() and set(a.owned) == idents)

    # -- epochs

    def test_a_member_with_a_wrong_epoch_is_fenced(self):
        a, b = self.joined("a", "b")
        for epoch in (a.epoch + 1, 1, 77):
            answer = a.send(epoch, owned={self.ident: range(6)})
            self.assertEqual((answer["error"], answer["assignment"]), (FENCED_EPOCH, None), epoch)
        a.join()  # it may join again, with what it had
        settle(a, b)
        self.assert_owned([a, b])

    def test_a_member_whose_answer_was_lost_may_ask_again_with_the_epoch_before(self):
        a, b = self.member("a"), self.member("b")
        a.join()
        b.join()
        a.take(a.beat_silently())
        lost = a.send(2, owned=a.owned)
        self.assertEqual((lost["error"], lost["epoch"]), (0, 3))
        self.assertEqual(a.send(2, owned={self.ident: range(6)})["error"], FENCED_EPOCH)  # it owns too much
        self.assertEqual(a.send(2)["error"], FENCED_EPOCH)  # and must say what it owns
        a.take(a.send(2, owned=a.owned))
        self.assertEqual(a.epoch, 3)

    def test_unknown_groups_and_members_are_refused(self):
        self.assertEqual(self.member("a").send(3)["error"], GROUP_NOT_FOUND)
        self.assertEqual(self.member("a").leave()["error"], GROUP_NOT_FOUND)
        self.joined("a")
        self.assertEqual(self.member("b").send(1)["error"], UNKNOWN_MEMBER)
        self.assertEqual(self.member("b").leave()["error"], UNKNOWN_MEMBER)

    def test_requests_that_make_no_sense_are_refused(self):
        good = {"rebalance_timeout": 1000, "owned": {}, "names": [self.topic]}
        for member, epoch, fields, code in (
                ("", 0, good, INVALID_REQUEST), ("", 1, {}, INVALID_REQUEST), ("", -1, {}, INVALID_REQUEST),
                ("a", 0, {**good, "rebalance_timeout": -1}, INVALID_REQUEST), ("a", 0, {**good, "owned": None}, INVALID_REQUEST),
                ("a", 0, {**good, "owned": {self.ident: [1]}}, INVALID_REQUEST), ("a", 0, {**good, "names": None}, INVALID_REQUEST),
                ("a", 0, {**good, "instance": ""}, INVALID_REQUEST), ("a", 0, {**good, "rack": " "}, INVALID_REQUEST),
                ("a", -2, {}, INVALID_REQUEST), ("a", -3, {}, INVALID_REQUEST),
                ("a", 0, {**good, "assignor": "sticky"}, NO_ASSIGNOR)):
            answer = self.member(member).send(epoch, **fields)
            self.assertEqual(answer["error"], code, (member, epoch, fields))
            self.assertTrue(answer["message"])
        m = self.member("a")
        m.group = ""
        self.assertEqual(m.send(0, **good)["error"], INVALID_REQUEST)

    # -- static members

    def test_a_static_member_that_leaves_for_a_while_keeps_its_partitions_for_its_next_start(self):
        a, b = self.member("a"), self.member("b")
        a.join(instance="one"), b.join()
        settle(a, b)
        before, epoch = a.all_owned(), self.describe()["epoch"]
        self.assertEqual(a.leave(-2, instance="one")["epoch"], -2)
        self.assertIsNone(b.beat()["assignment"])
        self.assertEqual(self.describe()["members"]["a"]["epoch"], -2)
        again = self.member("again")
        again.join(instance="one")
        self.assertEqual(again.all_owned(), before)
        self.assertEqual(self.describe()["epoch"], epoch)
        self.assertEqual(a.send(epoch, instance="one")["error"], FENCED_INSTANCE)
        self.assertEqual(a.send(epoch)["error"], UNKNOWN_MEMBER)
        self.assertEqual(again.leave(-1, instance="one")["epoch"], -1)
        settle(b)
        self.assert_owned([b])

    def test_a_static_member_does_not_take_the_member_id_of_another(self):
        a, b = self.member("a"), self.member("b")
        a.join(instance="one"), b.join()
        settle(a, b)
        a.leave(-2, instance="one")
        answer = b.send(0, instance="one", rebalance_timeout=1000, owned={}, names=[self.topic])
        self.assertEqual(answer["error"], FENCED_INSTANCE)

    def test_an_instance_id_that_is_in_use_is_not_given_away(self):
        a = self.member("a")
        a.join(instance="one")
        b = self.member("b")
        self.assertEqual(b.send(0, instance="one", rebalance_timeout=1000, owned={}, names=[self.topic])["error"], UNRELEASED)
        self.assertEqual(b.send(1, instance="two")["error"], UNKNOWN_MEMBER)
        self.assertEqual(b.leave(-2, instance="one")["error"], FENCED_INSTANCE)
        a.beat()
        self.assert_owned([a])

    # -- description

    def test_describe_shows_the_group_and_its_members(self):
        a = self.member("a", names=[self.topic, "missing"])
        a.join(instance="one", rack="r1")
        for version in (0, 1):
            group = self.describe(version=version)
            self.assertEqual((group["error"], group["message"], group["group"], group["state"]), (0, None, self.group, "Stable"))
            self.assertEqual((group["epoch"], group["target_epoch"], group["assignor"], group["operations"]), (2, 2, "uniform", -2 ** 31))
            member = {"instance": "one", "rack": "r1", "epoch": 2, "client": "test", "host": "/127.0.0.1",
                      "names": sorted([self.topic, "missing"]), "regex": "", "assigned": a.owned, "target": a.owned}
            if version >= 1:
                member["type"] = 1
            group["members"]["a"]["names"].sort()
            self.assertEqual(group["members"], {"a": member})
        self.assertEqual(self.describe(operations=True)["operations"], 0xd48)
        a.leave(instance="one")
        group = self.describe()
        self.assertEqual((group["state"], group["members"]), ("Empty", {}))

    def test_describe_reports_groups_that_do_not_exist(self):
        group = self.describe("unknown")
        self.assertEqual((group["error"], group["state"], group["members"]), (GROUP_NOT_FOUND, "", {}))
        self.assertTrue(group["message"])
        answer, = describe_answer(1, self.peer.ask(DESCRIBE, 1, describe_body([""])))
        self.assertEqual(answer["error"], INVALID_GROUP_ID)


class Sessions(ConsumerGroupsTest):
    """Members that are removed since time has passed. The others have to be steady, so there is room for a busy machine."""

    arguments = ("--partitions", "6", "--consumer-session-ms", "4000", "--consumer-heartbeat-ms", "500")

    def test_a_member_that_falls_silent_loses_its_partitions_after_the_session_time(self):
        a, b = self.joined("a", "b")
        self.assertEqual(len(a.all_owned()), 3)
        start = time.monotonic()
        b.beat()

        def a_has_all():
            time.sleep(0.1)
            return a.beat() and len(a.all_owned()) == 6
        self.wait_until(a_has_all)
        self.assertGreaterEqual(time.monotonic() - start, 4)
        self.assertEqual(b.send(b.epoch)["error"], UNKNOWN_MEMBER)

    def test_a_member_that_gives_nothing_up_is_removed_after_the_rebalance_time(self):
        a, b = self.member("a"), self.member("b")
        a.join(rebalance_timeout=700)
        b.join()

        def b_has_all():
            time.sleep(0.1)
            a.send(a.epoch, owned=a.owned)  # goes on with what it had
            return b.beat() and len(b.all_owned()) == 6
        self.wait_until(b_has_all)
        self.assertEqual(a.send(a.epoch, owned=a.owned)["error"], UNKNOWN_MEMBER)

    def test_a_static_member_that_does_not_come_back_is_removed_after_the_session_time(self):
        a, b = self.member("a"), self.member("b")
        a.join(instance="one"), b.join()
        settle(a, b)
        a.leave(-2, instance="one")

        def b_has_all():
            time.sleep(0.1)
            return b.beat() and len(b.all_owned()) == 6
        self.wait_until(b_has_all)


class InFiles(ConsumerGroupsTest):
    """With --data-dir."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.arguments = (*self.arguments, "--data-dir", directory.name + "/data")
        super().setUp()

    def check_end(self):
        try:
            self.assertEqual(self.broker.stop()[0], 0, self.broker.errors())
        finally:
            self.close()

    def close(self):
        if self.broker.process.poll() is None:
            self.broker.process.kill()
        self.broker.process.stdout.close()
        self.broker.log.close()

    def restart(self, *members, how=signal.SIGKILL):
        self.broker.stop(how)
        self.peer.socket.close()
        self.close()
        self.broker = Broker(*self.arguments)
        self.peer = self.client()
        for member in members:
            member.client = self.peer


class SessionsInFiles(InFiles, Sessions):
    def test_a_member_that_does_not_come_back_is_removed_after_its_session(self):
        a, b = self.joined("a", "b")
        self.restart(a, b)
        self.wait_until(lambda: a.beat() and set(self.describe()["members"]) == {"a"})
        settle(a)
        self.assert_owned([a])
        self.restart(a)
        self.assertEqual(set(self.describe()["members"]), {"a"})


class ConsumerGroupsInFiles(InFiles, ConsumerGroups):
    """The same, and what is there after a restart."""

    def test_members_go_on_after_a_restart(self):
        a, b = self.joined("a", "b")
        before = self.describe()
        for how in (signal.SIGKILL, signal.SIGTERM):
            self.restart(a, b, how=how)
            self.assertEqual(self.describe(), before)
            owned, epochs = (a.all_owned(), b.all_owned()), (a.epoch, b.epoch)
            for member in (a, b):
                self.assertEqual(member.beat()["error"], 0)
            self.assertEqual(((a.all_owned(), b.all_owned()), (a.epoch, b.epoch)), (owned, epochs))
        c = self.member("c", regex=self.topic + ".*")
        c.join()
        settle(a, b, c)
        self.assert_owned([a, b, c])
        self.restart(a, b, c)
        self.assert_owned([a, b, c])
        b.leave()
        settle(a, c)
        self.assert_owned([a, c])

    def test_a_hand_over_goes_on_after_a_restart(self):
        a, b = self.member("a"), self.member("b")
        a.join()
        b.join()
        answer = a.beat_silently()  # is told what to give up
        self.restart(a, b)
        b.beat()
        self.assertEqual(b.owned, {})  # it has not given it up
        a.owned = answer["assignment"]
        settle(a, b)
        self.assert_owned([a, b])

    def test_a_static_member_that_is_away_has_its_place_after_a_restart(self):
        a = self.member("a", names=[self.topic], instance="one")
        a.join()
        owned = a.all_owned()
        self.assertEqual(a.leave(-2, instance="one")["error"], 0)
        self.restart(a)
        again = self.member("again", names=[self.topic], instance="one")
        again.join()
        self.assertEqual(again.all_owned(), owned)

    def test_a_deleted_group_stays_deleted(self):
        a, = self.joined("a")
        a.leave()
        self.restart()
        self.assertEqual(self.describe()["state"], "Empty")
        w = kb.Writer(True)
        w.array([self.group], w.string)
        w.tags()
        self.assertIn(self.group.encode() + struct.pack(">h", 0), self.peer.ask(DELETE_GROUPS, 2, w.out))
        self.restart()
        self.assertEqual(self.describe()["error"], GROUP_NOT_FOUND)


if __name__ == "__main__":
    unittest.main(verbosity=2)
