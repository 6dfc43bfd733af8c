package oracle.kafka;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import oracle.Judge;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;

/** One release's generated message classes, found in its jars and used by reflection; no message is named here. */
public class KafkaJudge implements Judge {
    private static final ObjectMapper JSON = new ObjectMapper(
        JsonFactory.builder().streamReadConstraints(StreamReadConstraints.builder().maxNumberLength(400).build()).build());

    final SortedMap<String, MessageClass> messages = new TreeMap<>();

    public KafkaJudge(List<Path> jars) {
        for (Path jar : jars) addMessagesOf(jar);
    }

    @Override
    public SortedMap<String, SortedSet<Integer>> versions() {
        SortedMap<String, SortedSet<Integer>> all = new TreeMap<>();
        messages.forEach((name, type) -> {
            SortedSet<Integer> numbers = new TreeSet<>();
            for (int version = type.lowest; version <= type.highest; ++version) numbers.add(version);
            all.put(name, numbers);
        });
        return all;
    }

    @Override
    public Sample sample(String message, int version, Random random) {
        MessageClass type = messages.get(message);
        Message value = type.make();
        RandomValues values = new RandomValues(random);
        values.fill(value, type.schemas[version]);
        return new Sample(write(value, version), values.hasJson() ? type.json(value, version) : null, values.hasUnknownTags());
    }

    @Override
    public Verdict read(String message, int version, byte[] bytes, int to) {
        return read(message, version, bytes, to, false);
    }

    @Override
    public Verdict readWithTags(String message, int version, byte[] bytes) {
        return read(message, version, bytes, version, true);
    }

    @Override
    public String shape(String message, int version) {
        MessageClass type = messages.get(message);
        return Shapes.of(type.make(), type.schemas[version]).toString();
    }

    @Override
    public byte[] write(String message, int version, String json) {
        Message value = messages.get(message).ofJson(json, version);
        return value == null ? null : write(value, version);
    }

    private Verdict read(String message, int version, byte[] bytes, int to, boolean withTags) {
        MessageClass type = messages.get(message);
        Message value = type.make();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try {
            value.read(new ByteBufferAccessor(buffer), (short) version);
        } catch (RuntimeException refusal) {
            return new Verdict(String.valueOf(refusal), buffer.remaining(), null, null, null);
        }
        int left = buffer.remaining();
        String json = to == version ? type.json(value, version, withTags) : null;
        try {
            return new Verdict(null, left, json, write(value, to), null);
        } catch (RuntimeException refusal) {
            return new Verdict(null, left, json, null, String.valueOf(refusal));
        }
    }

    @Override
    public boolean isTagged(String message, int version, String field) {
        return Layout.tagNames(messages.get(message).schemas[version]).contains(Layout.plain(field));
    }

    static byte[] write(Message value, int version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(value.size(cache, (short) version));
        value.write(new ByteBufferAccessor(buffer), cache, (short) version);
        if (buffer.hasRemaining()) throw new IllegalStateException("Kafka's size is not what it writes");
        return buffer.array();
    }

    private void addMessagesOf(Path jar) {
        try (JarFile file = new JarFile(jar.toFile())) {
            for (Iterator<String> names = file.stream().map(entry -> entry.getName()).iterator(); names.hasNext();) {
                String name = names.next();
                if (!name.endsWith(".class") || name.contains("$") || name.contains("/internals/") && !name.contains("/generated/")
                    || !name.matches(".*/(generated|message|metadata)/[^/]+")) continue;
                addIfMessage(name.substring(0, name.length() - ".class".length()).replace('/', '.'));
            }
        } catch (IOException problem) {
            throw new UncheckedIOException(problem);
        }
    }

    private void addIfMessage(String name) {
        Class<?> type;
        try {
            type = Class.forName(name, false, getClass().getClassLoader());
            if (type.isInterface() || !Message.class.isAssignableFrom(type)) return;
            type.getField("SCHEMAS");
        } catch (ClassNotFoundException | NoClassDefFoundError | NoSuchFieldException notGenerated) {
            return;
        }
        MessageClass found = new MessageClass(type);
        if (messages.put(found.name, found) != null) throw new IllegalStateException("two classes of " + found.name);
    }

    /** A generated class and its JSON converter. */
    static final class MessageClass {
        final String name;
        final int lowest, highest;
        final Schema[] schemas;
        private final Class<?> type;
        private final Method toJson, ofJson;
        private final boolean hasRecords;

        MessageClass(Class<?> type) {
            this.type = type;
            String simple = type.getSimpleName();
            String stem = simple.endsWith("Data") ? simple.substring(0, simple.length() - 4) : simple;
            name = stem.matches(".*(Request|Response|Header)") ? stem : simple;
            try {
                lowest = type.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
                highest = type.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
                schemas = (Schema[]) type.getField("SCHEMAS").get(null);
                toJson = converter(type, "write", type, short.class, boolean.class);
                ofJson = converter(type, "read", JsonNode.class, short.class);
            } catch (ReflectiveOperationException problem) {
                throw new IllegalStateException(type + " is not a generated class", problem);
            }
            hasRecords = Arrays.stream(schemas).anyMatch(schema -> schema != null && Layout.hasRecords(schema));
        }

        private static Method converter(Class<?> type, String name, Class<?>... parameters) throws ReflectiveOperationException {
            try {
                return Class.forName(type.getName() + "JsonConverter", true, type.getClassLoader()).getMethod(name, parameters);
            } catch (ClassNotFoundException none) {
                return null;
            }
        }

        Message make() {
            try {
                return (Message) type.getConstructor().newInstance();
            } catch (ReflectiveOperationException problem) {
                throw new IllegalStateException(problem);
            }
        }

        /** Null if there is no converter. */
        Message ofJson(String json, int version) {
            if (ofJson == null) return null;
            try {
                JsonNode node = JSON.readTree(json);
                Message value = (Message) ofJson.invoke(null, node, (short) version);
                addTags(value, schemas[version], node);
                return value;
            } catch (ReflectiveOperationException | IOException problem) {
                throw new IllegalStateException(problem);
            }
        }

        /** Kafka's converter does not look at them. */
        private static void addTags(Object value, Schema schema, JsonNode node) {
            for (JsonNode tag : node.path(UNKNOWN_TAGS))
                ((Message) value).unknownTaggedFields()
                    .add(new RawTaggedField(tag.get(0).asInt(), Base64.getDecoder().decode(tag.get(1).asText())));
            for (Layout.Member member : Layout.of(value.getClass()).members(schema)) {
                JsonNode there = node.get(member.jsonName());
                if (there == null || there.isNull()) continue;
                Object held = member.get(value);
                if (member.schema() != null) addTags(held, member.schema(), there);
                if (member.elementSchema() == null) continue;
                Iterator<?> elements = ((Iterable<?>) held).iterator();
                for (JsonNode element : there) addTags(elements.next(), member.elementSchema(), element);
            }
        }

        String json(Message value, int version) {
            return json(value, version, false);
        }

        String json(Message value, int version, boolean withTags) {
            if (toJson == null) return PlainJson.of(value, schemas[version]);
            try {
                JsonNode node = (JsonNode) toJson.invoke(null, value, (short) version, true);
                if (hasRecords || withTags) putMissing(value, schemas[version], (ObjectNode) node, withTags);
                return node.toString();
            } catch (InvocationTargetException refusal) {
                if (refusal.getCause() instanceof RuntimeException cause) throw cause;
                throw new IllegalStateException(refusal);
            } catch (ReflectiveOperationException problem) {
                throw new IllegalStateException(problem);
            }
        }

        /** Kafka's converter omits the bytes of records, which are base64 here, like other bytes; and unknown tags. */
        private static void putMissing(Object value, Schema schema, ObjectNode node, boolean withTags) {
            if (withTags && !((Message) value).unknownTaggedFields().isEmpty()) {
                ArrayNode tags = node.putArray(UNKNOWN_TAGS);
                for (RawTaggedField tag : ((Message) value).unknownTaggedFields())
                    tags.addArray().add(tag.tag()).add(Base64.getEncoder().encodeToString(tag.data()));
            }
            Layout layout = Layout.of(value.getClass());
            for (Layout.Member member : layout.members(schema)) {
                JsonNode there = node.get(member.jsonName());
                if (there == null || there.isNull()) continue;
                Object held = member.get(value);
                if (member.isRecords()) {
                    node.put(member.jsonName(), Base64.getEncoder().encodeToString(Layout.bytesOfRecords(held)));
                } else if (member.elementSchema() != null && there instanceof ArrayNode array) {
                    Iterator<?> elements = ((Iterable<?>) held).iterator();
                    for (JsonNode element : array) putMissing(elements.next(), member.elementSchema(), (ObjectNode) element, withTags);
                } else if (member.schema() != null) {
                    putMissing(held, member.schema(), (ObjectNode) there, withTags);
                }
            }
        }
    }
}
