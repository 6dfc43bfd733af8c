package oracle.kafka;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.Consumer;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;

/**
 * Changes in place. Kafka's own setters set offsets, leader epochs and timestamps; there are none for the producer's fields, so their
 * bytes are rewritten and the checksum is computed again.
 */
final class GoldenChanges {
    private static final int PRODUCER_ID = 43, PRODUCER_EPOCH = 51, BASE_SEQUENCE = 53, LAST_OFFSET_DELTA = 23;

    private final Random random;
    private final Consumer<String> lines;

    GoldenChanges(Random random, Consumer<String> lines) {
        this.random = random;
        this.lines = lines;
    }

    void write() {
        for (int round = 0; round < 2; ++round) {
            for (CompressionType codec : KafkaGoldenSets.CODECS) batch(codec, round);
            for (CompressionType codec : KafkaGoldenSets.OLD_CODECS) messages(codec, round);
        }
    }

    private void batch(CompressionType codec, int round) {
        BatchMaker made = new BatchMaker(random, 2, codec).producer(5, 1, 10);
        made.base = random.nextInt(1000);
        byte[] set = made.fill(1 + random.nextInt(6), false).bytes();
        String start = "patch-" + codec.name + "-" + round + "-";
        long most = Long.MAX_VALUE - ByteBuffer.wrap(set).getInt(LAST_OFFSET_DELTA);
        for (long offset : new long[] {0, random.nextLong() >>> 2, most}) change(start + "base-offset", set, patch().put("base_offset", offset));
        for (int epoch : new int[] {-1, 0, Integer.MAX_VALUE, random.nextInt(1000)})
            change(start + "leader-epoch", set, patch().put("partition_leader_epoch", epoch));
        for (long time : new long[] {RawSets.TIME + random.nextInt(100_000), 0, Long.MAX_VALUE})
            for (TimestampType type : new TimestampType[] {TimestampType.LOG_APPEND_TIME, TimestampType.CREATE_TIME})
                change(start + (type == TimestampType.CREATE_TIME ? "create-time" : "append-time"), set, time(patch(), time, type));
        long id = random.nextLong() >>> 1;
        int epoch = random.nextInt(32768), sequence = random.nextInt() >>> 1;
        change(start + "producer", set, patch().put("producer_id", id).put("producer_epoch", epoch).put("base_sequence", sequence));
        change(start + "producer-id", set, patch().put("producer_id", id));
        change(start + "producer-epoch", set, patch().put("producer_epoch", epoch));
        change(start + "base-sequence", set, patch().put("base_sequence", sequence));
        change(start + "append", set, time(patch().put("base_offset", random.nextInt() >>> 1).put("partition_leader_epoch", 12),
            RawSets.TIME + 50, TimestampType.LOG_APPEND_TIME));
    }

    private void messages(CompressionType codec, int round) {
        long offset = random.nextInt() >>> 1;
        for (int magic : new int[] {1, 0}) {
            BatchMaker made = new BatchMaker(random, magic, codec);
            made.base = 49;
            byte[] set = made.fill(codec == CompressionType.NONE ? 1 : 1 + random.nextInt(2), false).bytes();
            String start = "patch-v" + magic + "-" + codec.name + "-" + round + "-";
            change(start + "offset", set, patch().put("base_offset", offset));
            if (magic == 1) change(start + "append-time", set, time(patch(), RawSets.TIME + 77, TimestampType.LOG_APPEND_TIME));
        }
    }

    private static ObjectNode patch() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static ObjectNode time(ObjectNode patch, long time, TimestampType type) {
        return patch.put("max_timestamp", time).put("timestamp_type", type == TimestampType.CREATE_TIME ? "create_time" : "log_append_time");
    }

    private void change(String sample, byte[] set, ObjectNode patch) {
        byte[] changed = set.clone();
        ByteBuffer bytes = ByteBuffer.wrap(changed);
        MutableRecordBatch batch = MemoryRecords.readableRecords(bytes).batches().iterator().next();
        boolean legacy = changed[16] < 2;
        if (patch.has("base_offset"))
            batch.setLastOffset(patch.get("base_offset").asLong() + (legacy ? 0 : bytes.getInt(LAST_OFFSET_DELTA)));
        if (patch.has("partition_leader_epoch")) batch.setPartitionLeaderEpoch(patch.get("partition_leader_epoch").asInt());
        if (patch.has("max_timestamp"))
            batch.setMaxTimestamp(patch.get("timestamp_type").asText().equals("create_time") ? TimestampType.CREATE_TIME
                : TimestampType.LOG_APPEND_TIME, patch.get("max_timestamp").asLong());
        if (patch.has("producer_id")) bytes.putLong(PRODUCER_ID, patch.get("producer_id").asLong());
        if (patch.has("producer_epoch")) bytes.putShort(PRODUCER_EPOCH, (short) patch.get("producer_epoch").asInt());
        if (patch.has("base_sequence")) bytes.putInt(BASE_SEQUENCE, patch.get("base_sequence").asInt());
        if (patch.has("producer_id") || patch.has("producer_epoch") || patch.has("base_sequence")) RawSets.mended(changed);
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("sample", sample);
        out.put("hex", HexFormat.of().formatHex(set));
        out.set("patch", patch);
        out.put("expect_hex", HexFormat.of().formatHex(changed));
        lines.accept(out.toString());
    }
}
