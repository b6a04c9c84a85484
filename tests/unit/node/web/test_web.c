#include "node/web/web.h"

#include <criterion/criterion.h>

static const struct web_file script = {.path = "/client/a.js",
                                       .content_type = "text/javascript; charset=utf-8",
                                       .use = WEB_CLIENT,
                                       .plain = {SLICE_INIT("plain bytes"), "\"plain\""},
                                       .gzip = {SLICE_INIT("zipped"), "\"zipped\""}};
static const struct web_file small = {.path = "/b.css",
                                      .content_type = "text/css; charset=utf-8",
                                      .use = WEB_PAGE,
                                      .plain = {SLICE_INIT("b{}"), "\"small\""}};

struct answer {
    unsigned status;
    struct slice body;
    struct buf headers;
};

static struct answer ask(const struct web_file *file, const char *accept_encoding, const char *if_none_match)
{
    struct answer a;
    const struct web_wish wish = {slice_of(accept_encoding), slice_of(if_none_match)};
    buf_init(&a.headers, 2048);
    a.status = web_file_answer(file, &wish, &a.headers, &a.body);
    return a;
}

static bool says(struct answer *a, const char *header)
{
    return strstr(buf_cstr(&a->headers), header) != NULL;
}

Test(web, gzip_goes_to_those_who_accept_it)
{
    static const struct {
        const char *accept;
        bool zipped;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"gzip, deflate, br, zstd", true},
        {"br;q=1.0, GZIP;q=0.8, *;q=0.1", true},
        {"x-gzip", true},
        {"*", true},
        {"deflate, *;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.001", true},
        {"gzip;Q=0", false},
        {"*, gzip;q=0", false},
        {"*;q=0", false},
        {"*;q=0, gzip", true},
        {"identity", false},
        {"gzipped", false},
        {",,;q=,", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a = ask(&script, cases[i].accept, NULL);
        cr_assert_eq(a.status, 200);
        cr_assert_eq(says(&a, "Content-Encoding: gzip\r\n"), cases[i].zipped, "%s", cases[i].accept);
        cr_assert(slice_is(a.body, cases[i].zipped ? "zipped" : "plain bytes"), "%s", cases[i].accept);
        cr_assert(says(&a, cases[i].zipped ? "ETag: \"zipped\"\r\n" : "ETag: \"plain\"\r\n"), "%s", cases[i].accept);
        cr_assert(says(&a, "Vary: Accept-Encoding\r\n"));
        buf_finish(&a.headers);
    }
}

Test(web, what_gzip_makes_no_smaller_goes_as_it_is)
{
    struct answer a = ask(&small, "gzip", NULL);
    cr_assert(slice_is(a.body, "b{}"));
    cr_assert_not(says(&a, "Content-Encoding"));
    buf_finish(&a.headers);
}

Test(web, who_has_these_very_bytes_gets_304_and_none)
{
    static const struct {
        const char *accept, *match;
        unsigned status;
    } cases[] = {
        {NULL, NULL, 200},
        {NULL, "", 200},
        {NULL, "\"plain\"", 304},
        {NULL, "W/\"plain\"", 304},
        {NULL, "\"other\", \"plain\"", 304},
        {NULL, "*", 304},
        {NULL, "plain", 200},
        {NULL, "\"plai\"", 200},
        {NULL, "\"zipped\"", 200},
        {"gzip", "\"zipped\"", 304},
        {"gzip", "\"plain\"", 200},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a = ask(&script, cases[i].accept, cases[i].match);
        cr_assert_eq(a.status, cases[i].status, "%s", cases[i].match);
        cr_assert_eq(a.body.n == 0, a.status == 304);
        cr_assert(says(&a, "ETag: "), "a 304 tells what it is about, too");
        cr_assert(says(&a, "Vary: "));
        cr_assert(says(&a, "Access-Control-Allow-Origin: *\r\n"));
        cr_assert_not(a.status == 304 && says(&a, "Content-Encoding"));
        buf_finish(&a.headers);
    }
}

Test(web, the_client_is_for_any_origin_and_the_page_for_its_own)
{
    struct answer client = ask(&script, NULL, NULL), page = ask(&small, NULL, NULL);
    cr_assert(says(&client, "Cross-Origin-Resource-Policy: cross-origin\r\n"));
    cr_assert_not(says(&client, "Content-Security-Policy"));
    cr_assert_not(says(&page, "Access-Control"));
    cr_assert_not(says(&page, "cross-origin"));
    cr_assert(says(&page, "Content-Security-Policy: default-src 'self';"));
    cr_assert_not(says(&page, "unsafe"));
    cr_assert(says(&page, "Referrer-Policy: no-referrer\r\n"));
    buf_finish(&client.headers);
    buf_finish(&page.headers);
}

Test(web, every_embedded_file_has_a_path_and_tags_of_its_own)
{
    size_t n = 0;
    for (const struct web_file *f = web_files; f->path; f++, n++) {
        cr_assert_eq(f->path[0], '/');
        for (const struct web_file *other = web_files; other < f; other++)
            cr_assert_str_neq(other->path, f->path);
        cr_assert_eq(f->use == WEB_CLIENT, slice_starts(slice_of(f->path), SLICE("/client/")), "%s", f->path);
        cr_assert_eq(f->plain.etag[0], '"');
        cr_assert_eq(f->gzip.etag != NULL, f->gzip.bytes.n > 0);
        if (f->gzip.etag) {
            cr_assert_lt(f->gzip.bytes.n, f->plain.bytes.n);
            cr_assert_str_neq(f->gzip.etag, f->plain.etag);
            cr_assert_eq(memcmp(f->gzip.bytes.p, "\x1f\x8b", 2), 0);
        }
    }
    cr_assert_eq(n, web_file_count);
    cr_assert_gt(n, 0);
}

Test(web, the_list_names_what_apps_may_import_and_not_the_page)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    web_client_list(&out);
    cr_assert(strstr(buf_cstr(&out), "/client/switchboard.js"));
    for (const struct web_file *f = web_files; f->path; f++)
        if (f->use == WEB_CLIENT)
            cr_assert(strstr(buf_cstr(&out), f->path), "%s", f->path);
    cr_assert_null(strstr(buf_cstr(&out), "index.html"));
    buf_finish(&out);
}
