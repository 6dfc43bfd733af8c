package oracle;

import java.util.Arrays;
import java.util.Random;

/** Random damage to valid bytes. */
final class Damage {
    private static final int[] TELLING = {0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xff};

    private Damage() {}

    static byte[] of(byte[] bytes, Random random) {
        byte[] out = bytes.clone();
        for (int i = random.nextInt(8) == 0 ? 3 : 1; i > 0; --i) out = once(out, random);
        return out;
    }

    private static byte[] once(byte[] bytes, Random random) {
        int at = bytes.length == 0 ? 0 : random.nextInt(bytes.length);
        int kind = bytes.length == 0 ? 5 : random.nextInt(9);
        switch (kind) {
            case 0: // truncated
                return Arrays.copyOf(bytes, at);
            case 1: // one bit
                bytes[at] ^= (byte) (1 << random.nextInt(8));
                return bytes;
            case 2:
                bytes[at] = (byte) TELLING[random.nextInt(TELLING.length)];
                return bytes;
            case 3: // one up, one down: lengths, counts and tags that are off by one
                bytes[at] += (byte) (random.nextBoolean() ? 1 : -1);
                return bytes;
            case 4: { // a length of -1, -2 or the largest one
                byte fill = (byte) (random.nextBoolean() ? 0xff : 0x7f);
                int end = Math.min(bytes.length, at + 1 + random.nextInt(4));
                Arrays.fill(bytes, at, end, (byte) 0xff);
                bytes[at] = fill;
                if (random.nextInt(4) == 0) bytes[end - 1] = (byte) 0xfe;
                return bytes;
            }
            case 5: { // bytes inserted, or appended
                int size = 1 + random.nextInt(4);
                int where = bytes.length == 0 || random.nextInt(4) == 0 ? bytes.length : at;
                byte[] out = Arrays.copyOf(bytes, bytes.length + size);
                System.arraycopy(bytes, where, out, where + size, bytes.length - where);
                for (int i = where; i < where + size; ++i) out[i] = (byte) TELLING[random.nextInt(TELLING.length)];
                return out;
            }
            case 6: { // bytes removed
                int size = Math.min(1 + random.nextInt(4), bytes.length - at);
                byte[] out = Arrays.copyOf(bytes, bytes.length - size);
                System.arraycopy(bytes, at + size, out, at, bytes.length - at - size);
                return out;
            }
            case 7: { // a range of bytes repeated: tags, elements
                int size = Math.min(1 + random.nextInt(8), bytes.length - at);
                byte[] out = Arrays.copyOf(bytes, bytes.length + size);
                System.arraycopy(bytes, at, out, at + size, bytes.length - at);
                return out;
            }
            default: { // a longer varint: padded, or without an end
                byte[] out = Arrays.copyOf(bytes, bytes.length + 1);
                System.arraycopy(bytes, at, out, at + 1, bytes.length - at);
                out[at] = (byte) (bytes[at] | 0x80);
                out[at + 1] = (byte) (random.nextBoolean() ? 0 : random.nextInt(256));
                return out;
            }
        }
    }
}
