package oracle.kafka;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BaseJsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import java.nio.ByteBuffer;
import java.util.Base64;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.types.Schema;

/** The JSON of a message without tagged fields, by the rules of Kafka's converters: for classes that have none. */
final class PlainJson {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private PlainJson() {}

    static String of(Object value, Schema schema) {
        return structure(value, schema).toString();
    }

    /** One value of a member; a struct in it is without its tagged fields, which must have their defaults. */
    static BaseJsonNode of(Object held, Layout.Member member) {
        if (held == null) return JSON.nullNode();
        if (member.isRecords()) return JSON.textNode(Base64.getEncoder().encodeToString(Layout.bytesOfRecords(held)));
        if (member.schema() != null) {
            ObjectNode out = JSON.objectNode();
            for (Layout.Member inner : Layout.of(held.getClass()).members(member.schema()))
                if (inner.tag() < 0) out.set(inner.jsonName(), of(inner.get(held), inner));
            return out;
        }
        return member.type().isArray() ? array((Iterable<?>) held, member.elementSchema()) : scalar(held);
    }

    private static ObjectNode structure(Object value, Schema schema) {
        ObjectNode out = JSON.objectNode();
        for (Layout.Member member : Layout.of(value.getClass()).members(schema)) {
            if (member.tag() >= 0) throw new IllegalStateException("tagged: " + member.jsonName());
            Object held = member.get(value);
            BaseJsonNode node;
            if (held == null) node = JSON.nullNode();
            else if (member.schema() != null) node = structure(held, member.schema());
            else if (member.type().isArray()) node = array((Iterable<?>) held, member.elementSchema());
            else node = scalar(held);
            out.set(member.jsonName(), node);
        }
        return out;
    }

    private static ArrayNode array(Iterable<?> elements, Schema schema) {
        ArrayNode out = JSON.arrayNode();
        for (Object element : elements) out.add(schema != null ? structure(element, schema) : scalar(element));
        return out;
    }

    private static ValueNode scalar(Object value) {
        if (value instanceof Boolean it) return JSON.booleanNode(it);
        if (value instanceof Byte it) return JSON.numberNode((int) it);
        if (value instanceof Short it) return JSON.numberNode((int) it);
        if (value instanceof Integer it) return JSON.numberNode((int) it);
        if (value instanceof Long it) return JSON.numberNode((long) it);
        if (value instanceof Double it) return JSON.numberNode((double) it);
        if (value instanceof String it) return JSON.textNode(it);
        if (value instanceof Uuid it) return JSON.textNode(it.toString());
        if (value instanceof byte[] it) return JSON.textNode(Base64.getEncoder().encodeToString(it));
        if (value instanceof ByteBuffer it) {
            byte[] copy = new byte[it.remaining()];
            it.duplicate().get(copy);
            return JSON.textNode(Base64.getEncoder().encodeToString(copy));
        }
        throw new IllegalStateException("no JSON of " + value.getClass());
    }
}
