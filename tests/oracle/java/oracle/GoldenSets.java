package oracle;

import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** The lines of records.jsonl: record sets that Kafka's classes write, read, refuse and change. */
public interface GoldenSets {
    void lines(Random random, Consumer<String> lines);

    /** The lines of filtered.jsonl: what compaction leaves of `sets`, the lines of records.jsonl. */
    void filtered(List<String> sets, Consumer<String> lines);

    /** The lines of committed.jsonl: what consumers show of logs with transactions. */
    void committed(Random random, Consumer<String> lines);
}
