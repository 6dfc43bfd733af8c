"""Where the echo broker does not answer as Kafka does, and why."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Reason:
    cases: str  # a pattern for the names of cases
    paths: str  # a pattern for the places in their answers
    why: str

    def explains(self, case, path):
        return re.fullmatch(self.cases, case) is not None and re.fullmatch(self.paths, path) is not None


UNREADABLE = ("Kafka's decoder throws and the answer is -1, which tells nothing; INVALID_RECORD and UNSUPPORTED_COMPRESSION_TYPE are "
              "what Kafka answers where it notices such a defect itself, and no client sends the batch again")
STRICTER = "what is stored must be readable for every client, not only for Java's: it is refused"
GROUPS_OF_SHARES = "share groups are not served"
OLD_CLIENTS = "Kafka 4 hangs up on clients of before 0.11; this broker serves them, and is compared with Kafka 3.9 below"
TWICE = ("each entry is answered, in the order in which it was asked; Kafka keeps the last one of a partition and drops the others "
         "without a word")

# The keys of APIs that are for clusters with several nodes, for access rights, quotas and tokens, for share and streams groups.
NOT_SERVED = "27|29|3[0145689]|4[01356789]|5[0157]|6[4-6]|7[4-9]|8[0-9]|9[0-4]"

of_4_4 = [
    Reason("ApiVersions: what is advertised", f"({NOT_SERVED}) (from|to)", "for clusters of several nodes, access rights, quotas, share "
           "and streams groups: not served"),
    Reason("ApiVersions: what is advertised", "[0-9]+ from", "older clients are served too"),
    Reason("Produce: null", ".*", "Kafka runs into a null pointer and never answers"),
    Reason("Produce: two records of one offset", ".*", STRICTER),
    Reason("Produce: (garbage records|(gzip|snappy|lz4|zstd) that is (none|cut)|codec [57])", r".*\.errorCode", UNREADABLE),
    Reason("Produce: a partition twice", ".*", TWICE),
    Reason("Produce v[0-2]|Fetch v[0-3]|ListOffsets v0", ".*", OLD_CLIENTS),
    Reason(r"Fetch: (partition )?limit \d+", r".*\.bytes of one that is cut",
           "only whole batches are sent, because what is cut is sent again with the next answer; at least one in any case"),
    Reason(r"Fetch: session \(-?\d+, 0\)", "sessionId", "fetch sessions are declined, as KIP-227 provides for: the id is 0"),
    Reason("Fetch: a partition twice", ".*", TWICE),
    Reason("ListOffsets: a partition twice", ".*", "the first entry is answered and the second refused, where Kafka refuses the only "
           "entry of its answer"),
    Reason("Metadata: ids", r"\[2\].*", "neither a name nor an id: -1 tells nothing"),
    Reason("CreateTopics: new names that collide", ".*", "Kafka compares new names with the topics that it has, but not with each other"),
    Reason("DescribeConfigs: kind 4", r".*\.configs", "the defaults of a cluster, of which there are none"),
    Reason("DescribeConfigs: kind 16", ".*", "the settings of client metrics (KIP-714), which are not served"),
    Reason("IncrementalAlterConfigs: odd", r"\[3\]", "an operation that does not exist is INVALID_REQUEST; -1 tells nothing"),
    Reason("IncrementalAlterConfigs: odd", r"\[[789]\]|\[1[01]\]", "of two defects this broker names the topic that does not exist, Kafka the setting"),
    Reason("FindCoordinator v[1-6]: kind 2", ".*", GROUPS_OF_SHARES),
]

of_3_9 = [
    Reason("Produce v[02]: ((gzip|snappy|lz4) that is none|codec 5)", r".*\.errorCode", UNREADABLE),
    Reason("Produce v[02]: a cut message in a wrapper", ".*", STRICTER),
    Reason("Produce v[02]: zstd of magic 2", ".*", "zstd needs Produce 7 (KIP-110); Kafka looks at the compression from version 3 on only"),
    Reason("Fetch v[0-3]: .*", r".*\.bytes of one that is cut", "after a conversion Kafka fills up with the beginning of a message that does "
           "not exist, because it has announced the size that the records had before; this broker converts first. What does not fit into "
           "the limit of version 0 to 2 is cut there, as brokers of that time did, so that the consumer notices; Kafka 3.9 sends nothing"),
]
