package oracle.kafka;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/**
 * Bytes that Kafka refuses, one for each of its reasons: false lengths, counts, tags and varints are inserted at any position of
 * values that Kafka wrote, and Kafka's exception tells the reason.
 */
final class Refusals {
    /** @param error Kafka's exception */
    record Refused(String kind, byte[] bytes, String error) {}

    private static final Map<String, List<String>> KINDS = new LinkedHashMap<>();

    static {
        KINDS.put("past-end", List.of("byte(s) available"));
        KINDS.put("null", List.of("was serialized as null"));
        KINDS.put("length", List.of("had invalid length"));
        KINDS.put("count", List.of("Tried to allocate a collection"));
        KINDS.put("varint", List.of("Varint is too long"));
        KINDS.put("tag-count", List.of("tagged fields"));
        KINDS.put("tag", List.of("is not valid for version"));
        KINDS.put("negative", List.of("NegativeArraySizeException", "newLimit"));
        KINDS.put("underflow", List.of("BufferUnderflowException"));
    }

    /** Replaces the same number of bytes. */
    private static final List<byte[]> FIXED = parse("7fff", "8000", "ffff", "7fffffff", "ffffffff", "80000000", "000f4241");
    /** Replaces one byte: a length, a count or a tag section. */
    private static final List<byte[]> VARINTS = parse("ffffffff07", "ffffffff0f", "ffffffffff01", "c0b802", "00", "7f", "010000", "010100",
        "010200", "010300");
    private static final int MOST_TRIES = 4000;

    private final Function<byte[], String> refusalOf; // Kafka's exception, or null
    private final List<byte[]> values;
    private final Random random;
    private final Map<String, Refused> found = new LinkedHashMap<>();

    Refusals(Function<byte[], String> refusalOf, List<byte[]> values, Random random) {
        this.refusalOf = refusalOf;
        this.values = new ArrayList<>(values);
        this.random = random;
    }

    Collection<Refused> find() {
        if (values.isEmpty()) return List.of();
        Collections.shuffle(values, random);
        byte[] whole = values.get(0);
        byte[] cut = Arrays.copyOf(whole, random.nextInt(whole.length));
        String error = refusalOf(cut);
        if (error == null) throw new IllegalStateException("Kafka reads what was cut short");
        found.put("truncated", new Refused("truncated", cut, error));
        int tries = 0;
        for (byte[] value : values) {
            List<Integer> places = new ArrayList<>();
            for (int at = 0; at < value.length; ++at) places.add(at);
            Collections.shuffle(places, random);
            for (int at : places)
                for (List<byte[]> lies : List.of(FIXED, VARINTS))
                    for (byte[] lie : lies) {
                        int gone = lies == FIXED ? lie.length : 1;
                        if (at + gone > value.length) continue;
                        look(replaced(value, at, gone, lie));
                        if (++tries == MOST_TRIES) return found.values();
                    }
        }
        return found.values();
    }

    private void look(byte[] bytes) {
        String error = refusalOf(bytes);
        if (error == null) return;
        for (Map.Entry<String, List<String>> kind : KINDS.entrySet())
            if (kind.getValue().stream().anyMatch(error::contains)) {
                found.putIfAbsent(kind.getKey(), new Refused(kind.getKey(), bytes, error));
                return;
            }
    }

    private String refusalOf(byte[] bytes) {
        return refusalOf.apply(bytes);
    }

    private static byte[] replaced(byte[] value, int at, int gone, byte[] lie) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(value, 0, at);
        out.writeBytes(lie);
        out.write(value, at + gone, value.length - at - gone);
        return out.toByteArray();
    }

    private static List<byte[]> parse(String... hex) {
        return Arrays.stream(hex).map(HexFormat.of()::parseHex).toList();
    }
}
