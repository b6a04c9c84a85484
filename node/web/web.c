#include "node/web/web.h"

static const char client_headers[] = "Access-Control-Allow-Origin: *\r\nCross-Origin-Resource-Policy: cross-origin\r\n";
/* Nothing from elsewhere and nothing inline: what a user or a message says can't become a script. Links to calls stay out of referrers. */
static const char page_headers[] =
    "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; "
    "style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n";

/* Whether what stands behind a coding's name is a weight of zero: "not this one" (RFC 9110 section 12.4.2). */
static bool is_weight_of_zero(struct slice parameters)
{
    struct slice part;
    while (slice_split(&parameters, ';', &part)) {
        part = slice_trim(part);
        if (!slice_starts(part, SLICE("q=")) && !slice_starts(part, SLICE("Q=")))
            continue;
        for (size_t i = 2; i < part.n; i++)
            if (part.p[i] != '0' && part.p[i] != '.')
                return false;
        return true;
    }
    return false;
}

static bool accepts_gzip(struct slice accept)
{
    bool any = false;
    struct slice part;
    while (slice_split(&accept, ',', &part)) {
        size_t end = slice_find(part, ';');
        struct slice coding = slice_trim((struct slice){part.p, end});
        bool wanted = !is_weight_of_zero((struct slice){part.p + end, part.n - end});
        if (slice_eq_nocase(coding, SLICE("gzip")) || slice_eq_nocase(coding, SLICE("x-gzip")))
            return wanted;
        if (slice_is(coding, "*"))
            any = wanted;
    }
    return any;
}

/* RFC 9110 section 13.1.2: the weak comparison, as a proxy may have weakened what we gave. Our tags hold no comma. */
static bool has_it(struct slice if_none_match, const char *etag)
{
    struct slice part;
    while (slice_split(&if_none_match, ',', &part)) {
        part = slice_trim(part);
        if (slice_starts(part, SLICE("W/")))
            part = (struct slice){part.p + 2, part.n - 2};
        if (slice_is(part, "*") || slice_is(part, etag))
            return true;
    }
    return false;
}

unsigned web_file_answer(const struct web_file *file, const struct web_wish *wish, struct buf *headers,
                         struct slice *ret_body)
{
    bool zipped = file->gzip.etag && accepts_gzip(wish->accept_encoding);
    const struct web_bytes *chosen = zipped ? &file->gzip : &file->plain;
    buf_putf(headers, "ETag: %s\r\nVary: Accept-Encoding\r\n", chosen->etag);
    buf_put_cstr(headers, file->use == WEB_CLIENT ? client_headers : page_headers);
    if (has_it(wish->if_none_match, chosen->etag)) {
        *ret_body = (struct slice){0};
        return 304;
    }
    if (zipped)
        buf_put_cstr(headers, "Content-Encoding: gzip\r\n");
    *ret_body = chosen->bytes;
    return 200;
}

void web_client_list(struct buf *out)
{
    buf_put_cstr(out,
                 "The browser client that fits this server, an ES module: import it from /client/switchboard.js\n\n");
    for (const struct web_file *f = web_files; f->path; f++)
        if (f->use == WEB_CLIENT)
            buf_putf(out, "%8zu bytes  %s\n", f->plain.bytes.n, f->path);
}
