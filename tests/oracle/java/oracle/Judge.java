package oracle;

import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;

/**
 * What the classes of one Kafka release say of a message's bytes. Each release has a class loader of its own, so only types
 * of the JDK and of this package cross.
 */
public interface Judge {
    /** The versions of each message of the release, by the schema's name. */
    SortedMap<String, SortedSet<Integer>> versions();

    /** A random value, written by Kafka. */
    Sample sample(String message, int version, Random random);

    /** What Kafka reads in the bytes and what it writes then at the version {@code to}. */
    Verdict read(String message, int version, byte[] bytes, int to);

    /** Whether a field of this name, in snake_case, is a tagged one somewhere in this version. */
    boolean isTagged(String message, int version, String field);

    /**
     * @param json what Kafka's converter makes of the value; null where it has none (one message has no converter, and
     *     numbers that are none, like NaN, have no JSON)
     * @param unknownTags whether the bytes hold tagged fields that no schema knows, which the JSON leaves out
     */
    record Sample(byte[] bytes, String json, boolean unknownTags) {}

    /**
     * @param refusal why Kafka did not read the bytes, or null
     * @param left bytes behind the message
     * @param json as in a sample
     * @param written what Kafka writes of what it read, or null where it refuses that
     * @param writeRefusal why it refuses
     */
    record Verdict(String refusal, int left, String json, byte[] written, String writeRefusal) {}
}
