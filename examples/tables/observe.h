/* What an agent that watches Kafka's traffic wants to know, from the first bytes of a frame: who asks for
 * which topics, and whether an answer says that something went wrong. It runs in a program as it does in the
 * kernel: observe.bpf.c.
 *
 *     python3 schema/generate.py --c produce fetch metadata offset_commit join_group -o kafka_tables.h
 */
#ifndef OBSERVE_H
#define OBSERVE_H

#include "kafka_tables.h"

/* Bytes within the frame; length 0 if there is no such thing. */
struct place {
    unsigned int offset;
    unsigned int length;
};

struct observation {
    int api_key;
    int api_version;
    int error_code; /* the first one that is not 0 */
    int end;        /* KWIRE_END, KWIRE_CUT... */
    struct place client_id;
    struct place group_id;
    struct place topic; /* the first one */
    unsigned int topics;
    unsigned int partitions;
};

static inline struct place place_of(const struct kwire_value* value) {
    const struct place here = {(unsigned int)value->offset, value->present};
    return here;
}

static inline void observe_field(const struct kwire_value* value, struct observation* seen) {
    switch (value->field) {
    case KWIRE_REQUEST_HEADER_REQUEST_API_KEY: seen->api_key = (int)value->number; break;
    case KWIRE_REQUEST_HEADER_REQUEST_API_VERSION: seen->api_version = (int)value->number; break;
    case KWIRE_REQUEST_HEADER_CLIENT_ID: seen->client_id = place_of(value); break;
    case KWIRE_OFFSET_COMMIT_REQUEST_GROUP_ID:
    case KWIRE_JOIN_GROUP_REQUEST_GROUP_ID: seen->group_id = place_of(value); break;
    case KWIRE_PRODUCE_REQUEST_TOPIC_DATA_NAME:
    case KWIRE_FETCH_REQUEST_TOPICS_TOPIC:
    case KWIRE_METADATA_REQUEST_TOPICS_NAME:
    case KWIRE_METADATA_RESPONSE_TOPICS_NAME:
    case KWIRE_OFFSET_COMMIT_REQUEST_TOPICS_NAME:
        if (seen->topic.length == 0) seen->topic = place_of(value);
        seen->topics += 1;
        break;
    case KWIRE_PRODUCE_REQUEST_TOPIC_DATA_PARTITION_DATA:
    case KWIRE_FETCH_REQUEST_TOPICS_PARTITIONS:
    case KWIRE_METADATA_RESPONSE_TOPICS_PARTITIONS:
    case KWIRE_OFFSET_COMMIT_REQUEST_TOPICS_PARTITIONS:
        if (value->number > 0) seen->partitions += (unsigned int)value->number;
        break;
    case KWIRE_PRODUCE_RESPONSE_RESPONSES_PARTITION_RESPONSES_ERROR_CODE:
    case KWIRE_FETCH_RESPONSE_ERROR_CODE:
    case KWIRE_FETCH_RESPONSE_RESPONSES_PARTITIONS_ERROR_CODE:
    case KWIRE_METADATA_RESPONSE_TOPICS_ERROR_CODE:
    case KWIRE_METADATA_RESPONSE_TOPICS_PARTITIONS_ERROR_CODE:
    case KWIRE_OFFSET_COMMIT_RESPONSE_TOPICS_PARTITIONS_ERROR_CODE:
    case KWIRE_JOIN_GROUP_RESPONSE_ERROR_CODE:
        if (seen->error_code == 0) seen->error_code = (int)value->number;
        break;
    default: break;
    }
}

/* What a reader of one frame works with; in the kernel it lies in a map, one for each CPU. */
struct watch {
    struct kwire_cursor at;
    struct kwire_value value;
    struct observation seen;
};

static inline void observe_fields(struct watch* one, const unsigned char* buf, unsigned int len) {
    int i;
    for (i = 0; one->seen.end >= 0 && i < KWIRE_MAX_STEPS; ++i) {
        one->seen.end = kwire_step(&one->at, buf, len, &one->value);
        if (one->seen.end == KWIRE_FOUND) observe_field(&one->value, &one->seen);
    }
}

/* `buf` begins with the frame's size. */
static inline void observe_request(const unsigned char* buf, unsigned int len, struct watch* one) {
    const struct observation nothing = {0};
    one->seen = nothing;
    one->seen.end = kwire_begin_request(&one->at, buf, len);
    observe_fields(one, buf, len);
}

/* The API and version are those of the request with the same correlation id on the same connection. */
static inline void observe_response(const unsigned char* buf, unsigned int len, int api_key, int api_version,
                                    struct watch* one) {
    const struct observation nothing = {0};
    one->seen = nothing;
    one->seen.api_key = api_key;
    one->seen.api_version = api_version;
    one->seen.end = kwire_begin_response(&one->at, (unsigned int)api_key, api_version);
    observe_fields(one, buf, len);
}

#endif /* OBSERVE_H */
