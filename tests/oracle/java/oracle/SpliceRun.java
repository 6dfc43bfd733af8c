package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Random messages with random edits: Kafka reads in the result what the edits make of the original's JSON. */
final class SpliceRun {
    private static final HexFormat HEX = HexFormat.of();

    private final Converter editor;
    private final Findings findings;
    private final Spoil spoil;
    private final Map<String, JsonNode> shapes = new HashMap<>();

    SpliceRun(Converter editor, Findings findings, Spoil spoil) {
        this.editor = editor;
        this.findings = findings;
        this.spoil = spoil;
    }

    void value(MessageRun.Pair pair, Random random) {
        Judge judge = pair.judge();
        String message = pair.message();
        int version = pair.version();
        byte[] bytes = judge.sample(message, version, random).bytes();
        JsonNode original = Json.parse(judge.readWithTags(message, version, bytes).json());
        List<JsonNode> donors = new ArrayList<>();
        for (int tries = 8; donors.size() < 3 && tries > 0; --tries) {
            String json = judge.sample(message, version, random).json();
            if (json != null) donors.add(Json.parse(json)); // text for NaN is not read back
        }
        JsonNode shape = shapes.computeIfAbsent(pair.toString(), none -> Json.parse(judge.shape(message, version)));
        Edits edits = new Edits(shape, original, donors, random);
        if (edits.list().isEmpty()) {
            findings.count("messages without a field to edit");
            return;
        }
        findings.count("messages");
        edits.list().forEach(edit -> findings.count("edits: " + edit.get("op").asText()));
        Edits.Result right = edits.applied(), expected = right;
        if (spoil == Spoil.EDIT) {
            expected = edits.appliedWithout(random.nextInt(edits.list().size()));
            if (expected.json().equals(right.json())) return; // that edit had no effect
        }
        String asked = "{\"message\":\"" + message + "\",\"version\":" + version + ",\"hex\":\"" + HEX.formatHex(bytes)
            + "\",\"edits\":" + edits.list() + "}";
        Edits.Result should = expected;
        long seed = random.nextLong();
        editor.ask(asked, answer -> judge(pair, asked, answer, should, new Random(seed)));
    }

    private void judge(MessageRun.Pair pair, String asked, String answer, Edits.Result should, Random random) {
        JsonNode hex = Json.parse(answer).get("hex");
        String problem = "the edits are refused", read = "";
        boolean spoilt = spoil == Spoil.EDIT;
        if (hex != null) {
            byte[] bytes = HEX.parseHex(hex.asText());
            if (spoil == Spoil.BYTE && should.canonical() && bytes.length != 0) {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                spoilt = true;
            }
            Judge.Verdict verdict = pair.judge().readWithTags(pair.message(), pair.version(), bytes);
            read = verdict.refusal() != null ? verdict.refusal() : verdict.json();
            problem = problemOf(verdict, bytes, should);
        }
        if (spoilt) {
            if (problem != null) findings.count("spoilt, noticed");
            else findings.disagree("spoilt, not noticed", pair.toString(), asked, answer, should.json().toString());
        } else if (problem != null) {
            findings.disagree(problem, pair.toString(), asked, answer + " " + read, should.json().toString());
        } else {
            findings.count(should.canonical() ? "read by Kafka as edited, and written by it as the same bytes"
                                              : "read by Kafka as edited, with a tag left that has its default");
        }
    }

    private static String problemOf(Judge.Verdict verdict, byte[] bytes, Edits.Result should) {
        if (verdict.refusal() != null) return "Kafka refuses what the edits made";
        if (verdict.left() != 0) return "Kafka leaves bytes over";
        if (!Json.parse(verdict.json()).equals(should.json())) return "Kafka reads something else than what was edited";
        if (should.canonical() && !Arrays.equals(verdict.written(), bytes)) return "Kafka writes what the edits made differently";
        return null;
    }
}
