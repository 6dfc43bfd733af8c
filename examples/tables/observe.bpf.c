/* observe.h as an eBPF program: a socket filter whose packets begin with a frame, which is how a test can
 * feed it.
 *
 *     clang -target bpf -O2 -c observe.bpf.c
 *
 * An agent copies the first bytes that a probe of read() or write() sees instead, and has one of these
 * buffers for each CPU, in a map.
 */
#define KWIRE_MAX_PREFIX 256
#define KWIRE_MAX_STEPS 96 /* a third of a million instructions for the verifier, whose limit is a million   \
                            */
#include "observe.h"

struct __sk_buff;
static long (*skb_load_bytes)(const struct __sk_buff* packet, unsigned int offset, void* to,
                              unsigned int len) = (void*)26;

struct shared {
    unsigned char prefix[KWIRE_MAX_PREFIX];
    struct watch watch;
};
struct shared shared;

static int copy_prefix(const struct __sk_buff* packet) {
    unsigned int len = *(const unsigned int*)packet; /* its first member is its length */
    if (len > KWIRE_MAX_PREFIX) len = KWIRE_MAX_PREFIX;
    if (len == 0 || skb_load_bytes(packet, 0, shared.prefix, len) != 0) return 0;
    return (int)len;
}

__attribute__((section("socket"), used)) int on_request(struct __sk_buff* packet) {
    const int len = copy_prefix(packet);
    if (len > 0) observe_request(shared.prefix, (unsigned int)len, &shared.watch);
    return len;
}

char program_license[] __attribute__((section("license"), used)) = "GPL";
