package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;

/** Kafka reads what kwire made of a message with edits, and must find what is expected; spoilt results must be noticed. */
record EditJudge(Findings findings, Spoil spoil) {
    private static final HexFormat HEX = HexFormat.of();

    /** @param should with {@link Spoil#EDIT} it is wrong */
    void ask(Converter editor, MessageRun.Pair pair, String asked, Edits.Result should, Random random) {
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
