"""The two messages of the new group protocol (KIP-848) as bytes, and a member that speaks it."""


import kafka_bytes as kb

HEARTBEAT, DESCRIBE = 68, 69


def heartbeat_body(version, group, member, epoch, *, instance=None, rack=None, rebalance_timeout=-1, names=None, regex=None,
                   assignor=None, owned=None):
    """`owned`: {topic id: partitions}; None stands for null in it and elsewhere."""
    w = kb.Writer(True)
    w.string(group)
    w.string(member)
    w.put("i", epoch)
    w.string(instance)
    w.string(rack)
    w.put("i", rebalance_timeout)
    w.array(names, w.string)
    if version >= 1:
        w.string(regex)
    w.string(assignor)

    def topic(item):
        w.out += item[0]
        w.array(sorted(item[1]), lambda partition: w.put("i", partition))
        w.tags()
    w.array(None if owned is None else sorted(owned.items()), topic)
    w.tags()
    return w.out


def partitions(r, with_name):
    """{topic id: partitions} of an assignment."""
    def topic():
        ident = r.take(16)
        if with_name:
            r.string()
        out = ident, set(r.array(lambda: r.get("i")))
        r.tags()
        return out
    out = dict(r.array(topic))
    r.tags()
    return out


def heartbeat_answer(data):
    """{error, message, member, epoch, interval, assignment}; an assignment of None is null."""
    r = kb.Reader(data, True)
    assert r.get("i") == 0
    out = {"error": r.get("h"), "message": r.string(), "member": r.string(), "epoch": r.get("i"), "interval": r.get("i")}
    out["assignment"] = partitions(r, False) if r.get("b") >= 0 else None
    r.tags()
    r.end()
    return out


def describe_body(groups, operations=False):
    w = kb.Writer(True)
    w.array(groups, w.string)
    w.put("?", operations)
    w.tags()
    return w.out


def describe_answer(version, data):
    """[{error, group, state, epoch, target_epoch, assignor, members: {id: {...}}, operations}]."""
    r = kb.Reader(data, True)
    assert r.get("i") == 0

    def member():
        ident = r.string()
        out = {"instance": r.string(), "rack": r.string(), "epoch": r.get("i"), "client": r.string(), "host": r.string(),
               "names": r.array(r.string), "regex": r.string(), "assigned": partitions(r, True), "target": partitions(r, True)}
        if version >= 1:
            out["type"] = r.get("b")
        r.tags()
        return ident, out

    def group():
        out = {"error": r.get("h"), "message": r.string(), "group": r.string(), "state": r.string()}
        out["epoch"], out["target_epoch"] = r.get("ii")
        out["assignor"] = r.string()
        out["members"] = dict(r.array(member))
        out["operations"] = r.get("i")
        r.tags()
        return out
    out = r.array(group)
    r.tags()
    r.end()
    return out


class Member:
    """A member of a group that does what a consumer does: it takes what it is given, and gives up what it must."""

    def __init__(self, client, group, member, *, version=1, **subscription):
        self.client, self.group, self.id, self.version, self.subscription = client, group, member, version, subscription
        self.epoch, self.owned = 0, {}

    def send(self, epoch, **fields):
        """One heartbeat with these fields, and nothing else: its answer."""
        return heartbeat_answer(self.client.ask(HEARTBEAT, self.version, heartbeat_body(
            self.version, self.group, self.id, epoch, **fields)))

    def take(self, answer):
        """Follows an answer without an error: the new epoch, and the partitions that it may own."""
        assert answer["error"] == 0, answer
        self.id, self.epoch = answer["member"], answer["epoch"]
        if answer["assignment"] is not None:
            self.owned = answer["assignment"]
        return answer

    def join(self, **fields):
        return self.take(self.send(0, **{"rebalance_timeout": 60000, "owned": {}, **self.subscription, **fields}))

    def beat(self):
        """A heartbeat that says what it owns."""
        return self.take(self.send(self.epoch, owned=self.owned))

    def beat_silently(self):
        """A heartbeat that says nothing: what the answer gives is not yet taken, nor given up."""
        return self.send(self.epoch)

    def leave(self, epoch=-1, **fields):
        return self.send(epoch, **fields)

    def all_owned(self):
        return {(topic, partition) for topic, parts in self.owned.items() for partition in parts}


def settle(*members, rounds=10):
    """Heartbeats of all members in turn until nothing changes; checks that no two own the same partition in between."""
    for _ in range(rounds):
        before = [(m.epoch, m.owned) for m in members]
        for m in members:
            m.beat()
            owned = [one for other in members for one in other.all_owned()]
            assert len(owned) == len(set(owned)), "two members own the same partition"
        if before == [(m.epoch, m.owned) for m in members]:
            return
    raise AssertionError("the group does not come to rest")
