#include "node/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/slice.h"

enum { ARGS_MAX = 12 };

/* What one start was given; the lists end with NULL. */
struct given {
    const char *argv[ARGS_MAX];
    const char *environment[ARGS_MAX];
};

static enum err read_given(const struct given *g, struct config *ret_config, struct buf *problems)
{
    int argc = 0;
    while (g->argv[argc])
        argc++;
    const struct option_sources sources = {.argc = argc, .argv = g->argv, .environ = g->environment};
    buf_init(problems, 65536);
    return config_read(&sources, ret_config, problems);
}

static struct config read_good(struct given g)
{
    struct config c;
    struct buf problems;
    enum err e = read_given(&g, &c, &problems);
    cr_assert_eq(e, ERR_OK, "%s", buf_cstr(&problems));
    cr_assert_eq(problems.n, 0);
    buf_finish(&problems);
    return c;
}

/* The lines of what is wrong; the caller frees them. */
static char *read_bad(struct given g, enum err expected)
{
    struct config c;
    memset(&c, 0x5a, sizeof c);
    const struct config untouched = c;
    struct buf problems;
    cr_assert_eq(read_given(&g, &c, &problems), expected, "%s", buf_cstr(&problems));
    cr_assert_eq(memcmp(&c, &untouched, sizeof c), 0);
    char *text = slice_dup(buf_slice(&problems));
    buf_finish(&problems);
    return text;
}

static void assert_problems(struct given g, const char *expected)
{
    char *text = read_bad(g, ERR_SYNTAX);
    cr_expect_str_eq(text, expected);
    free(text);
}

static char *file_with(const char *text)
{
    static char path[] = "/tmp/test_config.XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

Test(config, defaults)
{
    struct config c = read_good((struct given){.argv = {"--dev"}});
    cr_expect_str_eq(c.listen[0], "127.0.0.1:8080");
    cr_expect_null(c.listen[1]);
    cr_expect_null(c.redis);
    cr_expect_eq(c.partitions, 64);
    cr_expect_eq(c.workers, 1);
    cr_expect_null(c.jwt_key[0]);
    cr_expect_str_eq(c.call_default[0], "*");
    cr_expect_null(c.origin[0]);
    cr_expect_eq(c.media, MEDIA_AUDIO);
    cr_expect_eq(c.grace_ms, 20000);
    cr_expect_eq(c.sockets_per_address_max, 0);
    cr_expect_eq(c.log_level, LOG_INFO);
    cr_expect_eq(c.log_format, LOG_FORMAT_TEXT);
    cr_expect(c.dev);
    config_finish(&c);
}

Test(config, both_writings_of_an_option)
{
    struct config c =
        read_good((struct given){.argv = {"--dev", "--grace-ms", "1000", "--media=any", "--log-level", "error",
                                          "--log-format=json", "--tls-cert=a=b", "--tls-key", "k"}});
    cr_expect_eq(c.grace_ms, 1000);
    cr_expect_eq(c.media, MEDIA_ANY);
    cr_expect_eq(c.log_level, LOG_ERROR);
    cr_expect_eq(c.log_format, LOG_FORMAT_JSON);
    cr_expect_str_eq(c.tls_cert, "a=b");
    config_finish(&c);
}

Test(config, command_line_beats_environment_beats_file_beats_default)
{
    char *path = file_with("grace-ms = 1001\ndrain-ms = 1002\nheartbeat-ms = 1003\ndev = yes\n");
    struct config c = read_good((struct given){
        .argv = {"--config", path, "--grace-ms=3001"},
        .environment = {"SWITCHBOARD_GRACE_MS=2001", "SWITCHBOARD_DRAIN_MS=2002", "HOME=/"},
    });
    cr_expect_eq(c.grace_ms, 3001);
    cr_expect_eq(c.drain_ms, 2002);
    cr_expect_eq(c.heartbeat_ms, 1003);
    cr_expect_eq(c.hello_timeout_ms, 5000);
    cr_expect(c.dev);
    config_finish(&c);
    unlink(path);
}

Test(config, environment_may_name_the_file)
{
    char *path = file_with("dev = on\nworkers=3");
    char variable[128];
    snprintf(variable, sizeof variable, "SWITCHBOARD_CONFIG=%s", path);
    struct config c = read_good((struct given){.environment = {variable}});
    cr_expect_eq(c.workers, 3);
    config_finish(&c);
    unlink(path);
}

Test(config, lists_repeat_in_file_and_command_line_and_are_split_in_environment)
{
    char *path = file_with("listen = :1\nlisten = :2\norigin = https://a\norigin = https://b\n");
    struct config c = read_good((struct given){
        .argv = {"--dev", "--config", path, "--listen", ":3", "--listen=:4"},
        .environment = {"SWITCHBOARD_LISTEN=:5", "SWITCHBOARD_TRUST_PROXY=10.0.0.0/8, ::1/128,,fe80::/10 "},
    });
    cr_expect_str_eq(c.listen[0], ":3");
    cr_expect_str_eq(c.listen[1], ":4");
    cr_expect_null(c.listen[2]);
    cr_expect_str_eq(c.origin[0], "https://a");
    cr_expect_str_eq(c.origin[1], "https://b");
    cr_expect_null(c.origin[2]);
    cr_expect_str_eq(c.trust_proxy[0], "10.0.0.0/8");
    cr_expect_str_eq(c.trust_proxy[1], "::1/128");
    cr_expect_str_eq(c.trust_proxy[2], "fe80::/10");
    cr_expect_null(c.trust_proxy[3]);
    config_finish(&c);
    unlink(path);
}

Test(config, an_empty_value_empties_a_list)
{
    struct config c = read_good((struct given){.argv = {"--dev", "--call-default="}});
    cr_expect_null(c.call_default[0]);
    config_finish(&c);
}

Test(config, an_empty_variable_is_none)
{
    struct config c = read_good((struct given){.argv = {"--dev"}, .environment = {"SWITCHBOARD_GRACE_MS="}});
    cr_expect_eq(c.grace_ms, 20000);
    config_finish(&c);
}

Test(config, comments_begin_a_line_or_follow_a_space)
{
    char *path =
        file_with("# all of it\n  # so too\njwt-key = HS256:pass#word # but this\n\ngrace-ms = 500\t# here\r\n");
    struct config c = read_good((struct given){.argv = {"--config", path}});
    cr_expect_str_eq(c.jwt_key[0], "HS256:pass#word");
    cr_expect_eq(c.grace_ms, 500);
    config_finish(&c);
    unlink(path);
}

Test(config, numbers_are_held_to_their_bounds)
{
    static const char *const good[] = {"--partitions=1",           "--partitions=100", "--workers=64",
                                       "--message-bytes-max=1024", "--drain-ms=0",     "--grace-ms=100",
                                       "--partitions=007"};
    static const char *const bad[] = {
        "--partitions=0", "--partitions=101",  "--workers=65", "--message-bytes-max=1023",
        "--grace-ms=-1",  "--grace-ms=1e3",    "--grace-ms=",  "--grace-ms=99999999999999999999",
        "--grace-ms= 5",  "--grace-ms=20000ms"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct config c = read_good((struct given){.argv = {"--dev", good[i]}});
        config_finish(&c);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *text = read_bad((struct given){.argv = {"--dev", bad[i]}}, ERR_SYNTAX);
        cr_expect_not_null(strstr(text, "should be a number from"), "%s: %s", bad[i], text);
        free(text);
    }
}

Test(config, mistakes_say_what_was_what_should_be_and_where)
{
    static const struct {
        struct given given;
        const char *problems;
    } cases[] = {
        {{.argv = {"--dev", "--lisen", ":1"}}, "there is no option --lisen: did you mean --listen?\n"},
        {{.argv = {"--dev", "--grcae-ms=5"}}, "there is no option --grcae-ms: did you mean --grace-ms?\n"},
        {{.argv = {"--dev", "--grace_ms=5"}}, "there is no option --grace_ms: did you mean --grace-ms?\n"},
        {{.argv = {"--dev", "--zzz"}}, "there is no option --zzz\n"},
        {{.argv = {"--dev", "--tls-key"}}, "--tls-key needs a value: FILE\n"},
        {{.argv = {"--grace-ms", "--dev"}}, "--grace-ms needs a value: a number\n"},
        {{.argv = {"--dev", "here"}}, "\"here\" stands alone: options are written --name value or --name=value\n"},
        {{.argv = {"--dev", "--workers=x"}}, "--workers should be a number from 1 to 64, not \"x\"\n"},
        {{.argv = {"--dev", "--grace-ms", "x"}}, "--grace-ms should be a number from 100 to 600000 (ms), not \"x\"\n"},
        {{.argv = {"--dev", "--media=video"}}, "--media should be one of audio|any, not \"video\"\n"},
        {{.argv = {"--dev=perhaps"}}, "--dev should be true or false, not \"perhaps\"\n"},
        {{.argv = {"--dev"}, .environment = {"SWITCHBOARD_DEVICES_MAX=many"}},
         "environment variable SWITCHBOARD_DEVICES_MAX should be a number from 1 to 100 (devices), not \"many\"\n"},
        {{.argv = {"--dev"}, .environment = {"SWITCHBOARD_WORKRES=2"}},
         "environment variable SWITCHBOARD_WORKRES is no setting: did you mean SWITCHBOARD_WORKERS?\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_problems(cases[i].given, cases[i].problems);
}

Test(config, mistakes_in_the_file_say_its_line)
{
    char *path = file_with("dev = yes\n\nworkers = two\ngrace-ms\nlissen = :1\nconfig = /x\n");
    char expected[1024];
    snprintf(expected, sizeof expected,
             "%s:4: a line is written `name = value`\n"
             "%s:5: there is no setting lissen: did you mean listen?\n"
             "%s:6: config can't stand in a file\n"
             "%s:3: workers should be a number from 1 to 64, not \"two\"\n",
             path, path, path, path);
    assert_problems((struct given){.argv = {"--config", path}}, expected);
    unlink(path);
}

Test(config, all_mistakes_are_told_at_once)
{
    assert_problems(
        (struct given){.argv = {"--dev", "--lisen", ":1", "--workers=0"}, .environment = {"SWITCHBOARD_MEDIA=tv"}},
        "there is no option --lisen: did you mean --listen?\n"
        "--workers should be a number from 1 to 64, not \"0\"\n"
        "environment variable SWITCHBOARD_MEDIA should be one of audio|any, not \"tv\"\n");
}

Test(config, a_missing_file_is_named)
{
    char *text = read_bad((struct given){.argv = {"--dev", "--config=/nowhere/at.all"}}, ERR_IO);
    cr_expect_str_eq(text, "the config file /nowhere/at.all can't be read: No such file or directory\n");
    free(text);
    text = read_bad((struct given){.argv = {"--dev", "--config=/tmp"}}, ERR_IO);
    cr_expect_str_eq(text, "the config file /tmp can't be read: Is a directory\n");
    free(text);
}

Test(config, what_kubernetes_puts_into_the_environment_is_let_pass)
{
    struct config c = read_good((struct given){
        .argv = {"--dev"},
        .environment = {"SWITCHBOARD_SERVICE_HOST=10.0.0.1", "SWITCHBOARD_PORT=tcp://10.0.0.1:80",
                        "SWITCHBOARD_PORT_8080_TCP_ADDR=10.0.0.1", "SWITCHBOARD_REDIS_PORT=tcp://10.0.0.2:6379",
                        "SWITCHBOARD_REDIS_SERVICE_HOST=10.0.0.2"}});
    cr_expect_null(c.redis);
    config_finish(&c);
}

Test(config, secrets_are_not_repeated)
{
    struct given cases[] = {
        {.argv = {"--dev", "--jwt-key", "HS256:two", "s3cret"}},
        {.argv = {"--dev", "--jwt-kye", "HS256:s3cret"}},
        {.argv = {"--dev", "--jwt-kye=HS256:s3cret"}},
        {.argv = {"--dev", "--redis", "redis://:s3cret@h", "--redis-dir=/x"}},
        {.argv = {"--dev"}, .environment = {"SWITCHBOARD_JWT_KYE=s3cret"}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = read_bad(cases[i], ERR_SYNTAX);
        cr_expect_null(strstr(text, "s3cret"), "case %zu: %s", i, text);
        free(text);
    }
}

Test(config, settings_that_contradict_each_other)
{
    static const struct {
        struct given given;
        const char *part;
    } cases[] = {
        {{.argv = {"--dev", "--tls-cert=x"}}, "--tls-cert needs --tls-key"},
        {{.argv = {"--dev", "--tls-key=x"}}, "--tls-key needs --tls-cert"},
        {{.argv = {NULL}}, "no key to check tokens with: give --jwt-key"},
        {{.argv = {"--dev", "--listen="}}, "--listen is empty"},
        {{.argv = {"--dev", "--redis=redis://h", "--redis-dir=/x"}}, "leave one of them out"},
        {{.argv = {"--dev", "--redis-ca=/x"}}, "--redis-ca is for a --redis that begins with rediss://"},
        {{.argv = {"--dev", "--redis=redis://h", "--redis-ca=/x"}}, "--redis-ca is for"},
        {{.argv = {"--dev", "--workers=2", "--listen=unix:/x"}}, "can't be shared by several --workers"},
        {{.argv = {"--dev", "--queue-bytes-max=2000"}},
         "--queue-bytes-max (2000) is less than --message-bytes-max (65536)"},
        {{.argv = {"--dev", "--bytes-burst=2000"}}, "--bytes-burst (2000) is less"},
        {{.argv = {"--dev", "--mailbox-bytes-max=2000"}}, "--mailbox-bytes-max (2000) is less"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = read_bad(cases[i].given, ERR_SYNTAX);
        cr_expect_not_null(strstr(text, cases[i].part), "\"%s\" in: %s", cases[i].part, text);
        free(text);
    }
}

Test(config, addresses_that_are_none_are_mistakes_of_the_settings)
{
    static const struct {
        struct given given;
        const char *part;
    } cases[] = {
        {{.argv = {"--dev", "--listen=localhost:80"}},
         "--listen: listen address \"localhost:80\": this is no IP address"},
        {{.argv = {"--dev", "--listen=:80", "--listen=127.0.0.1:99999"}}, "the port must be a number from 0 to 65535"},
        {{.argv = {"--dev", "--trust-proxy=10.0.0.0/33"}}, "--trust-proxy: address range \"10.0.0.0/33\""},
        {{.argv = {"--dev", "--trust-proxy=10.0.0.1", "--trust-proxy=lb"}}, "\"lb\": this is no IP address"},
        {{.argv = {"--dev", "--origin=app.example.org"}}, "an origin is scheme://host"},
        {{.argv = {"--dev", "--origin=https://app.example.org/"}}, "without a path or a /"},
        {{.argv = {"--dev", "--origin=https://app.example.org/x"}}, "without a path or a /"},
        {{.argv = {"--dev", "--origin=https://App.example.org"}}, "small letters"},
        {{.argv = {"--dev", "--origin=https://app.example.org:443"}}, "leave out the port"},
        {{.argv = {"--dev", "--origin=http://app.example.org:80"}}, "leave out the port"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = read_bad(cases[i].given, ERR_SYNTAX);
        cr_expect_not_null(strstr(text, cases[i].part), "\"%s\" in: %s", cases[i].part, text);
        free(text);
    }
    struct config c = read_good(
        (struct given){.argv = {"--dev", "--origin=https://app.example.org", "--origin=http://app.example.org:443",
                                "--origin=null", "--origin=file://", "--origin=capacitor://localhost",
                                "--listen=[::1]:80", "--listen=unix:/x", "--trust-proxy=2001:db8::/32"}});
    config_finish(&c);
}

Test(config, a_key_or_dev_is_enough)
{
    struct config c = read_good((struct given){.argv = {"--jwt-key=HS256:x", "--redis=rediss://h", "--redis-ca=/x"}});
    config_finish(&c);
}

Test(config, help_names_each_default_and_stays_in_its_columns)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    config_help(&out);
    const char *text = buf_cstr(&out);
    cr_expect_not_null(strstr(text, "\nSockets\n  --listen ADDRESS "));
    cr_expect_not_null(strstr(text, "(100 to 600000 ms; default: 20000)"));
    struct slice rest = slice_of(text), line;
    while (slice_split(&rest, '\n', &line))
        cr_expect_leq(line.n, 104, "%.*s", SLICE_FMT(line)); /* 100 columns; a letter may take more bytes */
    buf_finish(&out);
}

/* To mend: build/switchboard help settings --markdown >docs/settings.md */
Test(config, the_settings_page_is_up_to_date)
{
    struct slice here = slice_of(__FILE__), tail = SLICE("tests/unit/node/test_config.c");
    char path[1024];
    cr_assert(here.n > tail.n && slice_is(tail, here.p + here.n - tail.n));
    snprintf(path, sizeof path, "%.*sdocs/settings.md", (int)(here.n - tail.n), here.p);
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    static char page[1 << 18];
    size_t n = fread(page, 1, sizeof page, f);
    fclose(f);
    struct buf out;
    buf_init(&out, 1 << 20);
    config_markdown(&out);
    cr_expect(slice_eq(buf_slice(&out), slice_make(page, n)),
              "docs/settings.md: run `switchboard help settings --markdown`");
    buf_finish(&out);
}
