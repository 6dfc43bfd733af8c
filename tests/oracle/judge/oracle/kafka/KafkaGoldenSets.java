package oracle.kafka;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import oracle.GoldenSets;
import oracle.RecordsJudge;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

/** records.jsonl: the sets that Kafka reads. Other classes make those that it refuses and those that it changes. */
public final class KafkaGoldenSets implements GoldenSets {
    static final List<CompressionType> CODECS = List.of(CompressionType.NONE, CompressionType.GZIP, CompressionType.SNAPPY,
        CompressionType.LZ4, CompressionType.ZSTD);
    static final List<CompressionType> OLD_CODECS = CODECS.subList(0, 4);
    private static final long TIME = RawSets.TIME;

    private Random random;
    private Consumer<String> lines;

    public KafkaGoldenSets(List<Path> jars) {}

    @Override
    public void lines(Random random, Consumer<String> lines) {
        this.random = random;
        this.lines = lines;
        for (CompressionType codec : CODECS) batches(codec);
        emptyBatches();
        controlBatches();
        for (int magic : new int[] {0, 1})
            for (CompressionType codec : OLD_CODECS) messages(magic, codec);
        for (CompressionType codec : OLD_CODECS.subList(1, 4)) wrappers(codec);
        severalBatches();
        new GoldenRefusedSets(random, lines).write();
        new GoldenChanges(random, lines).write();
    }

    @Override
    public void filtered(List<String> sets, Consumer<String> lines) {
        GoldenReaders.filtered(sets, lines);
    }

    @Override
    public void committed(Random random, Consumer<String> lines) {
        try {
            GoldenReaders.committed(random, lines);
        } catch (ReflectiveOperationException problem) {
            throw new IllegalStateException(problem);
        }
    }

    /** One line: the set and what Kafka reads in it. */
    static String line(String sample, byte[] set, boolean checked, String lenient) {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("sample", sample);
        out.put("hex", HexFormat.of().formatHex(set));
        try {
            out.setAll(KafkaRecordsJudge.describe(set, checked));
        } catch (RecordsJudge.Refused refusal) {
            throw new IllegalStateException(sample + " is refused: " + refusal.getMessage(), refusal);
        }
        if (lenient != null) out.put("lenient", lenient);
        return out.toString();
    }

    private void take(String sample, byte[] set) {
        lines.accept(line(sample, set, true, null));
    }

    private BatchMaker maker(int magic, CompressionType codec) {
        return new BatchMaker(random, magic, codec);
    }

    private void batches(CompressionType codec) {
        String start = "v2-" + codec.name + "-";
        for (String time : List.of("create", "append"))
            for (String producer : List.of("plain", "idempotent", "transactional"))
                for (int count : new int[] {1, 2, 17}) {
                    BatchMaker made = maker(2, codec);
                    made.base = random.nextInt(100_000);
                    made.leaderEpoch = random.nextInt(9);
                    if (time.equals("append")) made.appendTime = TIME + 777;
                    if (!producer.equals("plain")) made.producer(random.nextInt(10_000), random.nextInt(100), random.nextInt(1000));
                    made.transactional = producer.equals("transactional");
                    take(start + time + "-" + producer + "-" + count, made.fill(count, false).bytes());
                }
        BatchMaker many = maker(2, codec);
        many.base = 500;
        take(start + "1000", many.fill(1000, false).bytes());
        BatchMaker large = maker(2, codec);
        StringBuilder text = new StringBuilder();
        while (text.length() < 70_000) text.append("event ").append(random.nextInt(50)).append(' ');
        take(start + "70kB-value", large.add(0, TIME, new byte[] {'k'}, text.substring(0, 70_000).getBytes(java.nio.charset.StandardCharsets.UTF_8))
            .add(1, TIME + 1, null, null).bytes());
        take(start + "all-null", maker(2, codec).add(0, TIME, null, null).bytes());
        take(start + "all-empty", maker(2, codec).add(0, TIME, new byte[0], new byte[0]).bytes());
        oddities(start, codec);
        compacted(start, codec);
    }

    private void oddities(String start, CompressionType codec) {
        byte[] key = {'e', 'v'}, value = {'e', 'v', 'e', 'n', 't'};
        Header[][] headers = {{}, {}, {BatchMaker.header("trace", value)},
            {BatchMaker.header("a", key), BatchMaker.header("a", null), BatchMaker.header("a", key)},
            {BatchMaker.header("", new byte[0]), BatchMaker.header("k\u00e9y", null)},
            {BatchMaker.header("\u540d\u524d", random(70)), BatchMaker.header("x".repeat(200), random(200))},
            {BatchMaker.header("n", new byte[0])}, {BatchMaker.header("last", value)}};
        BatchMaker headed = maker(2, codec);
        for (int i = 0; i < headers.length; ++i) headed.add(i, TIME + i, key, value, headers[i]);
        take(start + "headers", headed.bytes());

        BatchMaker backwards = maker(2, codec);
        long[] times = {TIME, TIME - 1, TIME - 100_000, 0, TIME + 5, 1};
        for (int i = 0; i < times.length; ++i) backwards.add(i, times[i], key, value);
        take(start + "time-runs-backwards", backwards.bytes());

        BatchMaker gaps = maker(2, codec);
        gaps.base = 100;
        for (long offset : new long[] {100, 103, 104, 199, 10_000, 70_000}) gaps.add(offset, TIME, key, value);
        take(start + "offset-gaps", gaps.bytes());

        BatchMaker kept = maker(2, codec);
        kept.base = 10;
        kept.add(12, TIME, key, value).builder().overrideLastOffset(40);
        take(start + "last-offset-kept", kept.bytes());

        BatchMaker wraps = maker(2, codec).producer(9, 1, Integer.MAX_VALUE - 2);
        for (int i = 0; i < 6; ++i) wraps.add(i, TIME + i, key, value);
        take(start + "sequence-wraps", wraps.bytes());

        BatchMaker timeless = maker(2, codec);
        for (int i = 0; i < 3; ++i) timeless.add(i, RecordBatch.NO_TIMESTAMP, key, value);
        take(start + "no-timestamps", timeless.bytes());

        BatchMaker horizon = maker(2, codec).producer(5, 0, 3);
        horizon.transactional = true;
        horizon.deleteHorizon = 1_700_086_400_000L;
        take(start + "delete-horizon", horizon.add(0, TIME, key, value).add(1, TIME + 10, key, null).add(2, TIME + 20, key, value).bytes());
    }

    private void compacted(String start, CompressionType codec) {
        BatchMaker first = maker(2, codec).producer(21, 2, 50), second = maker(2, codec).producer(21, 2, 67);
        first.base = 1000;
        second.base = 1017;
        first.leaderEpoch = second.leaderEpoch = 4;
        second.transactional = true;
        byte[] set = RawSets.join(first.fill(17, false).bytes(), second.fill(9, false).bytes());
        for (int every : new int[] {3, 9})
            take(start + "compacted-every-" + every, MovedClasses.compact(set, new Cleaner(every)));
        take(start + "compacted-to-nothing", MovedClasses.compact(set, new Cleaner(Integer.MAX_VALUE)));
    }

    /** Keeps each record whose offset is a multiple, and batches that have none left. */
    private static final class Cleaner extends MemoryRecords.RecordFilter {
        private final int every;

        Cleaner(int every) {
            super(1_700_001_000_000L, 86_400_000L);
            this.every = every;
        }

        @Override
        protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
            return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, batch.isTransactional());
        }

        @Override
        protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
            return every < Integer.MAX_VALUE && (record.offset() - 1000) % every == 0;
        }
    }

    private void emptyBatches() {
        empty("plain", -1, -1, -1, 5, 9, 3, TimestampType.CREATE_TIME, TIME, false, false);
        empty("idempotent", 77, 4, 12, 5, 9, 3, TimestampType.CREATE_TIME, TIME, false, false);
        empty("transactional", 77, 4, 12, 1L << 33, (1L << 33) + 100, 3, TimestampType.LOG_APPEND_TIME, TIME, true, false);
        empty("control", 77, 4, -1, 0, 0, 0, TimestampType.CREATE_TIME, TIME, true, true);
        empty("no-time", -1, -1, -1, 0, Integer.MAX_VALUE, -1, TimestampType.CREATE_TIME, RecordBatch.NO_TIMESTAMP, false, false);
        take("nothing-at-all", new byte[0]);
    }

    private void empty(String what, long producer, int epoch, int sequence, long first, long last, int leader, TimestampType type, long time,
        boolean transactional, boolean control) {
        ByteBuffer out = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
        DefaultRecordBatch.writeEmptyHeader(out, (byte) 2, producer, (short) epoch, sequence, first, last, leader, type, time, transactional,
            control);
        take("v2-empty-" + what, out.array());
    }

    private void controlBatches() {
        for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT))
            for (int epoch : new int[] {0, 7, Integer.MAX_VALUE})
                take("v2-control-" + type.name().toLowerCase(java.util.Locale.ROOT) + "-" + epoch, Layout.bytesOfRecords(
                    MemoryRecords.withEndTransactionMarker(100 + epoch % 100, TIME, 3, 4711, (short) 6, new EndTransactionMarker(type, epoch))));
        for (short version : new short[] {0, 1}) {
            LeaderChangeMessage change = new LeaderChangeMessage().setVersion(version).setLeaderId(version + 1)
                .setVoters(List.of(voter(1, version), voter(2, version))).setGrantingVoters(List.of(voter(2, version)));
            BatchMaker made = maker(2, CompressionType.NONE); // Kafka's own shortcut knows version 0 only
            made.control = true;
            made.base = 50 + version;
            made.leaderEpoch = 10;
            made.builder().appendControlRecord(TIME + 5, ControlRecordType.LEADER_CHANGE, ByteBuffer.wrap(KafkaJudge.write(change, version)));
            take("v2-control-leader-change-" + version, made.bytes());
        }
        SnapshotHeaderRecord header = new SnapshotHeaderRecord().setLastContainedLogTimestamp(TIME - 1);
        KRaftVersionRecord version = new KRaftVersionRecord().setKRaftVersion((short) 1);
        take("v2-control-snapshot-header", Layout.bytesOfRecords(MemoryRecords.withSnapshotHeaderRecord(0, TIME, 1, room(), header)));
        take("v2-control-snapshot-footer", Layout.bytesOfRecords(MemoryRecords.withSnapshotFooterRecord(40, TIME, 1, room(),
            new SnapshotFooterRecord())));
        take("v2-control-kraft-version", Layout.bytesOfRecords(MemoryRecords.withKRaftVersionRecord(1, TIME, 1, room(), version)));
        take("v2-control-voters", Layout.bytesOfRecords(MemoryRecords.withVotersRecord(2, TIME, 1, room(), voters())));

        BatchMaker three = maker(2, CompressionType.NONE);
        three.control = true;
        three.leaderEpoch = 1;
        three.builder().appendSnapshotHeaderMessage(TIME, header);
        three.builder().appendKRaftVersionMessage(TIME, version);
        three.builder().appendVotersMessage(TIME, voters());
        take("v2-control-snapshot-head-of-three", three.bytes());

        for (CompressionType codec : CODECS.subList(1, 5)) {
            BatchMaker marker = maker(2, codec).producer(4711, 6, -1);
            marker.control = marker.transactional = true;
            marker.builder().appendEndTxnMarker(TIME, new EndTransactionMarker(ControlRecordType.COMMIT, 3));
            take("v2-control-commit-in-" + codec.name, marker.bytes());
        }
        byte[] unknown = maker(2, CompressionType.NONE).add(0, TIME, new byte[] {0, 0, 0, 99}, new byte[] {'e', 'v', 'e', 'n'}).bytes();
        unknown[22] |= 0x20;
        take("v2-control-unknown-type", RawSets.mended(unknown));
    }

    private LeaderChangeMessage.Voter voter(int id, short version) {
        LeaderChangeMessage.Voter voter = new LeaderChangeMessage.Voter().setVoterId(id);
        return version > 0 ? voter.setVoterDirectoryId(new Uuid(random.nextLong(), random.nextLong())) : voter;
    }

    private static VotersRecord voters() {
        VotersRecord all = new VotersRecord().setVersion((short) 0);
        List<VotersRecord.Voter> voters = new java.util.ArrayList<>();
        for (int id = 1; id <= 3; ++id) {
            VotersRecord.EndpointCollection endpoints = new VotersRecord.EndpointCollection();
            endpoints.add(new VotersRecord.Endpoint().setName("CONTROLLER").setHost("controller-" + id + ".example").setPort(9090 + id));
            if (id == 2) endpoints.add(new VotersRecord.Endpoint().setName("TLS").setHost("::1").setPort(65535));
            voters.add(new VotersRecord.Voter().setVoterId(id).setVoterDirectoryId(new Uuid(id, 31L * id)).setEndpoints(endpoints)
                .setKRaftVersionFeature(new VotersRecord.KRaftVersionFeature().setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 1)));
        }
        return all.setVoters(voters);
    }

    private static ByteBuffer room() {
        return ByteBuffer.allocate(1024);
    }

    private void messages(int magic, CompressionType codec) {
        for (String time : magic == 0 ? List.of("") : List.of("create-", "append-"))
            for (String count : List.of("1", "2", "17", "17-gaps")) {
                BatchMaker made = maker(magic, codec);
                made.base = random.nextInt(10_000);
                if (time.equals("append-")) made.appendTime = TIME + 777;
                take("v" + magic + "-" + codec.name + "-" + time + count,
                    made.fill(Integer.parseInt(count.replace("-gaps", "")), count.endsWith("gaps")).bytes());
            }
        if (codec != CompressionType.NONE) return;
        take("v" + magic + "-none-null-key-and-value", maker(magic, codec).add(0, TIME, null, null).bytes());
        if (magic == 0) return;
        take("v1-none-empty-key-and-value", maker(1, codec).add(0, TIME, new byte[0], new byte[0]).bytes());
        byte[] large = new byte[70_000];
        Arrays.fill(large, (byte) 'e');
        take("v1-none-70kB-value", maker(1, codec).add(0, TIME, null, large).bytes());
    }

    /** Wrappers as other producers, brokers and log compaction write them. */
    private void wrappers(CompressionType codec) {
        String name = codec.name;
        take("v1-" + name + "-relative-offsets", RawSets.wrapper(1, 105, 0, TIME + 9, codec, inside(1, 0, 1, 2, 3, 4, 5)));
        take("v1-" + name + "-relative-offsets-gaps", RawSets.wrapper(1, 205, 0, TIME + 9, codec, inside(1, 0, 3, 4, 9)));
        take("v1-" + name + "-outer-offset-zero", RawSets.wrapper(1, 0, 0, TIME + 9, codec, inside(1, 0)));
        take("v1-" + name + "-append-time", RawSets.wrapper(1, 305, 8, TIME + 99, codec, inside(1, 0, 1, 2)));
        take("v0-" + name + "-absolute-offsets", RawSets.wrapper(0, 42, 0, 0, codec, inside(0, 40, 41, 42)));
        take("v0-" + name + "-absolute-offsets-gaps", RawSets.wrapper(0, 90, 0, 0, codec, inside(0, 40, 77, 90)));
    }

    private byte[] inside(int magic, long... offsets) {
        BatchMaker words = maker(magic, CompressionType.NONE);
        byte[][] messages = new byte[offsets.length][];
        for (int i = 0; i < offsets.length; ++i)
            messages[i] = RawSets.message(magic, offsets[i], 0, TIME + i, i % 2 == 0 ? null : new byte[] {'e', 'v', 'e'}, words.words(12));
        return RawSets.join(messages);
    }

    private byte[] random(int size) {
        return maker(2, CompressionType.NONE).noise(size);
    }

    private byte[] batch(int magic, CompressionType codec, long base, int count) {
        BatchMaker made = maker(magic, codec);
        made.base = base;
        return made.fill(count, false).bytes();
    }

    private void severalBatches() {
        byte[][][] sets = {
            {batch(2, CompressionType.GZIP, 798, 5), batch(2, CompressionType.NONE, 803, 3), batch(2, CompressionType.LZ4, 806, 3),
                batch(2, CompressionType.SNAPPY, 809, 1), batch(2, CompressionType.ZSTD, 810, 1)},
            {batch(2, CompressionType.GZIP, 562, 4), batch(2, CompressionType.LZ4, 566, 5)}};
        int[][] tails = {{1, 8, 11, 12, 16, 17, 40, 60, 61}, {1, 8, 11, 12, 16, 17}};
        for (int i = 0; i < sets.length; ++i) {
            byte[] all = RawSets.join(sets[i]);
            int first = sets[i][0].length;
            take("set-several-" + i, all);
            for (int tail : tails[i]) take("set-truncated-tail-" + i + "-" + tail, Arrays.copyOf(all, first + tail));
            take("set-truncated-tail-" + i + "-one-byte-short", Arrays.copyOf(all, all.length - 1));
            take("set-only-a-truncated-batch-" + i, Arrays.copyOf(all, first / 2));
            take("set-shorter-than-a-length-" + i, Arrays.copyOf(all, i == 0 ? 11 : 1));
        }
        byte[] mixed = RawSets.join(batch(0, CompressionType.NONE, 0, 3), batch(1, CompressionType.GZIP, 3, 4), batch(2, CompressionType.ZSTD, 7, 5),
            batch(2, CompressionType.NONE, 12, 2));
        take("set-mixed-magic-0-1-2", mixed);
        byte[] old = batch(1, CompressionType.NONE, 0, 2), young = batch(2, CompressionType.SNAPPY, 2, 5);
        take("set-mixed-magic-1-2-truncated", RawSets.join(old, Arrays.copyOf(young, young.length - 3)));
        take("set-mixed-magic-2-then-0", RawSets.join(batch(2, CompressionType.SNAPPY, 0, 2), batch(0, CompressionType.SNAPPY, 2, 3)));

        byte[] wrong = batch(2, CompressionType.NONE, 1, 2);
        wrong[18] ^= 1;
        byte[] around = RawSets.join(batch(2, CompressionType.NONE, 0, 1), wrong, batch(2, CompressionType.GZIP, 3, 2));
        lines.accept(line("set-one-batch-with-wrong-crc", around, false, null));

        for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT)) {
            BatchMaker made = maker(2, type == ControlRecordType.COMMIT ? CompressionType.NONE : CompressionType.LZ4).producer(4711, 6, 0);
            made.base = 10;
            made.transactional = true;
            take("set-transaction-with-" + type.name().toLowerCase(java.util.Locale.ROOT), RawSets.join(made.fill(4, false).bytes(),
                Layout.bytesOfRecords(MemoryRecords.withEndTransactionMarker(14, TIME, 3, 4711, (short) 6, new EndTransactionMarker(type, 7)))));
        }
    }
}
