package oracle.kafka;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.common.protocol.types.Schema;

/** The fields of a generated class at one version, for the side that does not see the class: oracle.Judge.shape. */
final class Shapes {
    private Shapes() {}

    /** {@code fresh} is a new object of the class, which has the defaults. */
    static ObjectNode of(Object fresh, Schema schema) {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        ArrayNode fields = out.putArray("fields");
        for (Layout.Member member : Layout.of(fresh.getClass()).members(schema)) {
            ObjectNode field = fields.addObject();
            field.put("name", member.jsonName());
            field.put("kind", member.schema() != null ? "struct" : member.type().isArray() ? "array" : "scalar");
            field.put("nullable", member.isNullable());
            field.put("tag", member.tag());
            if (member.tag() >= 0) field.set("default", PlainJson.of(member.get(fresh), member));
            if (member.schema() != null)
                field.set("fields", of(RandomValues.make(member.field().getType()), member.schema()).get("fields"));
            else if (member.elementSchema() != null)
                field.set("fields", of(RandomValues.make(member.elementClass()), member.elementSchema()).get("fields"));
        }
        return out;
    }
}
