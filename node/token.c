#include "node/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/auth/jwt.h"
#include "common/auth/keyring.h"
#include "common/base/clock.h"
#include "common/base/name.h"
#include "common/base/why.h"
#include "node/options.h"
#include "node/print.h"

struct request {
    const char *user, *device, *name;
    const char *issuer, *audience;
    const char *const *call;
    uint64_t ttl;
    const char *key;
};

#define ROW(field) OPTION(struct request, field)

static const struct option rows[] = {
    {ROW(user), .value = "NAME", .required = true, .help = "the user it is for"},
    {ROW(device), .value = "NAME", .absent = "any device", .help = "bind it to this device"},
    {ROW(name), .value = "TEXT", .help = "the name that callees are shown"},
    {ROW(call), .value = "PATTERN", .absent = "as the server's --call-default says", .help = "whom the user may call"},
    {ROW(ttl), .fallback = "3600", .min = 1, .max = 315360000, .unit = "seconds", .help = "how long it is good"},
    {ROW(issuer), .value = "TEXT", .help = "the claim `iss`"},
    {ROW(audience), .value = "TEXT", .help = "the claim `aud`"},
    {ROW(key), .value = "KEY", .required = true, .secret = true,
     .help = "what to sign with, as in --jwt-key of serve: HS256:SECRET, HS256:@FILE, or ES256:@FILE.pem and the like "
             "with a private key"},
};

static const struct option_table table = {.rows = rows, .count = ARRAY_SIZE(rows), .size = sizeof(struct request)};

static bool name_check(const char *option, const char *name, struct buf *problems)
{
    bool good = !name || name_is_valid(slice_of(name));
    if (!good) {
        buf_putf(problems, "--%s should be 1 to %d of A-Z a-z 0-9 . _ @ : + -, not \"%s\"\n", option, NAME_MAX_CHARS,
                 name);
    }
    return good;
}

static enum err sign(const struct keyring *ring, const struct request *r, struct buf *out)
{
    struct slice call[JWT_PATTERNS_MAX];
    size_t calls = 0;
    while (calls < JWT_PATTERNS_MAX && r->call[calls]) {
        call[calls] = slice_of(r->call[calls]);
        calls++;
    }
    uint64_t now_s = clock_wall_ms() / 1000;
    const struct jwt_mint mint = {
        .user = slice_of(r->user),
        .device = slice_of(r->device),
        .name = slice_of(r->name),
        .issuer = slice_of(r->issuer),
        .audience = slice_of(r->audience),
        .issued_s = now_s,
        .expires_s = now_s + r->ttl,
        .call = call,
        .call_count = calls,
        .has_call = calls > 0,
    };
    return jwt_sign(ring, &mint, out);
}

static enum err make(const struct request *r, struct buf *out, struct buf *problems)
{
    struct keyring *ring = keyring_create();
    char why[WHY_SIZE] = "";
    enum err e = keyring_add(ring, slice_of(r->key), WHY_IN(why));
    if (e != ERR_OK) {
        buf_putf(problems, "--key: %s\n", why);
    } else {
        e = sign(ring, r, out);
        if (e != ERR_OK) {
            buf_putf(problems, "no token could be signed: %s\n",
                     e == ERR_UNSUPPORTED ? "--key has no secret and no private key" : err_text(e));
        }
    }
    keyring_destroy(ring);
    return e;
}

static enum err check(const struct request *r, struct buf *problems)
{
    bool user = name_check("user", r->user, problems), device = name_check("device", r->device, problems);
    size_t calls = 0;
    while (r->call[calls])
        calls++;
    if (calls > JWT_PATTERNS_MAX)
        buf_putf(problems, "--call: %d patterns at most\n", JWT_PATTERNS_MAX);
    return user && device && calls <= JWT_PATTERNS_MAX ? ERR_OK : ERR_SYNTAX;
}

enum err token_make(int argc, const char *const *argv, struct buf *out, struct buf *problems)
{
    const struct option_sources sources = {.argc = argc, .argv = argv};
    struct request request;
    struct option_memory *memory;
    enum err e = options_read(&table, &sources, &request, &memory, problems);
    if (e != ERR_OK)
        return e;
    e = check(&request, problems);
    if (e == ERR_OK)
        e = make(&request, out, problems);
    option_memory_free(memory);
    return e;
}

int token_main(int argc, const char *const *argv)
{
    struct buf token, problems;
    print_init(&token);
    print_init(&problems);
    enum err e = token_make(argc, argv, &token, &problems);
    bool told = false;
    if (e == ERR_OK) {
        buf_put_char(&token, '\n');
        told = print_text(&token);
    }
    print_problems(&problems);
    buf_finish(&problems);
    buf_finish(&token);
    if (e == ERR_SYNTAX) {
        fputs("Try: switchboard token --help\n", stderr);
        return EXIT_USAGE;
    }
    return told ? EXIT_SUCCESS : EXIT_FAILURE;
}

void token_help(struct buf *out)
{
    options_help(&table, out);
}
