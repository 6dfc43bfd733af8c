/* Reads messages with the header that schema/generate.py --c writes, for test_c_tables.py.
 *
 * Each line of input is `message version offset hex`, or `request hex` or `response key version hex` for a
 * frame. Each line of output is what was found, `field,length,number,hex` for each value, and the end and
 * where it is. Before that it reads each prefix of the bytes, in an allocation of that size: what it finds
 * must be the first part of the whole, and the cursor of a prefix must find the rest in the whole: with the
 * argument `cuts`. With `changes` it reads one-byte changes too, which must end.
 */
#include KWIRE_HEADER

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    max_line = 1 << 22,
    max_found = 1 << 16,
    longest_for_all_cuts = 320
};

static char line[max_line];
static unsigned char bytes[max_line / 2];
static unsigned int size;
static struct kwire_value found[max_found];
static unsigned int found_count;

/* Fields that are there whole or not at all. */
static unsigned char is_fixed[65536];

struct start {
    enum {
        message_alone,
        request,
        response
    } kind;
    unsigned int number;
    int version;
};

static void fail(const char* what, unsigned int cut) {
    fprintf(stderr, "%s, with %u of %u bytes of: %.200s\n", what, cut, size, line);
    exit(1);
}

static int begin(struct kwire_cursor* at, const struct start* start, const unsigned char* buf,
                 unsigned int len) {
    if (start->kind == request) return kwire_begin_request(at, buf, len);
    if (start->kind == response) return kwire_begin_response(at, start->number, start->version);
    return kwire_begin(at, start->number, start->version, 0);
}

/* The next value; more steps than bytes explain are a failure. */
static int next(struct kwire_cursor* at, const unsigned char* buf, unsigned int len,
                struct kwire_value* value) {
    unsigned int calls = 0;
    int got = KWIRE_MORE;
    while (got == KWIRE_MORE) {
        if (++calls > 64 + len) fail("it does not end", len);
        got = kwire_next(at, buf, len, value);
    }
    if (got == KWIRE_FOUND && (value->offset > len || value->present > len - value->offset))
        fail("a value lies outside", len);
    if (got == KWIRE_FOUND && is_fixed[value->field] && value->present != value->length)
        fail("a part of a number is there", len);
    if (got == KWIRE_FOUND && value->length > 0 && value->present != value->length &&
        value->present != len - value->offset)
        fail("less is there than the bytes have", len);
    return got;
}

static int same(const struct kwire_value* a, const struct kwire_value* b) {
    return a->field == b->field && a->offset == b->offset && a->length == b->length && a->number == b->number;
}

static void read_cut(const struct start* start, unsigned int cut, int whole_end) {
    struct kwire_cursor at;
    struct kwire_value value;
    unsigned int count = 0;
    unsigned char* copy = malloc(cut != 0 ? cut : 1);
    int got;
    memcpy(copy, bytes, cut);
    got = begin(&at, start, copy, cut);
    if (start->kind == request && cut < 8) {
        if (got != KWIRE_CUT) fail("a request without its version is not cut", cut);
        free(copy);
        return;
    }
    if (got == KWIRE_UNKNOWN) fail("the message is unknown", cut);
    while ((got = next(&at, copy, cut, &value)) == KWIRE_FOUND) {
        if (count >= found_count || !same(&value, &found[count])) fail("a prefix shows something else", cut);
        ++count;
    }
    free(copy);
    if (got == whole_end && whole_end != KWIRE_CUT && count == found_count)
        return; /* what is bad or the end lies in front */
    if (got != KWIRE_CUT) fail("a prefix is not cut", cut);
    for (; (got = next(&at, bytes, size, &value)) == KWIRE_FOUND; ++count)
        if (count >= found_count || !same(&value, &found[count])) fail("the rest shows something else", cut);
    if (got != whole_end || count != found_count) fail("the rest ends elsewhere", cut);
}

static void read_changed(const struct start* start, unsigned char* exact) {
    unsigned int place;
    for (place = 0; place < size; ++place) {
        static const unsigned char changes[] = {0x00, 0x7f, 0x80, 0xff};
        unsigned int i;
        for (i = 0; i < sizeof changes; ++i) {
            struct kwire_cursor at;
            struct kwire_value value;
            exact[place] = changes[i];
            if (begin(&at, start, exact, size) < 0) continue;
            while (next(&at, exact, size, &value) == KWIRE_FOUND) continue;
        }
        exact[place] = bytes[place];
    }
}

static const char* end_of(int got) {
    return got == KWIRE_END ? "end" : got == KWIRE_CUT ? "cut" : got == KWIRE_BAD ? "bad" : "unknown";
}

int main(int argc, char** argv) {
    const int cuts = argc > 1 && strcmp(argv[1], "cuts") == 0;
    unsigned int op;
    const int changes = argc > 1 && strcmp(argv[1], "changes") == 0;
    for (op = 0; op < sizeof kwire_ops / sizeof kwire_ops[0]; ++op)
        if (kwire_ops[op].kind == KWIRE_OP_FIXED || kwire_ops[op].kind == KWIRE_OP_SIGNED ||
            kwire_ops[op].kind == KWIRE_OP_UNSIGNED)
            is_fixed[kwire_ops[op].field] = 1;
    is_fixed[0] = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct start start = {message_alone, 0, 0};
        struct kwire_cursor at;
        struct kwire_value value;
        unsigned char* exact;
        unsigned int i, count = 0;
        int got;
        const char* hex = strrchr(line, ' ') + 1;
        if (strncmp(line, "request", 7) == 0)
            start.kind = request;
        else if (sscanf(line, "response %u %d", &start.number, &start.version) == 2)
            start.kind = response;
        else if (sscanf(line, "%u %d", &start.number, &start.version) != 2)
            return 2;
        for (size = 0; hex[2 * size] > ' '; ++size) {
            unsigned int byte;
            if (sscanf(hex + 2 * size, "%2x", &byte) != 1) return 2;
            bytes[size] = (unsigned char)byte;
        }
        exact = malloc(size != 0 ? size : 1);
        memcpy(exact, bytes, size);

        found_count = 0;
        got = begin(&at, &start, exact, size);
        if (got >= 0) {
            while ((got = next(&at, exact, size, &value)) == KWIRE_FOUND) {
                if (found_count == max_found) return 2;
                found[found_count++] = value;
            }
            for (i = 0; i < size && cuts; ++i)
                if (i < longest_for_all_cuts || size - i < 16) read_cut(&start, i, got);
            if (size <= longest_for_all_cuts && changes) read_changed(&start, exact);
        }
        for (i = 0; i < found_count; ++i) {
            const struct kwire_value* one = &found[i];
            printf("%u,%lld,%lld,", one->field, one->length, one->number);
            for (count = 0; count < one->present; ++count) printf("%02x", exact[one->offset + count]);
            putchar(' ');
        }
        printf("%s %llu\n", end_of(got), at.offset);
        free(exact);
    }
    return 0;
}
