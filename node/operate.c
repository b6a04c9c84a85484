#include "node/operate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "node/options.h"
#include "node/tell.h"

enum { ARGUMENTS_MAX = 32 };

struct options {
    const char *redis;
    const char *redis_ca;
    bool watch;
    bool json;
};

#define ROW(field) OPTION(struct options, field)

static const struct option rows[] = {
    {ROW(redis), .value = "URL", .required = true, .secret = true,
     .help = "the cluster's Redis: redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://… with TLS, unix:///path.sock"},
    {ROW(redis_ca), .value = "FILE", .absent = "the system's",
     .help = "certificate authorities (PEM) that a rediss:// server is checked against"},
    {ROW(watch), .help = "look again each second, until Ctrl-C"},
    {ROW(json), .help = "one JSON object a look, for machines"},
};
enum { COMMON_ROWS = 2 };

static struct option_table table_of(bool is_status)
{
    return (struct option_table){.rows = rows,
                                 .count = is_status ? ARRAY_SIZE(rows) : COMMON_ROWS,
                                 .size = sizeof(struct options),
                                 .env_prefix = "SWITCHBOARD_"};
}

/* Options and names may stand in any order. */
struct arguments {
    const char *options[ARGUMENTS_MAX];
    int option_count;
    const char *const *rest; /* names that are too many */
};

static bool takes_value(const struct option_table *table, const char *argument)
{
    const struct option *o = option_find(table, slice_of(argument + 2), '-');
    return o && o->kind != OPTION_FLAG; /* one with `=` in it is found by no name */
}

/* False: more than anybody means. */
static bool sort_arguments(const struct option_table *table, int argc, const char *const *argv, struct arguments *a,
                           struct operate *o)
{
    for (int i = 0; i < argc; i++) {
        bool is_option = strncmp(argv[i], "--", 2) == 0;
        if (is_option ? a->option_count + 2 > ARGUMENTS_MAX : o->name_count == OPERATE_NAMES_MAX)
            return false;
        if (!is_option) {
            o->names[o->name_count++] = argv[i];
            continue;
        }
        a->options[a->option_count++] = argv[i];
        if (takes_value(table, argv[i]) && i + 1 < argc)
            a->options[a->option_count++] = argv[++i];
    }
    return true;
}

static int misused(const struct operate_form *form, const char *why)
{
    fprintf(stderr, "switchboard: %s\nTry: switchboard help %.*s\n", why, (int)strcspn(form->command, " "),
            form->command);
    return EXIT_USAGE;
}

/* Of our environment only these: what else is set there is meant for nodes. */
static void pick_environment(const char *picked[3])
{
    static const char *const names[] = {"SWITCHBOARD_REDIS=", "SWITCHBOARD_REDIS_CA="};
    size_t n = 0;
    for (char **e = environ; *e; e++) {
        for (size_t i = 0; i < ARRAY_SIZE(names) && n < 2; i++) {
            if (strncmp(*e, names[i], strlen(names[i])) == 0)
                picked[n++] = *e;
        }
    }
    picked[n] = NULL;
}

static enum err read_options(const struct option_table *table, const struct arguments *a, struct options *options,
                             struct operate *o)
{
    const char *environment[3];
    struct buf problems;
    pick_environment(environment);
    const struct option_sources sources = {.argc = a->option_count, .argv = a->options, .environ = environment};
    tell_init(&problems);
    enum err err = options_read(table, &sources, options, &o->memory, &problems);
    tell_problems(&problems);
    buf_finish(&problems);
    return err;
}

bool operate_begin(const struct operate_form *form, int argc, const char *const *argv, struct operate *ret,
                   int *ret_code)
{
    const struct option_table table = table_of(form->is_status);
    struct arguments a = {.option_count = 0};
    struct options options = {0};
    struct operate o = {.name_count = 0};
    char why[OPERATE_WHY_SIZE] = "";
    *ret_code = EXIT_USAGE;
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT, ""); /* what goes wrong is said in our own words */
    if (!sort_arguments(&table, argc, argv, &a, &o) || o.name_count > form->names) {
        *ret_code = misused(form, "there are more names than this command takes");
        return false;
    }
    if (o.name_count < form->names) {
        *ret_code = misused(form, form->missing);
        return false;
    }
    if (read_options(&table, &a, &options, &o) != ERR_OK) {
        fprintf(stderr, "Try: switchboard help %.*s\n", (int)strcspn(form->command, " "), form->command);
        return false;
    }
    if (redis_url_parse(options.redis, &o.url, why, sizeof why) != ERR_OK) {
        option_memory_free(o.memory);
        fprintf(stderr, "switchboard: --redis: %s\n", why);
        return false;
    }
    o.url.tls_ca = options.redis_ca;
    o.watch = options.watch;
    o.json = options.json;
    *ret = o;
    return true;
}

void operate_finish(struct operate *o)
{
    redis_url_finish(&o->url);
    option_memory_free(o->memory);
}

int operate_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("switchboard: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILURE;
}

void operate_help(struct buf *out)
{
    const struct option_table table = table_of(false);
    options_help(&table, out);
}

void operate_status_help(struct buf *out)
{
    const struct option_table table = table_of(true);
    options_help(&table, out);
}
