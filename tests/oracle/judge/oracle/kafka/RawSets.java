package oracle.kafka;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;
import org.apache.kafka.common.record.internal.CompressionType;

/** Batches and messages built by hand, for content that none of Kafka's builders writes. */
final class RawSets {
    static final long TIME = 1_700_000_000_000L;

    private RawSets() {}

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }

    static byte[] varint(long value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        long rest = value << 1 ^ value >> 63;
        for (; (rest & ~0x7fL) != 0; rest >>>= 7) out.write((int) (rest & 0x7f | 0x80));
        out.write((int) rest);
        return out.toByteArray();
    }

    /** A record, preceded by its length. */
    static byte[] record(byte[]... body) {
        byte[] whole = join(body);
        return join(varint(whole.length), whole);
    }

    /** A batch of magic 2 with records, or with compressed bytes. */
    static byte[] batch(int count, byte[]... records) {
        byte[] body = join(records);
        ByteBuffer out = ByteBuffer.allocate(61 + body.length);
        out.putLong(0).putInt(49 + body.length).putInt(-1).put((byte) 2).putInt(0).putShort((short) 0).putInt(Math.max(count, 1) - 1);
        out.putLong(TIME).putLong(TIME).putLong(-1).putShort((short) -1).putInt(-1).putInt(count).put(body);
        return mended(out.array());
    }

    /** A message of magic 0 or 1. */
    static byte[] message(int magic, long offset, int attributes, long time, byte[] key, byte[] value) {
        int size = (magic == 0 ? 14 : 22) + (key == null ? 0 : key.length) + (value == null ? 0 : value.length);
        ByteBuffer out = ByteBuffer.allocate(12 + size);
        out.putLong(offset).putInt(size).putInt(0).put((byte) magic).put((byte) attributes);
        if (magic == 1) out.putLong(time);
        for (byte[] part : new byte[][] {key, value}) {
            out.putInt(part == null ? -1 : part.length);
            if (part != null) out.put(part);
        }
        return mended(out.array());
    }

    /** A message whose value is a compressed message set. */
    static byte[] wrapper(int magic, long offset, int attributes, long time, CompressionType compression, byte[]... inside) {
        return message(magic, offset, attributes | compression.id, time, null,
            MovedClasses.compress(compression, (byte) magic, join(inside)));
    }

    /** Corrects the checksum of the first batch or message. */
    static byte[] mended(byte[] set) {
        ByteBuffer bytes = ByteBuffer.wrap(set);
        boolean legacy = set[16] != 2;
        int place = legacy ? 12 : 17, end = 12 + bytes.getInt(8);
        if (end < place + 4 || end > set.length) end = set.length;
        Checksum sum = legacy ? new CRC32() : new CRC32C();
        sum.update(set, place + 4, end - place - 4);
        bytes.putInt(place, (int) sum.getValue());
        return set;
    }
}
