package oracle;

import java.util.Random;
import java.util.function.Consumer;

/** The lines of records.jsonl: record sets that Kafka's classes write, read, refuse and change. */
public interface GoldenSets {
    void lines(Random random, Consumer<String> lines);
}
