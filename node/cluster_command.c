#include "node/cluster_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/why.h"
#include "node/config.h"
#include "node/options.h"
#include "node/print.h"

enum { ARGUMENTS_MAX = 32 };

struct options {
    const char *redis;
    const char *redis_ca;
    const char *config;
    bool watch;
    bool json;
};

#define ROW(field) OPTION(struct options, field)

static const struct option rows[] = {
    {ROW(redis), .value = "URL", .secret = true,
     .help = "the cluster's Redis: redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://… with TLS, "
             "unix://[USER:PASSWORD@]/path.sock; best in the environment as SWITCHBOARD_REDIS, where `ps` does not "
             "show the password"},
    {ROW(redis_ca), .value = "FILE", .absent = "the system's",
     .help = "certificate authorities (PEM) that a rediss:// server is checked against"},
    {ROW(config), .value = "FILE", .help = "settings of a node: take both from there where they are not given"},
    {ROW(watch), .help = "look again each second, until Ctrl-C"},
    {ROW(json), .help = "one JSON object a look, for machines"},
};
enum { COMMON_ROWS = 3 };

static struct option_table table_of(bool is_status)
{
    return (struct option_table){.rows = rows,
                                 .count = is_status ? ARRAY_SIZE(rows) : COMMON_ROWS,
                                 .size = sizeof(struct options),
                                 .env_prefix = "SWITCHBOARD_"};
}

/* Options and names may stand in any order; behind "--" stand names alone, for one that begins so. */
struct arguments {
    const char *options[ARGUMENTS_MAX];
    int option_count;
    const char *excess; /* the first name that is one too many; NULL: none */
};

static bool takes_value(const struct option_table *table, const char *argument)
{
    const struct option *o = option_find(table, slice_of(argument + 2), '-');
    return o && o->kind != OPTION_FLAG; /* one with `=` in it is found by no name */
}

static void take_name(const struct cluster_command_form *form, const char *name, struct arguments *a,
                      struct cluster_command *o)
{
    if (o->name_count < form->names)
        o->names[o->name_count++] = name;
    else if (!a->excess)
        a->excess = name;
}

/* False: more options than anybody means. */
static bool sort_arguments(const struct cluster_command_form *form, const struct option_table *table, int argc,
                           const char *const *argv, struct arguments *a, struct cluster_command *o)
{
    bool names_only = false;
    for (int i = 0; i < argc; i++) {
        if (names_only || strncmp(argv[i], "--", 2) != 0) {
            take_name(form, argv[i], a, o);
            continue;
        }
        names_only = argv[i][2] == '\0';
        if (names_only)
            continue;
        if (a->option_count + 2 > ARGUMENTS_MAX)
            return false;
        a->options[a->option_count++] = argv[i];
        if (takes_value(table, argv[i]) && i + 1 < argc)
            a->options[a->option_count++] = argv[++i];
    }
    return true;
}

static void try_help(const struct cluster_command_form *form)
{
    fprintf(stderr, "Try: switchboard help %.*s\n", (int)strcspn(form->command, " "), form->command);
}

/* The names are as many as the command takes. */
static bool names_fit(const struct cluster_command_form *form, const struct arguments *a,
                      const struct cluster_command *o)
{
    if (a->excess && a->excess[0] == '-')
        (void)cluster_command_fail("there is no option %s", a->excess);
    else if (a->excess && form->names == 0)
        (void)cluster_command_fail("\"%s\": %s takes no names", a->excess, form->command);
    else if (a->excess)
        (void)cluster_command_fail("\"%s\" is one name too many: it is \"%s\"", a->excess, form->usage);
    else if (o->name_count < form->names)
        (void)cluster_command_fail("%s", form->missing);
    else
        return true;
    return false;
}

/* Of our environment only these: what else is set there is meant for nodes. */
enum { PICKED = 3 };

static void pick_environment(const char *picked[PICKED + 1])
{
    static const char *const names[PICKED] = {"SWITCHBOARD_REDIS=", "SWITCHBOARD_REDIS_CA=", "SWITCHBOARD_CONFIG="};
    size_t n = 0;
    for (char **e = environ; *e; e++) {
        for (size_t i = 0; i < PICKED && n < PICKED; i++) {
            if (strncmp(*e, names[i], strlen(names[i])) == 0)
                picked[n++] = *e;
        }
    }
    picked[n] = NULL;
}

/* What a node would read there, all of it: a mistake in another line is one here, too. */
static enum err read_file(struct options *options, struct cluster_command *o, struct buf *problems)
{
    const char *const argv[] = {"--config", options->config};
    const char *const nothing[] = {NULL};
    const struct option_sources sources = {.argc = ARRAY_SIZE(argv), .argv = argv, .environ = nothing};
    struct config config;
    enum err err = config_gather(&sources, &config, problems);
    if (err != ERR_OK)
        return err;
    options->redis = config.redis;
    options->redis_ca = options->redis_ca ? options->redis_ca : config.redis_ca;
    o->file_memory = config.memory;
    return ERR_OK;
}

static enum err read_options(const struct option_table *table, const struct arguments *a, struct options *options,
                             struct cluster_command *o)
{
    const char *environment[PICKED + 1];
    struct buf problems;
    pick_environment(environment);
    const struct option_sources sources = {.argc = a->option_count, .argv = a->options, .environ = environment};
    print_init(&problems);
    enum err err = options_read(table, &sources, options, &o->memory, &problems);
    if (err == ERR_OK && !options->redis && options->config)
        err = read_file(options, o, &problems);
    if (err == ERR_OK && !options->redis) {
        buf_putf(&problems, "--redis URL is missing: %s%s\n", options->config ? options->config : "give it",
                 options->config ? " has none either" : ", or SWITCHBOARD_REDIS in the environment, or --config FILE");
        err = ERR_SYNTAX;
    }
    print_problems(&problems);
    buf_finish(&problems);
    return err;
}

static void forget(struct cluster_command *o)
{
    option_memory_free(o->memory);
    option_memory_free(o->file_memory);
}

bool cluster_command_begin(const struct cluster_command_form *form, int argc, const char *const *argv,
                           struct cluster_command *ret, int *ret_code)
{
    const struct option_table table = table_of(form->is_status);
    struct arguments a = {.option_count = 0};
    struct options options = {0};
    struct cluster_command o = {.name_count = 0};
    char why[WHY_SIZE] = "";
    *ret_code = EXIT_USAGE;
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT, ""); /* what goes wrong is said in our own words */
    if (!sort_arguments(form, &table, argc, argv, &a, &o)) {
        (void)cluster_command_fail("there are more options than this command has");
        try_help(form);
        return false;
    }
    if (read_options(&table, &a, &options, &o) != ERR_OK || !names_fit(form, &a, &o)) {
        forget(&o);
        try_help(form);
        return false;
    }
    if (redis_url_parse(options.redis, &o.url, WHY_IN(why)) != ERR_OK) {
        forget(&o);
        fprintf(stderr, "switchboard: --redis: %s\n", why);
        return false;
    }
    o.url.tls_ca = options.redis_ca;
    o.watch = options.watch;
    o.json = options.json;
    *ret = o;
    return true;
}

void cluster_command_finish(struct cluster_command *o)
{
    redis_url_finish(&o->url);
    forget(o);
}

int cluster_command_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("switchboard: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILURE;
}

const char *cluster_command_hint(const char *why)
{
    static const struct {
        const char *word, *hint;
    } hints[] = {
        {"NOAUTH", " Give it: redis://:PASSWORD@HOST, best in the environment as SWITCHBOARD_REDIS"},
        {"WRONGPASS", " (user or password are not what this Redis knows)"},
        {"NOPERM", " (docs/operations.md names the rights that its user needs)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        if (strstr(why, hints[i].word))
            return hints[i].hint;
    }
    return "";
}

void cluster_command_help(struct buf *out)
{
    const struct option_table table = table_of(false);
    options_help(&table, out);
}

void cluster_command_status_help(struct buf *out)
{
    const struct option_table table = table_of(true);
    options_help(&table, out);
}
