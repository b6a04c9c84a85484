#include "common/auth/claims.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/common/auth/fixture.h"

enum { NOW = 1000000 };

static enum err read_claims(const char *json, struct claims *ret_claims, struct why why)
{
    return claims_read(slice_of(json), NULL, NOW, ret_claims, why);
}

Test(claims, all_claims_are_read)
{
    struct claims c;
    cr_assert_eq(read_claims("{\"sub\":\"alice@example.org\",\"exp\":1000060,\"nbf\":999999,\"iat\":999999,"
                             "\"device\":\"phone\",\"name\":\"Alice \\u00c4\",\"call\":[\"bob\",\"team-*\"],"
                             "\"roles\":[\"admin\"],\"unknown\":{\"x\":[null]}}",
                             &c, WHY_NONE),
                 ERR_OK);
    cr_expect_str_eq(c.user, "alice@example.org");
    cr_expect_str_eq(c.device, "phone");
    cr_expect_str_eq(c.name, "Alice \xc3\x84");
    cr_expect_eq(c.expires_s, 1000060);
    cr_expect(c.has_call);
    cr_assert_eq(c.call_count, 2);
    cr_expect_str_eq(c.call[0], "bob");
    cr_expect_str_eq(c.call[1], "team-*");
    cr_assert_eq(c.role_count, 1);
    cr_expect_str_eq(c.roles[0], "admin");
    claims_finish(&c);
    cr_expect_null(c.call);
    claims_finish(&c);
    claims_finish(NULL);
}

Test(claims, what_is_absent_is_empty)
{
    struct claims c;
    cr_assert_eq(read_claims("{\"sub\":\"a\",\"exp\":1000060}", &c, WHY_NONE), ERR_OK);
    cr_expect_str_eq(c.device, "");
    cr_expect_str_eq(c.name, "");
    cr_expect_not(c.has_call);
    cr_expect_eq(c.call_count, 0);
    cr_expect_eq(c.role_count, 0);
    claims_finish(&c);
}

Test(claims, an_empty_call_list_is_not_an_absent_one)
{
    struct claims c;
    cr_assert_eq(read_claims("{\"sub\":\"a\",\"exp\":1000060,\"call\":[],\"roles\":[]}", &c, WHY_NONE), ERR_OK);
    cr_expect(c.has_call);
    cr_expect_eq(c.call_count, 0);
    claims_finish(&c);
}

static const struct {
    const char *json, *sentence;
} bad[] = {
    {"[]", "no JSON object"},
    {"7", "no JSON object"},
    {"", "no JSON object"},
    {"{\"sub\":\"a\",\"exp\":1000060}x", "no JSON object"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"sub\":\"b\"}", "a member twice"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"exp\":9000000}", "a member twice"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"x\":{\"y\":1,\"y\":2}}", "a member twice"},
    {"{\"sub\":\"a\"}", "no `exp`"},
    {"{\"sub\":\"a\",\"exp\":null}", "`exp` is null"},
    {"{\"sub\":\"a\",\"exp\":\"1000060\"}", "`exp` is a string"},
    {"{\"sub\":\"a\",\"exp\":true}", "`exp` is a boolean"},
    {"{\"sub\":\"a\",\"exp\":[1000060]}", "`exp` is an array"},
    {"{\"sub\":\"a\",\"exp\":1e999}", "no JSON object"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"nbf\":\"0\"}", "`nbf` is a string"},
    {"{\"exp\":1000060}", "no `sub`"},
    {"{\"sub\":7,\"exp\":1000060}", "`sub` is an integer"},
    {"{\"sub\":\"\",\"exp\":1000060}", "`sub` is not 1 to 64 of"},
    {"{\"sub\":\"a b\",\"exp\":1000060}", "`sub` is not 1 to 64 of"},
    {"{\"sub\":\"*\",\"exp\":1000060}", "`sub` is not 1 to 64 of"},
    {"{\"sub\":\"a\\u0000b\",\"exp\":1000060}", "no JSON object"},
    {"{\"sub\":\"0123456789012345678901234567890123456789012345678901234567890123x\",\"exp\":1000060}",
     "`sub` is not 1 to 64 of"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"device\":\"\"}", "`device` is not 1 to 64 of"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"device\":null}", "`device` is null"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"name\":1.5}", "`name` is a"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"call\":\"*\"}", "`call` is a string"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"call\":null}", "`call` is null"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"call\":{}}", "`call` is"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"call\":[\"b\",7]}", "`call` is an integer"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"call\":[\"b\",\"\"]}", "an entry of the token's `call` has 0 bytes"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"call\":[\"b\"],\"roles\":\"admin\"}", "`roles` is a string"},
    {"{\"sub\":\"a\",\"exp\":1000060,\"roles\":[[]]}", "`roles` is an array"},
};

Test(claims, bad_claims_are_refused_by_name)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char why[200] = "";
        struct claims c;
        memset(&c, 0x55, sizeof c);
        struct claims before = c;
        cr_expect_eq(read_claims(bad[i].json, &c, WHY_IN(why)), ERR_UNAUTHORIZED, "%s", bad[i].json);
        cr_expect(strstr(why, bad[i].sentence), "%s: %s", bad[i].json, why);
        cr_expect_eq(memcmp(&c, &before, sizeof c), 0, "%s: output touched", bad[i].json);
    }
}

static const struct {
    const char *times, *sentence; /* NULL: good */
    uint64_t expires_s;
} times[] = {
    {"\"exp\":1000001", NULL, 1000001},
    {"\"exp\":1000000", NULL, 1000000},
    {"\"exp\":999971", NULL, 999971}, /* within the leeway */
    {"\"exp\":999970", "expired 30 s ago", 0},
    {"\"exp\":999960", "expired 40 s ago", 0},
    {"\"exp\":0", "expired 1000000 s ago", 0},
    {"\"exp\":-5", "expired", 0},
    {"\"exp\":-9223372036854775808", "expired", 0},
    {"\"exp\":1000060.75", NULL, 1000060},
    {"\"exp\":1.0e6", NULL, 1000000},
    {"\"exp\":-1.5", "expired", 0},
    {"\"exp\":999969.9", "expired 31 s ago", 0},
    {"\"exp\":9223372036854775807", NULL, UINT64_C(1) << 53},
    {"\"exp\":1e300", NULL, UINT64_C(1) << 53},
    {"\"exp\":1000060,\"nbf\":1000000", NULL, 1000060},
    {"\"exp\":1000060,\"nbf\":1000030", NULL, 1000060},
    {"\"exp\":1000060,\"nbf\":1000031", "not valid for another 31 s", 0},
    {"\"exp\":1000060,\"nbf\":1000031.5", "not valid for another 31 s", 0},
    {"\"exp\":1000060,\"nbf\":9223372036854775807", "not valid for another", 0},
    {"\"exp\":1000060,\"nbf\":-7", NULL, 1000060},
};

Test(claims, a_token_lives_from_nbf_to_exp_with_some_leeway)
{
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        char json[256], why[200] = "";
        struct claims c = {0};
        snprintf(json, sizeof json, "{\"sub\":\"a\",%s}", times[i].times);
        enum err e = read_claims(json, &c, WHY_IN(why));
        cr_expect_eq(e, times[i].sentence ? ERR_UNAUTHORIZED : ERR_OK, "%s: %s", json, why);
        if (times[i].sentence)
            cr_expect(strstr(why, times[i].sentence), "%s: %s", json, why);
        else
            cr_expect_eq(c.expires_s, times[i].expires_s, "%s", json);
        claims_finish(&c);
    }
}

static const struct {
    const char *issuer, *audience, *claims, *sentence;
} expectations[] = {
    {NULL, NULL, "\"iss\":7,\"aud\":{}", NULL}, /* not looked at */
    {"https://id", NULL, "\"iss\":\"https://id\"", NULL},
    {"https://id", NULL, "\"iss\":\"https://id/\"", "`iss` is not `https://id`"},
    {"https://id", NULL, "\"iss\":[\"https://id\"]", "`iss` is an array"},
    {"https://id", NULL, "\"x\":1", "no `iss`"},
    {NULL, "calls", "\"aud\":\"calls\"", NULL},
    {NULL, "calls", "\"aud\":[\"mail\",\"calls\"]", NULL},
    {NULL, "calls", "\"aud\":\"mail\"", "`aud` is not `calls`"},
    {NULL, "calls", "\"aud\":[]", "`aud` is not `calls`"},
    {NULL, "calls", "\"aud\":[\"mail\",\"call\"]", "`aud` is not `calls`"},
    {NULL, "calls", "\"aud\":[\"calls\",7]", "`aud` is an integer"},
    {NULL, "calls", "\"aud\":{\"calls\":1}", "`aud` is"},
    {NULL, "calls", "\"iss\":\"calls\"", "no `aud`"},
    {"id", "calls", "\"iss\":\"id\",\"aud\":\"calls\"", NULL},
    {"id", "calls", "\"iss\":\"calls\",\"aud\":\"id\"", "`iss`"},
};

Test(claims, issuer_and_audience_are_the_expected_ones)
{
    for (size_t i = 0; i < ARRAY_SIZE(expectations); i++) {
        char json[256], why[200] = "";
        struct claims c = {0};
        struct jwt_expect expect = {expectations[i].issuer, expectations[i].audience};
        snprintf(json, sizeof json, "{\"sub\":\"a\",\"exp\":1000060,%s}", expectations[i].claims);
        enum err e = claims_read(slice_of(json), &expect, NOW, &c, WHY_IN(why));
        cr_expect_eq(e, expectations[i].sentence ? ERR_UNAUTHORIZED : ERR_OK, "%s: %s", json, why);
        if (expectations[i].sentence)
            cr_expect(strstr(why, expectations[i].sentence), "%s: %s", json, why);
        claims_finish(&c);
    }
}

Test(claims, a_long_name_is_cut_at_a_characters_end)
{
    static const struct {
        const char *character;
        size_t before, kept; /* so many x before it; bytes of the whole that stay */
    } cases[] = {
        {"x", 127, 128},
        {"\xc3\xa4", 126, 128},
        {"\xc3\xa4", 127, 127},
        {"\xe2\x82\xac", 126, 126},
        {"\xf0\x9f\x93\x9e", 124, 128},
        {"\xf0\x9f\x93\x9e", 125, 125},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf json;
        struct claims c;
        buf_init(&json, 1024);
        buf_put_cstr(&json, "{\"sub\":\"a\",\"exp\":1000060,\"name\":\"");
        for (size_t k = 0; k < cases[i].before; k++)
            buf_put_char(&json, 'x');
        buf_putf(&json, "%sxyz\"}", cases[i].character);
        cr_assert_eq(read_claims(buf_cstr(&json), &c, WHY_NONE), ERR_OK);
        cr_expect_eq(strlen(c.name), cases[i].kept, "%zu: %zu", i, strlen(c.name));
        claims_finish(&c);
        buf_finish(&json);
    }
}

Test(claims, lists_are_bounded)
{
    static const struct {
        size_t entries, length;
        enum err e;
    } cases[] = {
        {64, 1, ERR_OK},
        {65, 1, ERR_UNAUTHORIZED},
        {1, 128, ERR_OK},
        {1, 129, ERR_UNAUTHORIZED},
    };
    static const char *const lists[] = {"call", "roles"};
    for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
        struct buf json;
        struct claims c = {0};
        buf_init(&json, 4096);
        buf_putf(&json, "{\"sub\":\"a\",\"exp\":1000060,\"%s\":[", lists[i % 2]);
        for (size_t k = 0; k < cases[i / 2].entries; k++)
            buf_putf(&json, "%s\"%.*s\"", k ? "," : "", (int)cases[i / 2].length,
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        buf_put_cstr(&json, "]}");
        cr_expect_eq(read_claims(buf_cstr(&json), &c, WHY_NONE), cases[i / 2].e, "%zu", i);
        claims_finish(&c);
        buf_finish(&json);
    }
}

Test(claims, a_sentence_repeats_nothing_of_the_token)
{
    static const char *const tokens[] = {
        "{\"sub\":\"geheim geheim\",\"exp\":1000060}",
        "{\"sub\":\"a\",\"exp\":1000060,\"geheim\":1,\"geheim\":1}",
        "{\"sub\":\"a\",\"exp\":\"geheim\"}",
        "{\"sub\":\"a\",\"exp\":geheim}",
        "{\"sub\":\"a\",\"exp\":1000060,\"iss\":\"geheim\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
        char why[200] = "";
        struct claims c;
        struct jwt_expect expect = {"id", NULL};
        cr_expect_eq(claims_read(slice_of(tokens[i]), &expect, NOW, &c, WHY_IN(why)), ERR_UNAUTHORIZED);
        cr_expect(why[0] && !strstr(why, "geheim"), "%s", why);
    }
}
