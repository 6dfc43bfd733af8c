"""The messages of consumer groups and their offsets as bytes, in all versions that the echo broker serves, and a member of a
group that speaks them."""

import struct

import kafka_bytes as kb
from echo_broker import Client

OFFSET_COMMIT, OFFSET_FETCH, JOIN, HEARTBEAT, LEAVE, SYNC, DESCRIBE, LIST = 8, 9, 11, 12, 13, 14, 15, 16
TXN_OFFSET_COMMIT, DELETE, OFFSET_DELETE = 28, 42, 47
kb.FLEXIBLE.update({OFFSET_COMMIT: 8, OFFSET_FETCH: 6, JOIN: 6, HEARTBEAT: 4, LEAVE: 4, SYNC: 4, DESCRIBE: 5, LIST: 3,
                    TXN_OFFSET_COMMIT: 3, DELETE: 2, OFFSET_DELETE: 99})
NO_OFFSET = (-1, -1, "", 0)  # offset, leader epoch, metadata, error


def reader_of(version, data, *, flexible_from, throttled_from):
    """A reader of what follows the throttle time, which is 0 and not there before version `throttled_from`."""
    r = kb.Reader(data, version >= flexible_from)
    if version >= throttled_from:
        assert r.get("i") == 0
    return r


def from_member(version, group, generation, member, instance):
    """A writer of the requests that begin with who sends them: SyncGroup and Heartbeat."""
    w = kb.Writer(version >= 4)
    w.string(group)
    w.put("i", generation)
    w.string(member)
    if version >= 3:
        w.string(instance)
    return w


def subscription(topics):
    """What a consumer tells the leader of its group: version 0."""
    w = kb.Writer(False)
    w.put("h", 0)
    w.array(topics, w.string)
    w.blob(None)
    return w.out


def join_body(version, group, member="", *, instance=None, session=10_000, rebalance=10_000, kind="consumer",
              protocols=(("range", b"meta"),)):
    w = kb.Writer(version >= 6)
    w.string(group)
    w.put("i", session)
    if version >= 1:
        w.put("i", rebalance)
    w.string(member)
    if version >= 5:
        w.string(instance)
    w.string(kind)

    def protocol(one):
        w.string(one[0])
        w.blob(one[1])
        w.tags()
    w.array(protocols, protocol)
    if version >= 8:
        w.string("a reason")
    w.tags()
    return w.out


def join_answer(version, data):
    """{error, generation, type, protocol, leader, skip, member, members: {id: (instance, metadata)}}."""
    r = reader_of(version, data, flexible_from=6, throttled_from=2)
    out = {"error": r.get("h"), "generation": r.get("i")}
    out["type"] = r.string() if version >= 7 else None
    out["protocol"] = r.string()
    out["leader"] = r.string()
    out["skip"] = version >= 9 and r.get("?")
    out["member"] = r.string()

    def member():
        name = r.string()
        instance = r.string() if version >= 5 else None
        metadata = r.blob()
        r.tags()
        return name, (instance, metadata)
    out["members"] = dict(r.array(member))
    r.tags()
    r.end()
    return out


def sync_body(version, group, generation, member, assignments=(), *, instance=None, kind="consumer", protocol="range"):
    w = from_member(version, group, generation, member, instance)
    if version >= 5:
        w.string(kind)
        w.string(protocol)

    def assignment(one):
        w.string(one[0])
        w.blob(one[1])
        w.tags()
    w.array(list(assignments), assignment)
    w.tags()
    return w.out


def sync_answer(version, data):
    """(error, protocol type, protocol, assignment)."""
    r = reader_of(version, data, flexible_from=4, throttled_from=1)
    error = r.get("h")
    kind, protocol = (r.string(), r.string()) if version >= 5 else (None, None)
    out = error, kind, protocol, r.blob()
    r.tags()
    r.end()
    return out


def heartbeat_body(version, group, generation, member, instance=None):
    w = from_member(version, group, generation, member, instance)
    w.tags()
    return w.out


def heartbeat_answer(version, data):
    r = reader_of(version, data, flexible_from=4, throttled_from=1)
    error = r.get("h")
    r.tags()
    r.end()
    return error


def leave_body(version, group, members):
    """`members`: (id, instance id); before version 3 one without instance id."""
    w = kb.Writer(version >= 4)
    w.string(group)

    def member(one):
        w.string(one[0])
        w.string(one[1])
        if version >= 5:
            w.string(None)
        w.tags()
    if version < 3:
        w.string(members[0][0])
    else:
        w.array(members, member)
    w.tags()
    return w.out


def leave_answer(version, data):
    """(error, [(id, instance id, error)])."""
    r = reader_of(version, data, flexible_from=4, throttled_from=1)
    error = r.get("h")

    def member():
        out = r.string(), r.string(), r.get("h")
        r.tags()
        return out
    members = r.array(member) if version >= 3 else []
    r.tags()
    r.end()
    return error, members


def commit_body(version, group, topics, *, generation=-1, member="", instance=None):
    """`topics`: {name or id: [(partition, offset, metadata)]}."""
    w = kb.Writer(version >= 8)
    w.string(group)
    if version >= 1:
        w.put("i", generation)
        w.string(member)
    if version >= 7:
        w.string(instance)
    if 2 <= version <= 4:
        w.put("q", -1)

    def partition(one):
        w.put("iq", one[0], one[1])
        if version == 1:
            w.put("q", -1)
        if version >= 6:
            w.put("i", 0)
        w.string(one[2])
        w.tags()

    def topic(one):
        if version >= 10:
            w.out += one[0]
        else:
            w.string(one[0])
        w.array(one[1], partition)
        w.tags()
    w.array(list(topics.items()), topic)
    w.tags()
    return w.out


def commit_answer(version, data, throttled_from=3, flexible_from=8, ids_from=10):
    """{name or id: {partition: error}}."""
    r = reader_of(version, data, flexible_from=flexible_from, throttled_from=throttled_from)

    def partition():
        out = r.get("ih")
        r.tags()
        return out

    def topic():
        name = r.take(16) if version >= ids_from else r.string()
        partitions = dict(r.array(partition))
        r.tags()
        return name, partitions
    out = dict(r.array(topic))
    r.tags()
    r.end()
    return out


def transactional_commit_body(version, transaction, producer, group, topics, *, generation=-1, member="", instance=None):
    w = kb.Writer(version >= 3)
    w.string(transaction)
    w.string(group)
    w.put("qh", *producer)
    if version >= 3:
        w.put("i", generation)
        w.string(member)
        w.string(instance)

    def partition(one):
        w.put("iq", one[0], one[1])
        if version >= 2:
            w.put("i", 0)
        w.string(one[2])
        w.tags()

    def topic(one):
        w.string(one[0])
        w.array(one[1], partition)
        w.tags()
    w.array(list(topics.items()), topic)
    w.tags()
    return w.out


def fetch_body(version, groups, *, stable=False, member=None, epoch=-1):
    """`groups`: {group: {name or id: [partition]} or None}; before version 8 one group."""
    w = kb.Writer(version >= 6)

    def topic(one):
        if version >= 10:
            w.out += one[0]
        else:
            w.string(one[0])
        w.array(one[1], lambda index: w.put("i", index))
        w.tags()

    def group(one):
        w.string(one[0])
        if version >= 9:
            w.string(member)
            w.put("i", epoch)
        w.array(None if one[1] is None else list(one[1].items()), topic)
        w.tags()
    if version < 8:
        (name, topics), = groups.items()
        w.string(name)
        w.array(None if topics is None else list(topics.items()), topic)
    else:
        w.array(list(groups.items()), group)
    if version >= 7:
        w.put("?", stable)
    w.tags()
    return w.out


def fetch_answer(version, data):
    """{group: (error, {name or id: {partition: (offset, epoch, metadata, error)}})}; the group is "" before version 8."""
    r = reader_of(version, data, flexible_from=6, throttled_from=3)

    def partition():
        index, offset = r.get("iq")
        epoch = r.get("i") if version >= 5 else -1
        out = index, (offset, epoch, r.string(), r.get("h"))
        r.tags()
        return out

    def topic():
        name = r.take(16) if version >= 10 else r.string()
        partitions = dict(r.array(partition))
        r.tags()
        return name, partitions

    def group():
        name, topics, error = r.string(), dict(r.array(topic)), r.get("h")
        r.tags()
        return name, (error, topics)
    if version < 8:
        topics = dict(r.array(topic))
        out = {"": (r.get("h") if version >= 2 else 0, topics)}
    else:
        out = dict(r.array(group))
    r.tags()
    r.end()
    return out


def describe_body(version, groups, operations=False):
    w = kb.Writer(version >= 5)
    w.array(groups, w.string)
    if version >= 3:
        w.put("?", operations)
    w.tags()
    return w.out


def describe_answer(version, data):
    """{group: {error, message, state, type, protocol, members: {id: (instance, client, host, metadata, assignment)},
    operations}}."""
    r = reader_of(version, data, flexible_from=5, throttled_from=1)

    def member():
        name = r.string()
        instance = r.string() if version >= 4 else None
        out = name, (instance, r.string(), r.string(), r.blob(), r.blob())
        r.tags()
        return out

    def group():
        out = {"error": r.get("h"), "message": r.string() if version >= 6 else None}
        name = r.string()
        out.update(state=r.string(), type=r.string(), protocol=r.string(), members=dict(r.array(member)))
        out["operations"] = r.get("i") if version >= 3 else None
        r.tags()
        return name, out
    out = dict(r.array(group))
    r.tags()
    r.end()
    return out


def list_body(version, states=(), kinds=()):
    w = kb.Writer(version >= 3)
    if version >= 4:
        w.array(list(states), w.string)
    if version >= 5:
        w.array(list(kinds), w.string)
    w.tags()
    return w.out


def list_answer(version, data):
    """{group: (protocol type, state, type)}."""
    r = reader_of(version, data, flexible_from=3, throttled_from=1)
    assert r.get("h") == 0

    def group():
        out = r.string(), (r.string(), r.string() if version >= 4 else None, r.string() if version >= 5 else None)
        r.tags()
        return out
    out = dict(r.array(group))
    r.tags()
    r.end()
    return out


def delete_body(version, groups):
    w = kb.Writer(version >= 2)
    w.array(groups, w.string)
    w.tags()
    return w.out


def delete_answer(version, data):
    """{group: error}."""
    r = reader_of(version, data, flexible_from=2, throttled_from=0)

    def group():
        out = r.string(), r.get("h")
        r.tags()
        return out
    out = dict(r.array(group))
    r.tags()
    r.end()
    return out


def offset_delete_body(group, topics):
    """`topics`: {name: [partition]}."""
    w = kb.Writer(False)
    w.string(group)

    def topic(one):
        w.string(one[0])
        w.array(one[1], lambda index: w.put("i", index))
    w.array(list(topics.items()), topic)
    return w.out


def offset_delete_answer(data):
    """(error, {name: {partition: error}})."""
    error, throttle = struct.unpack_from(">hi", data)
    assert throttle == 0
    r = kb.Reader(data[6:], False)
    out = dict(r.array(lambda: (r.string(), dict(r.array(lambda: r.get("ih"))))))
    r.end()
    return error, out


class Member(Client):
    """A connection with the requests of a member of a group."""

    def __init__(self, broker, group="g"):
        super().__init__(broker)
        self.group, self.id, self.generation = group, "", -1

    def send_join(self, version=9, **options):
        options.setdefault("member", self.id)
        self.send(JOIN, version, join_body(version, options.pop("group", self.group), **options))

    def receive_join(self, version=9):
        answer = join_answer(version, self.receive(tagged_header=version >= 6))
        if answer["error"] in (0, 79):
            self.id = answer["member"]
        if answer["error"] == 0:
            self.generation = answer["generation"]
        return answer

    def join(self, version=9, **options):
        """Joins, with a second request if the broker wants the member to know its id."""
        self.send_join(version, **options)
        answer = self.receive_join(version)
        if answer["error"] == 79 and "member" not in options:
            self.send_join(version, **options)
            answer = self.receive_join(version)
        return answer

    def send_sync(self, assignments=(), version=5, **options):
        self.send(SYNC, version, sync_body(version, options.pop("group", self.group), options.pop("generation", self.generation),
                                           options.pop("member", self.id), assignments, **options))

    def receive_sync(self, version=5):
        return sync_answer(version, self.receive(tagged_header=version >= 4))

    def sync(self, assignments=(), version=5, **options):
        self.send_sync(assignments, version, **options)
        return self.receive_sync(version)

    def heartbeat(self, version=4, **options):
        body = heartbeat_body(version, options.pop("group", self.group), options.pop("generation", self.generation),
                              options.pop("member", self.id), **options)
        return heartbeat_answer(version, self.ask(HEARTBEAT, version, body))

    def leave(self, members=None, version=5, group=None):
        body = leave_body(version, self.group if group is None else group, members or [(self.id, None)])
        return leave_answer(version, self.ask(LEAVE, version, body))

    def commit(self, topics, version=9, **options):
        return commit_answer(version, self.ask(OFFSET_COMMIT, version, commit_body(
            version, options.pop("group", self.group), topics, **options)))

    def committed(self, topics, version=9, **options):
        """What is committed for one group, without its error."""
        answer = fetch_answer(version, self.ask(OFFSET_FETCH, version, fetch_body(
            version, {options.pop("group", self.group): topics}, **options)))
        (error, out), = answer.values()
        assert error == 0, error
        return out

    def describe(self, version=6, group=None):
        group = group or self.group
        return describe_answer(version, self.ask(DESCRIBE, version, describe_body(version, [group])))[group]
