#include "node/token.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/auth/jwt.h"
#include "common/auth/keyring.h"
#include "common/base/clock.h"

#define KEY "HS256:0123456789abcdef0123456789abcdef"

enum { ARGS_MAX = 20 };

static enum err make(const char *const *argv, struct buf *out, struct buf *problems)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    buf_init(out, 65536);
    buf_init(problems, 65536);
    return token_make(argc, argv, out, problems);
}

static struct claims verify(struct slice token, const struct jwt_expect *expect)
{
    struct keyring *ring = keyring_create();
    struct claims claims;
    char why[256] = "";
    cr_assert_eq(keyring_add(ring, SLICE(KEY), WHY_IN(why)), ERR_OK);
    cr_assert_eq(jwt_verify(ring, expect, token, clock_wall_ms() / 1000, &claims, WHY_IN(why)), ERR_OK, "%s", why);
    keyring_destroy(ring);
    return claims;
}

Test(token, says_what_was_asked_for)
{
    const char *argv[] = {"--user",     "alice", "--device=phone", "--name", "Alice A.", "--ttl", "60", "--issuer=me",
                          "--audience", "you",   "--call=b*",      "--call", "carol",    "--key", KEY,  NULL};
    struct buf out, problems;
    cr_assert_eq(make(argv, &out, &problems), ERR_OK, "%s", buf_cstr(&problems));
    struct claims c = verify(buf_slice(&out), &(struct jwt_expect){.issuer = "me", .audience = "you"});
    uint64_t now_s = clock_wall_ms() / 1000;
    cr_expect_str_eq(c.user, "alice");
    cr_expect_str_eq(c.device, "phone");
    cr_expect_str_eq(c.name, "Alice A.");
    cr_expect(c.has_call);
    cr_expect_eq(c.call_count, 2);
    cr_expect_str_eq(c.call[0], "b*");
    cr_expect_str_eq(c.call[1], "carol");
    cr_expect(c.expires_s <= now_s + 60 && c.expires_s > now_s + 50);
    claims_finish(&c);
    buf_finish(&out);
    buf_finish(&problems);
}

Test(token, leaves_out_what_was_not_asked_for)
{
    const char *argv[] = {"--user=alice", "--key=" KEY, NULL};
    struct buf out, problems;
    cr_assert_eq(make(argv, &out, &problems), ERR_OK);
    struct claims c = verify(buf_slice(&out), &(struct jwt_expect){0});
    cr_expect_str_eq(c.device, "");
    cr_expect_not(c.has_call);
    claims_finish(&c);
    buf_finish(&out);
    buf_finish(&problems);
}

Test(token, mistakes_are_told_without_the_key)
{
    static struct {
        const char *argv[ARGS_MAX];
        const char *part;
    } cases[] = {
        {{NULL}, "--user NAME is missing"},
        {{"--user=alice", NULL}, "--key KEY is missing"},
        {{"--user=a b", "--key=" KEY, NULL}, "--user should be 1 to 64 of"},
        {{"--user=a", "--device=/", "--key=" KEY, NULL}, "--device should be"},
        {{"--user=a", "--ttl=0", "--key=" KEY, NULL}, "--ttl should be a number from 1"},
        {{"--user=a", "--key=HS256:abcdef", NULL}, "--key: "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out, problems;
        cr_expect_neq(make(cases[i].argv, &out, &problems), ERR_OK);
        cr_expect_not_null(strstr(buf_cstr(&problems), cases[i].part), "%s", buf_cstr(&problems));
        cr_expect_null(strstr(buf_cstr(&problems), "abcdef"));
        cr_expect_eq(out.n, 0);
        buf_finish(&out);
        buf_finish(&problems);
    }
}
