package oracle.kafka;

import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import oracle.kafka.GoldenValues.Shape;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestAndSize;

/** How Kafka's request classes refuse a whole request: {@code AbstractRequest.getErrorResponse}. */
final class ErrorAnswers {
    private static final HexFormat HEX = HexFormat.of();
    private static final int THROTTLE_MS = 77;
    private static final Map<String, Shape> SAMPLES = Map.of("minimal", Shape.MINIMAL, "hollow", Shape.HOLLOW, "full", Shape.FULL, "null",
        Shape.NULL, "random-1", Shape.RANDOM, "random-2", Shape.RANDOM);
    private static final List<Errors> ERRORS = List.of(Errors.NOT_LEADER_OR_FOLLOWER, Errors.UNKNOWN_SERVER_ERROR, Errors.NOT_COORDINATOR);

    private final KafkaJudge.MessageClass type;
    private final int version;
    private final String start;

    ErrorAnswers(KafkaJudge.MessageClass type, int version, String release) {
        this.type = type;
        this.version = version;
        start = "{\"message\":\"" + type.name + "\",\"version\":" + version + ",\"kafka\":\"" + release + "\",\"sample\":\"";
    }

    void lines(Random random, Consumer<String> lines) {
        Set<String> seen = new HashSet<>();
        for (String sample : SAMPLES.keySet().stream().sorted().toList()) {
            Message value = type.make();
            new GoldenValues(SAMPLES.get(sample), random).fill(value, type.schemas[version], null);
            byte[] bytes = KafkaJudge.write(value, version);
            Errors error = ERRORS.get(random.nextInt(ERRORS.size()));
            if (!seen.add(HEX.formatHex(bytes))) continue;
            lines.accept(start + sample + "\",\"hex\":\"" + HEX.formatHex(bytes) + "\",\"code\":" + error.code() + ",\"throttle_ms\":"
                + THROTTLE_MS + "," + answer(bytes, error) + "}");
        }
    }

    private String answer(byte[] bytes, Errors error) {
        AbstractResponse answer;
        try {
            answer = parse(bytes).getErrorResponse(THROTTLE_MS, error.exception());
        } catch (ReflectiveOperationException | NullPointerException refused) { // it wants more than a schema does
            return "\"refused\":true";
        }
        if (answer == null) return "\"expect_none\":true";
        return "\"expect_hex\":\"" + HEX.formatHex(KafkaJudge.write(answer.data(), version)) + "\"";
    }

    /** The newer release's parser takes a Readable, the older one's a ByteBuffer. */
    private AbstractRequest parse(byte[] bytes) throws ReflectiveOperationException {
        ApiKeys key = ApiKeys.forId(((org.apache.kafka.common.protocol.ApiMessage) type.make()).apiKey());
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        for (Method method : AbstractRequest.class.getMethods())
            if (method.getName().equals("parseRequest")) {
                Object input = method.getParameterTypes()[2] == ByteBuffer.class ? buffer : new ByteBufferAccessor(buffer);
                return ((RequestAndSize) method.invoke(null, key, (short) version, input)).request;
            }
        throw new IllegalStateException("no parseRequest");
    }
}
