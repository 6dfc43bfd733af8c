package oracle;

import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;

/**
 * What the classes of one Kafka release read in a message's bytes. Each release has its own class loader, so only types of the
 * JDK and of this package are used on both sides.
 */
public interface Judge {
    /** The versions of each message of the release, by the schema's name. */
    SortedMap<String, SortedSet<Integer>> versions();

    /** A random value, written by Kafka. */
    Sample sample(String message, int version, Random random);

    /** What Kafka reads in the bytes, and what it then writes at the version {@code to}. */
    Verdict read(String message, int version, byte[] bytes, int to);

    /** The same at its own version, and the JSON has the unknown tags of each struct too, as its member {@link #UNKNOWN_TAGS}. */
    Verdict readWithTags(String message, int version, byte[] bytes);

    /**
     * The fields of a message at a version, as JSON: {@code {"fields":[...]}}, each field with its `name`, `kind` (struct, array or
     * scalar), `nullable`, `tag` (-1 if it has none), the `default` of a tagged one, and the `fields` of a struct or of an array's
     * elements.
     */
    String shape(String message, int version);

    /** What Kafka writes for a message in the JSON of {@link #readWithTags}; null if its classes do not read JSON. */
    byte[] write(String message, int version, String json);

    /** The member in which readWithTags has unknown tags: an array of pairs of the tag and its bytes in base64. */
    String UNKNOWN_TAGS = "unknown tags";

    /** Whether a field of this name, in snake_case, is a tagged one somewhere in this version. */
    boolean isTagged(String message, int version, String field);

    /**
     * @param json the result of Kafka's converter; null if there is none (one message has no converter, and NaN and infinities
     *     have no JSON)
     * @param unknownTags whether the bytes contain tagged fields that no schema knows, which the JSON omits
     */
    record Sample(byte[] bytes, String json, boolean unknownTags) {}

    /**
     * @param refusal why Kafka did not read the bytes, or null
     * @param left the number of bytes after the message
     * @param json as in a sample
     * @param written what Kafka writes for the value that it read, or null if it refuses to write
     * @param writeRefusal why it refuses
     */
    record Verdict(String refusal, int left, String json, byte[] written, String writeRefusal) {}
}
