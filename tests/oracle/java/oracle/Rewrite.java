package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * What kwire::rewrite must do to one message, by what its documentation says: the table of old and new values that it is given, and
 * the edits of the JSON that come of it.
 */
final class Rewrite {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final String NO_ID = "AAAAAAAAAAAAAAAAAAAAAA";
    private static final Map<String, String> DECIDED_BY = Map.of("config_resource", "config_resource_type", "acl_resource",
        "acl_resource_type", "quota_entity", "quota_entity_type", "coordinator_key", "coordinator_key_type", "subscription",
        "protocol_type", "assignment", "protocol_type");
    private static final Map<String, Map<String, String>> KINDS = Map.of(
        "config_resource", Map.of("2", "topic_name", "4", "broker_id", "8", "broker_id", "16", "client_metrics", "32", "group_id"),
        "acl_resource", Map.of("2", "topic_name", "3", "group_id", "5", "transactional_id", "6", "token_id", "7", "principal"),
        "coordinator_key", Map.of("0", "group_id", "1", "transactional_id", "2", "share_partition"),
        "quota_entity", Map.of("user", "principal_name", "client-id", "client_id", "ip", "client_host"));
    /** The defaults of the types, for versions that do not have them. */
    private static final Map<String, String> DEFAULTS = Map.of("coordinator_key_type", "0", "config_resource_type", "16");

    private final Judge judge;
    private final BiFunction<String, Integer, JsonNode> shapes;
    private final Marks marks;
    private final Set<String> wanted;
    private final Integer keyType;
    private final Random random;
    private final ObjectNode table;
    private int embedded, decided;

    /**
     * @param keyType what the keys of a FindCoordinator response are, or null if that is not said
     * @param table new values by meaning and old value: null drops the element, true keeps the value; new entries are added
     */
    Rewrite(Judge judge, BiFunction<String, Integer, JsonNode> shapes, Marks marks, Set<String> wanted, Integer keyType, Random random,
        ObjectNode table) {
        this.judge = judge;
        this.shapes = shapes;
        this.marks = marks;
        this.wanted = wanted;
        this.keyType = keyType;
        this.random = random;
        this.table = table;
    }

    Edits of(String message, int version, JsonNode json) {
        Walk walk = new Walk(message, marks.at(message, version));
        JsonNode shape = shapes.apply(message, version);
        walk.struct(shape.get("fields"), new Struct(json, "", "", null, null));
        return new Edits(shape, json, walk.edits);
    }

    /** How many subscriptions and assignments changed. */
    int embedded() {
        return embedded;
    }

    /** How many fields have a meaning that another one decides. */
    int decided() {
        return decided;
    }

    /** A struct of the message; {@code element} is the path of the innermost element of an array that it is in, or null. */
    private record Struct(JsonNode json, String path, String generic, String element, Struct around) {
        String to(String name) {
            return path.isEmpty() ? name : path + "." + name;
        }

        String toGeneric(String name) {
            return generic.isEmpty() ? name : generic + "." + name;
        }
    }

    private final class Walk {
        private final String message;
        private final Map<String, String> marked;
        private final ArrayNode edits = JSON.arrayNode();

        Walk(String message, Map<String, String> marked) {
            this.message = message;
            this.marked = marked;
        }

        void struct(JsonNode fields, Struct in) {
            for (JsonNode field : fields) {
                String name = field.get("name").asText(), path = in.to(name), generic = in.toGeneric(name);
                JsonNode value = in.json.get(name);
                if (value == null || value.isNull()) continue;
                switch (field.get("kind").asText()) {
                    case "struct" -> struct(field.get("fields"), new Struct(value, path, generic, in.element, in));
                    case "array" -> {
                        for (int i = 0; i < value.size(); ++i) {
                            String element = path + "[" + i + "]", names = generic + "[]";
                            if (field.has("fields")) struct(field.get("fields"), new Struct(value.get(i), element, names, element, in));
                            else if (marked.containsKey(names)) field(in, marked.get(names), value.get(i), element, element);
                        }
                    }
                    default -> {
                        if (marked.containsKey(generic)) field(in, marked.get(generic), value, path, in.element);
                    }
                }
            }
        }

        /** The meaning of a field after the one that decides it was asked; "none" if it has none of its own. */
        private String decided(Struct in, String meaning) {
            String decider = DECIDED_BY.get(meaning);
            if (decider == null) return meaning;
            for (Struct one = in; one != null; one = one.around) {
                if (marks.ofStruct(message, one.generic).contains(decider)) {
                    JsonNode said = neighbour(one, decider);
                    String kind = said == null ? DEFAULTS.getOrDefault(decider, "") : said.isNull() ? "" : said.asText();
                    if (decider.equals("protocol_type")) return kind.isEmpty() || kind.equals("consumer") ? meaning : "none";
                    return KINDS.get(meaning).getOrDefault(kind, "none");
                }
                if (!decider.equals("protocol_type")) break;
            }
            if (meaning.equals("coordinator_key") && keyType != null)
                return KINDS.get(meaning).getOrDefault(keyType.toString(), "none");
            return meaning;
        }

        private JsonNode neighbour(Struct in, String meaning) {
            String name = nameOf(in, meaning);
            return name == null ? null : in.json.get(name);
        }

        /** The field of a struct at this version that has a meaning, or null. */
        private String nameOf(Struct in, String meaning) {
            for (Map.Entry<String, JsonNode> member : in.json.properties())
                if (meaning.equals(marked.get(in.toGeneric(member.getKey())))) return member.getKey();
            return null;
        }

        private void field(Struct in, String mark, JsonNode value, String path, String element) {
            if (mark.equals("port")) return; // with its host
            String meaning = decided(in, mark);
            if (mark.equals("subscription") || mark.equals("assignment")) {
                if (!meaning.equals("none")) embedded(meaning, value, path);
                return;
            }
            boolean asked = wanted.contains(meaning) || meaning.equals("host") && wanted.contains("port")
                || meaning.equals("coordinator_key") && (wanted.contains("group_id") || wanted.contains("transactional_id"));
            if (!asked || value.isNumber() && value.asLong() < 0 || meaning.equals("topic_id") && value.asText().equals(NO_ID)) return;
            if (!meaning.equals(mark)) ++decided;
            JsonNode to = table.withObject("/" + meaning).get(value.asText());
            if (to == null) {
                to = other(meaning, value);
                table.withObject("/" + meaning).set(value.asText(), to);
            }
            if (to.isNull()) {
                if (element != null) edits.addObject().put("op", "erase").put("path", element);
            } else if (to.isObject()) {
                set(path, to.get("host"));
                String port = nameOf(in, meaning.equals("host") ? "port" : "client_port");
                if (port != null) set(in.to(port), to.get("port"));
            } else if (!to.isBoolean()) {
                set(path, value.isTextual() && to.isNumber() ? JSON.textNode(to.asText()) : to);
            }
        }

        private void set(String path, JsonNode value) {
            edits.addObject().put("op", "set").put("path", path).set("value", value);
        }

        /** Bytes that are a subscription or an assignment, with the version in front. */
        private void embedded(String meaning, JsonNode value, String path) {
            byte[] bytes = Base64.getDecoder().decode(value.asText());
            String inner = meaning.equals("subscription") ? "ConsumerProtocolSubscription" : "ConsumerProtocolAssignment";
            int version = bytes.length < 2 ? -1 : ByteBuffer.wrap(bytes).getShort();
            if (!judge.versions().get(inner).contains(version)) return; // the random bytes of other fields begin with no version
            byte[] body = java.util.Arrays.copyOfRange(bytes, 2, bytes.length);
            Judge.Verdict verdict = judge.readWithTags(inner, version, body);
            if (verdict.refusal() != null) return;
            Edits edits = Rewrite.this.of(inner, version, Json.parse(verdict.json()));
            if (edits.list().isEmpty()) return;
            ++embedded;
            byte[] changed = judge.write(inner, version, edits.applied().json().toString());
            ByteBuffer out = ByteBuffer.allocate(2 + changed.length).putShort((short) version).put(changed);
            set(path, JSON.textNode(Base64.getEncoder().encodeToString(out.array())));
        }
    }

    private JsonNode other(String meaning, JsonNode value) {
        int kind = random.nextInt(10);
        if (kind == 0) return JSON.nullNode();
        if (kind == 1) return JSON.booleanNode(true);
        if (value.isNumber()) return JSON.numberNode(40 + random.nextInt(60));
        if (meaning.equals("topic_id")) {
            byte[] id = new byte[16];
            random.nextBytes(id);
            return JSON.textNode(Base64.getUrlEncoder().withoutPadding().encodeToString(id));
        }
        if (meaning.equals("host") || meaning.equals("client_host") && !wanted.contains("client_port") && random.nextBoolean())
            return JSON.objectNode().put("host", "proxy.example").put("port", 20_000 + random.nextInt(10_000));
        if (meaning.equals("broker_id") && value.asText().matches("[0-9]{1,18}")) return JSON.numberNode(1000 + random.nextInt(1000));
        if (value.asText().length() < 200 && random.nextBoolean()) return JSON.textNode("tenant-a." + value.asText());
        return JSON.textNode("x".repeat(1 + random.nextInt(random.nextInt(10) == 0 ? 300 : 20)));
    }
}
