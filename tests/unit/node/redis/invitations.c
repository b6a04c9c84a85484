#include "tests/unit/node/redis/invitations.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct lab *lab;

void lab_begin(void)
{
    lab = lab_open();
}

void lab_finish(void)
{
    lab_close(lab);
}

const struct lab_acceptance plain = {0};

const char *field(const char *call, const char *name)
{
    struct id id = lab_call(call);
    struct key key = key_call(&id);
    return lab_ask(lab, "HGET %s %s", key.text, name);
}

const char *standing(const char *call)
{
    static const char list[] = "{\"list\":[\"";
    static char text[256];
    size_t n = (size_t)snprintf(text, sizeof text, "%s ", field(call, "state"));
    n += (size_t)snprintf(text + n, sizeof text - n, "%s", field(call, "version"));
    const char *users = strstr(lab_call_get(lab, call, "alice"), list);
    for (const char *p = users ? users + sizeof list - 2 : ""; *p == '"' && n < sizeof text; p += p[0] == ',') {
        size_t length = strcspn(p + 1, "\"");
        n += (size_t)snprintf(text + n, sizeof text - n, " %.*s", (int)length, p + 1);
        p += length + 2;
    }
    return text;
}

bool has_timer(const char *call, const char *kind, const char *user)
{
    struct id id = lab_call(call);
    return strcmp(user ? lab_timer(lab, 23, "%s:%s:%s", kind, id.text, user)
                       : lab_timer(lab, 23, "%s:%s", kind, id.text),
                  "nil") != 0;
}

void expect_no_timers(void)
{
    struct key key = key_timers(23);
    const char *left = lab_ask(lab, "ZRANGE %s 0 -1", key.text);
    cr_expect_null(strstr(left, "ring:"), "%s", left);
    cr_expect_null(strstr(left, "expire:"), "%s", left);
}

void call_bob(void)
{
    lab_expect_word(
        "ok", lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 2, .allow = "", .callees = "bob\n"}));
}

void call_bob_and_carol(void)
{
    lab_expect_word("ok", lab_call_create(lab, "call", "alice",
                                          (struct lab_offer){.seats = 5, .allow = "", .callees = "bob\ncarol\n"}));
}

void offer_to_bob(bool relay)
{
    lab_expect_word(
        "ok", lab_call_create(
                  lab, "call", "alice",
                  (struct lab_offer){.seats = 2, .allow = "", .callees = "bob\n", .offer = "\xa3sdp", .relay = relay}));
}

bool shows(const char *answer, const char *part)
{
    bool there = strstr(answer, part) != NULL;
    cr_expect(there, "no %s in %s", part, answer);
    return there;
}
