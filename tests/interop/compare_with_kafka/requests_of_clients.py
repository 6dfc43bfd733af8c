"""Odd requests of all other families, and bytes that are not requests. Cases as in requests_of_records.py."""

import struct

import kafka_bytes as kb

LONG_NAME = "x" * 250
NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
ANY_ID = "AAECAwQFBgcICQoLDA0ODw"


# -- the cluster

def versions(peer, version, name="a", software="1"):
    body = b"" if version < 3 else kb.Writer(True)
    if version >= 3:
        body.string(name), body.string(software), body.tags()
        body = body.out
    answer = peer.send("ApiVersions", version, body)
    return answer if isinstance(answer, str) else answer["errorCode"]


def advertised(peer):
    """{"3 from": the first version of Metadata, "3 to": the last}."""
    answer = peer.send("ApiVersions", 0, b"")
    return {f"{one['apiKey']} {end}": one[name] for one in answer["apiKeys"]
            for end, name in (("from", "minVersion"), ("to", "maxVersion"))}


def api_versions_of_unknown_version(peer, version):
    """The frame itself: it is of version 0, whatever was asked."""
    frame = peer.exchange(kb.frame(18, version, b"\1\2\3"))
    if isinstance(frame, str):
        return frame
    error, count = struct.unpack_from(">hi", frame, 4)
    return error, count, len(frame) - 10 - 6 * count, [struct.unpack_from(">hhh", frame, 10 + 6 * n)[0] for n in range(count)]


def metadata(peer, topics, version=12, create=False):
    fields = {"topics": topics}
    if version >= 4:
        fields["allowAutoTopicCreation"] = create
    if 8 <= version <= 10:
        fields["includeClusterAuthorizedOperations"] = False
    if version >= 8:
        fields["includeTopicAuthorizedOperations"] = False
    answer = peer.ask("Metadata", version, **fields)
    return answer if isinstance(answer, str) else answer["topics"]


def named(*names):
    return [{"topicId": NO_ID, "name": name} for name in names]


def cluster_cases():
    yield "ApiVersions: what is advertised", advertised
    for version in range(5):
        yield f"ApiVersions v{version}", lambda p, v=version: versions(p, v)
    for version in (6, 99, 32767, -1):
        yield f"ApiVersions v{version}", lambda p, v=version: api_versions_of_unknown_version(p, v)
    for name, software in (("", "1"), ("a b", "1"), ("-a", "1"), ("a", ""), ("a\n", "1"), ("a.b-c", "1.2-x"), ("x" * 3000, "1")):
        yield f"ApiVersions: client {name[:9]!r} {software!r}", lambda p, n=name, s=software: versions(p, 3, n, s)
    for name in ("none", "", "a b", ".", "..", LONG_NAME, "a" * 249, "ä", "a/b", "__consumer_offset", "a.b_c-d"):
        yield f"Metadata: {name[:9]!r}", lambda p, n=name: metadata(p, named(n))
        if name != "none":
            yield f"Metadata: {name[:9]!r}, to be created", lambda p, n=name: [
                t["errorCode"] in (0, 3, 5) or t["errorCode"] for t in metadata(p, named(n), create=True)]
    yield "Metadata: a topic twice", lambda p: metadata(p, named("none", "none"))
    yield "Metadata: ids", lambda p: [metadata(p, [{"topicId": i, "name": n}]) for i in (ANY_ID, NO_ID) for n in (None, "none")]
    yield "Metadata: no topics", lambda p: metadata(p, [])
    for version in range(1, 14):
        yield f"Metadata v{version}", lambda p, v=version: [metadata(p, [{"name": t} if v < 10 else named(t)[0]], v) for t in [p.topic()]]
    for version in range(7):
        for kind in (-1, 0, 1, 2, 7):
            def ask(p, v=version, kind=kind):
                fields = {"coordinatorKeys": ["a", ""]} if v >= 4 else {"key": "a"}
                if v >= 1:
                    fields["keyType"] = kind
                answer = p.ask("FindCoordinator", v, **fields)
                if isinstance(answer, str):
                    return answer
                found = [one["errorCode"] for one in answer.get("coordinators", [answer])]
                return [0 if code == 15 else code for code in found]  # Kafka creates its topics first
            yield f"FindCoordinator v{version}: kind {kind}", ask
    yield "SaslHandshake", lambda p: [p.ask("SaslHandshake", v, mechanism="PLAIN") for v in (0, 1)]
    yield "DescribeCluster", lambda p: [p.ask("DescribeCluster", v, includeClusterAuthorizedOperations=False,
                                              **({"endpointType": 1} if v >= 1 else {}),
                                              **({"includeFencedBrokers": False} if v >= 2 else {})) for v in range(3)]
    yield "DescribeCluster of controllers", lambda p: p.ask("DescribeCluster", 1, includeClusterAuthorizedOperations=False, endpointType=2)


# -- topics

def create_topics(peer, *topics, validate=False, version=7):
    fields = {"numPartitions": 1, "replicationFactor": 1, "assignments": [], "configs": []}
    return peer.ask("CreateTopics", version, topics=[fields | topic for topic in topics], timeoutMs=5000, validateOnly=validate)


def topic_cases():
    odd = {
        "empty name": {"name": ""}, "bad name": {"name": "a b"}, "dots": {"name": ".."}, "long name": {"name": LONG_NAME},
        "no partitions": {"name": "c1", "numPartitions": 0}, "default partitions": {"name": "c2", "numPartitions": -1},
        "-2 partitions": {"name": "c3", "numPartitions": -2}, "5 replicas": {"name": "c4", "replicationFactor": 5},
        "default replicas": {"name": "c5", "replicationFactor": -1}, "no replicas": {"name": "c6", "replicationFactor": 0},
        "unknown setting": {"name": "c7", "configs": [{"name": "no.such.setting", "value": "1"}]},
        "bad setting": {"name": "c8", "configs": [{"name": "retention.bytes", "value": "many"}]},
        "null setting": {"name": "c9", "configs": [{"name": "retention.bytes", "value": None}]},
        "good setting": {"name": "c10", "configs": [{"name": "max.message.bytes", "value": "2000"}]},
        "timestamp type": {"name": "c11", "configs": [{"name": "message.timestamp.type", "value": "Sometimes"}]},
        "assignment and counts": {"name": "c12", "assignments": [{"partitionIndex": 0, "brokerIds": [1]}]},
        "assignment": {"name": "c13", "numPartitions": -1, "replicationFactor": -1, "assignments": [{"partitionIndex": 0, "brokerIds": [1]}]},
        "assignment to an unknown broker": {"name": "c14", "numPartitions": -1, "replicationFactor": -1,
                                            "assignments": [{"partitionIndex": 0, "brokerIds": [9]}]},
        "assignment with a hole": {"name": "c15", "numPartitions": -1, "replicationFactor": -1,
                                   "assignments": [{"partitionIndex": 1, "brokerIds": [1]}]},
        "100000 partitions": {"name": "c16", "numPartitions": 100_000},
    }
    for what, topic in odd.items():
        def codes(p, topic=topic):
            answer = create_topics(p, topic)
            return answer if isinstance(answer, str) else [(t["errorCode"], t["numPartitions"]) for t in answer["topics"]]
        yield f"CreateTopics: {what}", codes
    yield "CreateTopics: twice in one request", lambda p: create_topics(p, {"name": "d1"}, {"name": "d1"})
    yield "CreateTopics: one that exists", lambda p: create_topics(p, {"name": p.topic()})["topics"][0]["errorCode"]
    yield "CreateTopics: validate only", lambda p: [create_topics(p, {"name": "d2"}, validate=True)["topics"][0]["errorCode"],
                                                    metadata(p, named("d2"))]
    yield "CreateTopics: names that collide", lambda p: [create_topics(p, {"name": n})["topics"][0]["errorCode"]
                                                          for n in ("e.1", "e_1", "e.1", "e-1")]
    yield "CreateTopics: new names that collide", lambda p: [t["errorCode"] for t in create_topics(p, {"name": "f.1"}, {"name": "f_1"})["topics"]]
    yield "CreateTopics: none", lambda p: create_topics(p)
    yield "DeleteTopics: odd names", lambda p: p.ask("DeleteTopics", 5, topicNames=["none", "", "a b"], timeoutMs=5000)
    yield "DeleteTopics: twice", lambda p: [p.ask("DeleteTopics", 5, topicNames=[t, t], timeoutMs=5000) for t in [p.topic()]][0]["responses"][0]["errorCode"]
    yield "DeleteTopics: unknown id", lambda p: p.ask("DeleteTopics", 6, topics=[{"name": None, "topicId": ANY_ID}], timeoutMs=5000)
    yield "DeleteTopics: internal", lambda p: p.ask("DeleteTopics", 5, topicNames=["__cluster_metadata"], timeoutMs=5000)
    for count in (-1, 0, 1, 2, 100_000):
        yield f"CreatePartitions: {count}", lambda p, n=count: [p.ask("CreatePartitions", 3, topics=[
            {"name": t, "count": n, "assignments": None}], timeoutMs=5000, validateOnly=False)["results"][0]["errorCode"] for t in [p.topic(), "none"]]
    for kind in (-1, 0, 2, 4, 8, 16, 33):
        yield f"DescribeConfigs: kind {kind}", lambda p, k=kind: [p.ask("DescribeConfigs", 4, resources=[
            {"resourceType": k, "resourceName": n, "configurationKeys": []}], includeSynonyms=False, includeDocumentation=False)
            for n in ("none", "")]
    yield "IncrementalAlterConfigs: odd", lambda p: [p.ask("IncrementalAlterConfigs", 1, resources=[
        {"resourceType": 2, "resourceName": t, "configs": [{"name": n, "configOperation": o, "value": v}]}], validateOnly=False)
        ["responses"][0]["errorCode"] for t in [p.topic(), "none"] for n, o, v in (
            ("retention.bytes", 0, "1000"), ("retention.bytes", 0, "x"), ("no.such", 0, "1"), ("retention.bytes", 9, "1"),
            ("retention.bytes", 1, None), ("retention.bytes", 2, "5"))]
    yield "DeleteRecords: odd", lambda p: [p.ask("DeleteRecords", 2, topics=[{"name": t, "partitions": [
        {"partitionIndex": i, "offset": o}]}], timeoutMs=5000) for t in [p.topic(), "none"] for i in (0, 5) for o in (-1, 0, 1, -2)]
    yield "OffsetForLeaderEpoch: odd", lambda p: [p.ask("OffsetForLeaderEpoch", 4, replicaId=-1, topics=[{"topic": t, "partitions": [
        {"partition": i, "currentLeaderEpoch": c, "leaderEpoch": e}]}]) for t in [p.topic(), "none"] for i in (0, 5)
        for c in (-1, 0, 7) for e in (-1, 0, 7)]


# -- groups

def join(peer, group="g", version=5, **changes):
    fields = {"groupId": group, "sessionTimeoutMs": 10_000, "rebalanceTimeoutMs": 10_000, "memberId": "", "groupInstanceId": None,
              "protocolType": "consumer", "protocols": [{"name": "range", "metadata": ""}]}
    return peer.ask("JoinGroup", version, **fields | changes)


def group_cases():
    for what, changes in {
            "first contact": {}, "empty group": {"group": ""}, "session of 1 ms": {"sessionTimeoutMs": 1},
            "session of an hour": {"sessionTimeoutMs": 3_600_000}, "negative session": {"sessionTimeoutMs": -1}, "no protocols": {"protocols": []},
            "no protocol type": {"protocolType": ""}, "unknown member": {"memberId": "unknown"},
            "unknown member of a new group": {"memberId": "unknown", "group": "g-new"},
            "unknown static member": {"memberId": "unknown", "groupInstanceId": "i"}, "bad instance": {"groupInstanceId": "a b"},
            "negative rebalance time": {"rebalanceTimeoutMs": -1}}.items():
        yield f"JoinGroup: {what}", lambda p, c=changes: join(p, **c)
    member = {"groupId": "g-none", "generationId": 1, "memberId": "unknown", "groupInstanceId": None}
    for name, version, fields in (
            ("SyncGroup", 5, member | {"protocolType": None, "protocolName": None, "assignments": []}), ("Heartbeat", 4, member),
            ("LeaveGroup", 4, {"groupId": "g-none", "members": [{"memberId": "unknown", "groupInstanceId": None}]}),
            ("OffsetCommit", 8, {"groupId": "g-none", "generationIdOrMemberEpoch": 1, "memberId": "unknown", "groupInstanceId": None, "topics": []}),
            ("DescribeGroups", 5, {"groups": ["g-none", ""], "includeAuthorizedOperations": False}), ("DeleteGroups", 3, {"groupsNames": ["g-none", ""]}),
            ("OffsetFetch", 7, {"groupId": "g-none", "topics": [{"name": "none", "partitionIndexes": [0, -1]}], "requireStable": False}),
            ("ListGroups", 5, {"statesFilter": ["NoSuchState"], "typesFilter": []}),
            ("OffsetDelete", 0, {"groupId": "g-none", "topics": []}),
            ("ConsumerGroupDescribe", 0, {"groupIds": ["g-none", ""], "includeAuthorizedOperations": False})):
        yield f"{name}: of no group", lambda p, n=name, v=version, f=fields: p.ask(n, v, **f)
        if "groupId" in fields:
            yield f"{name}: empty group", lambda p, n=name, v=version, f=fields: p.ask(n, v, **f | {"groupId": ""})
    for topic, partition, offset in ((None, 0, 5), (None, 0, -1), (None, 7, 5), ("none", 0, 5)):
        yield (f"OffsetCommit: {topic} {partition} {offset}, without a member", lambda p, t=topic, i=partition, o=offset: [
            [p.ask("OffsetCommit", 8, groupId="g-simple", generationIdOrMemberEpoch=-1, memberId="", groupInstanceId=None, topics=[
                {"name": name, "partitions": [{"partitionIndex": i, "committedOffset": o, "committedLeaderEpoch": -1,
                                               "committedMetadata": "m"}]}]),
             p.ask("OffsetFetch", 7, groupId="g-simple", topics=[{"name": name, "partitionIndexes": [i]}], requireStable=True)]
            for name in [t or p.topic()]])
    yield "OffsetCommit: long metadata", lambda p: p.ask(
        "OffsetCommit", 8, groupId="g-simple", generationIdOrMemberEpoch=-1, memberId="", groupInstanceId=None, topics=[
            {"name": p.topic(), "partitions": [{"partitionIndex": 0, "committedOffset": 1, "committedLeaderEpoch": -1,
                                                "committedMetadata": "m" * 5000}]}])
    heartbeat = {"groupId": "g-848", "memberId": "", "memberEpoch": 0, "instanceId": None, "rackId": None, "rebalanceTimeoutMs": 10_000,
                 "subscribedTopicNames": ["none"], "serverAssignor": None, "topicPartitions": []}
    for what, changes in {"empty group": {"groupId": ""}, "no member id": {}, "epoch -5": {"memberEpoch": -5}, "unknown member": {
            "memberId": "unknown", "memberEpoch": 3}, "no rebalance time": {"memberId": "m", "rebalanceTimeoutMs": -1}, "unknown assignor": {
            "memberId": "m", "serverAssignor": "none"}, "no subscription": {"memberId": "m", "subscribedTopicNames": None},
            "empty instance": {"memberId": "m", "instanceId": ""}, "leaves first": {"memberId": "m", "memberEpoch": -1}}.items():
        yield f"ConsumerGroupHeartbeat: {what}", lambda p, c=changes: p.ask("ConsumerGroupHeartbeat", 0, **heartbeat | c)


# -- transactions

def listed(answer):
    """In the order of names, of which Kafka has none; without the one that both brokers are warmed up with."""
    if isinstance(answer, dict):
        answer["transactionStates"] = sorted((one for one in answer["transactionStates"] if one["transactionalId"] != "warm"),
                                             key=lambda one: one["transactionalId"])
    return answer


def transaction_cases():
    def begin(p, **changes):
        fields = {"transactionalId": "t", "transactionTimeoutMs": 10_000, "producerId": -1, "producerEpoch": -1}
        return p.ask("InitProducerId", 4, **fields | changes)
    for what, changes in {"not transactional": {"transactionalId": None}, "empty id": {"transactionalId": ""},
                          "no time": {"transactionTimeoutMs": 0}, "negative time": {"transactionTimeoutMs": -1},
                          "a day": {"transactionTimeoutMs": 86_400_000}, "id without epoch": {"producerId": 5},
                          "epoch without id": {"producerEpoch": 5}, "unknown producer": {"transactionalId": "t-new", "producerId": 5, "producerEpoch": 1},
                          "first": {"transactionalId": "t-first"}}.items():
        yield f"InitProducerId: {what}", lambda p, c=changes: begin(p, **c)
    yield "AddPartitionsToTxn: unknown transaction", lambda p: p.ask("AddPartitionsToTxn", 3, v3AndBelowTransactionalId="t-none",
        v3AndBelowProducerId=1, v3AndBelowProducerEpoch=0, v3AndBelowTopics=[{"name": p.topic(), "partitions": [0]}])
    yield "AddOffsetsToTxn: unknown transaction", lambda p: p.ask(
        "AddOffsetsToTxn", 3, transactionalId="t-none", producerId=1, producerEpoch=0, groupId="g")
    yield "EndTxn: unknown transaction", lambda p: p.ask("EndTxn", 3, transactionalId="t-none", producerId=1, producerEpoch=0, committed=True)
    yield "TxnOffsetCommit: unknown transaction", lambda p: p.ask(
        "TxnOffsetCommit", 3, transactionalId="t-none", groupId="g-txn", producerId=1, producerEpoch=0, generationIdOrMemberEpoch=-1, memberId="",
        groupInstanceId=None, topics=[{"name": p.topic(), "partitions": [
            {"partitionIndex": 0, "committedOffset": 1, "committedLeaderEpoch": -1, "committedMetadata": ""}]}])
    yield "TxnOffsetCommit: topic ids", lambda p: p.ask(
        "TxnOffsetCommit", 6, transactionalId="t-none", groupId="g-txn", producerId=1, producerEpoch=0, generationIdOrMemberEpoch=-1, memberId="",
        groupInstanceId=None, topics=[{"topicId": ANY_ID, "partitions": [
            {"partitionIndex": 0, "committedOffset": 1, "committedLeaderEpoch": -1, "committedMetadata": ""}]}])
    for pattern in (None, "", "t-.*", "none", "(", "[a"):
        yield f"ListTransactions: pattern {pattern}", lambda p, x=pattern: listed(p.ask(
            "ListTransactions", 2, stateFilters=[], producerIdFilters=[], durationFilter=-1, transactionalIdPattern=x))


# -- frames that no parser takes

def frame_cases():
    def sends(data):
        def run(p):
            frame = p.exchange(data)
            return frame if isinstance(frame, str) else "answered"
        return run
    for key, version in ((9999, 0), (-1, 0), (93, 0), (32767, 0), (4, 0), (1, 99), (0, 14), (3, 99), (3, -1), (18, -2)):
        yield f"frame: key {key} version {version}", sends(kb.frame(key, version, b"\0" * 20))
    metadata_body = kb.metadata_body(4, ["none"])
    yield "frame: a body that is cut", sends(kb.frame(3, 4, metadata_body[:-1]))
    yield "frame: a body with more", sends(kb.frame(3, 4, metadata_body + b"\0\0\0"))
    yield "frame: a count of 2^31-1", sends(kb.frame(3, 4, b"\x7f\xff\xff\xff"))
    yield "frame: a count of -2", sends(kb.frame(3, 4, b"\xff\xff\xff\xfe\0"))
    yield "frame: length 0", sends(b"\0\0\0\0")
    yield "frame: length 4", sends(b"\0\0\0\4\0\3\0\4")
    yield "frame: length -1", sends(b"\xff\xff\xff\xff")
    yield "frame: length 2^31-1", sends(b"\x7f\xff\xff\xff")
    yield "frame: a client id that is too long", sends(struct.pack(">ihhih", 10, 3, 4, 1, 500))
    yield "frame: no client id", sends(struct.pack(">ihhih", 10 + len(metadata_body), 3, 4, 1, -1) + metadata_body)
    yield "frame: text that is not UTF-8", sends(kb.frame(3, 4, b"\0\0\0\1\0\3\xff\xfe\xfd\1"))
    yield "frame: unknown tags", sends(kb.frame(3, 9, kb.metadata_body(9, ["none"])[:-1] + b"\1\x63\2ab"))
