package oracle.kafka;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;

/**
 * One random value. Each has its own random parameters: how often null, how long, how extreme, which tags; so that messages full of
 * nulls and empty arrays occur as well as wide and long ones.
 */
final class RandomValues {
    private static final long[] EXTREMES = {0, 1, -1, 127, 128, 255, -128, 32767, 32768, 65535, -32768, Integer.MAX_VALUE,
        Integer.MIN_VALUE, 0xffffffffL, Long.MAX_VALUE, Long.MIN_VALUE, (1L << 53) + 1};
    private static final double[] NUMBERS = {0.0, -0.0, 1.0, -1.5, 1e21, 1e-7, 0.1, Double.MIN_VALUE, Double.MAX_VALUE, 1e16,
        123456789.125, 5e-324, 1.7976931348623157e308, 3.141592653589793};
    private static final double[] NO_NUMBERS = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    private static final int[] TAGS = {20, 31, 100, 126, 127, 128, 129, 255, 256, 9999, 16383, 16384, 2097151, 2097152,
        268435455, 268435456, 2147483645, 2147483646};

    private final Random random;
    private final double nulls, empties, extremes, tags;
    private final boolean wide, withUnknownTags, long_, noNumbers;
    private int budget;
    private boolean hasJson = true, hasUnknownTags;

    RandomValues(Random random) {
        this.random = random;
        nulls = oneOf(0, 0.1, 0.3, 0.5, 1);
        empties = oneOf(0, 0, 0.1, 0.3, 1);
        extremes = oneOf(0.1, 0.5, 1);
        tags = oneOf(0, 0.5, 1, 1);
        withUnknownTags = random.nextInt(3) == 0;
        wide = random.nextInt(60) == 0;
        long_ = random.nextInt(40) == 0;
        noNumbers = random.nextInt(50) == 0;
        budget = 20 + random.nextInt(120);
    }

    boolean hasJson() {
        return hasJson;
    }

    boolean hasUnknownTags() {
        return hasUnknownTags;
    }

    void fill(Object value, Schema schema) {
        for (Layout.Member member : Layout.of(value.getClass()).members(schema)) {
            if (member.tag() >= 0 && !chance(tags)) continue;
            member.set(value, valueOf(member));
        }
        if (withUnknownTags && Layout.hasTagSection(schema) && random.nextInt(2) == 0) addUnknownTags((Message) value);
    }

    private Object valueOf(Layout.Member member) {
        if (member.isNullable() && chance(nulls)) return null;
        if (member.schema() != null) return struct(member.field().getType(), member.schema());
        if (member.type().isArray()) return array(member);
        return scalar(member.field().getType(), member);
    }

    private Object struct(Class<?> type, Schema schema) {
        Object value = make(type);
        fill(value, schema);
        return value;
    }

    @SuppressWarnings("unchecked")
    private Object array(Layout.Member member) {
        Class<?> type = member.field().getType();
        Collection<Object> elements = type == List.class ? new ArrayList<>() : (Collection<Object>) make(type);
        int size = size();
        for (int i = 0; i < size; ++i) {
            Class<?> element = member.elementClass();
            elements.add(member.elementSchema() != null ? struct(element, member.elementSchema()) : scalar(element, member));
        }
        return elements;
    }

    private int size() {
        if (budget <= 0 || chance(empties)) return 0;
        int size = wide && random.nextInt(3) == 0 ? 120 + random.nextInt(200) : 1 + random.nextInt(random.nextInt(8) == 0 ? 9 : 3);
        if (!wide) size = Math.min(size, budget);
        budget -= size;
        return size;
    }

    private Object scalar(Class<?> type, Layout.Member member) {
        if (type == boolean.class) return random.nextBoolean();
        if (type == byte.class || type == Byte.class) return (byte) number();
        if (type == short.class || type == Short.class) return (short) number();
        if (type == int.class || type == Integer.class) return member.isUnsigned() ? (int) number() & 0xffff : (int) number();
        if (type == long.class || type == Long.class) return member.isUnsigned() ? number() & 0xffffffffL : number();
        if (type == double.class || type == Double.class) return realNumber();
        if (type == Uuid.class) return uuid();
        if (type == String.class) return text();
        if (type == byte[].class) return bytes();
        if (type == ByteBuffer.class) return ByteBuffer.wrap(bytes());
        if (member.isRecords()) return records(type, bytes()); // random bytes: a message codec does not interpret them
        throw new IllegalStateException("no random value of " + type + " for " + member.field());
    }

    private long number() {
        return chance(extremes) ? EXTREMES[random.nextInt(EXTREMES.length)] : random.nextLong() >> random.nextInt(64);
    }

    private double realNumber() {
        if (noNumbers) {
            hasJson = false;
            return NO_NUMBERS[random.nextInt(NO_NUMBERS.length)];
        }
        if (chance(extremes)) return NUMBERS[random.nextInt(NUMBERS.length)];
        for (;;) {
            double value = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(value)) return value;
        }
    }

    private Uuid uuid() {
        if (chance(empties)) return Uuid.ZERO_UUID;
        return new Uuid(random.nextInt(9) == 0 ? number() : random.nextLong(), random.nextInt(9) == 0 ? number() : random.nextLong());
    }

    private String text() {
        if (chance(empties)) return "";
        int length = random.nextInt(20);
        if (random.nextInt(20) == 0) length = 120 + random.nextInt(20);
        if (long_ && random.nextInt(3) == 0) length = random.nextInt(8000);
        StringBuilder out = new StringBuilder();
        int kind = random.nextInt(5);
        if (long_ && random.nextInt(8) == 0) return "x".repeat(32767 - random.nextInt(2));
        while (length-- > 0) out.appendCodePoint(character(kind));
        return out.toString();
    }

    private int character(int kind) {
        return switch (kind) {
            case 0, 1 -> 'a' + random.nextInt(26);
            case 2 -> random.nextInt(128); // NUL, quotes, control characters
            case 3 -> 0x80 + random.nextInt(0xd800 - 0x80);
            default -> random.nextInt(3) == 0 ? 0x10000 + random.nextInt(0x100000) : 0xe000 + random.nextInt(0xfffd - 0xe000);
        };
    }

    private byte[] bytes() {
        if (chance(empties)) return new byte[0];
        int length = random.nextInt(random.nextInt(20) == 0 ? 300 : 24);
        if (long_ && random.nextInt(4) == 0) length = random.nextInt(70000);
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    static Object records(Class<?> type, byte[] bytes) {
        try {
            return Class.forName(type.getPackageName() + ".MemoryRecords", true, type.getClassLoader())
                .getMethod("readableRecords", ByteBuffer.class).invoke(null, ByteBuffer.wrap(bytes));
        } catch (ReflectiveOperationException problem) {
            throw new IllegalStateException(problem);
        }
    }

    private void addUnknownTags(Message value) {
        TreeSet<Integer> numbers = new TreeSet<>();
        for (int i = 1 + random.nextInt(3); i > 0; --i) numbers.add(TAGS[random.nextInt(TAGS.length)]);
        for (int number : numbers) value.unknownTaggedFields().add(new RawTaggedField(number, bytes()));
        hasUnknownTags = true;
    }

    static Object make(Class<?> type) {
        try {
            return type.getConstructor().newInstance();
        } catch (ReflectiveOperationException problem) {
            throw new IllegalStateException(problem);
        }
    }

    private boolean chance(double of) {
        return of > 0 && random.nextDouble() < of;
    }

    private double oneOf(double... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
