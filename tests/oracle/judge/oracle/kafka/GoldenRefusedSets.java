package oracle.kafka;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.Consumer;
import oracle.RecordsJudge;
import org.apache.kafka.common.record.internal.CompressionType;

/** The sets that Kafka refuses, and those that it accepts although they look wrong ("lenient"). */
final class GoldenRefusedSets {
    private static final HexFormat HEX = HexFormat.of();
    private static final int LENGTH = 8, MAGIC = 16, ATTRIBUTES = 22, COUNT = 57, RECORDS = 61;
    private static final int DAMAGED = 30, FLIPPED = 6;

    private final Random random;
    private final Consumer<String> lines;

    GoldenRefusedSets(Random random, Consumer<String> lines) {
        this.random = random;
        this.lines = lines;
    }

    void write() {
        checksums();
        headers();
        counts();
        for (CompressionType codec : KafkaGoldenSets.CODECS.subList(1, 5)) compressed(codec);
        records();
        messages();
        for (CompressionType codec : KafkaGoldenSets.OLD_CODECS.subList(1, 4)) wrappers(codec);
        byte[] inner = RawSets.wrapper(1, 4, 0, RawSets.TIME, CompressionType.GZIP, message(1));
        refuse("v1-wrapper-in-wrapper", "nested-compression", RawSets.wrapper(1, 4, 0, RawSets.TIME, CompressionType.GZIP, inner));
        for (int i = 0, found = 0; found < DAMAGED; ++i) {
            byte[] set = batch(CompressionType.NONE, 1 + random.nextInt(3));
            set[RECORDS + random.nextInt(set.length - RECORDS)] = (byte) random.nextInt(256);
            if (refused("damaged-" + i, "damaged-records", RawSets.mended(set))) ++found;
        }
    }

    /** Writes a line if Kafka refuses the set, and returns whether it does. */
    private boolean refused(String sample, String reason, byte[] set) {
        try {
            KafkaRecordsJudge.describe(set, true);
            return false;
        } catch (RecordsJudge.Refused refusal) {
            ObjectNode out = JsonNodeFactory.instance.objectNode();
            out.put("sample", sample);
            out.put("hex", HEX.formatHex(set));
            out.put("reject", reason);
            out.put("stage", refusal.stage);
            Throwable why = refusal.getCause();
            out.put("error", why.getCause() == null ? why.toString() : why + " / " + why.getCause());
            lines.accept(out.toString());
            return true;
        }
    }

    private void refuse(String sample, String reason, byte[] set) {
        if (!refused(sample, reason, set)) throw new IllegalStateException("Kafka accepts " + sample);
    }

    private void lenient(String sample, String reason, byte[] set) {
        lines.accept(KafkaGoldenSets.line(sample, set, true, reason));
    }

    private byte[] batch(CompressionType codec, int count) {
        return new BatchMaker(random, 2, codec).fill(count, false).bytes();
    }

    private byte[] message(int magic) {
        BatchMaker words = new BatchMaker(random, magic, CompressionType.NONE);
        return RawSets.message(magic, 3, 0, RawSets.TIME, null, RawSets.join("event ".getBytes(java.nio.charset.StandardCharsets.UTF_8),
            words.words(30)));
    }

    private static byte[] withInt(byte[] set, int at, int value) {
        byte[] out = set.clone();
        ByteBuffer.wrap(out).putInt(at, value);
        return out;
    }

    private static byte[] withByte(byte[] set, int at, int value) {
        byte[] out = set.clone();
        out[at] = (byte) value;
        return out;
    }

    private void checksums() {
        for (int bit = 0; bit < 8; ++bit) {
            byte[] set = batch(CompressionType.NONE, 3);
            int at = 21 + random.nextInt(set.length - 21);
            refuse("crc-bit-" + bit, "crc", withByte(set, at, set[at] ^ 1 << bit));
        }
        byte[] set = batch(CompressionType.NONE, 3);
        refuse("crc-stored", "crc", withByte(set, 18, set[18] ^ 1));
        for (int magic : new int[] {0, 1})
            for (int bit = 0; bit < 3; ++bit) {
                byte[] old = message(magic);
                int at = old.length - 1 - random.nextInt(6);
                refuse("v" + magic + "-crc-bit-" + bit, "crc", withByte(old, at, old[at] ^ 1 << bit));
            }
    }

    private void headers() {
        byte[] set = batch(CompressionType.NONE, 3);
        for (int length : new int[] {0, 1, 13, 48}) refuse("length-" + length, "batch-too-short", withInt(set, LENGTH, length));
        for (int length : new int[] {-1, -100, Integer.MIN_VALUE}) refuse("length-" + length, "negative-length", withInt(set, LENGTH, length));
        for (int magic : new int[] {3, 7, 127, -1, -128}) refuse("magic-" + magic, "magic", withByte(set, MAGIC, magic));
        for (int codec : new int[] {5, 6, 7}) refuse("codec-" + codec, "codec", RawSets.mended(withByte(set, ATTRIBUTES, codec)));
    }

    private void counts() {
        byte[] set = batch(CompressionType.NONE, 3);
        for (int count : new int[] {4, 5, 1000, Integer.MAX_VALUE})
            refuse("count-more-" + count, "count-mismatch", RawSets.mended(withInt(set, COUNT, count)));
        lenient("lenient-count-less-0", "count-mismatch", RawSets.mended(withInt(set, COUNT, 0)));
        for (int count : new int[] {1, 2}) refuse("count-less-" + count, "count-mismatch", RawSets.mended(withInt(set, COUNT, count)));
        for (int count : new int[] {-1, -2, Integer.MIN_VALUE}) {
            refuse("count-negative" + count, "negative-count", RawSets.mended(withInt(set, COUNT, count)));
            refuse("count-negative-gzip" + count, "negative-count", RawSets.mended(withInt(batch(CompressionType.GZIP, 3), COUNT, count)));
        }
    }

    private void compressed(CompressionType codec) {
        for (int count : new int[] {2, 4, 100_000})
            refuse("count-" + count + "-of-3-" + codec.name, "count-mismatch", RawSets.mended(withInt(batch(codec, 3), COUNT, count)));
        byte[] set = batch(codec, 17);
        int size = set.length - RECORDS;
        for (int cut : new int[] {1, size / 3, size - 1, size}) {
            byte[] shorter = Arrays.copyOf(set, set.length - cut);
            refuse("compressed-cut-" + cut + "-" + codec.name, "compressed-payload", RawSets.mended(withInt(shorter, LENGTH, shorter.length - 12)));
        }
        byte[] junk = RawSets.join(Arrays.copyOf(set, RECORDS), new BatchMaker(random, 2, codec).noise(40));
        refuse("compressed-junk-" + codec.name, "compressed-payload", RawSets.mended(withInt(junk, LENGTH, junk.length - 12)));
        for (int flip = 0; flip < FLIPPED;) { // some are harmless, if the codec has no checksum that detects them
            int at = RECORDS + random.nextInt(size);
            byte[] flipped = RawSets.mended(withByte(set, at, set[at] ^ 1 << random.nextInt(8)));
            if (refused("compressed-flip-" + flip + "-" + codec.name, "compressed-payload", flipped)) ++flip;
        }
    }

    /** Records in hex: attributes, timestamp delta, offset delta, key, value, headers. */
    private void records() {
        byte[] start = HEX.parseHex("000000"), key = HEX.parseHex("0265"), value = HEX.parseHex("0a6576656e74"), none = {0};
        byte[] sound = RawSets.record(start, key, value, none), rest = Arrays.copyOfRange(sound, 1, sound.length);
        byte[] huge = RawSets.varint(Integer.MAX_VALUE), endless = HEX.parseHex("ffffffffffff01");
        refuse("record-length-negative", "record-length", RawSets.batch(1, RawSets.varint(-1), rest));
        refuse("record-length-zero", "record-length", RawSets.batch(1, none, rest));
        refuse("record-length-past-end", "record-length", RawSets.batch(1, RawSets.varint(13), rest));
        refuse("record-length-huge", "record-length", RawSets.batch(1, huge, rest));
        refuse("record-length-short", "record-length", RawSets.batch(1, RawSets.varint(11), rest));
        refuse("record-length-long", "record-length", RawSets.batch(1, RawSets.varint(13), rest, none));
        refuse("record-length-varint-too-long", "varint", RawSets.batch(1, endless, rest));
        refuse("record-cut", "truncated-record", RawSets.batch(2, sound, Arrays.copyOf(sound, 6)));
        refuse("record-bytes-left", "count-mismatch", RawSets.batch(1, sound, HEX.parseHex("000000")));
        refuse("record-count-without-bytes", "count-mismatch", RawSets.batch(1));
        for (boolean of : new boolean[] {true, false}) {
            String what = of ? "key" : "value";
            byte[] text = HEX.parseHex(of ? "65" : "6576656e74");
            refuse(what + "-length-past-end", what + "-length", RawSets.batch(1, lying(of, RawSets.varint(30), text)));
            refuse(what + "-length-huge", what + "-length", RawSets.batch(1, lying(of, huge, text)));
            lenient("lenient-" + what + "-length-minus-2", what + "-length", RawSets.batch(1, lying(of, RawSets.varint(-2), new byte[0])));
        }
        byte[] header = HEX.parseHex("02650265");
        refuse("header-count-negative", "header-count", RawSets.batch(1, RawSets.record(start, key, value, RawSets.varint(-1))));
        refuse("header-count-more", "header-count", RawSets.batch(1, RawSets.record(start, key, value, RawSets.varint(2), header)));
        refuse("header-count-huge", "header-count", RawSets.batch(1, RawSets.record(start, key, value, huge)));
        refuse("header-count-less", "header-count", RawSets.batch(1, RawSets.record(start, key, value, none, header)));
        refuse("header-key-null", "header-key", RawSets.batch(1, RawSets.record(start, key, value, HEX.parseHex("020101"))));
        refuse("header-key-past-end", "header-key", RawSets.batch(1, RawSets.record(start, key, value, HEX.parseHex("0240650265"))));
        refuse("header-value-past-end", "header-value", RawSets.batch(1, RawSets.record(start, key, value, HEX.parseHex("0202654065"))));
        lenient("lenient-header-value-minus-2", "header-value", RawSets.batch(1, RawSets.record(start, key, value, HEX.parseHex("02026503"))));
        refuse("timestamp-delta-varint-too-long", "varint",
            RawSets.batch(1, RawSets.record(none, HEX.parseHex("ffffffffffffffffffff01"), none, key, value, none)));
    }

    /** A record whose key, or whose value, is preceded by this length. */
    private static byte[] lying(boolean key, byte[] length, byte[] text) {
        byte[] none = {0}, lie = RawSets.join(length, text);
        return RawSets.record(HEX.parseHex("000000"), key ? lie : HEX.parseHex("0265"), key ? HEX.parseHex("0a6576656e74") : lie, none);
    }

    private void messages() {
        byte[][] sound = {message(0), message(1)};
        for (int length : new int[] {0, 13, -1})
            for (int magic : new int[] {0, 1})
                refuse("v" + magic + "-length-" + length, length < 0 ? "negative-length" : "batch-too-short", withInt(sound[magic], LENGTH, length));
        for (int magic : new int[] {1, 0}) {
            int key = magic == 0 ? 18 : 26;
            for (int length : new int[] {100, Integer.MAX_VALUE})
                refuse("v" + magic + "-key-length-" + length, "key-length", RawSets.mended(withInt(sound[magic], key, length)));
            lenient("lenient-v" + magic + "-key-length--2", "key-length", RawSets.mended(withInt(sound[magic], key, -2)));
        }
        for (int codec : new int[] {5, 6, 7}) refuse("v1-codec-" + codec, "codec", RawSets.mended(withByte(sound[1], 17, codec)));
        for (int magic : new int[] {1, 0})
            refuse("v" + magic + "-zstd", "codec", RawSets.mended(withByte(sound[magic], 17, CompressionType.ZSTD.id)));
    }

    private void wrappers(CompressionType codec) {
        lenient("lenient-v1-wrapper-around-v0-" + codec.name, "inner-magic",
            RawSets.wrapper(1, 9, 0, RawSets.TIME, codec, inside(0, 0), inside(0, 1)));
        lenient("lenient-v0-wrapper-around-v1-" + codec.name, "inner-magic",
            RawSets.wrapper(0, 9, 0, 0, codec, inside(1, 8), inside(1, 9)));
        for (int magic : new int[] {1, 0})
            refuse("v" + magic + "-wrapper-empty-" + codec.name, "empty-wrapper", RawSets.wrapper(magic, 4, 0, RawSets.TIME, codec));
        byte[] packed = MovedClasses.compress(codec, (byte) 1, RawSets.join(inside(1, 0), inside(1, 1), inside(1, 2)));
        refuse("v1-wrapper-cut-" + codec.name, "compressed-payload",
            RawSets.message(1, 4, codec.id, RawSets.TIME, null, Arrays.copyOf(packed, packed.length - packed.length / 4)));
    }

    private byte[] inside(int magic, long offset) {
        return RawSets.message(magic, offset, 0, RawSets.TIME, null, new BatchMaker(random, magic, CompressionType.NONE).words(24));
    }
}
