package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/** Record sets: what kwire built, read by Kafka; what Kafka built, read by kwire; damaged ones by both. */
final class RecordsRun {
    private static final HexFormat HEX = HexFormat.of();

    private final RecordsJudge judge;
    private final Findings findings;

    RecordsRun(RecordsJudge judge, Findings findings) {
        this.judge = judge;
        this.findings = findings;
    }

    /** A line of build_sets: Kafka must read all records that the line lists. */
    void built(String line) {
        JsonNode set = Json.parse(line);
        String kind = set.get("sample").asText();
        findings.count("built by kwire: " + kind);
        String said;
        try {
            said = judge.describe(HEX.parseHex(set.get("hex").asText()));
        } catch (RecordsJudge.Refused refusal) {
            findings.disagree("Kafka refuses what kwire built", kind, line, refusal.getMessage(), "");
            return;
        }
        JsonNode read = Json.parse(said);
        JsonNode batches = set.get("batches");
        boolean same = batches.size() == read.get("batches").size() && Json.same(set.get("truncated_tail"), read.get("truncated_tail"));
        for (int i = 0; same && i < batches.size(); ++i)
            for (Iterator<Map.Entry<String, JsonNode>> members = batches.get(i).properties().iterator(); members.hasNext();) {
                Map.Entry<String, JsonNode> member = members.next();
                same &= Json.same(member.getValue(), read.get("batches").get(i).get(member.getKey()));
            }
        if (!same) findings.disagree("Kafka reads something else than kwire wrote", kind, line, said, "");
    }

    /** A set by Kafka's builder, and the same set damaged. */
    void made(Converter converter, Random random, int damages) {
        RecordsJudge.Made made = judge.make(random);
        findings.count("built by Kafka: " + made.kind());
        read(converter, "built by Kafka", made.kind(), made.set());
        for (int i = 0; i < damages; ++i) {
            byte[] damaged = Damage.of(made.set(), random);
            if (random.nextInt(4) > 0) mendChecksums(damaged);
            read(converter, "damaged", made.kind(), damaged);
        }
    }

    private void read(Converter converter, String how, String kind, byte[] set) {
        String asked = "{\"records\":\"" + HEX.formatHex(set) + "\"}";
        String expected, stage;
        try {
            expected = judge.describe(set);
            stage = null;
        } catch (RecordsJudge.Refused refusal) {
            expected = refusal.getMessage();
            stage = refusal.stage;
        }
        String should = expected, refused = stage;
        converter.ask(asked, answer -> {
            String problem = refused != null ? refusedByKafka(how, answer, refused, should) : readByKafka(how, answer, should);
            if (!problem.isEmpty()) findings.disagree(how + " sets: " + problem, kind, asked, answer, should);
        });
    }

    private String refusedByKafka(String how, String answer, String stage, String why) {
        if (answer.contains("\"error\":") || stage.equals("crc") && answer.contains("\"crc_valid\":false")) {
            findings.count(how + ", refused by both: " + stage);
            return "";
        }
        // A batch that claims almost 2 GiB but has few bytes: Kafka's own arithmetic overflows.
        if (why.contains("newLimit < 0") && Json.parse(answer).path("truncated_tail").asLong() > 0) {
            findings.count(how + ", a tail to kwire, overflow to Kafka");
            return "";
        }
        // A message in a wrapper that claims more than is left: both stop there, but Kafka allocates what it claims before it looks.
        boolean isWide = why.contains("OutOfMemoryError") || why.contains("exceeds the configured maximum record size");
        if (stage.equals("records") && isWide && hasWrapper(Json.parse(answer))) {
            findings.count(how + ", a cut message in a wrapper to kwire, too much memory to Kafka");
            return "";
        }
        return "accepted, but Kafka refuses them";
    }

    private static boolean hasWrapper(JsonNode set) {
        for (JsonNode batch : set.path("batches"))
            if (batch.path("magic").asInt() < 2 && !batch.path("compression").asText().equals("none")) return true;
        return false;
    }

    private String readByKafka(String how, String answer, String should) {
        JsonNode said = Json.parse(answer), read = Json.parse(should);
        if (Json.same(said, read) || Json.same(withoutOddSequences(said), withoutOddSequences(read))) {
            findings.count(how + ", read by both as the same");
            return "";
        }
        JsonNode error = errorIn(said);
        if (error.isMissingNode()) {
            if (!how.equals("damaged") || !Json.same(withoutContents(said), withoutContents(read))) return "read differently";
            findings.count(how + ", compressed bytes that two libraries decompress differently");
            return "";
        }
        String code = error.get("code").asText();
        if (!isStricter(code, error.get("path").asText(), read)) return "refused without a documented reason: " + code;
        findings.count(how + ", refused by kwire alone: " + code);
        return "";
    }

    /** If offsets are lower than the batch's base offset, sequence numbers are meaningless. */
    private static JsonNode withoutOddSequences(JsonNode set) {
        JsonNode copy = set.deepCopy();
        for (JsonNode batch : copy.path("batches")) {
            long base = batch.path("base_offset").asLong();
            boolean odd = batch.path("last_offset").asLong() < base;
            for (JsonNode record : batch.path("records")) odd |= record.path("offset").asLong() < base;
            if (!odd) continue;
            ((ObjectNode) batch).remove("last_sequence");
            for (JsonNode record : batch.path("records")) ((ObjectNode) record).remove("sequence");
        }
        return copy;
    }

    /** Compressed bytes without their own checksum may be damaged so that the result depends on the library. */
    private static JsonNode withoutContents(JsonNode set) {
        JsonNode copy = set.deepCopy();
        for (JsonNode batch : copy.path("batches"))
            if (!batch.path("compression").asText().equals("none"))
                for (JsonNode record : batch.path("records"))
                    for (String member : new String[] {"key", "value", "headers"}) ((ObjectNode) record).remove(member);
        return copy;
    }

    private static JsonNode errorIn(JsonNode answer) {
        for (JsonNode batch : answer.path("batches"))
            if (batch.has("error")) return batch.get("error");
        return answer.path("error");
    }

    /** Why kwire may refuse what Kafka reads: README.md. */
    private static boolean isStricter(String code, String path, JsonNode read) {
        Matcher place = Pattern.compile("batches\\[(\\d+)\\](.*)").matcher(path);
        if (!place.matches()) return false;
        JsonNode batch = read.get("batches").path(Integer.parseInt(place.group(1)));
        boolean legacy = batch.path("magic").asInt() < 2, compressed = !batch.path("compression").asText().equals("none");
        return switch (code) {
            case "bad_length" -> place.group(2).matches(".*[.](key|value)");
            case "bad_record" -> legacy;
            case "trailing_bytes" -> !legacy && batch.path("count").asInt() == 0 || compressed
                || batch.path("is_control").asBoolean() && place.group(2).endsWith(".value");
            case "bad_compressed_data" -> compressed;
            case "too_large" -> batch.path("compression").asText().equals("zstd");
            case "truncated" -> compressed && (legacy || place.group(2).isEmpty());
            case "unknown_magic", "bad_batch_length" -> compressed && legacy && place.group(2).startsWith(".decompressed");
            default -> false;
        };
    }

    /** Corrects the checksum, so that damage to the bytes that it covers is tested too. */
    private static void mendChecksums(byte[] set) {
        ByteBuffer bytes = ByteBuffer.wrap(set);
        for (int at = 0; set.length - at > 21;) {
            int length = bytes.getInt(at + 8);
            if (length < 14 || length > set.length - at - 12) return;
            int end = at + 12 + length, place = at + (set[at + 16] == 2 ? 17 : 12);
            Checksum sum = set[at + 16] == 2 ? new CRC32C() : new CRC32();
            sum.update(set, place + 4, end - place - 4);
            bytes.putInt(place, (int) sum.getValue());
            at = end;
        }
    }
}
