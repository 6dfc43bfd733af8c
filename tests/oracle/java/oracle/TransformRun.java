package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Random record sets by Kafka's builder, with random changes of their records: Kafka reads in the result what they should be. */
final class TransformRun {
    private static final HexFormat HEX = HexFormat.of();
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final String[] CODECS = {"gzip", "snappy", "lz4", "zstd"};

    private final RecordsJudge judge;
    private final Converter editor;
    private final Findings findings;
    private final Spoil spoil;

    TransformRun(RecordsJudge judge, Converter editor, Findings findings, Spoil spoil) {
        this.judge = judge;
        this.editor = editor;
        this.findings = findings;
        this.spoil = spoil;
    }

    void set(Random random) {
        byte[] bytes = make(random);
        JsonNode original = describe(bytes);
        String emptied = List.of("keep", "keep_with_producer", "drop").get(random.nextInt(3));
        String legacy = random.nextInt(8) == 0 ? "refuse" : "pass";
        String codec = random.nextInt(3) == 0 ? CODECS[random.nextInt(CODECS.length)] : null;
        ArrayNode actions = actions(original, random);
        JsonNode right = expected(original, actions, emptied, legacy, codec), should = right;
        findings.count("sets");
        actions.forEach(action -> findings.count("records: " + (action.isNull() ? "kept" : action.isTextual() ? "dropped" : "changed")));
        original.get("batches").forEach(batch -> findings.count("batches: magic " + batch.get("magic").asInt() + " "
            + (batch.path("is_control").asBoolean() ? "control" : batch.get("compression").asText())));
        if (spoil == Spoil.EDIT) {
            List<Integer> edits = new ArrayList<>();
            for (int i = 0; i < actions.size(); ++i)
                if (!actions.get(i).isNull()) edits.add(i);
            if (edits.isEmpty()) return;
            ArrayNode fewer = actions.deepCopy();
            fewer.set(edits.get(random.nextInt(edits.size())), JSON.nullNode());
            should = expected(original, fewer, emptied, legacy, codec);
            if (should.equals(right)) return;
        }
        ObjectNode asked = JSON.objectNode().put("transform", HEX.formatHex(bytes)).put("emptied", emptied).put("legacy", legacy)
            .put("compress_with", codec);
        asked.set("actions", actions);
        String question = asked.toString();
        JsonNode expected = should;
        long seed = random.nextLong();
        editor.ask(question, answer -> judge(question, answer, expected, new Random(seed)));
    }

    /** One to three sets in a row; only the last may end with a batch that is cut. */
    private byte[] make(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 1 + random.nextInt(3); i > 0; --i) {
            byte[] set = judge.make(random).set();
            out.writeBytes(set);
            if (describe(set).get("truncated_tail").asInt() != 0) break;
        }
        return out.toByteArray();
    }

    private JsonNode describe(byte[] set) {
        try {
            return Json.parse(judge.describe(set));
        } catch (RecordsJudge.Refused refusal) {
            throw new IllegalStateException("Kafka refuses what it made", refusal);
        }
    }

    private static boolean isChanged(JsonNode batch) {
        return batch.get("magic").asInt() == 2 && !batch.get("is_control").asBoolean();
    }

    /** One for each record that kwire shows: null if it stays as it is, "drop", or an object of what to set. */
    private static ArrayNode actions(JsonNode set, Random random) {
        ArrayNode out = JSON.arrayNode();
        for (JsonNode batch : set.get("batches")) {
            if (!isChanged(batch)) continue;
            int drops = List.of(0, 0, 2, 10).get(random.nextInt(4)), changes = List.of(0, 1, 5, 10).get(random.nextInt(4));
            for (int i = 0; i < batch.get("records").size(); ++i) {
                if (random.nextInt(10) < drops) out.add("drop");
                else if (random.nextInt(10) < changes) out.add(change(random));
                else out.addNull();
            }
        }
        return out;
    }

    private static ObjectNode change(Random random) {
        ObjectNode out = JSON.objectNode();
        out.put("how", List.of("span", "buffer", "write").get(random.nextInt(3)));
        if (random.nextInt(2) == 0) put(out, "key", random);
        if (random.nextInt(3) > 0) put(out, "value", random);
        if (random.nextInt(5) == 0) out.put("remove", "trace");
        if (random.nextInt(5) == 0) headers(out.putArray("headers"), random);
        if (random.nextInt(3) == 0 || out.size() == 1) headers(out.putArray("add"), random);
        return out;
    }

    private static void headers(ArrayNode out, Random random) {
        for (int i = 1 + random.nextInt(3); i > 0; --i) {
            ObjectNode header = JSON.objectNode();
            put(header, "value", random);
            out.addArray().add(List.of("", "trace", "seen by", "\u00fc").get(random.nextInt(4))).add(header.get("value"));
        }
    }

    private static void put(ObjectNode out, String name, Random random) {
        if (random.nextInt(8) == 0) {
            out.putNull(name);
            return;
        }
        byte[] bytes = new byte[random.nextInt(List.of(1, 20, 20, 200, 2000).get(random.nextInt(5)))];
        random.nextBytes(bytes);
        out.put(name, Base64.getEncoder().encodeToString(bytes));
    }

    /** What Kafka must read after the changes, and what is counted; or the error. */
    private static JsonNode expected(JsonNode set, ArrayNode actions, String emptied, String legacy, String codec) {
        ObjectNode out = JSON.objectNode();
        ArrayNode batches = out.putArray("batches");
        Iterator<JsonNode> next = actions.iterator();
        int changedBatches = 0, droppedBatches = 0, changedRecords = 0, droppedRecords = 0;
        for (JsonNode batch : set.get("batches")) {
            if (batch.get("magic").asInt() < 2 && legacy.equals("refuse")) return JSON.objectNode().put("error", "unknown_magic");
            if (!isChanged(batch)) {
                batches.add(batch);
                continue;
            }
            ArrayNode records = JSON.arrayNode();
            int changed = 0, dropped = 0;
            for (JsonNode record : batch.get("records")) {
                JsonNode action = next.next();
                if (action.isTextual()) {
                    ++dropped;
                } else if (action.isObject() && changes(record, action)) {
                    ++changed;
                    records.add(changed((ObjectNode) record.deepCopy(), action));
                } else {
                    records.add(record);
                }
            }
            changedRecords += changed;
            droppedRecords += dropped;
            if (changed + dropped == 0) {
                batches.add(batch);
            } else if (records.isEmpty() && (emptied.equals("drop")
                || emptied.equals("keep_with_producer") && batch.get("producer_id").asLong() < 0)) {
                ++droppedBatches;
            } else {
                ++changedBatches;
                batches.add(changed((ObjectNode) batch.deepCopy(), records, dropped, codec));
            }
        }
        out.put("truncated_tail", 0);
        ObjectNode counts = out.putObject("counts");
        counts.put("changed_batches", changedBatches).put("dropped_batches", droppedBatches);
        counts.put("changed_records", changedRecords).put("dropped_records", droppedRecords);
        return out;
    }

    private static ObjectNode changed(ObjectNode batch, ArrayNode records, int dropped, String codec) {
        batch.set("records", records);
        batch.put("count", records.size());
        batch.put("batch_length", "another").put("crc", "another");
        int attributes = batch.get("attributes").asInt();
        if (records.isEmpty()) { // DefaultRecordBatch.writeEmptyHeader
            batch.put("attributes", attributes & 0x38).put("compression", "none").put("base_timestamp", -1).putNull("delete_horizon");
            return batch;
        }
        if (codec != null && !batch.get("compression").asText().equals("none"))
            batch.put("attributes", attributes & ~7 | 1 + List.of(CODECS).indexOf(codec)).put("compression", codec);
        if (dropped > 0 && batch.get("timestamp_type").asText().equals("create_time")) {
            long largest = Long.MIN_VALUE;
            for (JsonNode record : records) largest = Math.max(largest, record.get("timestamp").asLong());
            batch.put("max_timestamp", largest);
        }
        return batch;
    }

    /** To remove a header that is not there is no change. */
    private static boolean changes(JsonNode record, JsonNode action) {
        if (action.size() > (action.has("remove") ? 2 : 1)) return true;
        for (JsonNode header : record.get("headers"))
            if (header.get(0).equals(action.get("remove"))) return true;
        return false;
    }

    private static ObjectNode changed(ObjectNode record, JsonNode action) {
        for (String part : List.of("key", "value"))
            if (action.has(part)) record.set(part, action.get(part));
        ArrayNode headers = JSON.arrayNode();
        for (JsonNode header : record.get("headers"))
            if (!header.get(0).asText().equals(action.path("remove").asText("none is called this"))) headers.add(header);
        if (action.has("headers")) headers = action.get("headers").deepCopy();
        for (JsonNode header : action.path("add")) headers.add(header);
        record.set("headers", headers);
        return record;
    }

    private void judge(String asked, String answer, JsonNode should, Random random) {
        JsonNode said = Json.parse(answer);
        String problem = null, read = "";
        boolean spoilt = spoil == Spoil.EDIT;
        if (should.has("error")) {
            if (!said.at("/error/code").asText().equals(should.get("error").asText())) problem = "messages of magic 0 and 1 are not refused";
            else findings.count("refused, as asked: " + should.get("error").asText());
        } else if (!said.has("records")) {
            problem = "the changes are refused";
        } else {
            byte[] bytes = HEX.parseHex(said.get("records").asText());
            if (spoil == Spoil.BYTE && bytes.length > 0) {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                spoilt = true;
            }
            try {
                read = judge.describe(bytes);
                problem = problemOf(Json.parse(read), said, should);
            } catch (RecordsJudge.Refused refusal) {
                problem = "Kafka refuses what the changes made: the " + refusal.stage;
                read = refusal.getMessage();
            }
            if (problem == null) findings.count("read by Kafka as changed");
        }
        if (spoilt) {
            if (problem != null) findings.count("spoilt, noticed");
            else findings.disagree("spoilt, not noticed", "sets", asked, answer, should.toString());
        } else if (problem != null) {
            findings.disagree(problem, "sets", asked, answer + " " + read, should.toString());
        }
    }

    private static String problemOf(JsonNode read, JsonNode said, JsonNode should) {
        if (!Json.same(said.get("counts"), should.get("counts"))) return "something else is counted";
        JsonNode batches = should.get("batches");
        if (read.get("batches").size() != batches.size()) return "Kafka reads another number of batches";
        if (read.get("truncated_tail").asInt() != 0) return "there is a batch that is cut";
        for (int i = 0; i < batches.size(); ++i)
            for (Map.Entry<String, JsonNode> member : batches.get(i).properties()) {
                boolean any = member.getValue().asText().equals("another") && !member.getKey().equals("records");
                if (!any && !Json.same(member.getValue(), read.get("batches").get(i).get(member.getKey())))
                    return "Kafka reads another " + member.getKey();
            }
        return null;
    }
}
