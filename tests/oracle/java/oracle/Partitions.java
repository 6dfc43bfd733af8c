package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Where the partitions of a request or response lie in its JSON, and which of them belong to a part.
 *
 * @param around the list around topics, of groups or the like; null if there is none
 * @param aroundName their name, or their number
 */
record Partitions(String around, String aroundName, String topics, String partitions) {
    private static final Map<String, Partitions> USUAL = Map.of(
        "ProduceRequest", new Partitions(null, null, "topicData", "partitionData"),
        "ProduceResponse", new Partitions(null, null, "responses", "partitionResponses"),
        "FetchResponse", new Partitions(null, null, "responses", "partitions"),
        "DescribeProducersRequest", new Partitions(null, null, "topics", "partitionIndexes"),
        "WriteTxnMarkersRequest", new Partitions("markers", "producerId", "topics", "partitionIndexes"),
        "WriteTxnMarkersResponse", new Partitions("markers", "producerId", "topics", "partitions"));

    static Partitions of(String message, int version) {
        return switch (message) {
            case "OffsetFetchRequest" -> new Partitions(version < 8 ? null : "groups", "groupId", "topics", "partitionIndexes");
            case "OffsetFetchResponse" -> new Partitions(version < 8 ? null : "groups", "groupId", "topics", "partitions");
            case "AddPartitionsToTxnRequest" -> version < 4 ? new Partitions(null, null, "v3AndBelowTopics", "partitions")
                                                            : new Partitions("transactions", "transactionalId", "topics", "partitions");
            case "AddPartitionsToTxnResponse" -> version < 4
                ? new Partitions(null, null, "resultsByTopicV3AndBelow", "resultsByPartition")
                : new Partitions("resultsByTransaction", "transactionalId", "topicResults", "resultsByPartition");
            default -> USUAL.getOrDefault(message, new Partitions(null, null, "topics", "partitions"));
        };
    }

    /** What has a list of topics: the message itself, or each group. */
    List<ObjectNode> arounds(JsonNode message) {
        List<ObjectNode> all = new ArrayList<>();
        if (around == null) all.add((ObjectNode) message);
        else message.get(around).forEach(one -> all.add((ObjectNode) one));
        return all;
    }

    /** The member with the name of a topic, or with its id. */
    static String nameOf(JsonNode topic) {
        for (String name : List.of("name", "topic", "topicId"))
            if (topic.has(name)) return name;
        throw new IllegalStateException("a topic without a name: " + topic);
    }

    /** The member with the number of a partition; null if it is the number. */
    static String indexOf(JsonNode partition) {
        for (String name : List.of("partitionIndex", "partition", "index"))
            if (partition.has(name)) return name;
        return null;
    }

    /** As edits/split.cpp has it. */
    private int partOf(ObjectNode around, JsonNode topic, JsonNode partition, int count) {
        String index = indexOf(partition);
        long sum = (index == null ? partition : partition.get(index)).asInt();
        JsonNode outer = this.around == null ? null : around.get(aroundName);
        if (outer != null && outer.isTextual()) sum += sumOf(outer.asText().getBytes(StandardCharsets.UTF_8));
        sum += outer != null && outer.isNumber() ? outer.asLong() : -1;
        String name = nameOf(topic);
        sum += sumOf(name.equals("topicId") ? Base64.getUrlDecoder().decode(topic.get(name).asText())
                                            : topic.get(name).asText().getBytes(StandardCharsets.UTF_8));
        return (int) ((sum & 0xffffffffL) % count);
    }

    private static long sumOf(byte[] bytes) {
        long sum = 0;
        for (byte one : bytes) sum += one & 0xff;
        return sum;
    }

    /**
     * The message with the partitions of one part. A topic without any is in the first part that its group has, a group without any in
     * all parts.
     */
    ObjectNode part(JsonNode message, int part, int count) {
        ObjectNode out = message.deepCopy();
        List<ObjectNode> kept = new ArrayList<>();
        for (ObjectNode one : arounds(out)) {
            TreeSet<Integer> parts = new TreeSet<>();
            for (JsonNode topic : one.get(topics))
                for (JsonNode partition : topic.get(partitions)) parts.add(partOf(one, topic, partition, count));
            if (parts.isEmpty() || around == null)
                for (int i = 0; i < count; ++i) parts.add(i);
            if (!parts.contains(part)) continue;
            kept.add(one);
            if (one.get(topics).isNull()) continue;
            ArrayNode some = ((ArrayNode) one.get(topics)).arrayNode();
            for (JsonNode topic : one.get(topics)) {
                ArrayNode mine = some.arrayNode();
                for (JsonNode partition : topic.get(partitions))
                    if (partOf(one, topic, partition, count) == part) mine.add(partition);
                if (topic.get(partitions).isEmpty() ? part != parts.first() : mine.isEmpty()) continue;
                some.add(((ObjectNode) topic).set(partitions, mine));
            }
            one.set(topics, some);
        }
        if (around != null) out.putArray(around).addAll(kept);
        return out;
    }
}
