package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Random requests in parts, and random answers to them, in parts too, made one: Kafka reads each part, and the whole answer. */
final class SplitRun {
    static final String REQUESTS = "(Produce|Fetch|ListOffsets|OffsetCommit|OffsetFetch|DeleteRecords|DescribeProducers"
        + "|OffsetForLeaderEpoch|AddPartitionsToTxn|TxnOffsetCommit|WriteTxnMarkers)Request v.*";
    private static final HexFormat HEX = HexFormat.of();

    private final Converter editor;
    private final Findings findings;
    private final Spoil spoil;

    SplitRun(Converter editor, Findings findings, Spoil spoil) {
        this.editor = editor;
        this.findings = findings;
        this.spoil = spoil;
    }

    void value(MessageRun.Pair pair, Random random) {
        Judge judge = pair.judge();
        int version = pair.version(), count = 1 + random.nextInt(4);
        String response = pair.message().replace("Request", "Response");
        Partitions asked = Partitions.of(pair.message(), version), answered = Partitions.of(response, version);

        ObjectNode request = (ObjectNode) sample(judge, pair.message(), version, random);
        if (request.has("acks") && request.get("acks").asInt() == 0) request.put("acks", 1); // no one answers those
        if (request.has("sessionEpoch")) request.put("sessionEpoch", -random.nextInt(2)); // others have no parts
        byte[] bytes = judge.write(pair.message(), version, request.toString());
        List<JsonNode> parts = new ArrayList<>();
        for (int i = 0; i < count; ++i) {
            ObjectNode part = asked.part(request, i, count);
            if (part.has("sessionId")) part.put("sessionId", 0);
            if (part.has("sessionEpoch")) part.put("sessionEpoch", -1);
            if (part.has("forgottenTopicsData")) part.putArray("forgottenTopicsData");
            parts.add(part);
        }
        findings.count("requests");
        findings.count("parts", count);

        ObjectNode question = JsonNodeFactory.instance.objectNode().put("split", pair.message()).put("version", version)
            .put("hex", HEX.formatHex(bytes)).put("parts", count);
        ObjectNode whole = answer(judge, response, version, asked, answered, request, random);
        if (whole != null) {
            findings.count("answers");
            ArrayNode answers = question.putArray("answers");
            boolean turned = random.nextBoolean() && !hasRepeated(answered, whole);
            for (int i = 0; i < count; ++i) {
                ObjectNode part = answered.part(whole, i, count);
                if (turned) turn(answered, part);
                answers.add(HEX.formatHex(judge.write(response, version, part.toString())));
            }
            if (whole.has("sessionId")) whole.put("sessionId", 0);
            if (turned) findings.count("answers of which the parts are in another order");
        }
        boolean spoilt = false;
        if (spoil == Spoil.EDIT) {
            spoilt = lose(asked, parts, random);
            if (!spoilt) return; // there is no partition
        }
        String asText = question.toString();
        boolean wrong = spoilt;
        long seed = random.nextLong();
        editor.ask(asText, answer -> judge(pair, response, asText, answer, parts, whole, wrong, new Random(seed)));
    }

    private static JsonNode sample(Judge judge, String message, int version, Random random) {
        for (;;) {
            Judge.Sample sample = judge.sample(message, version, random);
            if (sample.json() != null) return Json.parse(judge.readWithTags(message, version, sample.bytes()).json());
        }
    }

    /** A random response with an answer for each partition of the request; null if that needs what the samples do not have. */
    private static ObjectNode answer(Judge judge, String response, int version, Partitions asked, Partitions answered, ObjectNode request,
        Random random) {
        ObjectNode whole = null;
        List<ObjectNode> arounds = new ArrayList<>(), topics = new ArrayList<>(), partitions = new ArrayList<>();
        for (int i = 0; i < 6; ++i) {
            whole = (ObjectNode) sample(judge, response, version, random);
            for (ObjectNode around : answered.arounds(whole)) {
                arounds.add(around);
                for (JsonNode topic : around.get(answered.topics())) {
                    topics.add((ObjectNode) topic);
                    topic.get(answered.partitions()).forEach(partition -> partitions.add((ObjectNode) partition));
                }
            }
        }
        List<ObjectNode> made = new ArrayList<>();
        for (ObjectNode around : asked.arounds(request)) {
            if (arounds.isEmpty() || around.get(asked.topics()).isNull()) return null;
            ObjectNode out = asked.around() == null ? whole : pick(arounds, random);
            if (asked.around() != null) out.set(answered.aroundName(), around.get(asked.aroundName()));
            ArrayNode list = JsonNodeFactory.instance.arrayNode();
            for (JsonNode topic : around.get(asked.topics())) {
                if (topics.isEmpty() || partitions.isEmpty() && !topic.get(asked.partitions()).isEmpty()) return null;
                ObjectNode one = pick(topics, random);
                one.set(Partitions.nameOf(one), topic.get(Partitions.nameOf(topic)));
                ArrayNode inner = one.putArray(answered.partitions());
                for (JsonNode partition : topic.get(asked.partitions())) {
                    ObjectNode other = pick(partitions, random);
                    String index = Partitions.indexOf(partition);
                    other.set(Partitions.indexOf(other), index == null ? partition : partition.get(index));
                    inner.add(other);
                }
                list.add(one);
            }
            out.set(answered.topics(), list);
            made.add(out);
        }
        if (answered.around() != null) whole.putArray(answered.around()).addAll(made);
        if (whole.has("nodeEndpoints")) { // each node once
            Set<JsonNode> ids = new HashSet<>();
            ArrayNode nodes = JsonNodeFactory.instance.arrayNode();
            for (JsonNode node : whole.get("nodeEndpoints"))
                if (ids.add(node.get("nodeId"))) nodes.add(node);
            whole.set("nodeEndpoints", nodes);
        }
        return whole;
    }

    private static ObjectNode pick(List<ObjectNode> from, Random random) {
        return from.get(random.nextInt(from.size())).deepCopy();
    }

    /** Whether a group, a topic or a partition is there twice: another order would then be another answer. */
    private static boolean hasRepeated(Partitions in, ObjectNode message) {
        Set<List<JsonNode>> seen = new HashSet<>();
        for (ObjectNode around : in.arounds(message)) {
            JsonNode outer = in.around() == null ? null : around.get(in.aroundName());
            if (outer != null && !seen.add(List.of(outer))) return true;
            for (JsonNode topic : around.get(in.topics())) {
                JsonNode name = topic.get(Partitions.nameOf(topic)), group = outer == null ? name : outer;
                if (!seen.add(List.of(group, name))) return true;
                for (JsonNode partition : topic.get(in.partitions()))
                    if (!seen.add(List.of(group, name, partition.get(Partitions.indexOf(partition))))) return true;
            }
        }
        return false;
    }

    private static void turn(Partitions in, ObjectNode message) {
        for (ObjectNode around : in.arounds(message)) {
            around.set(in.topics(), reversed(around.get(in.topics())));
            for (JsonNode topic : around.get(in.topics())) ((ObjectNode) topic).set(in.partitions(), reversed(topic.get(in.partitions())));
        }
        if (in.around() != null) message.set(in.around(), reversed(message.get(in.around())));
    }

    private static ArrayNode reversed(JsonNode list) {
        List<JsonNode> elements = new ArrayList<>();
        list.forEach(elements::add);
        Collections.reverse(elements);
        return JsonNodeFactory.instance.arrayNode().addAll(elements);
    }

    /** Takes a partition out of one of the parts. */
    private static boolean lose(Partitions in, List<JsonNode> parts, Random random) {
        List<ArrayNode> lists = new ArrayList<>();
        for (JsonNode part : parts)
            for (ObjectNode around : in.arounds(part))
                for (JsonNode topic : around.get(in.topics()))
                    if (!topic.get(in.partitions()).isEmpty()) lists.add((ArrayNode) topic.get(in.partitions()));
        if (lists.isEmpty()) return false;
        ArrayNode list = lists.get(random.nextInt(lists.size()));
        list.remove(random.nextInt(list.size()));
        return true;
    }

    private void judge(MessageRun.Pair pair, String response, String asked, String answer, List<JsonNode> parts, JsonNode whole,
        boolean wrong, Random random) {
        JsonNode said = Json.parse(answer);
        List<byte[]> made = new ArrayList<>();
        for (JsonNode part : said.path("parts")) made.add(HEX.parseHex(part.get("hex").asText()));
        if (said.has("merged")) made.add(HEX.parseHex(said.get("merged").asText()));
        boolean spoilt = wrong;
        if (spoil == Spoil.BYTE && !made.isEmpty()) {
            byte[] one = made.get(random.nextInt(made.size()));
            if (one.length > 0) {
                one[random.nextInt(one.length)] ^= (byte) (1 << random.nextInt(8));
                spoilt = true;
            }
        }
        List<JsonNode> should = new ArrayList<>(parts);
        if (whole != null) should.add(whole);
        String problem = said.has("parts") ? null : "it is refused", read = "", expected = "";
        if (problem == null && made.size() != should.size()) problem = "there is another number of parts";
        for (int i = 0; problem == null && i < made.size(); ++i) {
            String message = i < parts.size() ? pair.message() : response;
            Judge.Verdict verdict = pair.judge().readWithTags(message, pair.version(), made.get(i));
            String what = i < parts.size() ? "a part" : "the merged answer";
            read = verdict.refusal() != null ? verdict.refusal() : verdict.json();
            expected = should.get(i).toString();
            if (verdict.refusal() != null) problem = "Kafka refuses " + what;
            else if (verdict.left() != 0) problem = "Kafka leaves bytes over of " + what;
            else if (!Json.parse(verdict.json()).equals(should.get(i))) problem = "Kafka reads something else in " + what;
            else if (!java.util.Arrays.equals(verdict.written(), made.get(i))) problem = "Kafka writes " + what + " differently";
        }
        if (spoilt) {
            if (problem != null) findings.count("spoilt, noticed");
            else findings.disagree("spoilt, not noticed", pair.toString(), asked, answer, String.valueOf(whole));
        } else if (problem != null) {
            findings.disagree(problem, pair.toString(), asked, answer + " " + read, expected);
        } else {
            findings.count("read by Kafka as split" + (whole != null ? " and merged" : ""));
        }
    }
}
