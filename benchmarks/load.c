#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/auth/keyring.h"

/* One measurement of nodes that run already; benchmarks/run starts them and says which. */

enum { MESSAGE_CAP = 1 << 20 };

static const struct {
    const char *name;
    part_fn *run;
} parts[] = {
    {"connect", part_connect}, {"signals", part_signals}, {"setups", part_setups},     {"calls", part_calls},
    {"resumes", part_resumes}, {"death", part_death},     {"presence", part_presence}, {"memory", part_memory},
};

struct target {
    struct sockaddr_in nodes[METER_NODES_MAX];
    size_t node_count;
    const char *key; /* as --jwt-key takes it */
    bool is_tls, is_msgpack;
    struct meter meter;
    struct options options;
};

enum { OPTION_NUMBERS = 256 };
static const struct option names[] = {
    {"node", required_argument, NULL, 'n'},
    {"jwt-key", required_argument, NULL, 'k'},
    {"tls", no_argument, NULL, 't'},
    {"one-way", no_argument, NULL, 'o'},
    {"msgpack", no_argument, NULL, 'm'},
    {"node-pid", required_argument, NULL, 'p'},
    {"redis-pid", required_argument, NULL, 'r'},
    {"redis-port", required_argument, NULL, 'R'},
    {"sockets", required_argument, NULL, OPTION_NUMBERS + 0},
    {"in-flight", required_argument, NULL, OPTION_NUMBERS + 1},
    {"pairs", required_argument, NULL, OPTION_NUMBERS + 2},
    {"window", required_argument, NULL, OPTION_NUMBERS + 3},
    {"batch", required_argument, NULL, OPTION_NUMBERS + 4},
    {"rate", required_argument, NULL, OPTION_NUMBERS + 5},
    {"gap-us", required_argument, NULL, OPTION_NUMBERS + 6},
    {"seconds", required_argument, NULL, OPTION_NUMBERS + 7},
    {"spread-ms", required_argument, NULL, OPTION_NUMBERS + 8},
    {"watchers", required_argument, NULL, OPTION_NUMBERS + 9},
    {NULL, 0, NULL, 0},
};

static uint64_t number(const char *text, uint64_t max)
{
    uint64_t n;
    if (!slice_to_u64(slice_of(text), &n) || n > max)
        die("%s is no number up to %llu", text, (unsigned long long)max);
    return n;
}

/* By the order of `names` from OPTION_NUMBERS on. */
static uint64_t *number_field(struct options *o, int option)
{
    uint64_t *const fields[] = {&o->sockets, &o->in_flight, &o->pairs,   &o->window,    &o->batch,
                                &o->rate,    &o->gap_us,    &o->seconds, &o->spread_ms, &o->watchers};
    size_t i = (size_t)(option - OPTION_NUMBERS);
    return i < ARRAY_SIZE(fields) ? fields[i] : NULL;
}

static void take_option(struct target *t, int option, const char *value)
{
    struct options *o = &t->options;
    uint64_t *field = option >= OPTION_NUMBERS ? number_field(o, option) : NULL;
    if (field) {
        *field = number(value, INT32_MAX);
        return;
    }
    switch (option) {
    case 'n':
        if (t->node_count == METER_NODES_MAX)
            die("more than %d nodes", METER_NODES_MAX);
        t->nodes[t->node_count++] = (struct sockaddr_in){
            .sin_family = AF_INET,
            .sin_port = htons((uint16_t)number(value, UINT16_MAX)),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        break;
    case 'k':
        t->key = value;
        break;
    case 't':
        t->is_tls = true;
        break;
    case 'o':
        o->one_way = true;
        break;
    case 'm':
        t->is_msgpack = true;
        break;
    case 'p':
        if (t->meter.node_count == METER_NODES_MAX)
            die("more than %d nodes", METER_NODES_MAX);
        t->meter.nodes[t->meter.node_count++] = (pid_t)number(value, INT32_MAX);
        break;
    case 'r':
        t->meter.redis = (pid_t)number(value, INT32_MAX);
        break;
    case 'R':
        t->meter.redis_port = (uint16_t)number(value, UINT16_MAX);
        break;
    default:
        die("see benchmarks/README.md for the options");
    }
}

static part_fn *part_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (slice_eq(slice_of(parts[i].name), slice_of(name)))
            return parts[i].run;
    die("there is no part `%s`: see benchmarks/README.md", name);
}

static struct keyring *keys_of(const char *spec)
{
    char why[160];
    struct keyring *keys = keyring_create();
    if (keyring_add(keys, slice_of(spec), WHY_IN(why)))
        die("--jwt-key: %s", why);
    return keys;
}

static void run(part_fn *part, const struct target *t)
{
    struct keyring *keys = keys_of(t->key);
    struct clients clients = {
        .loop = loop_create(),
        .tls = t->is_tls ? socket_tls_context() : NULL,
        .format = t->is_msgpack ? WIRE_MSGPACK : WIRE_JSON,
        .keys = keys,
        .nodes = t->nodes,
        .node_count = t->node_count,
    };
    buf_init(&clients.body, MESSAGE_CAP);
    buf_init(&clients.frame, MESSAGE_CAP);
    part(&clients, &t->meter, &t->options);
}

int main(int argc, char **argv)
{
    struct target t = {
        .options = {.sockets = 10000,
                    .in_flight = 64,
                    .pairs = 100,
                    .window = 4,
                    .batch = 1,
                    .gap_us = 2000,
                    .seconds = 5,
                    .spread_ms = 1000,
                    .watchers = 1},
    };
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;)
        take_option(&t, option, optarg);
    if (optind + 1 != argc || t.node_count == 0 || !t.key || t.options.batch == 0 || t.options.pairs == 0)
        die("give one part, --node PORT and --jwt-key; see benchmarks/README.md");
    if (t.options.window >= SIGNALS_IN_FLIGHT_MAX)
        die("--window should be below %d", SIGNALS_IN_FLIGHT_MAX);
    run(part_named(argv[optind]), &t);
    /* The sockets and all that hangs on them end with the process. */
    return EXIT_SUCCESS;
}
