/* Watches frames with examples/tables/observe.h, for test_c_tables.py: each line of input is a request's
 * frame in hex, or `key version hex` for a response; each line of output what the example made of its first
 * bytes: as numbers, and as the bytes of the struct, which eBPF must leave the same. */
#define KWIRE_MAX_PREFIX 256
#define KWIRE_MAX_STEPS 96
#include "observe.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    static char line[1 << 16];
    struct watch one;
    printf("%zu %zu\n", KWIRE_MAX_PREFIX + offsetof(struct watch, seen), sizeof one.seen);
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned char bytes[KWIRE_MAX_PREFIX];
        const unsigned char* raw = (const unsigned char*)&one.seen;
        const char* space = strrchr(line, ' ');
        const char* hex = space != NULL ? space + 1 : line;
        unsigned int size = 0, byte, i;
        int key, version;
        for (; size < KWIRE_MAX_PREFIX && sscanf(hex + 2 * size, "%2x", &byte) == 1; ++size)
            bytes[size] = (unsigned char)byte;
        if (space == NULL)
            observe_request(bytes, size, &one);
        else if (sscanf(line, "%d %d", &key, &version) == 2)
            observe_response(bytes, size, key, version, &one);
        else
            return 2;
        printf("%d %d %d %d %u %u ", one.seen.error_code, one.seen.api_key, one.seen.api_version,
               one.seen.end, one.seen.topics, one.seen.partitions);
        for (i = 0; i < one.seen.client_id.length; ++i) printf("%02x", bytes[one.seen.client_id.offset + i]);
        putchar('/');
        for (i = 0; i < one.seen.topic.length; ++i) printf("%02x", bytes[one.seen.topic.offset + i]);
        putchar(' ');
        for (i = 0; i < sizeof one.seen; ++i) printf("%02x", raw[i]);
        putchar('\n');
    }
    return 0;
}
