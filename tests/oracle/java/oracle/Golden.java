package oracle;

import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** What one release's classes write into the golden vectors: tests/golden/README.md. */
public interface Golden extends Judge {
    /** The lines of messages.jsonl for one version of one message: values, then refusals. */
    void messageLines(String message, int version, String release, Random random, Consumer<String> lines);

    /** The lines of transcode.jsonl for one pair of versions that this release knows both. */
    void transcodingLines(String message, int from, int to, String release, Random random, Consumer<String> lines);

    /** The lines of meaning.jsonl. */
    void meaningLines(String release, Consumer<String> lines);

    /** The lines of error-answers.jsonl for one version of one request. */
    void errorAnswerLines(String request, int version, String release, Random random, Consumer<String> lines);

    /** `key version name request_header response_header` for each version of each API, sorted. */
    List<String> headerVersions();

    /** `code name retriable` for each error code, sorted by number; retriable is 0 or 1. */
    List<String> errorCodes();
}
