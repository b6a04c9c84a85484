#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/node/redis/redis_server.h"
#include "tests/unit/node/redis/rig.h"

static struct redis_server *server;
static char dir[] = "/tmp/switchboard-test.XXXXXX";
static char ca[64], other_ca[64];
static char port[8];

static void run(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}

static void make_certificates(void)
{
    char command[2048];
    snprintf(command, sizeof command,
             "cd %s && exec 2>/dev/null"
             " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout "
             "ca.key -out ca.pem"
             " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other -keyout "
             "other.key -out other.pem"
             " && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis -keyout redis.key "
             "-out redis.csr"
             " && echo subjectAltName=DNS:localhost,IP:127.0.0.1 > ext"
             " && openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out "
             "redis.pem",
             dir);
    run(command);
}

static void choose_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(port, sizeof port, "%u", ntohs(address.sin_port));
    close(fd);
}

static void begin(void)
{
    char cert[64], key[64];
    cr_assert(mkdtemp(dir));
    make_certificates();
    choose_port();
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    snprintf(other_ca, sizeof other_ca, "%s/other.pem", dir);
    snprintf(cert, sizeof cert, "%s/redis.pem", dir);
    snprintf(key, sizeof key, "%s/redis.key", dir);
    const char *const extra[] = {"--tls-port",
                                 port,
                                 "--bind",
                                 "127.0.0.1 127.0.0.2",
                                 "--tls-cert-file",
                                 cert,
                                 "--tls-key-file",
                                 key,
                                 "--tls-ca-cert-file",
                                 ca,
                                 "--tls-auth-clients",
                                 "no",
                                 NULL};
    server = redis_server_start(extra);
}

static void finish(void)
{
    char command[128];
    redis_server_stop(server);
    snprintf(command, sizeof command, "rm -r %s", dir);
    run(command);
}

static struct rig *connect_to(const char *host, const char *trusted)
{
    char url[128];
    snprintf(url, sizeof url, "rediss://%s:%s", host, port);
    return rig_create(
        url, &(struct redis_settings){.command_timeout_ms = 30000, .url = &(struct redis_url){.tls_ca = trusted}});
}

Test(tls, commands_and_messages_pass)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    size_t n = 2 * 1024 * 1024;
    char *large = malloc(n);
    memset(large, 'z', n);
    begin();
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        struct rig *rig = connect_to(hosts[i], ca);
        redis_subscribe(rig->client, SLICE("{1}:a"));
        rig_run_until(rig, rig_is_subscribed);
        size_t set = rig_ask_args(rig, (struct slice[]){SLICE("SET"), SLICE("k"), {large, n}}, 3);
        size_t get = rig_ask(rig, "GET k");
        for (int k = 0; k < 500; k++) {
            rig_ask(rig, "SPUBLISH {1}:a hello");
        }
        rig_run_until(rig, rig_all_answered);
        cr_expect_eq(rig->answers[set].err, ERR_OK);
        cr_expect_eq(rig->answers[get].err, ERR_OK);
        cr_expect_eq(rig->answers[get].text[0], 'z');
        while (rig->messages < 500) {
            uv_run(&rig->loop, UV_RUN_ONCE);
        }
        rig_destroy(rig);
    }
    free(large);
    finish();
}

Test(tls, a_killed_connection_comes_back)
{
    begin();
    struct rig *rig = connect_to("127.0.0.1", ca);
    rig_run_until(rig, rig_is_up);
    for (int i = 0; i < 100; i++) {
        rig_ask(rig, "INCR n");
    }
    uv_run(&rig->loop, UV_RUN_NOWAIT);
    freeReplyObject(redis_server_ask(server, "CLIENT KILL TYPE normal"));
    rig_run_until(rig, rig_all_answered);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(rig->answers[i].err, ERR_OK);
    }
    rig_destroy(rig);
    finish();
}

Test(tls, who_can_not_prove_his_name_is_not_talked_to)
{
    begin();
    const struct {
        const char *host;
        const char *trusted;
    } cases[] = {
        {"127.0.0.1", other_ca},   /* signed by someone else */
        {"127.0.0.1", "/nowhere"}, /* nobody to trust */
        {"127.0.0.1", NULL},       /* the system trusts no such CA */
        {"127.0.0.2", ca},         /* the server listens there, but its certificate does not name it */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char url[128];
        snprintf(url, sizeof url, "rediss://%s:%s", cases[i].host, port);
        struct rig *rig =
            rig_create(url, &(struct redis_settings){.command_timeout_ms = 200,
                                                     .url = &(struct redis_url){.tls_ca = cases[i].trusted}});
        rig_ask(rig, "PING");
        rig_run_until(rig, rig_all_answered);
        cr_expect_eq(rig->answers[0].err, ERR_UNAVAILABLE, "%s", cases[i].host);
        rig_destroy(rig);
    }
    finish();
}
