#include "common/auth/ice.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "common/wire/value.h"
#include "tests/unit/common/auth/fixture.h"

enum { NOW = 1700000000 };

static enum err load(const char *text, struct ice_config **ret_config, struct why why)
{
    struct temp_file file = file_with(text);
    enum err e = ice_config_load(file.path, ret_config, why);
    file_drop(&file);
    return e;
}

/* The list as a document {"list": […]}. */
static struct wire_doc *list_for(const struct ice_config *config, const char *user)
{
    struct buf body;
    struct wire_doc *doc;
    buf_init(&body, 64 * 1024);
    buf_put_mem(&body, "\x81\xa4list", 6); /* a map of one, a string of four */
    ice_config_write(config, slice_of(user), NOW, &body);
    cr_assert(!buf_failed(&body));
    cr_assert_eq(wire_decode(WIRE_MSGPACK, buf_slice(&body), &doc, WHY_NONE), ERR_OK);
    buf_finish(&body);
    return doc;
}

Test(ice, the_empty_list_is_empty)
{
    struct ice_config *config = ice_config_none();
    struct wire_doc *doc = list_for(config, "alice");
    cr_expect_eq(wire_get(wire_doc_root(doc), "list")->array.n, 0);
    cr_expect_eq(ice_config_ttl_s(config), 0);
    wire_doc_destroy(doc);
    ice_config_destroy(config);
    ice_config_destroy(NULL);
}

/* printf '1700043200:alice' | openssl dgst -sha1 -hmac north -binary | base64, and so on */
static const struct {
    const char *user, *username, *credential;
} known[] = {
    {"alice", "1700043200:alice", "01Pv2e5apc0HX4gVDY1wJke35Uc="},
    {"a:b@c+d", "1700043200:a:b@c+d", "uZJT1L+zlSMEROQoV8yJpbkAncY="},
    {"0123456789012345678901234567890123456789012345678901234567890123",
     "1700043200:0123456789012345678901234567890123456789012345678901234567890123", "JclmCtbCnBaDd/CKTEAhBKpIUEo="},
};

Test(ice, turn_credentials_are_those_that_coturn_expects)
{
    char why[256] = "";
    struct ice_config *config;
    cr_assert_eq(
        load("{\"iceServers\":[{\"urls\":\"turn:t.example.org\",\"secret\":\"north\"}]}", &config, WHY_IN(why)), ERR_OK,
        "%s", why);
    cr_expect_eq(ice_config_ttl_s(config), 43200);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        struct wire_doc *doc = list_for(config, known[i].user);
        const struct wire_value *server = &wire_get(wire_doc_root(doc), "list")->array.items[0];
        cr_expect(slice_is(wire_get_string(server, "username"), known[i].username));
        cr_expect(slice_is(wire_get_string(server, "credential"), known[i].credential), "%s: %.*s", known[i].user,
                  SLICE_FMT(wire_get_string(server, "credential")));
        wire_doc_destroy(doc);
    }
    ice_config_destroy(config);
}

Test(ice, a_secret_file_is_the_secret_without_its_newline)
{
    char json[256];
    struct ice_config *config;
    struct temp_file secret = file_with("north\n");
    snprintf(json, sizeof json, "{\"iceServers\":[{\"urls\":[\"turns:t\"],\"secret_file\":\"%s\",\"ttl_s\":43200}]}",
             secret.path);
    cr_assert_eq(load(json, &config, WHY_NONE), ERR_OK);
    struct wire_doc *doc = list_for(config, "alice");
    const struct wire_value *server = &wire_get(wire_doc_root(doc), "list")->array.items[0];
    cr_expect(slice_is(wire_get_string(server, "credential"), known[0].credential));
    wire_doc_destroy(doc);
    ice_config_destroy(config);
    file_drop(&secret);
}

Test(ice, entries_come_out_in_order_and_never_with_their_secret)
{
    struct ice_config *config;
    cr_assert_eq(load("{\"iceServers\":[{\"urls\":\"stun:s.example.org:3478\"},"
                      "{\"urls\":[\"turn:t?transport=udp\",\"turns:t:443?transport=tcp\"],\"username\":\"u\","
                      "\"credential\":\"c\",\"credentialType\":\"password\"},"
                      "{\"urls\":[\"stuns:s\",\"turn:[2001:db8::1]:3478\"],\"secret\":\"north\",\"ttl_s\":3600},"
                      "{\"urls\":\"turn:t\",\"secret\":\"south\",\"ttl_s\":7200}]}",
                      &config, WHY_NONE),
                 ERR_OK);
    cr_expect_eq(ice_config_ttl_s(config), 3600);
    struct wire_doc *doc = list_for(config, "alice");
    const struct wire_value *list = wire_get(wire_doc_root(doc), "list");
    cr_assert_eq(list->array.n, 4);
    const struct wire_value *servers = list->array.items;
    cr_expect_eq(servers[0].map.n, 1);
    cr_assert_eq(wire_get(&servers[0], "urls")->array.n, 1);
    cr_expect(slice_is(wire_get(&servers[0], "urls")->array.items[0].string, "stun:s.example.org:3478"));
    cr_expect_eq(servers[1].map.n, 3);
    cr_expect_eq(wire_get(&servers[1], "urls")->array.n, 2);
    cr_expect(slice_is(wire_get_string(&servers[1], "username"), "u"));
    cr_expect(slice_is(wire_get_string(&servers[1], "credential"), "c"));
    cr_expect_eq(servers[2].map.n, 3);
    cr_expect(slice_is(wire_get_string(&servers[2], "username"), "1700003600:alice"));
    cr_expect(slice_is(wire_get_string(&servers[3], "username"), "1700007200:alice"));
    wire_doc_destroy(doc);
    ice_config_destroy(config);
}

static const struct {
    const char *entry, *sentence;
} bad[] = {
    {"7", "it is an integer; it should be an object"},
    {"{}", "`urls` is missing or empty"},
    {"{\"urls\":[]}", "`urls` is missing or empty"},
    {"{\"urls\":7}", "neither a string nor an array"},
    {"{\"urls\":[\"stun:s\",7]}", "neither a string nor an array"},
    {"{\"urls\":\"\"}", "does not begin with stun:"},
    {"{\"urls\":\"http://s\"}", "does not begin with stun:"},
    {"{\"urls\":\"STUN:s\"}", "does not begin with stun:"},
    {"{\"urls\":[\"stun:s\",\"s.example.org\"]}", "does not begin with stun:"},
    {"{\"urls\":\"stun:\"}", "no host"},
    {"{\"urls\":\"stun::3478\"}", "no host"},
    {"{\"urls\":\"stun://s\"}", "// before its host"},
    {"{\"urls\":\"stun:s t\"}", "no printable ASCII"},
    {"{\"urls\":\"stun:\\u00e4\"}", "no printable ASCII"},
    {"{\"urls\":\"stun:s\",\"url\":\"stun:s\"}", "a member besides"},
    {"{\"urls\":\"turn:t\"}", "needs `username` and `credential`"},
    {"{\"urls\":\"turn:t\",\"username\":\"u\"}", "one is missing"},
    {"{\"urls\":\"turn:t\",\"credential\":\"geheim\"}", "one is missing"},
    {"{\"urls\":\"turn:t\",\"credential\":\"geheim\",\"username\":\"\"}", "`username` is no string of 1"},
    {"{\"urls\":\"turn:t\",\"credential\":\"geheim\",\"username\":\"u\",\"secret\":\"geheim\"}", "a secret beside"},
    {"{\"urls\":\"turn:t\",\"credential\":\"geheim\",\"username\":\"u\",\"ttl_s\":60}", "`ttl_s` needs"},
    {"{\"urls\":\"turn:t\",\"credential\":\"geheim\",\"username\":\"u\",\"credentialType\":\"oauth\"}",
     "`credentialType`"},
    {"{\"urls\":\"turn:t\",\"secret\":\"\"}", "`secret` is no string of 1"},
    {"{\"urls\":\"turn:t\",\"secret\":7}", "`secret` is no string of 1"},
    {"{\"urls\":\"turn:t\",\"secret\":\"geheim\",\"secret_file\":\"/x\"}", "both `secret` and `secret_file`"},
    {"{\"urls\":\"turn:t\",\"secret_file\":\"/nonexistent/x\"}", "/nonexistent/x: No such file"},
    {"{\"urls\":\"turn:t\",\"secret_file\":\"/dev/null\"}", "/dev/null: empty"},
    {"{\"urls\":\"stun:t\",\"secret\":\"geheim\"}", "no turn: or turns: url"},
    {"{\"urls\":\"turn:t\",\"secret\":\"geheim\",\"ttl_s\":59}", "`ttl_s` is no integer from 60"},
    {"{\"urls\":\"turn:t\",\"secret\":\"geheim\",\"ttl_s\":2592001}", "`ttl_s` is no integer from 60"},
    {"{\"urls\":\"turn:t\",\"secret\":\"geheim\",\"ttl_s\":\"60\"}", "`ttl_s` is no integer from 60"},
    {"{\"urls\":\"turn:t\",\"secret\":\"geheim\",\"ttl_s\":60.5}", "`ttl_s` is no integer from 60"},
};

Test(ice, a_mistake_is_named_with_file_and_entry)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char json[512], why[400] = "";
        struct ice_config *config = NULL;
        snprintf(json, sizeof json, "{\"iceServers\":[{\"urls\":\"stun:s\"},%s]}", bad[i].entry);
        cr_expect_neq(load(json, &config, WHY_IN(why)), ERR_OK, "%s", bad[i].entry);
        cr_expect_null(config);
        cr_expect(strstr(why, bad[i].sentence), "%s: %s", bad[i].entry, why);
        cr_expect(strstr(why, ": entry 2: "), "%s: %s", bad[i].entry, why);
        cr_expect(strstr(why, "/tmp/switchboard-test-"), "%s: %s", bad[i].entry, why);
        cr_expect_not(strstr(why, "geheim"), "%s: %s", bad[i].entry, why);
    }
}

Test(ice, a_file_that_is_no_list_is_refused)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "no JSON object"},
        {"[{\"urls\":\"stun:s\"}]", "no JSON object"},
        {"{\"iceServers\":[", "no JSON object"},
        {"{}", "no array `iceServers`"},
        {"{\"iceServers\":{}}", "no array `iceServers`"},
        {"{\"iceServers\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}", "has 33 entries"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char why[256] = "";
        struct ice_config *config;
        cr_expect_eq(load(cases[i].text, &config, WHY_IN(why)), ERR_SYNTAX);
        cr_expect(strstr(why, cases[i].sentence), "%s: %s", cases[i].text, why);
    }
    char why[256] = "";
    struct ice_config *config;
    cr_expect_eq(ice_config_load("/nonexistent/ice", &config, WHY_IN(why)), ERR_IO);
    cr_expect(strstr(why, "/nonexistent/ice: No such file"), "%s", why);
}
