#include "common/base/id.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/ascii.h"
#include "common/base/base64url.h"
#include "common/base/random.h"

/* The fewest bytes whose base64url is at least that long. */
enum { ID_BYTES = (ID_RANDOM_CHARS * 6 + 7) / 8, NODE_ID_BYTES = NODE_ID_CHARS * 6 / 8 };
_Static_assert(NODE_ID_BYTES * 8 == NODE_ID_CHARS * 6, "a node's id is whole bytes");

static void encode_chars(char *text, size_t chars, const unsigned char *bytes, size_t n)
{
    struct buf b;
    buf_init(&b, 64);
    base64url_encode(&b, slice_make(bytes, n));
    if (buf_failed(&b))
        abort();
    memcpy(text, b.p, chars);
    buf_finish(&b);
}

static struct id id_of(unsigned partition, const unsigned char bytes[static ID_BYTES])
{
    struct id id = {0};
    assert(partition < ID_PARTITIONS_MAX);
    id.text[0] = (char)('0' + partition / 10);
    id.text[1] = (char)('0' + partition % 10);
    encode_chars(id.text + 2, ID_RANDOM_CHARS, bytes, ID_BYTES);
    return id;
}

struct id id_random(unsigned partition)
{
    unsigned char bytes[ID_BYTES];
    random_bytes(bytes, sizeof bytes);
    return id_of(partition, bytes);
}

struct id id_derived(unsigned partition, struct slice secret, uint64_t n)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_n = 0;
    char text[24];
    int text_n = snprintf(text, sizeof text, "%" PRIu64, n);
    assert(secret.n <= INT32_MAX);
    /* A NULL key means "the key of last time" to OpenSSL. */
    const void *key = secret.n ? secret.p : "";
    if (!HMAC(EVP_sha256(), key, (int)secret.n, (const unsigned char *)text, (size_t)text_n, mac, &mac_n))
        abort();
    assert(mac_n >= ID_BYTES);
    return id_of(partition, mac);
}

bool id_parse(struct slice text, unsigned partitions, struct id *ret_id)
{
    struct id id = {0};
    if (text.n != ID_CHARS)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (!ascii_is_digit(text.p[i]))
            return false;
    if (!ascii_is_made_of(text, "-_"))
        return false;
    memcpy(id.text, text.p, ID_CHARS);
    if (id_partition(&id) >= partitions)
        return false;
    *ret_id = id;
    return true;
}

unsigned id_partition(const struct id *id)
{
    assert(!id_is_none(id));
    return (unsigned)(id->text[0] - '0') * 10 + (unsigned)(id->text[1] - '0');
}

struct node_id node_id_random(void)
{
    struct node_id id = {0};
    unsigned char bytes[NODE_ID_BYTES];
    random_bytes(bytes, sizeof bytes);
    encode_chars(id.text, NODE_ID_CHARS, bytes, sizeof bytes);
    return id;
}
