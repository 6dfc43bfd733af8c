package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Random messages: kwire reads what Kafka wrote, and its results are compared with Kafka's. */
final class MessageRun {
    /** One version of one message, and the release that decides for it. */
    record Pair(String message, int version, Judge judge, SortedSet<Integer> versions) {
        @Override
        public String toString() {
            return message + " v" + version;
        }
    }

    /**
     * Why kwire may refuse bytes that Kafka reads: it accepts only one form of each value, the one that every peer writes. Kafka reads
     * these bytes but then writes different ones, or refuses to write; only such bytes are looked up here.
     */
    private static final Set<String> STRICTER = Set.of("bad_length", "bad_varint", "tag_order", "duplicate_tag",
        "tag_size_mismatch");

    /**
     * What Kafka reads and kwire keeps, but Kafka cannot write: tags with a special meaning in its code, and text that became too long
     * when invalid UTF-8 was replaced.
     */
    private static final Pattern UNWRITABLE = Pattern.compile("tag 2147483647 as an undefined tag|tag -\\d+|too long to be serialized");

    /** Accepted only leniently: tags out of order, which Kafka reads but cannot write. */
    private static final Pattern UNORDERED = Pattern.compile("tag \\d+ comes after tag \\d+");

    private static final HexFormat HEX = HexFormat.of();

    private final Converter converter;
    private final Findings findings;
    private final int damages;

    MessageRun(Converter converter, Findings findings, int damages) {
        this.converter = converter;
        this.findings = findings;
        this.damages = damages;
    }

    /** Every pair once; if several releases know it, the first of the list decides. */
    static List<Pair> pairs(List<Judge> releases) {
        SortedMap<String, SortedMap<Integer, Pair>> all = new TreeMap<>();
        for (Judge judge : releases)
            judge.versions().forEach((message, versions) -> {
                SortedMap<Integer, Pair> known = all.computeIfAbsent(message, none -> new TreeMap<>());
                for (int version : versions) known.putIfAbsent(version, new Pair(message, version, judge, versions));
            });
        List<Pair> pairs = new ArrayList<>();
        all.values().forEach(versions -> pairs.addAll(versions.values()));
        return pairs;
    }

    void value(Pair pair, Random random) {
        Judge.Sample sample = pair.judge.sample(pair.message, pair.version, random);
        findings.count("values");
        String hex = HEX.formatHex(sample.bytes());
        show(pair, hex, sample.json(), hex);
        if (sample.json() != null && !sample.unknownTags()) fromJson(pair, sample.json(), hex);
        if (pair.versions.size() > 1) transcode(pair, sample.bytes(), other(pair, random));
        for (int i = 0; i < damages; ++i) damaged(pair, Damage.of(sample.bytes(), random));
    }

    private static int other(Pair pair, Random random) {
        List<Integer> others = new ArrayList<>(pair.versions);
        others.remove((Integer) pair.version);
        return others.get(random.nextInt(others.size()));
    }

    private static String question(Pair pair, String hex, String more) {
        return "{\"message\":\"" + pair.message + "\",\"version\":" + pair.version + ",\"hex\":\"" + hex + "\"" + more + "}";
    }

    private static String shown(String json, String hex, String dataHex) {
        return "{\"json\":" + json + ",\"hex\":\"" + hex + "\",\"data_hex\":\"" + dataHex + "\",\"size\":" + hex.length() / 2 + "}";
    }

    /** Bytes that Kafka wrote: the JSON is the same, and so are the bytes from the view and from the data. */
    private void show(Pair pair, String hex, String json, String written) {
        String asked = question(pair, hex, "");
        String expected = shown(json, hex, written);
        converter.ask(asked, answer -> {
            if (answer.equals(expected) || sameShown(answer, expected, json)) {
                findings.count(json != null ? "bytes -> JSON, bytes by view, bytes by data" : "bytes -> bytes by view, bytes by data");
            } else {
                findings.disagree("bytes are read differently", pair.toString(), asked, answer, expected);
            }
        });
    }

    private static boolean sameShown(String answer, String expected, String json) {
        JsonNode said = Json.parse(answer), should = Json.parse(expected);
        return said.size() == 4 && same(said, should, "hex") && same(said, should, "data_hex") && same(said, should, "size")
            && (json == null || same(said, should, "json"));
    }

    private static boolean same(JsonNode a, JsonNode b, String member) {
        return Json.same(a.get(member), b.get(member));
    }

    private void fromJson(Pair pair, String json, String hex) {
        String asked = "{\"message\":\"" + pair.message + "\",\"version\":" + pair.version + ",\"json\":" + json + "}";
        String expected = "{\"hex\":\"" + hex + "\",\"size\":" + hex.length() / 2 + "}";
        converter.ask(asked, answer -> {
            if (answer.equals(expected)) findings.count("JSON -> bytes");
            else findings.disagree("JSON is written differently", pair.toString(), asked, answer, expected);
        });
    }

    private void transcode(Pair pair, byte[] bytes, int to) {
        Judge.Verdict verdict = pair.judge.read(pair.message, pair.version, bytes, to);
        String asked = question(pair, HEX.formatHex(bytes), ",\"to\":" + to + ",\"by_schema\":true");
        String expected = verdict.written() == null ? "an error, for " + verdict.writeRefusal()
            : "{\"hex\":\"" + HEX.formatHex(verdict.written()) + "\"}";
        converter.ask(asked, answer -> {
            boolean refused = answer.startsWith("{\"error\":");
            if (verdict.written() == null && refused) {
                String code = code(answer);
                if (code.equals("field_not_in_version") || code.equals("null_not_allowed")) {
                    findings.count("bytes -> other version, refused: " + code);
                    return;
                }
            } else if (answer.equals(expected)) {
                findings.count("bytes -> other version");
                return;
            }
            findings.disagree("another version is written differently", pair + " -> v" + to, asked, answer, expected);
        });
    }

    private void damaged(Pair pair, byte[] bytes) {
        String hex = HEX.formatHex(bytes);
        Judge.Verdict verdict = pair.judge.read(pair.message, pair.version, bytes, pair.version);
        if (verdict.refusal() != null) {
            String asked = question(pair, hex, "");
            converter.ask(asked, answer -> {
                if (answer.startsWith("{\"error\":")) findings.count("damaged, refused by both");
                else findings.disagree("damaged bytes are accepted that Kafka refuses", pair.toString(), asked, answer, verdict.refusal());
            });
        } else if (verdict.left() == 0 && Arrays.equals(verdict.written(), bytes)) {
            findings.count("damaged into another valid value");
            show(pair, hex, isJson(verdict.json()) ? verdict.json() : null, hex);
        } else {
            odd(pair, hex, verdict);
        }
    }

    /** Kafka's converter turns NaN and infinities into text, which it does not read back. */
    private static boolean isJson(String json) {
        return json != null && !json.contains("\"NaN\"") && !json.contains("Infinity\"");
    }

    /** Bytes that Kafka reads, but writes differently: refused for a documented reason, and the same value when lenient. */
    private void odd(Pair pair, String hex, Judge.Verdict verdict) {
        String kafka = "Kafka leaves " + verdict.left() + " bytes and writes "
            + (verdict.written() == null ? "nothing: " + verdict.writeRefusal() : HEX.formatHex(verdict.written()));
        String strictly = question(pair, hex, "");
        converter.ask(strictly, answer -> {
            String code = code(answer);
            if (code.isEmpty()) oddTaken("odd", pair, hex, verdict, strictly, answer, kafka);
            else if (isStricter(pair, code, answer, verdict)) findings.count("odd, refused by kwire alone: " + code);
            else findings.disagree("odd bytes are refused without a documented reason: " + code, pair.toString(), strictly, answer, kafka);
        });
        String leniently = question(pair, hex, ",\"lenient\":true");
        converter.ask(leniently, answer -> {
            String code = code(answer);
            if (code.isEmpty()) oddTaken("odd, leniently", pair, hex, verdict, leniently, answer, kafka);
            else if (code.equals("bad_varint")) // varints with too many bits are never accepted
                findings.count("odd, refused by kwire alone even leniently: " + code);
            else findings.disagree("odd bytes are refused leniently: " + code, pair.toString(), leniently, answer, kafka);
        });
    }

    private void oddTaken(String how, Pair pair, String hex, Judge.Verdict verdict, String asked, String answer, String kafka) {
        String problem = oddProblem(how.equals("odd"), pair, hex, verdict, Json.parse(answer));
        if (problem != null) findings.disagree(how + ": " + problem, pair.toString(), asked, answer, kafka + " " + verdict.json());
        else if (verdict.written() != null) findings.count(how + ", read by both as the same");
        else findings.count(how + ", read by both, but Kafka cannot write it");
    }

    private static boolean isStricter(Pair pair, String code, String answer, Judge.Verdict verdict) {
        return switch (code) {
            case "trailing_bytes" -> verdict.left() > 0;
            // Kafka does not check the size of a known tag, so it does not notice that the value or the bytes end earlier.
            case "truncated", "count_exceeds_input" -> Arrays.stream(Json.parse(answer).at("/error/path").asText().split("\\.")).map(step -> step.replaceAll("\\[.*", ""))
                .anyMatch(field -> pair.judge.isTagged(pair.message, pair.version, field));
            default -> STRICTER.contains(code);
        };
    }

    private String oddProblem(boolean strict, Pair pair, String hex, Judge.Verdict verdict, JsonNode said) {
        if (strict && verdict.left() > 0) return "bytes after the message are accepted";
        if (!said.get("hex").asText().equals(hex)) return "the view does not write what it read";
        if (verdict.written() == null)
            return UNWRITABLE.matcher(verdict.writeRefusal()).find()
                || !strict && UNORDERED.matcher(verdict.writeRefusal()).find() ? null : "accepted, but Kafka cannot write it";
        // kwire keeps invalid UTF-8 unchanged and Kafka replaces it by U+FFFD, so Kafka's reading of both is compared.
        byte[] data = HEX.parseHex(said.get("data_hex").asText());
        Judge.Verdict again = pair.judge.read(pair.message, pair.version, data, pair.version);
        if (!Arrays.equals(again.written(), verdict.written())) return "the data differ";
        if (isJson(verdict.json()) && !verdict.json().contains("\ufffd") && !Json.same(said.get("json"), Json.parse(verdict.json())))
            return "the JSON differs";
        return null;
    }

    /** Empty if the answer is not an error. */
    private static String code(String answer) {
        if (!answer.startsWith("{\"error\":")) return "";
        return Json.parse(answer).at("/error/code").asText();
    }

    /** The pairs whose text matches, or all. */
    static List<Pair> matching(List<Pair> pairs, String pattern) {
        return pairs.stream().filter(pair -> pattern == null || pair.toString().matches(pattern)).toList();
    }

    /** The number of messages in the list. */
    static int messages(List<Pair> pairs) {
        Set<String> names = new TreeSet<>();
        for (Pair pair : pairs) names.add(pair.message);
        return names.size();
    }

    /**
     * Pairs are chosen by the index of the value alone, so that one number reproduces a value. Random begins with almost the same number
     * for neighbouring seeds, so every bit of the index must count.
     */
    static Random randomOf(long seed, long index) {
        long mixed = seed * 0x9e3779b97f4a7c15L + index;
        mixed = (mixed ^ mixed >>> 32) * 0xd6e8feb86659fd93L;
        mixed = (mixed ^ mixed >>> 32) * 0xd6e8feb86659fd93L;
        return new Random(mixed ^ mixed >>> 32);
    }
}
