package oracle;

import java.util.Random;

/** What Kafka's record classes read in a record set, and random sets that they make. */
public interface RecordsJudge {
    /** A set that Kafka does not read to its end. */
    final class Refused extends Exception {
        /** The stage at which Kafka failed: splitting into "batches", the "crc" of one, or its "records". */
        public final String stage;

        public Refused(String stage, Throwable why) {
            super(stage + ": " + why, why);
            this.stage = stage;
        }
    }

    /** All that Kafka reads, as the JSON that kwire-convert prints: batches and truncated_tail. */
    String describe(byte[] set) throws Refused;

    /** A set by Kafka's builder, and its content. */
    Made make(Random random);

    record Made(String kind, byte[] set) {}
}
