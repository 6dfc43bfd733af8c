import java.util.List;

import org.apache.kafka.common.message.*;

/** Conversions between topics by name and by id, of which only the newer release has all versions. */
public final class Newer {
    public static void main(String[] arguments) {
        Lines lines = new Lines(System.out, arguments[0]);
        fetch(lines);
        produce(lines);
        offsets(lines);
    }

    private static void fetch(Lines lines) {
        FetchRequestData request = new FetchRequestData().setMaxWaitMs(500).setMinBytes(1);
        FetchResponseData response = new FetchResponseData().setSessionId(9);
        request.topics().add(new FetchRequestData.FetchTopic().setTopic(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
            .setPartitions(List.of(new FetchRequestData.FetchPartition().setPartition(3).setFetchOffset(42).setPartitionMaxBytes(1 << 20))));
        request.topics().add(new FetchRequestData.FetchTopic().setTopic(Lines.BILLS).setTopicId(Lines.BILLS_ID));
        request.setSessionId(9).setSessionEpoch(2);
        request.forgottenTopicsData().add(new FetchRequestData.ForgottenTopic().setTopic(Lines.BILLS).setTopicId(Lines.BILLS_ID)
            .setPartitions(List.of(0, 1)));
        response.responses().add(new FetchResponseData.FetchableTopicResponse().setTopic(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
            .setPartitions(List.of(new FetchResponseData.PartitionData().setPartitionIndex(3).setHighWatermark(50))));
        for (int names : new int[] {7, 11, 12})
            for (int ids : new int[] {13, 14}) {
                lines.topics("topics", request, names, ids);
                lines.topics("topics", response, names, ids);
            }
        lines.topics("topics", response, 12, 18);
    }

    private static void produce(Lines lines) {
        ProduceRequestData request = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(1000);
        request.topicData().add(new ProduceRequestData.TopicProduceData().setName(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
            .setPartitionData(List.of(new ProduceRequestData.PartitionProduceData().setIndex(3))));
        ProduceResponseData response = new ProduceResponseData();
        response.responses().add(new ProduceResponseData.TopicProduceResponse().setName(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
            .setPartitionResponses(List.of(new ProduceResponseData.PartitionProduceResponse().setIndex(3).setBaseOffset(7))));
        for (int names : new int[] {8, 9, 12}) {
            lines.topics("topics", request, names, 13);
            lines.topics("topics", response, names, 13);
        }
    }

    private static void offsets(Lines lines) {
        OffsetCommitRequestData commit = new OffsetCommitRequestData().setGroupId("g").setMemberId("m").setGenerationIdOrMemberEpoch(4)
            .setTopics(List.of(new OffsetCommitRequestData.OffsetCommitRequestTopic().setName(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
                .setPartitions(List.of(new OffsetCommitRequestData.OffsetCommitRequestPartition().setPartitionIndex(1).setCommittedOffset(7)))));
        OffsetCommitResponseData committed = new OffsetCommitResponseData()
            .setTopics(List.of(new OffsetCommitResponseData.OffsetCommitResponseTopic().setName(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
                .setPartitions(List.of(new OffsetCommitResponseData.OffsetCommitResponsePartition().setPartitionIndex(1)))));
        for (int names : new int[] {7, 9}) {
            lines.topics("topics", commit, names, 10);
            lines.topics("topics", committed, names, 10);
        }
        OffsetFetchRequestData fetch = new OffsetFetchRequestData()
            .setGroups(List.of(new OffsetFetchRequestData.OffsetFetchRequestGroup().setGroupId("g")
                .setTopics(List.of(new OffsetFetchRequestData.OffsetFetchRequestTopics().setName(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
                    .setPartitionIndexes(List.of(0, 2))))));
        OffsetFetchResponseData fetched = new OffsetFetchResponseData()
            .setGroups(List.of(new OffsetFetchResponseData.OffsetFetchResponseGroup().setGroupId("g")
                .setTopics(List.of(new OffsetFetchResponseData.OffsetFetchResponseTopics().setName(Lines.ORDERS).setTopicId(Lines.ORDERS_ID)
                    .setPartitions(List.of(new OffsetFetchResponseData.OffsetFetchResponsePartitions().setPartitionIndex(2).setCommittedOffset(7)
                        .setMetadata("note")))))));
        for (int names : new int[] {8, 9}) {
            lines.topics("topics", fetch, names, 10);
            lines.topics("topics", fetched, names, 10);
        }
        OffsetFetchRequestData single = new OffsetFetchRequestData().setGroupId("g")
            .setTopics(List.of(new OffsetFetchRequestData.OffsetFetchRequestTopic().setName(Lines.ORDERS).setPartitionIndexes(List.of(0, 2))));
        OffsetFetchResponseData answer = new OffsetFetchResponseData()
            .setTopics(List.of(new OffsetFetchResponseData.OffsetFetchResponseTopic().setName(Lines.ORDERS)
                .setPartitions(List.of(new OffsetFetchResponseData.OffsetFetchResponsePartition().setPartitionIndex(2).setCommittedOffset(7)
                    .setMetadata("note")))));
        for (int names : new int[] {3, 5, 7}) {
            lines.topics("one group and its topics", single, names, fetch, 10);
            lines.answered("one group and its topics", fetched, 10, answer, names);
        }
    }
}
