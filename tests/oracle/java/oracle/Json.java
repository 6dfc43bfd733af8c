package oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Iterator;
import java.util.Map;

/** Comparison of JSON that allows different escapes and different notations of a float, and nothing else. */
final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    static {
        MAPPER.getFactory().setStreamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).maxNumberLength(400).build());
    }

    private Json() {}

    static JsonNode parse(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException problem) {
            throw new IllegalStateException("no JSON: " + text, problem);
        }
    }

    /** Equal in the order of members too; 1 and 1.0 differ, and so do 0.0 and -0.0. */
    static boolean same(JsonNode a, JsonNode b) {
        if (a == null || b == null || a.getNodeType() != b.getNodeType()) return a == b;
        if (a.isObject() || a.isArray()) {
            if (a.size() != b.size()) return false;
            Iterator<Map.Entry<String, JsonNode>> left = a.properties().iterator(), right = b.properties().iterator();
            while (left.hasNext()) {
                Map.Entry<String, JsonNode> x = left.next(), y = right.next();
                if (!x.getKey().equals(y.getKey()) || !same(x.getValue(), y.getValue())) return false;
            }
            for (int i = 0; a.isArray() && i < a.size(); ++i)
                if (!same(a.get(i), b.get(i))) return false;
            return true;
        }
        if (a.isFloatingPointNumber() || b.isFloatingPointNumber())
            return a.isFloatingPointNumber() && b.isFloatingPointNumber()
                && Double.doubleToRawLongBits(a.doubleValue()) == Double.doubleToRawLongBits(b.doubleValue());
        if (a.isNumber()) return a.bigIntegerValue().equals(b.bigIntegerValue());
        return a.equals(b);
    }
}
