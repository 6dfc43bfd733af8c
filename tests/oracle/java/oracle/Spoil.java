package oracle;

/** What is made wrong on purpose before Kafka judges; the run then succeeds if every wrong thing is noticed. */
enum Spoil {
    NOTHING,
    BYTE, // one bit of what kwire answers
    EDIT, // one edit is left out of what is expected
}
