package oracle.kafka;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import oracle.RecordsJudge;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.slf4j.LoggerFactory;

/** filtered.jsonl: what Kafka's compaction leaves of record sets. committed.jsonl: what its consumer shows of logs. */
final class GoldenReaders {
    private static final Map<String, BiPredicate<RecordBatch, Record>> FILTERS = new LinkedHashMap<>();
    static {
        FILTERS.put("even-offsets", (batch, record) -> record.offset() % 2 == 0);
        FILTERS.put("values", (batch, record) -> record.hasValue());
        FILTERS.put("none", (batch, record) -> false);
    }

    private GoldenReaders() {}

    /** The sets of magic 2 in the lines of records.jsonl, filtered; control batches are kept. Empty batches are kept, or dropped. */
    static void filtered(List<String> sets, Consumer<String> lines) {
        for (String text : sets) {
            JsonNode set = parsed(text);
            if (set.has("patch") || set.has("reject") || set.has("lenient") || !fits(set)) continue;
            byte[] bytes = HexFormat.of().parseHex(set.get("hex").asText());
            FILTERS.forEach((name, keeps) -> {
                for (boolean emptyStays : new boolean[] {true, false}) {
                    ObjectNode line = JsonNodeFactory.instance.objectNode();
                    line.put("sample", set.get("sample").asText()).put("keep", name).put("empty_stays", emptyStays);
                    try {
                        line.set("expect", KafkaRecordsJudge.describe(filter(bytes, keeps, emptyStays), true).get("batches"));
                    } catch (RecordsJudge.Refused refusal) {
                        throw new IllegalStateException(text, refusal);
                    }
                    lines.accept(line.toString());
                }
            });
        }
    }

    private static boolean fits(JsonNode set) {
        for (JsonNode batch : set.get("batches"))
            if (batch.get("magic").asInt() < 2 || !batch.get("crc_valid").asBoolean() || batch.get("records").size() > 100) return false;
        return set.get("truncated_tail").asInt() == 0;
    }

    private static byte[] filter(byte[] bytes, BiPredicate<RecordBatch, Record> keeps, boolean emptyStays) {
        MemoryRecords.RecordFilter filter = new MemoryRecords.RecordFilter(RawSets.TIME, 0) {
            @Override
            protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                boolean stays = emptyStays || batch.isControlBatch() || batch.countOrNull() == 0;
                return new BatchRetentionResult(stays ? BatchRetention.RETAIN_EMPTY : BatchRetention.DELETE_EMPTY, false);
            }

            @Override
            protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
                return batch.isControlBatch() || keeps.test(batch, record);
            }
        };
        ByteBuffer room = ByteBuffer.allocate(2 * bytes.length + 4096);
        ByteBuffer out = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes))
            .filterTo(filter, room, BufferSupplier.NO_CACHING, Integer.MAX_VALUE).outputBuffer();
        out.flip();
        return Arrays.copyOfRange(out.array(), out.arrayOffset() + out.position(), out.arrayOffset() + out.limit());
    }

    /** Logs of three producers and one without an id, and the offsets that a consumer shows in them, at both isolation levels. */
    static void committed(Random random, Consumer<String> lines) throws ReflectiveOperationException {
        for (int i = 0; i < 120; ++i) {
            List<byte[]> batches = new ArrayList<>();
            List<FetchResponseData.AbortedTransaction> aborted = new ArrayList<>();
            Map<Long, Long> open = new TreeMap<>();
            long next = random.nextInt(1000);
            long start = next;
            for (int n = 2 + random.nextInt(25); n != 0; --n) {
                long producer = random.nextInt(4);
                if (open.containsKey(producer) && random.nextInt(3) == 0) {
                    boolean commits = random.nextBoolean();
                    if (!commits) aborted.add(new FetchResponseData.AbortedTransaction().setProducerId(producer).setFirstOffset(open.get(producer)));
                    open.remove(producer);
                    batches.add(marker(random, next++, producer, commits ? ControlRecordType.COMMIT : ControlRecordType.ABORT));
                    continue;
                }
                CompressionType codec = KafkaGoldenSets.CODECS.get(random.nextInt(2));
                BatchMaker batch = new BatchMaker(random, 2, codec);
                batch.base = next;
                if (producer != 3) {
                    batch.producer(producer, 0, 0);
                    batch.transactional = true;
                    open.putIfAbsent(producer, next);
                } else if (random.nextBoolean()) {
                    batch.producer(random.nextInt(3), 0, 0); // idempotent only, whatever else that producer does
                }
                int count = 1 + random.nextInt(3);
                batches.add(batch.fill(count, false).bytes());
                next += count;
            }
            java.util.Collections.shuffle(aborted, random);
            byte[] log = RawSets.join(batches.toArray(byte[][]::new));
            ObjectNode line = JsonNodeFactory.instance.objectNode();
            // As brokers do: what they send begins with the batch that holds the offset.
            long from = start + random.nextInt((int) (MemoryRecords.readableRecords(ByteBuffer.wrap(batches.get(0))).batches().iterator().next().nextOffset() - start));
            line.put("hex", HexFormat.of().formatHex(log)).put("fetch_offset", from);
            ArrayNode list = line.putArray("aborted");
            for (FetchResponseData.AbortedTransaction one : aborted) list.addArray().add(one.producerId()).add(one.firstOffset());
            for (IsolationLevel level : IsolationLevel.values()) {
                ArrayNode offsets = line.putArray(level.toString().toLowerCase(java.util.Locale.ROOT));
                line.put("next_offset", consume(log, aborted, level, from, offsets));
            }
            lines.accept(line.toString());
        }
    }

    private static byte[] marker(Random random, long offset, long producer, ControlRecordType type) {
        EndTransactionMarker marker = new EndTransactionMarker(type, 1);
        if (random.nextInt(8) != 0)
            return Layout.bytesOfRecords(MemoryRecords.withEndTransactionMarker(offset, RawSets.TIME, 0, producer, (short) 0, marker));
        BatchMaker compressed = new BatchMaker(random, 2, CompressionType.GZIP).producer(producer, 0, -1);
        compressed.base = offset;
        compressed.control = compressed.transactional = true;
        compressed.builder().appendEndTxnMarker(RawSets.TIME, marker);
        return compressed.bytes();
    }

    /** Writes the offsets of the records that Kafka's consumer returns, and returns where it goes on. */
    private static long consume(byte[] log, List<FetchResponseData.AbortedTransaction> aborted, IsolationLevel level, long from,
                                ArrayNode offsets) throws ReflectiveOperationException {
        String internals = "org.apache.kafka.clients.consumer.internals.";
        TopicPartition partition = new TopicPartition("t", 0);
        FetchResponseData.PartitionData data = new FetchResponseData.PartitionData().setPartitionIndex(0)
            .setRecords(MemoryRecords.readableRecords(ByteBuffer.wrap(log))).setAbortedTransactions(new ArrayList<>(aborted));
        // The metrics of a fetch are recorded when all its partitions are read: the second one never is.
        Constructor<?> metrics = Class.forName(internals + "FetchMetricsAggregator").getDeclaredConstructors()[0];
        metrics.setAccessible(true);
        Object aggregator = metrics.newInstance(null, new java.util.HashSet<>(Set.of(partition, new TopicPartition("t", 1))));
        Constructor<?> maker = Class.forName(internals + "CompletedFetch").getDeclaredConstructors()[0];
        maker.setAccessible(true);
        Object fetch = maker.newInstance(LoggerFactory.getLogger("fetch"), null, BufferSupplier.NO_CACHING, partition, data, aggregator, from);
        Class<?> config = Class.forName(internals + "FetchConfig");
        Object how = config.getConstructor(int.class, int.class, int.class, int.class, int.class, boolean.class, String.class, IsolationLevel.class)
            .newInstance(1, 1, 1, 1, 1, true, "", level);
        Method next = fetch.getClass().getDeclaredMethod("nextFetchedRecord", config);
        next.setAccessible(true);
        for (Object record; (record = next.invoke(fetch, how)) != null;) offsets.add(((Record) record).offset());
        Method position = fetch.getClass().getDeclaredMethod("nextFetchOffset");
        position.setAccessible(true);
        return (long) position.invoke(fetch);
    }

    private static JsonNode parsed(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (JsonProcessingException problem) {
            throw new IllegalStateException(problem);
        }
    }
}
