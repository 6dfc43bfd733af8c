package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** Names, ids and addresses rewritten in random messages: Kafka reads in the result the original with those fields mapped. */
final class RewriteRun {
    private static final HexFormat HEX = HexFormat.of();
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    /** Values that decide what another field means. */
    private static final Map<String, List<String>> KINDS = Map.of("config_resource_type", List.of("1", "2", "4", "8", "16", "32"),
        "acl_resource_type", List.of("2", "3", "4", "5", "6", "7"), "quota_entity_type", List.of("user", "client-id", "ip", "other"),
        "coordinator_key_type", List.of("0", "1", "2", "3"), "protocol_type", List.of("consumer", "consumer", "", "connect"));

    private final Converter editor;
    private final Findings findings;
    private final Spoil spoil;
    private final Marks marks;
    private final Map<String, JsonNode> shapes = new HashMap<>();

    RewriteRun(Converter editor, Findings findings, Spoil spoil, Marks marks) {
        this.editor = editor;
        this.findings = findings;
        this.spoil = spoil;
        this.marks = marks;
    }

    void value(MessageRun.Pair pair, Random random) {
        Judge judge = pair.judge();
        String message = pair.message();
        int version = pair.version();
        Map<String, String> marked = marks.at(message, version);
        if (marked.isEmpty()) {
            findings.count("messages without a field that means something");
            return;
        }
        byte[] bytes = bytes(pair, marked, random);
        JsonNode original = Json.parse(judge.readWithTags(message, version, bytes).json());

        Set<String> wanted = wanted(marked, random);
        Integer keyType = random.nextInt(2) == 0 ? null : random.nextInt(4);
        ObjectNode table = JSON.objectNode();
        Rewrite rewriter = new Rewrite(judge, (name, at) -> shape(judge, name, at), marks, wanted, keyType, random, table);
        Edits edits = rewriter.of(message, version, original);
        findings.count("messages");
        edits.list().forEach(edit -> findings.count("edits: " + edit.get("op").asText()));
        table.forEach(values -> findings.count("old values in tables", values.size()));
        findings.count("subscriptions and assignments with edits", rewriter.embedded());
        findings.count("fields that mean what another one decides", rewriter.decided());
        Edits.Result right = edits.applied(), should = right;
        if (spoil == Spoil.EDIT) {
            if (edits.list().isEmpty()) return;
            should = edits.appliedWithout(random.nextInt(edits.list().size()));
            if (should.json().equals(right.json())) return; // that edit had no effect
        }
        ObjectNode asked = JSON.objectNode().put("message", message).put("version", version).put("hex", HEX.formatHex(bytes));
        ObjectNode how = asked.putObject("rewrite");
        ArrayNode names = how.putArray("wanted");
        wanted.forEach(names::add);
        how.put("coordinator_key_type", keyType);
        how.set("table", table);
        new EditJudge(findings, spoil).ask(editor, pair, asked.toString(), should, random);
    }

    private JsonNode shape(Judge judge, String message, int version) {
        return shapes.computeIfAbsent(message + version, none -> Json.parse(judge.shape(message, version)));
    }

    private Set<String> wanted(Map<String, String> marked, Random random) {
        List<String> here = new ArrayList<>(new TreeSet<>(marked.values())), all = new ArrayList<>(new TreeSet<>(marks.meanings()));
        Set<String> wanted = new TreeSet<>();
        if (random.nextInt(4) == 0) wanted.addAll(all);
        for (int i = random.nextInt(4); i >= 0; --i) {
            wanted.add(here.get(random.nextInt(here.size())));
            wanted.add(all.get(random.nextInt(all.size())));
        }
        return wanted;
    }

    /** A random message, mostly with values in it that decide, and with subscriptions and assignments where they belong. */
    private byte[] bytes(MessageRun.Pair pair, Map<String, String> marked, Random random) {
        for (;;) {
            Judge.Sample sample = pair.judge().sample(pair.message(), pair.version(), random);
            if (random.nextInt(4) == 0) return sample.bytes();
            if (sample.json() == null) continue;
            ObjectNode json = (ObjectNode) Json.parse(sample.json());
            plant(pair.judge(), shape(pair.judge(), pair.message(), pair.version()).get("fields"), json, "", marked, random);
            byte[] planted = pair.judge().write(pair.message(), pair.version(), json.toString());
            return planted != null ? planted : sample.bytes();
        }
    }

    private void plant(Judge judge, JsonNode fields, ObjectNode struct, String generic, Map<String, String> marked, Random random) {
        for (JsonNode field : fields) {
            String name = field.get("name").asText(), path = generic.isEmpty() ? name : generic + "." + name;
            JsonNode value = struct.get(name);
            if (value == null || value.isNull()) continue;
            String meaning = marked.get(path);
            if (field.has("fields")) {
                boolean array = value.isArray();
                for (JsonNode inner : array ? value : List.of(value))
                    plant(judge, field.get("fields"), (ObjectNode) inner, array ? path + "[]" : path, marked, random);
            } else if (meaning != null && random.nextInt(4) > 0) {
                JsonNode planted = planted(judge, meaning, value, random);
                if (planted != null) struct.set(name, planted);
            }
        }
    }

    private static JsonNode planted(Judge judge, String meaning, JsonNode value, Random random) {
        List<String> kinds = KINDS.get(meaning);
        if (kinds != null) {
            String kind = kinds.get(random.nextInt(kinds.size()));
            return value.isNumber() ? JSON.numberNode(Integer.parseInt(kind)) : JSON.textNode(kind);
        }
        if (meaning.equals("subscription") || meaning.equals("assignment")) {
            String inner = meaning.equals("subscription") ? "ConsumerProtocolSubscription" : "ConsumerProtocolAssignment";
            int version = random.nextInt(judge.versions().get(inner).last() + 1);
            byte[] body = judge.sample(inner, version, random).bytes();
            return JSON.textNode(Base64.getEncoder()
                .encodeToString(ByteBuffer.allocate(2 + body.length).putShort((short) version).put(body).array()));
        }
        if (meaning.equals("config_resource") && random.nextBoolean()) return JSON.textNode(Integer.toString(random.nextInt(2000)));
        if (meaning.equals("broker_id")) return JSON.numberNode(random.nextInt(40) - 5);
        return null;
    }
}
