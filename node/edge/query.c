#include "common/base/ascii.h"
#include "node/edge/edge.h"

/* application/x-www-form-urlencoded (WHATWG URL section 5.1): %XX, and + for a space. */
static bool decode(struct slice in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] == '%') {
            int high = in.n - i > 2 ? ascii_hex_value(in.p[i + 1]) : -1;
            int low = in.n - i > 2 ? ascii_hex_value(in.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            buf_put_char(out, (char)(high * 16 + low));
            i += 2;
        } else {
            buf_put_char(out, in.p[i] == '+' ? ' ' : in.p[i]);
        }
    }
    return !buf_failed(out);
}

bool edge_query(struct slice query, const char *name, struct buf *out)
{
    struct slice part;
    while (slice_split(&query, '&', &part)) {
        size_t equals = slice_find(part, '=');
        if (!slice_is((struct slice){part.p, equals}, name))
            continue;
        size_t before = out->n;
        size_t skip = equals < part.n ? equals + 1 : equals;
        if (decode((struct slice){part.p + skip, part.n - skip}, out))
            return true;
        buf_truncate(out, before);
        return false;
    }
    return false;
}
