package oracle.kafka;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.feature.Features;
import org.apache.kafka.common.feature.SupportedVersionRange;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersionCollection;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.JoinGroupResponseData;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestGroup;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopics;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseGroup;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponsePartitions;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseTopics;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.requests.AddPartitionsToTxnRequest;
import org.apache.kafka.common.requests.ApiVersionsResponse;
import org.apache.kafka.common.requests.CreateDelegationTokenResponse;
import org.apache.kafka.common.requests.DeleteTopicsRequest;
import org.apache.kafka.common.requests.FindCoordinatorRequest;
import org.apache.kafka.common.requests.JoinGroupResponse;
import org.apache.kafka.common.requests.LeaveGroupRequest;
import org.apache.kafka.common.requests.OffsetFetchRequest;
import org.apache.kafka.common.requests.OffsetFetchResponse;
import org.apache.kafka.common.security.auth.KafkaPrincipal;

/** What Kafka's request and response classes, not the generated ones alone, make of one thing at two versions. */
final class GoldenMeaning {
    private static final HexFormat HEX = HexFormat.of();

    private final String release;
    private final Consumer<String> lines;

    GoldenMeaning(String release, Consumer<String> lines) {
        this.release = release;
        this.lines = lines;
    }

    void write() {
        groups("group", List.of("orders", "bills"));
        groups("g", null);
        both("OffsetFetchResponse", 8, 7, version -> offsets().build((short) version).data());
        both("OffsetFetchResponse", 9, 3, version -> offsets().build((short) version).data());
        for (String key : List.of("group", "")) {
            both("FindCoordinatorRequest", 3, 4, version -> coordinator(key, version));
            both("FindCoordinatorRequest", 6, 1, version -> coordinator(key, version));
        }
        both("LeaveGroupRequest", 2, 3, version -> leaving(version));
        down("LeaveGroupRequest", 5, 0, version -> leaving(version));
        both("AddPartitionsToTxnRequest", 3, 4, version -> transaction(version));
        both("DeleteTopicsRequest", 5, 6, version -> deletion(version, List.of("orders", "bills")));
        both("DeleteTopicsRequest", 1, 6, version -> deletion(version, List.of("orders")));
        down("JoinGroupResponse", 7, 6, version -> joined(version, null));
        down("JoinGroupResponse", 9, 5, version -> joined(version, null));
        both("JoinGroupResponse", 7, 6, version -> joined(version, "range"));
        down("ApiVersionsResponse", 4, 3, version -> features(version, Map.of("kraft.version", range(0, 1), "metadata.version", range(7, 30))));
        down("ApiVersionsResponse", 5, 3, version -> features(version, Map.of("kraft.version", range(0, 1))));
        both("CreateDelegationTokenResponse", 2, 3, version -> token(version));
    }

    private static Message joined(int version, String protocol) {
        return new JoinGroupResponse(new JoinGroupResponseData().setMemberId("m").setLeader("m").setProtocolName(protocol), (short) version).data();
    }

    private void groups(String group, List<String> topics) {
        both("OffsetFetchRequest", 7, 8, version -> offsetsOf(group, topics, version));
        both("OffsetFetchRequest", 6, 9, version -> offsetsOf(group, topics, version));
    }

    private static Message offsetsOf(String group, List<String> topics, int version) {
        OffsetFetchRequestGroup asked = new OffsetFetchRequestGroup().setGroupId(group).setTopics(topics == null ? null
            : topics.stream().map(name -> new OffsetFetchRequestTopics().setName(name).setPartitionIndexes(List.of(0, 7))).toList());
        OffsetFetchRequestData data = new OffsetFetchRequestData().setGroups(List.of(asked));
        return OffsetFetchRequest.Builder.forTopicNames(data, false).build((short) version).data();
    }

    private static OffsetFetchResponse.Builder offsets() {
        OffsetFetchResponsePartitions partition = new OffsetFetchResponsePartitions().setPartitionIndex(3).setCommittedOffset(1L << 40)
            .setMetadata("m").setErrorCode(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
        return new OffsetFetchResponse.Builder(new OffsetFetchResponseGroup().setGroupId("group").setErrorCode(Errors.NOT_COORDINATOR.code())
            .setTopics(List.of(new OffsetFetchResponseTopics().setName("orders").setPartitions(List.of(partition)))));
    }

    private static Message coordinator(String key, int version) {
        FindCoordinatorRequestData data = new FindCoordinatorRequestData().setKeyType((byte) 1);
        return new FindCoordinatorRequest.Builder(data.setCoordinatorKeys(List.of(key))).build((short) version).data();
    }

    private static Message leaving(int version) {
        return new LeaveGroupRequest.Builder("group", List.of(new MemberIdentity().setMemberId("member").setReason("tired"))).build((short) version).data();
    }

    /** A client's request at version 3, and what a broker makes of it. */
    private static Message transaction(int version) {
        AddPartitionsToTxnRequest request = AddPartitionsToTxnRequest.Builder.forClient("id", 77, (short) 5,
            List.of(new TopicPartition("orders", 0), new TopicPartition("bills", 7), new TopicPartition("orders", 1))).build((short) 3);
        return version < 4 ? request.data() : request.normalizeRequest().data();
    }

    private static Message deletion(int version, List<String> names) {
        return new DeleteTopicsRequest.Builder(new DeleteTopicsRequestData().setTopicNames(names).setTimeoutMs(9)).build((short) version).data();
    }

    private static SupportedVersionRange range(int from, int to) {
        return new SupportedVersionRange((short) from, (short) to);
    }

    private static Message features(int version, Map<String, SupportedVersionRange> features) {
        Map<String, SupportedVersionRange> supported = new TreeMap<>(features); // Map.of has another order in each run
        return new ApiVersionsResponse.Builder().setError(Errors.NONE).setApiVersions(new ApiVersionCollection())
            .setSupportedFeatures(Features.supportedFeatures(supported)).setFinalizedFeatures(Map.of()).setFinalizedFeaturesEpoch(9)
            .setAlterFeatureLevel0(version < 4).build().data();
    }

    private static Message token(int version) {
        KafkaPrincipal owner = new KafkaPrincipal("User", "ann");
        return CreateDelegationTokenResponse.prepareResponse(version, 3, Errors.NONE, owner, owner).data();
    }

    private void both(String message, int one, int other, IntFunction<Message> make) {
        down(message, one, other, make);
        down(message, other, one, make);
    }

    private void down(String message, int from, int to, IntFunction<Message> make) {
        lines.accept("{\"message\":\"" + message + "\",\"from\":" + from + ",\"to\":" + to + ",\"kafka\":\"" + release + "\",\"hex\":\""
            + hex(make.apply(from), from) + "\",\"expect_hex\":\"" + hex(make.apply(to), to) + "\"}");
    }

    private static String hex(Message message, int version) {
        return HEX.formatHex(KafkaJudge.write(message, version));
    }
}
