#include "common/wire/json_plain.h"

#include <assert.h>

#include "common/base/utf8.h"
#include "common/wire/json_text.h"
#include "common/wire/twins.h"

enum { DIGITS_MAX = 18 }; /* so many always fit into int64 */

/*
 * How many items a map or array has is only known at its end: until then they lie on a stack, above those of the containers around it.
 * The document's block holds the tree, then the stack, then the bytes of the strings.
 */
struct plain {
    const char *p, *end;
    struct wire_doc *doc;
    char *top, *stack_end;
    char *strings;
};

static bool read_value(struct plain *in, struct wire_value *ret_value);

static void skip_space(struct plain *in)
{
    while (in->p < in->end && (*in->p == ' ' || *in->p == '\n' || *in->p == '\r' || *in->p == '\t'))
        in->p++;
}

/* Whether that character is next, behind white space; then it is taken. */
static bool take(struct plain *in, char c)
{
    skip_space(in);
    if (in->p == in->end || *in->p != c)
        return false;
    in->p++;
    return true;
}

static void push(struct plain *in, const void *item, size_t n)
{
    assert(n <= (size_t)(in->stack_end - in->top));
    memcpy(in->top, item, n);
    in->top += n;
}

/* What was pushed since `mark`, for good. */
static const void *pop(struct plain *in, char *mark)
{
    size_t n = (size_t)(in->top - mark);
    char *kept = wire_doc_bytes(in->doc, n);
    memcpy(kept, mark, n);
    in->top = mark;
    return kept;
}

/* ---- strings ---- */

/* RFC 8259 section 7; 0: none, or `\u`. */
static char unescape(char c)
{
    static const char meanings[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    for (const char *m = meanings; *m; m += 2) {
        if (*m == c)
            return m[1];
    }
    return 0;
}

const char *json_quote_find(const char *p, const char *end)
{
    const char *quote = p;
    while ((quote = memchr(quote, '"', (size_t)(end - quote)))) {
        const char *backslash = quote;
        while (backslash > p && backslash[-1] == '\\')
            backslash--;
        if ((quote - backslash) % 2 == 0)
            return quote;
        quote++;
    }
    return NULL;
}

static bool has_control(struct slice s)
{
    bool found = false;
    for (size_t i = 0; i < s.n; i++) /* to the end: so it is vectorised */
        found |= (unsigned char)s.p[i] < 0x20;
    return found;
}

static void copy(struct plain *in, const char *p, const char *end)
{
    memcpy(in->strings, p, (size_t)(end - p));
    in->strings += end - p;
}

/* Without the escapes; they end before `end`, as a quote follows there. */
static bool copy_unescaped(struct plain *in, const char *p, const char *end)
{
    const char *backslash = NULL;
    while ((backslash = memchr(p, '\\', (size_t)(end - p)))) {
        copy(in, p, backslash);
        *in->strings = unescape(backslash[1]);
        if (*in->strings++ == 0)
            return false;
        p = backslash + 2;
    }
    copy(in, p, end);
    return true;
}

/* From behind the quote on. NULL: there is no end, or what it holds is not for us; otherwise the quote at its end. */
static const char *read_any_string(struct plain *in)
{
    const char *quote = json_quote_find(in->p, in->end);
    if (!quote)
        return NULL;
    struct slice raw = slice_make(in->p, (size_t)(quote - in->p));
    return !has_control(raw) && utf8_is_valid(raw) && copy_unescaped(in, in->p, quote) ? quote : NULL;
}

static bool read_string(struct plain *in, struct slice *ret_string)
{
    const char *start = in->strings;
    if (!take(in, '"'))
        return false;
    const char *quote = json_plain_end(in->p, in->end);
    if (quote < in->end && *quote == '"')
        copy(in, in->p, quote);
    else if (!(quote = read_any_string(in)))
        return false;
    in->p = quote + 1;
    *ret_string = slice_make(start, (size_t)(in->strings - start));
    return true;
}

/* ---- numbers and words ---- */

static bool is_digit(const struct plain *in)
{
    return in->p < in->end && *in->p >= '0' && *in->p <= '9';
}

/* What follows is looked at by whoever goes on: neither a fraction nor an exponent is a comma or a bracket. */
static bool read_integer(struct plain *in, struct wire_value *ret_value)
{
    bool negative = take(in, '-');
    const char *first = in->p;
    int64_t n = 0;
    while (is_digit(in) && in->p - first < DIGITS_MAX)
        n = n * 10 + (*in->p++ - '0');
    if (in->p == first || is_digit(in) || (*first == '0' && in->p - first > 1))
        return false;
    *ret_value = (struct wire_value){.kind = WIRE_INT, .integer = negative ? -n : n};
    return true;
}

static bool read_word(struct plain *in, struct wire_value *ret_value)
{
    static const struct {
        struct slice text;
        struct wire_value value;
    } words[] = {{{"true", 4}, {.kind = WIRE_BOOL, .boolean = true}},
                 {{"false", 5}, {.kind = WIRE_BOOL, .boolean = false}},
                 {{"null", 4}, {.kind = WIRE_NULL}}};
    struct slice rest = slice_make(in->p, (size_t)(in->end - in->p));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (slice_starts(rest, words[i].text)) {
            in->p += words[i].text.n;
            *ret_value = words[i].value;
            return true;
        }
    }
    return false;
}

/* ---- maps and arrays ---- */

static bool read_pair(struct plain *in)
{
    struct wire_pair pair;
    if (!read_string(in, &pair.key) || !take(in, ':') || !read_value(in, &pair.value))
        return false;
    push(in, &pair, sizeof pair);
    return true;
}

static bool read_map(struct plain *in, struct wire_value *ret_value)
{
    char *mark = in->top;
    if (!take(in, '}')) {
        do {
            if (!read_pair(in))
                return false;
        } while (take(in, ','));
        if (!take(in, '}'))
            return false;
    }
    size_t n = (size_t)(in->top - mark) / sizeof(struct wire_pair);
    const struct wire_pair *pairs = pop(in, mark);
    *ret_value = (struct wire_value){.kind = WIRE_MAP, .map = {pairs, n}};
    return n == 0 || !wire_twins_find(&pairs->key, sizeof *pairs, n);
}

static bool read_array(struct plain *in, struct wire_value *ret_value)
{
    char *mark = in->top;
    if (!take(in, ']')) {
        do {
            struct wire_value item;
            if (!read_value(in, &item))
                return false;
            push(in, &item, sizeof item);
        } while (take(in, ','));
        if (!take(in, ']'))
            return false;
    }
    size_t n = (size_t)(in->top - mark) / sizeof(struct wire_value);
    *ret_value = (struct wire_value){.kind = WIRE_ARRAY, .array = {pop(in, mark), n}};
    return true;
}

static bool read_value(struct plain *in, struct wire_value *ret_value)
{
    skip_space(in);
    if (in->p == in->end)
        return false;
    switch (*in->p) {
    case '"':
        ret_value->kind = WIRE_STRING;
        return read_string(in, &ret_value->string);
    case '{':
        in->p++;
        return read_map(in, ret_value);
    case '[':
        in->p++;
        return read_array(in, ret_value);
    case 't':
    case 'f':
    case 'n':
        return read_word(in, ret_value);
    default:
        return read_integer(in, ret_value);
    }
}

struct wire_doc *json_plain_read(struct slice text, size_t tree)
{
    struct wire_doc *doc = wire_doc_create(2 * tree + text.n);
    if (!doc)
        return NULL;
    char *stack = doc->free + tree, *strings = stack + tree;
    struct plain in = {text.p, text.p + text.n, doc, stack, strings, strings};
    doc->end = stack;
    bool is_whole = read_value(&in, &doc->root);
    skip_space(&in);
    if (is_whole && in.p == in.end)
        return doc;
    wire_doc_destroy(doc);
    return NULL;
}
