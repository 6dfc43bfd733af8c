package oracle.kafka;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;

/** One batch by Kafka's builder, and the random contents of records. */
final class BatchMaker {
    static final Header[] NO_HEADERS = {};

    final Random random;
    byte magic = 2;
    CompressionType compression = CompressionType.NONE;
    long base, appendTime = -1, producerId = -1, deleteHorizon = -1;
    short producerEpoch = -1;
    int baseSequence = -1, leaderEpoch = -1;
    boolean transactional, control;
    private MemoryRecordsBuilder builder;

    BatchMaker(Random random, int magic, CompressionType compression) {
        this.random = random;
        this.magic = (byte) magic;
        this.compression = compression;
    }

    BatchMaker producer(long id, int epoch, int sequence) {
        producerId = id;
        producerEpoch = (short) epoch;
        baseSequence = sequence;
        return this;
    }

    MemoryRecordsBuilder builder() {
        if (builder == null)
            builder = MovedClasses.builder(magic, compression, appendTime < 0 ? TimestampType.CREATE_TIME : TimestampType.LOG_APPEND_TIME,
                base, appendTime, producerId, producerEpoch, baseSequence, transactional, control, leaderEpoch, deleteHorizon);
        return builder;
    }

    BatchMaker add(long offset, long time, byte[] key, byte[] value, Header... headers) {
        builder().appendWithOffset(offset, magic == 0 ? -1 : time, key, value, magic < 2 ? NO_HEADERS : headers);
        return this;
    }

    /** Records with all kinds of keys, values, headers and timestamps. With {@code gaps} some offsets are left out. */
    BatchMaker fill(int count, boolean gaps) {
        long offset = base;
        for (int i = 0; i < count; ++i) {
            byte[] key = i == 0 && magic < 2 ? new byte[0] : random.nextInt(4) == 0 ? null : words(12);
            byte[] value = magic == 2 && random.nextInt(8) == 0 ? null : words(60);
            add(offset, RawSets.TIME - 20 + random.nextInt(120), key, value, headers());
            offset += gaps ? 1 + random.nextInt(4) : 1;
        }
        return this;
    }

    byte[] bytes() {
        return Layout.bytesOfRecords(builder().build());
    }

    byte[] words(int largest) {
        StringBuilder text = new StringBuilder();
        int length = random.nextInt(largest + 1);
        while (text.length() < length) text.append("event ").append(random.nextInt(50)).append(' ');
        return text.substring(0, length).getBytes(StandardCharsets.UTF_8);
    }

    byte[] noise(int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        return bytes;
    }

    private Header[] headers() {
        return switch (random.nextInt(6)) {
            case 0 -> new Header[] {header("trace", words(12))};
            case 1 -> new Header[] {header("a", words(3)), header("a", null), header("a", words(3))};
            case 2 -> new Header[] {header("", new byte[0]), header("k\u00e9y", null)};
            case 3 -> new Header[] {header("\u540d\u524d", noise(20 + random.nextInt(60))), header("n", new byte[0])};
            default -> NO_HEADERS;
        };
    }

    static Header header(String name, byte[] value) {
        return new RecordHeader(name, value);
    }
}
