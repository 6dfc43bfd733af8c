import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocolCollection;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.*;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;

/** Conversions that the older release's request and response classes do, which still have the first versions. */
public final class Older {
    public static void main(String[] arguments) {
        Lines lines = new Lines(System.out, arguments[0]);
        metadata(lines);
        groups(lines);
        offsets(lines);
        topics(lines);
        transactions(lines);
        administration(lines);
    }

    private static MetadataRequest read(MetadataRequestData data, int version) {
        return MetadataRequest.parse(ByteBuffer.wrap(HexFormat.of().parseHex(Lines.hex(data, version))), (short) version);
    }

    private static void metadata(Lines lines) {
        MetadataRequestData none = new MetadataRequestData().setTopics(List.of());
        Lines.require(read(none, 0).isAllTopics(), "version 0: empty is all");
        Lines.require(!read(none, 1).isAllTopics(), "version 1: empty is none");
        for (int version : new int[] {1, 4, 8, 9, 12}) {
            MetadataRequestData all = MetadataRequest.Builder.allTopics().build((short) version).data();
            Lines.require(read(all, version).isAllTopics(), "null is all");
            lines.both("all topics", none, 0, all, version);
            lines.refused("no topics", none, version, 0, () -> {
                if (read(none, 0).isAllTopics()) throw new IllegalArgumentException("it would ask for all");
                return none;
            });
        }
        lines.both("two topics", new MetadataRequest.Builder(List.of("orders", "bills"), true).build((short) 1).data(), 0,
            new MetadataRequest.Builder(List.of("orders", "bills"), true).build((short) 9).data(), 9);
    }

    private static JoinGroupRequestData join() {
        JoinGroupRequestProtocolCollection protocols = new JoinGroupRequestProtocolCollection();
        protocols.add(new JoinGroupRequestProtocol().setName("range").setMetadata(new byte[] {0, 1}));
        return new JoinGroupRequestData().setGroupId("g").setMemberId("m").setProtocolType("consumer").setSessionTimeoutMs(10_000)
            .setProtocols(protocols);
    }

    private static void groups(Lines lines) {
        for (int version : new int[] {1, 5, 6, 9}) {
            JoinGroupRequestData first = join();
            JoinGroupRequestData later = new JoinGroupRequest(join(), (short) 0).data(); // completes the time-out
            Lines.require(later.rebalanceTimeoutMs() == 10_000, "version 0 has one time-out");
            lines.both("one time-out", first, 0, later, version);
        }
        for (int version : new int[] {0, 4, 6}) {
            JoinGroupResponseData lacking = new JoinGroupResponseData().setErrorCode(Errors.UNKNOWN_MEMBER_ID.code()).setProtocolName(null)
                .setMemberId("m").setLeader("");
            String hex = Lines.hex(lacking, 7); // the response's class changes what it is given
            JoinGroupResponseData converted = new JoinGroupResponse(lacking.duplicate(), (short) version).data();
            Lines.require("".equals(converted.protocolName()) && !hex.isEmpty(), "null becomes empty");
            lines.one("no protocol", lacking, 7, converted, version);
        }
        for (int from = 0; from <= 2; ++from)
            for (int to : new int[] {3, 4, 5})
                lines.both("one member", leave(from, new MemberIdentity().setMemberId("m")), from,
                    leave(to, new MemberIdentity().setMemberId("m")), to);
        MemberIdentity one = new MemberIdentity().setMemberId("m1"), two = new MemberIdentity().setMemberId("m2");
        lines.refused("two members", leave(5, one, two), 5, 2, () -> leave(2, one.duplicate(), two.duplicate()));
        lines.refused("no member", new LeaveGroupRequestData().setGroupId("g"), 5, 2, () -> leave(2));

        for (int to = 0; to <= 2; ++to) {
            final short old = (short) to;
            for (int from = 3; from <= 5; ++from) {
                lines.one("a member's error", left(Errors.NONE, Errors.UNKNOWN_MEMBER_ID), from, answered(old, Errors.NONE, Errors.UNKNOWN_MEMBER_ID), old);
                lines.one("no error", left(Errors.NONE, Errors.NONE), from, answered(old, Errors.NONE, Errors.NONE), old);
                lines.one("an error of all", left(Errors.NOT_COORDINATOR), from, answered(old, Errors.NOT_COORDINATOR), old);
            }
            lines.refused("two members' errors", left(Errors.NONE, Errors.NONE, Errors.NONE), 4, old, () -> answered(old, Errors.NONE, Errors.NONE, Errors.NONE));
            lines.refused("no member's error", left(Errors.NONE), 4, old, () -> answered(old, Errors.NONE));
        }

        for (int from = 0; from <= 3; ++from)
            for (int to : new int[] {4, 5, 6})
                lines.both("one key", find(from), from, find(to), to);
        FindCoordinatorRequestData keys = new FindCoordinatorRequestData().setCoordinatorKeys(List.of("g", "h"));
        lines.refused("two keys", keys, 4, 3, () -> {
            try {
                return new FindCoordinatorRequest.Builder(keys.duplicate()).build((short) 3);
            } catch (FindCoordinatorRequest.NoBatchedFindCoordinatorsException expected) {
                throw new IllegalArgumentException(expected);
            }
        });
    }

    private static LeaveGroupRequestData leave(int version, MemberIdentity... members) {
        return new LeaveGroupRequest.Builder("g", List.of(members)).build((short) version).data();
    }

    private static LeaveGroupResponseData left(Errors whole, Errors... each) {
        List<LeaveGroupResponseData.MemberResponse> members = new ArrayList<>();
        for (Errors error : each)
            members.add(new LeaveGroupResponseData.MemberResponse().setMemberId("m").setErrorCode(error.code()));
        return new LeaveGroupResponseData().setErrorCode(whole.code()).setMembers(members);
    }

    private static LeaveGroupResponseData answered(short version, Errors whole, Errors... each) {
        return new LeaveGroupResponse(left(whole, each), version).data();
    }

    private static FindCoordinatorRequestData find(int version) {
        return new FindCoordinatorRequest.Builder(new FindCoordinatorRequestData().setKey("g")).build((short) version).data();
    }

    private static OffsetFetchRequestData fetch(int version, List<TopicPartition> partitions) {
        return new OffsetFetchRequest.Builder("g", false, partitions, false).build((short) version).data();
    }

    private static void offsets(Lines lines) {
        List<TopicPartition> partitions = List.of(new TopicPartition("orders", 0), new TopicPartition("orders", 2));
        for (int from = 1; from <= 7; ++from)
            for (int to : new int[] {8, 9}) {
                lines.both("one group", fetch(from, partitions), from, fetch(to, partitions), to);
                if (from >= 2) lines.both("one group, all topics", fetch(from, null), from, fetch(to, null), to);
            }
        OffsetFetchRequestData two = new OffsetFetchRequest.Builder(new TreeMap<>(Map.of("g", partitions, "h", partitions)), false, false).build((short) 8).data();
        lines.refused("two groups", two, 8, 7, () -> {
            try {
                return new OffsetFetchRequest.Builder(new TreeMap<>(Map.of("g", partitions, "h", partitions)), false, false).build((short) 7);
            } catch (OffsetFetchRequest.NoBatchedOffsetFetchRequestException expected) {
                throw new IllegalArgumentException(expected);
            }
        });

        Map<TopicPartition, OffsetFetchResponse.PartitionData> committed = Map.of(new TopicPartition("orders", 0),
            new OffsetFetchResponse.PartitionData(42, Optional.of(3), "note", Errors.NONE));
        OffsetFetchResponseData grouped = new OffsetFetchResponse(5, Map.of("g", Errors.NONE), Map.of("g", committed)).data();
        for (int to : new int[] {5, 6, 7}) lines.one("one group", grouped, 8, new OffsetFetchResponse(5, Errors.NONE, committed).data(), to);
        OffsetFetchResponseData failed = new OffsetFetchResponse(5, Map.of("g", Errors.NOT_COORDINATOR), Map.of("g", Map.of())).data();
        for (int to : new int[] {3, 7})
            lines.one("one group that failed", failed, 8, new OffsetFetchResponse(5, Errors.NOT_COORDINATOR, Map.of()).data(), to);
    }

    private static void topics(Lines lines) {
        for (int from : new int[] {1, 3, 4, 5})
            lines.both("names", delete(from), from, delete(6), 6);
        CreateTopicsRequestData.CreatableTopicCollection created = new CreateTopicsRequestData.CreatableTopicCollection();
        created.add(new CreateTopicsRequestData.CreatableTopic().setName("orders").setNumPartitions(-1).setReplicationFactor((short) -1));
        CreateTopicsRequestData request = new CreateTopicsRequestData().setTopics(created);
        for (int to : new int[] {0, 3})
            lines.refused("the broker's defaults", request, 4, to, () -> new CreateTopicsRequest.Builder(request).build((short) to));
    }

    private static DeleteTopicsRequestData delete(int version) {
        return new DeleteTopicsRequest.Builder(new DeleteTopicsRequestData().setTopicNames(List.of("orders", "bills")).setTimeoutMs(7))
            .build((short) version).data();
    }

    private static void transactions(Lines lines) {
        for (int from = 0; from <= 3; ++from) {
            AddPartitionsToTxnRequest one = AddPartitionsToTxnRequest.Builder.forClient("t", 4000, (short) 2,
                List.of(new TopicPartition("orders", 1))).build((short) from);
            AddPartitionsToTxnRequestData many = one.normalizeRequest().data();
            AddPartitionsToTxnRequestData batch = new AddPartitionsToTxnRequestData().setTransactions(many.transactions().duplicate());
            for (int to : new int[] {4, 5}) lines.both("one transaction", one.data(), from, batch, to);
        }
    }

    private static void administration(Lines lines) {
        for (PatternType pattern : new PatternType[] {PatternType.ANY, PatternType.LITERAL, PatternType.MATCH, PatternType.PREFIXED}) {
            AclBindingFilter filter = new AclBindingFilter(new ResourcePatternFilter(ResourceType.TOPIC, "orders", pattern),
                AccessControlEntryFilter.ANY);
            DescribeAclsRequestData later = new DescribeAclsRequest.Builder(filter).build((short) 1).data();
            String of = "acls, pattern " + pattern.name().toLowerCase();
            if (pattern == PatternType.ANY || pattern == PatternType.LITERAL)
                lines.one(of, later, 1, new DescribeAclsRequest.Builder(filter).build((short) 0).data(), 0);
            else
                lines.refused(of, later, 1, 0, () -> new DescribeAclsRequest.Builder(filter).build((short) 0));
        }
    }
}
