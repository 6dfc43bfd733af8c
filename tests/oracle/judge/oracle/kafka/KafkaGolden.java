package oracle.kafka;

import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import oracle.Golden;
import oracle.kafka.GoldenValues.Shape;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.Schema;

/** One release's part of the golden vectors. */
public final class KafkaGolden extends KafkaJudge implements Golden {
    private static final HexFormat HEX = HexFormat.of();

    public KafkaGolden(List<Path> jars) {
        super(jars);
    }

    @Override
    public void messageLines(String message, int version, String release, Random random, Consumer<String> lines) {
        new MessageLines(message, version, release, random, lines).write();
    }

    @Override
    public void transcodingLines(String message, int from, int to, String release, Random random, Consumer<String> lines) {
        MessageClass type = messages.get(message);
        boolean tagged = Layout.hasTagSection(type.schemas[from]);
        Set<String> seen = new HashSet<>();
        for (String sample : List.of("portable", "random", "tags")) {
            boolean portable = sample.equals("portable");
            if (sample.equals("tags") && (!tagged || random.nextInt(3) == 0)) continue;
            if (sample.equals("random") && Math.abs(from - to) > 1 && random.nextInt(3) > 0) continue;
            Message value = type.make();
            GoldenValues values = new GoldenValues(sample.equals("tags") ? Shape.TAGS : Shape.RANDOM, random);
            values.fill(value, type.schemas[from], portable ? type.schemas[to] : null);
            byte[] bytes = write(value, from);
            Verdict verdict = read(message, from, bytes, to);
            if (verdict.refusal() != null) throw new IllegalStateException(message + " v" + from + ": " + verdict.refusal());
            if (portable && verdict.written() == null)
                throw new IllegalStateException(message + " v" + from + " -> v" + to + " is not portable: " + verdict.writeRefusal());
            if (!seen.add(HEX.formatHex(bytes))) continue;
            lines.accept("{\"message\":\"" + message + "\",\"from\":" + from + ",\"to\":" + to + ",\"kafka\":\"" + release
                + "\",\"sample\":\"" + sample + "\",\"hex\":\"" + HEX.formatHex(bytes) + "\","
                + (verdict.written() != null ? "\"expect_hex\":\"" + HEX.formatHex(verdict.written()) + "\"}"
                    : "\"expect_error\":true,\"error\":" + quoted(verdict.writeRefusal()) + "}"));
        }
    }

    @Override
    public void meaningLines(String release, Consumer<String> lines) {
        new GoldenMeaning(release, lines).write();
    }

    @Override
    public void errorAnswerLines(String request, int version, String release, Random random, Consumer<String> lines) {
        new ErrorAnswers(messages.get(request), version, release).lines(random, lines);
    }

    @Override
    public List<String> headerVersions() {
        List<String> lines = new ArrayList<>();
        for (ApiMessageType type : ApiMessageType.values())
            for (int version = type.lowestSupportedVersion(); version <= type.highestSupportedVersion(true); ++version)
                lines.add(type.apiKey() + " " + version + " " + type.name + " " + type.requestHeaderVersion((short) version) + " "
                    + type.responseHeaderVersion((short) version));
        return lines;
    }

    @Override
    public List<String> errorCodes() {
        return Stream.of(Errors.values()).sorted((a, b) -> a.code() - b.code())
            .map(error -> error.code() + " " + error.name() + " " + (error.exception() instanceof RetriableException ? 1 : 0)).toList();
    }

    private static String quoted(String text) {
        return TextNode.valueOf(text).toString();
    }

    /** The lines of one message at one version. */
    private final class MessageLines {
        /** The name of a shape; a sample with the same bytes as an earlier one is left out. */
        private record Sample(String name, Shape shape) {}

        private static final List<Sample> SAMPLES = List.of(new Sample("minimal", Shape.MINIMAL), new Sample("hollow", Shape.HOLLOW),
            new Sample("full", Shape.FULL), new Sample("null", Shape.NULL), new Sample("null-leaves", Shape.NULL_LEAVES),
            new Sample("random-1", Shape.RANDOM), new Sample("random-2", Shape.RANDOM), new Sample("random-3", Shape.RANDOM),
            new Sample("random-4", Shape.RANDOM), new Sample("random-5", Shape.RANDOM), new Sample("wide", Shape.WIDE),
            new Sample("tags", Shape.TAGS), new Sample("tags-2", Shape.TAGS));

        private final MessageClass type;
        private final int version;
        private final Schema schema;
        private final String start;
        private final Random random;
        private final Consumer<String> lines;
        private final Set<String> seen = new HashSet<>();
        private final List<byte[]> small = new ArrayList<>();

        MessageLines(String message, int version, String release, Random random, Consumer<String> lines) {
            type = messages.get(message);
            this.version = version;
            schema = type.schemas[version];
            start = "{\"message\":\"" + message + "\",\"version\":" + version + ",\"kafka\":\"" + release + "\",\"sample\":\"";
            this.random = random;
            this.lines = lines;
        }

        void write() {
            value("default", type.make(), 0);
            for (Sample sample : SAMPLES) {
                if (sample.shape == Shape.WIDE && !hasWideSample() || sample.shape == Shape.TAGS && !Layout.hasTagSection(schema)) continue;
                Message value = type.make();
                GoldenValues values = new GoldenValues(sample.shape, random);
                values.fill(value, schema, null);
                value(sample.name, value, values.unknownTags());
            }
            new Refusals(bytes -> read(type.name, version, bytes, version).refusal(), small, random).find()
                .forEach(refused -> lines.accept(start + "reject-" + refused.kind() + "\",\"hex\":\"" + HEX.formatHex(refused.bytes())
                    + "\",\"error\":" + quoted(refused.error()) + "}"));
        }

        /** They are large, so not every version has one. */
        private boolean hasWideSample() {
            return (version == type.lowest || version == type.highest)
                && GoldenValues.hasArray(type.make().getClass(), schema);
        }

        private void value(String sample, Message value, int unknownTags) {
            byte[] bytes = KafkaJudge.write(value, version);
            if (!seen.add(HEX.formatHex(bytes))) return;
            String json = type.json(value, version);
            Verdict again = read(type.name, version, bytes, version);
            if (again.refusal() != null || again.left() != 0 || !Arrays.equals(again.written(), bytes) || !json.equals(again.json()))
                throw new IllegalStateException(start + sample + ": Kafka does not read what it wrote, " + HEX.formatHex(bytes));
            if (bytes.length > 0 && bytes.length <= 400) small.add(bytes);
            lines.accept(start + sample + "\","
                + (unknownTags > 0 ? "\"unknown_tags\":true,\"unknown_tag_count\":" + unknownTags + "," : "") + "\"json\":" + json
                + ",\"hex\":\"" + HEX.formatHex(bytes) + "\"}");
        }
    }
}
