package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
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
        new EditJudge(findings, spoil).ask(editor, pair, asked, expected, random);
    }
}
