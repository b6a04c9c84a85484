#include "common/wire/msgpack_head.h"

#include <math.h>

static const char *const cut_off = "the frame ends within a value";

static uint64_t read_uint(const char *p, size_t size)
{
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++)
        n = n << 8 | (unsigned char)p[i];
    return n;
}

/* A string, array or map of `n`: whether the bytes from `p` on can hold it. */
static const char *set_size(struct wire_head *head, enum wire_kind kind, uint64_t n, size_t left)
{
    static const char *const too_long[] = {
        [WIRE_STRING] = "a string longer than the frame",
        [WIRE_ARRAY] = "an array longer than the frame",
        [WIRE_MAP] = "a map longer than the frame",
    };

    if (n > (kind == WIRE_MAP ? left / 2 : left))
        return too_long[kind];
    head->kind = kind;
    head->n = (size_t)n;
    return NULL;
}

static const char *set_int(struct wire_head *head, int64_t n)
{
    head->kind = WIRE_INT;
    head->integer = n;
    return NULL;
}

static const char *set_uint(struct wire_head *head, uint64_t n)
{
    if (n > INT64_MAX)
        return "an integer above 2^63-1";
    return set_int(head, (int64_t)n);
}

static const char *set_bool(struct wire_head *head, bool boolean)
{
    head->kind = WIRE_BOOL;
    head->boolean = boolean;
    return NULL;
}

static const char *set_double(struct wire_head *head, double number)
{
    if (!isfinite(number))
        return "a number that is not finite";
    head->kind = WIRE_DOUBLE;
    head->number = number;
    return NULL;
}

static double float_of(uint64_t bits)
{
    uint32_t narrow = (uint32_t)bits;
    float number;

    memcpy(&number, &narrow, sizeof(number));
    return number;
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

/* The bytes that follow the tags 0xc0 to 0xdf, as the specification lists them; ext and bin are refused anyway. */
static size_t size_of(unsigned tag)
{
    static const unsigned char sizes[32] = {
        [0x0a] = 4, [0x0b] = 8,                         /* float 32, 64 */
        [0x0c] = 1, [0x0d] = 2, [0x0e] = 4, [0x0f] = 8, /* uint 8 to 64 */
        [0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8, /* int 8 to 64 */
        [0x19] = 1, [0x1a] = 2, [0x1b] = 4,             /* str 8 to 32 */
        [0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4, /* array, map 16 and 32 */
    };

    return sizes[tag - 0xc0];
}

/* The tags 0xc0 to 0xdf; `n` is what follows the tag, `left` how many bytes come behind that. */
static const char *set_tagged(struct wire_head *head, unsigned tag, uint64_t n, size_t left)
{
    switch (tag) {
    case 0xc0:
        head->kind = WIRE_NULL;
        return NULL;
    case 0xc2:
    case 0xc3:
        return set_bool(head, tag == 0xc3);
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return "msgpack's bin type is not used here";
    case 0xca:
        return set_double(head, float_of(n));
    case 0xcb:
        return set_double(head, double_of(n));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return set_uint(head, n);
    case 0xd0:
        return set_int(head, (int8_t)n);
    case 0xd1:
        return set_int(head, (int16_t)n);
    case 0xd2:
        return set_int(head, (int32_t)n);
    case 0xd3:
        return set_int(head, (int64_t)n);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return set_size(head, WIRE_STRING, n, left);
    case 0xdc:
    case 0xdd:
        return set_size(head, WIRE_ARRAY, n, left);
    case 0xde:
    case 0xdf:
        return set_size(head, WIRE_MAP, n, left);
    case 0xc1:
        return "the byte 0xc1 begins no value";
    default:
        return "msgpack's ext types are not used here";
    }
}

const char *wire_head_read(struct wire_cursor *in, struct wire_head *ret_head)
{
    struct wire_head head = {.kind = WIRE_NULL};
    size_t left = (size_t)(in->end - in->p), size = 1;
    const char *wrong;
    if (left == 0)
        return cut_off;
    unsigned tag = (unsigned char)*in->p;
    if (tag < 0x80 || tag >= 0xe0) {
        wrong = set_int(&head, (int8_t)tag);
    } else if (tag < 0x90) {
        wrong = set_size(&head, WIRE_MAP, tag & 0x0f, left - 1);
    } else if (tag < 0xa0) {
        wrong = set_size(&head, WIRE_ARRAY, tag & 0x0f, left - 1);
    } else if (tag < 0xc0) {
        wrong = set_size(&head, WIRE_STRING, tag & 0x1f, left - 1);
    } else {
        size += size_of(tag);
        if (left < size)
            return cut_off;
        wrong = set_tagged(&head, tag, read_uint(in->p + 1, size - 1), left - size);
    }
    if (wrong)
        return wrong;
    in->p += size;
    *ret_head = head;
    return NULL;
}

const char *wire_head_skip(struct wire_cursor *in, size_t depth)
{
    struct wire_head head;
    const char *wrong = wire_head_read(in, &head);
    if (wrong)
        return wrong;
    if (head.kind == WIRE_STRING)
        in->p += head.n;
    if (head.kind != WIRE_ARRAY && head.kind != WIRE_MAP)
        return NULL;
    if (depth == 0)
        return "nested too deeply";
    size_t values = head.kind == WIRE_MAP ? 2 * head.n : head.n;
    for (size_t i = 0; i < values && !wrong; i++)
        wrong = wire_head_skip(in, depth - 1);
    return wrong;
}
