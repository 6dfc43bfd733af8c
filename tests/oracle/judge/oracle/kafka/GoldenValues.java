package oracle.kafka;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;

/** One value of a shape that tests/golden/README.md describes. */
final class GoldenValues {
    enum Shape { MINIMAL, HOLLOW, FULL, NULL, NULL_LEAVES, RANDOM, WIDE, TAGS }

    private static final long[] EXTREMES = {0, 0, 1, -1, 127, -128, 32767, -32768, Integer.MAX_VALUE, Integer.MIN_VALUE, Long.MAX_VALUE,
        Long.MIN_VALUE};
    private static final double[] NUMBERS = {0.0, -0.0, 1.0, -1.5, 1e21, 1e-7, 0.1, 123456789.125, 5e-324, 1.7976931348623157e308};
    private static final String[] WORDS = {"topic-a", "group", "localhost", "consumer-1", "range", "x", "0", "__consumer_offsets",
        "\u4e3b\u984c", "\u0442\u0435\u043c\u0430", "r\u00e4ck", "\u00ff\u0100", "\ud83d\ude00", "\"q\\\n", "a\0b"};
    private static final int[] UNKNOWN_TAGS = {20, 31, 100, 127, 128, 200, 9999, 16383, 16384, 2097152, 268435456, 2147483646};
    /** A batch of two records; its base offset, which the checksum does not cover, may be any. */
    private static final byte[] BATCH = HexFormat.of().parseHex("000000000000000000000048ffffffff02dcdf0d9e00000000000100000000000003e800"
        + "000000000003ebffffffffffffffffffffffffffff0000000210000000026b0276001a00060201010402680278026e01");

    private final Shape shape;
    private final Random random;
    private final double nulls, empties, extremes, tags;
    private java.lang.reflect.Field wide; // the array that should have many elements
    private int budget, counter, unknownTags;

    GoldenValues(Shape shape, Random random) {
        this.shape = shape;
        this.random = random;
        boolean any = shape == Shape.RANDOM || shape == Shape.TAGS;
        nulls = any ? oneOf(0.1, 0.3, 0.5) : 0;
        empties = any ? oneOf(0, 0.1, 0.3) : 0;
        extremes = oneOf(0.2, 0.5, 0.8);
        tags = any ? oneOf(0.3, 0.6, 1) : shape == Shape.MINIMAL || shape == Shape.HOLLOW ? 0 : 1;
        budget = 4 + random.nextInt(12);
    }

    /** The number of tagged fields in the value that no schema knows. */
    int unknownTags() {
        return unknownTags;
    }

    /** A value whose fields are those of {@code schema}; of them only those that {@code also} has too, unless that is null. */
    void fill(Object value, Schema schema, Schema also) {
        if (shape == Shape.WIDE && wide == null) {
            List<java.lang.reflect.Field> arrays = arraysOf(value.getClass(), schema);
            if (!arrays.isEmpty()) wide = arrays.get(random.nextInt(arrays.size()));
        }
        fill(value, schema, also, 0);
    }

    /** Whether the message has an array that can be wide. */
    static boolean hasArray(Class<?> type, Schema schema) {
        return !arraysOf(type, schema).isEmpty();
    }

    private void fill(Object value, Schema schema, Schema also, int depth) {
        Layout layout = Layout.of(value.getClass());
        for (Layout.Member member : layout.members(schema)) {
            Layout.Member other = also == null ? member : counterpart(layout, also, member);
            if (other == null || member.tag() >= 0 && !chance(tags)) continue;
            if (member.isNullable() && other.isNullable() && isNull(member)) member.set(value, null);
            else member.set(value, valueOf(member, also == null ? null : other, depth));
        }
        if (shape == Shape.TAGS && Layout.hasTagSection(schema) && (depth == 0 || random.nextInt(2) == 0)) addUnknownTags((Message) value);
    }

    private static Layout.Member counterpart(Layout layout, Schema schema, Layout.Member member) {
        return layout.members(schema).stream().filter(one -> one.field().equals(member.field())).findFirst().orElse(null);
    }

    private boolean isNull(Layout.Member member) {
        return switch (shape) {
            case NULL -> true;
            case NULL_LEAVES -> !hasNullableBelow(member);
            default -> chance(nulls);
        };
    }

    private static boolean hasNullableBelow(Layout.Member member) {
        Schema below = member.schema() != null ? member.schema() : member.elementSchema();
        if (below == null) return false;
        return Layout.of(typeBelow(member)).members(below).stream().anyMatch(one -> one.isNullable() || hasNullableBelow(one));
    }

    private static Class<?> typeBelow(Layout.Member member) {
        return member.schema() != null ? member.field().getType() : member.elementClass();
    }

    private static List<java.lang.reflect.Field> arraysOf(Class<?> type, Schema schema) {
        List<java.lang.reflect.Field> found = new ArrayList<>();
        for (Layout.Member member : Layout.of(type).members(schema)) {
            if (member.type().isArray()) found.add(member.field());
            Schema below = member.schema() != null ? member.schema() : member.elementSchema();
            if (below != null) found.addAll(arraysOf(typeBelow(member), below));
        }
        return found;
    }

    private Object valueOf(Layout.Member member, Layout.Member other, int depth) {
        Class<?> type = member.field().getType();
        if (member.schema() != null) return struct(type, member.schema(), other == null ? null : other.schema(), depth);
        if (member.type().isArray()) return array(member, other, depth);
        return scalar(type, member);
    }

    private Object struct(Class<?> type, Schema schema, Schema also, int depth) {
        Object value = RandomValues.make(type);
        fill(value, schema, also, depth);
        return value;
    }

    @SuppressWarnings("unchecked")
    private Object array(Layout.Member member, Layout.Member other, int depth) {
        Class<?> type = member.field().getType();
        Collection<Object> elements = type == List.class ? new ArrayList<>() : (Collection<Object>) RandomValues.make(type);
        Schema below = member.elementSchema(), also = other == null ? null : other.elementSchema();
        for (int size = sizeOf(member, depth); size > 0; --size)
            elements.add(below != null ? struct(member.elementClass(), below, also, depth + 1) : scalar(member.elementClass(), member));
        return elements;
    }

    private int sizeOf(Layout.Member member, int depth) {
        switch (shape) {
            case MINIMAL:
                return 0;
            case HOLLOW:
                return depth == 0 ? 1 : 0;
            case FULL:
                return counter < 32 ? 2 : 1;
            case NULL, NULL_LEAVES:
                return 1;
            case WIDE:
                if (!member.field().equals(wide)) return 1;
                wide = null; // once, not in every element of an enclosing array
                return 128 + random.nextInt(8);
            default:
                if (budget <= 0 || chance(empties)) return 0;
                int size = 1 + random.nextInt(3);
                budget -= size;
                return size;
        }
    }

    private Object scalar(Class<?> type, Layout.Member member) {
        boolean zero = shape == Shape.MINIMAL || shape == Shape.HOLLOW, full = shape == Shape.FULL;
        int n = ++counter;
        if (type == boolean.class) return full || !zero && random.nextBoolean();
        if (type == byte.class || type == Byte.class) return (byte) (full ? n & 0x7f : number());
        if (type == short.class || type == Short.class) return (short) (full ? 0x0100 + n : number());
        if (type == int.class || type == Integer.class) {
            if (member.isUnsigned()) return (int) (full ? 0x8100 + n : number()) & 0xffff;
            return (int) (full ? 0x01020000 + n : number());
        }
        if (type == long.class || type == Long.class) {
            if (member.isUnsigned()) return (full ? 0x81020000L + n : number()) & 0xffffffffL;
            return full ? 0x0102030405060000L + n : number();
        }
        if (type == double.class || type == Double.class) return full ? n + 0.25 : zero ? 0.0 : NUMBERS[random.nextInt(NUMBERS.length)];
        if (type == Uuid.class) return full ? new Uuid(0x1111111111111111L, n) : uuid(zero);
        if (type == String.class) return full ? "s" + n : zero || chance(empties) ? "" : text();
        if (type == byte[].class) return bytes(zero, n);
        if (type == ByteBuffer.class) return ByteBuffer.wrap(bytes(zero, n));
        if (member.isRecords()) return RandomValues.records(type, full || !zero && random.nextBoolean() ? batch(n) : bytes(zero, n));
        throw new IllegalStateException("no value of " + type + " for " + member.field());
    }

    private long number() {
        if (shape == Shape.MINIMAL || shape == Shape.HOLLOW) return 0;
        if (chance(extremes)) return EXTREMES[random.nextInt(EXTREMES.length)];
        return random.nextBoolean() ? random.nextInt(100) : random.nextLong();
    }

    private Uuid uuid(boolean zero) {
        return zero || chance(empties) ? Uuid.ZERO_UUID : new Uuid(random.nextLong(), random.nextLong());
    }

    private String text() {
        String word = WORDS[random.nextInt(WORDS.length)];
        if (shape == Shape.WIDE || random.nextInt(12) > 0) return random.nextBoolean() ? word : word + random.nextInt(1000);
        StringBuilder longer = new StringBuilder(word); // than a varint of one byte can count
        while (longer.length() < 130) longer.append('.').append(WORDS[random.nextInt(WORDS.length)]);
        return longer.toString();
    }

    private byte[] bytes(boolean zero, int n) {
        if (shape == Shape.FULL) return ("b" + n).getBytes(StandardCharsets.UTF_8);
        if (zero || chance(empties)) return new byte[0];
        byte[] bytes = new byte[random.nextInt(random.nextInt(12) == 0 && shape != Shape.WIDE ? 200 : 16)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] batch(int offset) {
        byte[] bytes = BATCH.clone();
        ByteBuffer.wrap(bytes).putLong(0, offset);
        return bytes;
    }

    private void addUnknownTags(Message value) {
        TreeSet<Integer> numbers = new TreeSet<>();
        for (int i = 1 + random.nextInt(3); i > 0; --i) numbers.add(UNKNOWN_TAGS[random.nextInt(UNKNOWN_TAGS.length)]);
        for (int number : numbers) value.unknownTaggedFields().add(new RawTaggedField(number, bytes(false, 0)));
        unknownTags += numbers.size();
    }

    private boolean chance(double of) {
        return of > 0 && random.nextDouble() < of;
    }

    private double oneOf(double... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
