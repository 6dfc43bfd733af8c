package oracle.kafka;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;

/** The members of a generated class, matched with the fields of its schemas. Members have the fields' names in another case. */
final class Layout {
    private static final Map<Class<?>, Layout> ALL = new ConcurrentHashMap<>();

    private final Map<String, Field> fields = new HashMap<>();
    private final Map<Schema, List<Member>> members = new IdentityHashMap<>();

    private Layout(Class<?> type) {
        for (Field field : type.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())) continue;
            field.setAccessible(true);
            fields.put(plain(field.getName()), field);
        }
    }

    static Layout of(Class<?> type) {
        return ALL.computeIfAbsent(type, Layout::new);
    }

    /** The fields of a schema of this class in wire order, tagged ones last. */
    synchronized List<Member> members(Schema schema) {
        return members.computeIfAbsent(schema, this::resolve);
    }

    static boolean hasTagSection(Schema schema) {
        BoundField[] fields = schema.fields();
        return fields.length > 0 && fields[fields.length - 1].def.type instanceof TaggedFields;
    }

    static boolean hasRecords(Schema schema) {
        for (BoundField field : schema.fields()) {
            if (typeName(field.def.type).contains("RECORDS")) return true;
            Schema inner = structOf(field.def.type);
            if (inner != null && hasRecords(inner)) return true;
            if (field.def.type instanceof TaggedFields section)
                for (org.apache.kafka.common.protocol.types.Field tagged : tags(section).values())
                    if (hasRecords(new Schema(tagged))) return true;
        }
        return false;
    }

    /** The names of all tagged fields at any depth, plain. */
    static Set<String> tagNames(Schema schema) {
        Set<String> names = new HashSet<>();
        for (BoundField field : schema.fields()) {
            Schema inner = structOf(field.def.type);
            if (inner != null) names.addAll(tagNames(inner));
            if (!(field.def.type instanceof TaggedFields section)) continue;
            for (org.apache.kafka.common.protocol.types.Field tagged : tags(section).values()) {
                names.add(plain(tagged.name));
                Schema below = structOf(tagged.type);
                if (below != null) names.addAll(tagNames(below));
            }
        }
        return names;
    }

    static byte[] bytesOfRecords(Object records) {
        try {
            ByteBuffer buffer = ((ByteBuffer) records.getClass().getMethod("buffer").invoke(records)).duplicate();
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            return bytes;
        } catch (ReflectiveOperationException problem) {
            throw new IllegalStateException(problem);
        }
    }

    private List<Member> resolve(Schema schema) {
        List<Member> found = new ArrayList<>();
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields section) {
                tags(section).forEach((tag, def) -> found.add(member(def.name, def.type, tag)));
            } else {
                found.add(member(field.def.name, field.def.type, -1));
            }
        }
        return found;
    }

    private Member member(String name, org.apache.kafka.common.protocol.types.Type type, int tag) {
        Field field = fields.get(plain(name));
        if (field == null) throw new IllegalStateException("no member for field " + name);
        return new Member(field, type, tag);
    }

    /** Release 3.9 has no accessor for them. */
    @SuppressWarnings("unchecked")
    private static Map<Integer, org.apache.kafka.common.protocol.types.Field> tags(TaggedFields section) {
        try {
            Field fields = TaggedFields.class.getDeclaredField("fields");
            fields.setAccessible(true);
            return (Map<Integer, org.apache.kafka.common.protocol.types.Field>) fields.get(section);
        } catch (ReflectiveOperationException problem) {
            throw new IllegalStateException(problem);
        }
    }

    static String plain(String name) {
        return name.replace("_", "").toLowerCase(Locale.ROOT);
    }

    private static String typeName(org.apache.kafka.common.protocol.types.Type type) {
        return type instanceof org.apache.kafka.common.protocol.types.Type.DocumentedType known ? known.typeName() : "";
    }

    private static Schema structOf(org.apache.kafka.common.protocol.types.Type type) {
        if (type instanceof Schema struct) return struct;
        return type.arrayElementType().orElse(null) instanceof Schema struct ? struct : null;
    }

    /** One field at one version. {@code tag} is -1 if it is not tagged. */
    record Member(Field field, org.apache.kafka.common.protocol.types.Type type, int tag) {
        String jsonName() {
            return field.getName();
        }

        boolean isRecords() {
            return typeName(type).contains("RECORDS");
        }

        boolean isNullable() {
            return type.isNullable();
        }

        /** The unsigned types are wider in Java. */
        boolean isUnsigned() {
            return typeName(type).startsWith("U");
        }

        Schema schema() {
            return type instanceof Schema struct ? struct : null;
        }

        Schema elementSchema() {
            return type.arrayElementType().orElse(null) instanceof Schema struct ? struct : null;
        }

        /** The type of an array's elements: of a list, or of a collection with a key. */
        Class<?> elementClass() {
            Type generic = field.getGenericType() instanceof ParameterizedType ? field.getGenericType()
                : field.getType().getGenericSuperclass();
            Type element = ((ParameterizedType) generic).getActualTypeArguments()[0];
            return element instanceof Class<?> type ? type : byte[].class;
        }

        Object get(Object owner) {
            try {
                return field.get(owner);
            } catch (IllegalAccessException problem) {
                throw new IllegalStateException(problem);
            }
        }

        void set(Object owner, Object value) {
            try {
                field.set(owner, value);
            } catch (IllegalAccessException problem) {
                throw new IllegalStateException(problem);
            }
        }
    }
}
