package oracle.kafka;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import oracle.RecordsJudge;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;

/** One random set of one to three batches, made by Kafka's builder. */
final class RandomSets {
    private static final Header[] NO_HEADERS = {};

    private final Random random;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private long offset;

    RandomSets(Random random) {
        this.random = random;
        offset = random.nextInt(4) == 0 ? 0 : random.nextLong() >>> (2 + random.nextInt(60));
    }

    RecordsJudge.Made make() {
        byte magic = (byte) (random.nextInt(4) > 1 ? 2 : random.nextInt(2));
        List<CompressionType> possible = new ArrayList<>(List.of(CompressionType.values()));
        if (magic < 2) possible.remove(CompressionType.ZSTD);
        CompressionType compression = possible.get(random.nextInt(possible.size()));
        boolean control = magic == 2 && random.nextInt(8) == 0;
        for (int i = 1 + random.nextInt(3); i > 0; --i) {
            if (control) controlBatch();
            else batch(magic, compression);
        }
        byte[] whole = out.toByteArray();
        if (random.nextInt(10) == 0) whole = java.util.Arrays.copyOf(whole, whole.length - 1 - random.nextInt(Math.min(whole.length, 60)));
        return new RecordsJudge.Made("magic " + magic + (control ? " control" : " " + compression.name), whole);
    }

    private void batch(byte magic, CompressionType compression) {
        boolean appendTime = magic > 0 && random.nextInt(3) == 0;
        TimestampType type = appendTime ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME;
        int producer = magic < 2 ? 0 : random.nextInt(3);
        MemoryRecordsBuilder builder = MovedClasses.builder(magic, compression, type, offset,
            appendTime ? 1_700_000_123_456L : RecordBatch.NO_TIMESTAMP, producer > 0 ? random.nextLong() >>> 1 : -1,
            (short) (producer > 0 ? random.nextInt(32768) : -1), producer > 0 ? Integer.MAX_VALUE - random.nextInt(300) : -1,
            producer == 2, false, magic == 2 ? random.nextInt(100) - 1 : -1,
            magic == 2 && random.nextInt(8) == 0 ? 1_700_086_400_000L : RecordBatch.NO_TIMESTAMP);
        int count = new int[] {1, 1, 2, 3, 17, 200}[random.nextInt(6)];
        boolean gaps = random.nextInt(3) == 0, large = random.nextInt(12) == 0;
        long start = random.nextInt(4) == 0 ? random.nextInt(1000) : 1_700_000_000_000L;
        for (int i = 0; i < count; ++i) {
            if (gaps) offset += random.nextInt(5);
            builder.appendWithOffset(offset++, magic == 0 ? RecordBatch.NO_TIMESTAMP : start + random.nextInt(100_000), bytes(24),
                bytes(large && count < 20 ? 70_000 : 120), magic < 2 ? NO_HEADERS : headers());
        }
        if (magic == 2 && random.nextInt(8) == 0) builder.overrideLastOffset(offset += random.nextInt(9));
        add(builder.build());
    }

    private void controlBatch() {
        long now = 1_700_000_000_000L + random.nextInt(1000);
        int epoch = random.nextInt(100);
        ByteBuffer room = ByteBuffer.allocate(1024);
        add(switch (random.nextInt(6)) {
            case 0 -> MemoryRecords.withLeaderChangeMessage(offset, now, epoch, room, new LeaderChangeMessage().setLeaderId(random.nextInt())
                .setVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1), new LeaderChangeMessage.Voter().setVoterId(2))));
            case 1 -> MemoryRecords.withSnapshotHeaderRecord(offset, now, epoch, room,
                new SnapshotHeaderRecord().setLastContainedLogTimestamp(random.nextLong()));
            case 2 -> MemoryRecords.withSnapshotFooterRecord(offset, now, epoch, room, new SnapshotFooterRecord());
            case 3 -> MemoryRecords.withKRaftVersionRecord(offset, now, epoch, room, new KRaftVersionRecord().setKRaftVersion((short) 1));
            case 4 -> MemoryRecords.withVotersRecord(offset, now, epoch, room, new VotersRecord().setVoters(List.of(new VotersRecord.Voter()
                .setVoterId(random.nextInt(9)).setVoterDirectoryId(new Uuid(random.nextLong(), random.nextLong())))));
            default -> MemoryRecords.withEndTransactionMarker(offset, now, epoch, random.nextLong() >>> 1, (short) random.nextInt(32768),
                new EndTransactionMarker(random.nextBoolean() ? ControlRecordType.COMMIT : ControlRecordType.ABORT, random.nextInt() >>> 1));
        });
        ++offset;
    }

    private void add(MemoryRecords records) {
        byte[] bytes = Layout.bytesOfRecords(records);
        out.write(bytes, 0, bytes.length);
    }

    private Header[] headers() {
        if (random.nextInt(2) == 0) return NO_HEADERS;
        Header[] headers = new Header[random.nextInt(4)];
        String[] names = {"", "trace", "trace", "k\u00e9y", "\u4e2d\u6587", "x".repeat(130)};
        for (int i = 0; i < headers.length; ++i) headers[i] = new RecordHeader(names[random.nextInt(names.length)], bytes(12));
        return headers;
    }

    private byte[] bytes(int largest) {
        int kind = random.nextInt(8);
        if (kind == 0) return null;
        byte[] bytes = new byte[kind == 1 ? 0 : random.nextInt(largest)];
        if (random.nextInt(3) == 0) random.nextBytes(bytes);
        else for (int i = 0; i < bytes.length; ++i) bytes[i] = (byte) ('a' + random.nextInt(4));
        return bytes;
    }
}
