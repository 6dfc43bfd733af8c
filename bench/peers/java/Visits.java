import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.record.internal.BaseRecords;

/** Every field of a message as one sum, as plain_sum of bench/harness/sinks.hpp adds it up. */
final class Visits {
    static final long NULL = 0x9e3779b97f4a7c15L;

    /** The corpus has ASCII only, so that the length of a string is that of its bytes. */
    static long text(String value) {
        if (value == null) return NULL;
        return value.isEmpty() ? 0 : value.length() + value.charAt(0);
    }

    static long bytes(byte[] value) {
        return value.length == 0 ? 0 : value.length + (value[0] & 0xff);
    }

    /** The first byte of all batches in the corpus is 0. */
    static long records(BaseRecords value) {
        return value == null ? NULL : value.sizeInBytes();
    }

    /** The halves as a little-endian machine reads them. */
    static long id(Uuid value) {
        return Long.reverseBytes(value.getMostSignificantBits()) + Long.reverseBytes(value.getLeastSignificantBits());
    }

    static long visit(ApiMessage message) {
        if (message instanceof MetadataResponseData) return visit((MetadataResponseData) message);
        if (message instanceof FetchResponseData) return visit((FetchResponseData) message);
        if (message instanceof FetchRequestData) return visit((FetchRequestData) message);
        if (message instanceof ProduceRequestData) return visit((ProduceRequestData) message);
        if (message instanceof ApiVersionsResponseData) return visit((ApiVersionsResponseData) message);
        if (message instanceof OffsetCommitRequestData) return visit((OffsetCommitRequestData) message);
        return visit((JoinGroupRequestData) message);
    }

    static long visit(MetadataResponseData m) {
        long sum = m.throttleTimeMs();
        for (var broker : m.brokers()) sum += broker.nodeId() + text(broker.host()) + broker.port() + text(broker.rack());
        sum += text(m.clusterId()) + m.controllerId();
        for (var topic : m.topics()) {
            sum += topic.errorCode() + text(topic.name()) + id(topic.topicId()) + (topic.isInternal() ? 1 : 0);
            for (var p : topic.partitions()) {
                sum += (long) p.errorCode() + p.partitionIndex() + p.leaderId() + p.leaderEpoch();
                for (int node : p.replicaNodes()) sum += node;
                for (int node : p.isrNodes()) sum += node;
                for (int node : p.offlineReplicas()) sum += node;
            }
            sum += topic.topicAuthorizedOperations();
        }
        return sum;
    }

    static long visit(FetchResponseData m) {
        long sum = (long) m.throttleTimeMs() + m.errorCode() + m.sessionId();
        for (var topic : m.responses()) {
            sum += text(topic.topic());
            for (var p : topic.partitions()) {
                sum += p.partitionIndex() + p.errorCode() + p.highWatermark() + p.lastStableOffset() + p.logStartOffset();
                if (p.abortedTransactions() != null)
                    for (var aborted : p.abortedTransactions()) sum += aborted.producerId() + aborted.firstOffset();
                sum += p.preferredReadReplica() + records(p.records());
                sum += p.divergingEpoch().epoch() + p.divergingEpoch().endOffset() + p.currentLeader().leaderId()
                        + p.currentLeader().leaderEpoch() + p.snapshotId().endOffset() + p.snapshotId().epoch();
            }
        }
        return sum;
    }

    static long visit(FetchRequestData m) {
        long sum = (long) m.replicaId() + m.maxWaitMs() + m.minBytes() + m.maxBytes() + m.isolationLevel() + m.sessionId()
                + m.sessionEpoch();
        for (var topic : m.topics()) {
            sum += text(topic.topic());
            for (var p : topic.partitions())
                sum += p.partition() + p.currentLeaderEpoch() + p.fetchOffset() + p.lastFetchedEpoch() + p.logStartOffset()
                        + p.partitionMaxBytes();
        }
        for (var topic : m.forgottenTopicsData()) {
            sum += text(topic.topic());
            for (int partition : topic.partitions()) sum += partition;
        }
        return sum + text(m.rackId()) + text(m.clusterId());
    }

    static long visit(ProduceRequestData m) {
        long sum = text(m.transactionalId()) + m.acks() + m.timeoutMs();
        for (var topic : m.topicData()) {
            sum += text(topic.name());
            for (var p : topic.partitionData()) sum += p.index() + records(p.records());
        }
        return sum;
    }

    static long visit(ApiVersionsResponseData m) {
        long sum = m.errorCode();
        for (var api : m.apiKeys()) sum += (long) api.apiKey() + api.minVersion() + api.maxVersion();
        sum += m.throttleTimeMs();
        for (var feature : m.supportedFeatures()) sum += text(feature.name()) + feature.minVersion() + feature.maxVersion();
        sum += m.finalizedFeaturesEpoch();
        for (var feature : m.finalizedFeatures())
            sum += text(feature.name()) + feature.maxVersionLevel() + feature.minVersionLevel();
        return sum + (m.zkMigrationReady() ? 1 : 0);
    }

    static long visit(OffsetCommitRequestData m) {
        long sum = text(m.groupId()) + m.generationIdOrMemberEpoch() + text(m.memberId()) + text(m.groupInstanceId());
        for (var topic : m.topics()) {
            sum += text(topic.name());
            for (var p : topic.partitions())
                sum += p.partitionIndex() + p.committedOffset() + p.committedLeaderEpoch() + text(p.committedMetadata());
        }
        return sum;
    }

    static long visit(JoinGroupRequestData m) {
        long sum = text(m.groupId()) + m.sessionTimeoutMs() + m.rebalanceTimeoutMs() + text(m.memberId())
                + text(m.groupInstanceId()) + text(m.protocolType());
        for (var protocol : m.protocols()) sum += text(protocol.name()) + bytes(protocol.metadata());
        return sum + text(m.reason());
    }
}
