#include "node/redis/script.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/metrics.h"
#include "node/redis/client.h"
#include "node/redis/lua.h"

struct script_row {
    const char *name;
    const char *text;
    char sha[41];
};

struct scripts {
    struct redis_client *client;
    struct metrics *metrics;
    struct script_row row[SCRIPT_COUNT];
    int64_t called[SCRIPT_COUNT];
};

/* A call under way: its arguments stay until the answer, in case Redis asks for the text. */
struct script_call {
    struct scripts *scripts;
    enum script script;
    script_fn *fn;
    void *context;
    size_t n;
    struct slice v[]; /* the command from EVALSHA on; the bytes follow */
};

static const char *const names[SCRIPT_COUNT] = {
#define X(id, file) [SCRIPT_##id] = file,
    SCRIPTS_TABLE(X)
#undef X
};

const char *script_text(enum script script)
{
    for (const struct redis_lua_file *f = redis_lua_files; f->name; f++) {
        if (strcmp(f->name, names[script]) == 0)
            return f->text;
    }
    return NULL;
}

static void sha1_hex(const char *text, char ret_hex[41])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int done = EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL);
    assert(done == 1 && n == 20);
    (void)done;
    for (unsigned i = 0; i < 20; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
}

struct scripts *scripts_create(struct redis_client *client, struct metrics *metrics)
{
    struct scripts *s = calloc(1, sizeof *s);
    assert(s);
    s->client = client;
    s->metrics = metrics;
    metrics->series[METRIC_STORE_SCRIPTS] = (struct metric_series){"script", names, s->called, SCRIPT_COUNT};
    for (size_t i = 0; i < SCRIPT_COUNT; i++) {
        s->row[i].name = names[i];
        s->row[i].text = script_text((enum script)i);
        assert(s->row[i].text);
        sha1_hex(s->row[i].text, s->row[i].sha);
    }
    return s;
}

void scripts_destroy(struct scripts *s)
{
    if (!s)
        return;
    s->metrics->series[METRIC_STORE_SCRIPTS] = (struct metric_series){0};
    free(s);
}

void args_init(struct script_args *a)
{
    a->n = a->key_count = a->scratch_used = 0;
}

void args_put(struct script_args *a, struct slice s)
{
    assert(a->n < SCRIPT_ARGS_MAX);
    a->v[a->n++] = s;
}

void args_key(struct script_args *a, struct key key)
{
    assert(a->key_count < SCRIPT_KEYS_MAX && a->n == a->key_count);
    a->keys[a->key_count] = key;
    args_put(a, key_slice(&a->keys[a->key_count++]));
}

void args_copy(struct script_args *a, struct slice text)
{
    assert(text.n <= sizeof a->scratch - a->scratch_used);
    char *at = a->scratch + a->scratch_used;
    memcpy(at, text.p, text.n);
    a->scratch_used += text.n;
    args_put(a, slice_make(at, text.n));
}

void args_u64(struct script_args *a, uint64_t n)
{
    char digits[U64_DIGITS_MAX];
    args_copy(a, slice_make(digits, u64_digits(n, digits)));
}

static void on_reply(void *context, enum err err, const struct redisReply *reply)
{
    struct script_call *c = context;
    if (err == ERR_IO && reply && reply->len >= 8 && memcmp(reply->str, "NOSCRIPT", 8) == 0 &&
        slice_is(c->v[0], "EVALSHA")) {
        c->v[0] = SLICE("EVAL");
        c->v[1] = slice_of(c->scripts->row[c->script].text);
        redis_command(c->scripts->client, c->v, c->n, on_reply, c);
        return;
    }
    if (c->fn)
        c->fn(c->context, err, reply);
    free(c);
}

void script_call(struct scripts *s, enum script script, const struct script_args *a, script_fn *fn, void *context)
{
    size_t bytes = 0;
    for (size_t i = 0; i < a->n; i++)
        bytes += a->v[i].n;
    static const char *const counts[SCRIPT_KEYS_MAX + 1] = {"0", "1", "2", "3",  "4",  "5", "6",
                                                            "7", "8", "9", "10", "11", "12"};
    struct script_call *c = malloc(sizeof *c + (a->n + 3) * sizeof c->v[0] + bytes);
    assert(c);
    *c = (struct script_call){.scripts = s, .script = script, .fn = fn, .context = context, .n = a->n + 3};
    c->v[0] = SLICE("EVALSHA");
    c->v[1] = slice_make(s->row[script].sha, 40);
    c->v[2] = slice_of(counts[a->key_count]);
    char *at = (char *)(c->v + c->n);
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].n)
            memcpy(at, a->v[i].p, a->v[i].n);
        c->v[i + 3] = slice_make(at, a->v[i].n);
        at += a->v[i].n;
    }
    s->called[script]++;
    redis_command(s->client, c->v, c->n, on_reply, c);
}
