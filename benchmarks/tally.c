#include "benchmarks/tally.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/client.h"
#include "benchmarks/report.h"

enum { TEXT_MAX = 1 << 18, PATIENCE_S = 10 };

/* As in tests/system/budget.test.mjs. */
static const char *const behind[] = {"timers_due",  "lease_renew",   "fanout_done",
                                     "session_ack", "session_sweep", "held_done"};

static struct slice fetch(const struct sockaddr_in *node, char *text)
{
    const struct slice ask = SLICE("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (const struct sockaddr *)node, sizeof *node) < 0 || write(fd, ask.p, ask.n) != (ssize_t)ask.n)
        die("a node does not tell its metrics: %s", strerror(errno));
    size_t n = 0;
    for (ssize_t got; n < TEXT_MAX && (got = read(fd, text + n, TEXT_MAX - n)) != 0; n += (size_t)got)
        if (got < 0)
            die("a node does not tell its metrics: %s", strerror(errno));
    close(fd);
    return slice_make(text, n);
}

static uint64_t *script_slot(struct tally *t, struct slice name)
{
    for (size_t i = 0; i < t->script_count; i++)
        if (slice_is(name, t->script[i].name))
            return &t->script[i].calls;
    if (t->script_count == TALLY_SCRIPTS_MAX || name.n >= TALLY_NAME_SIZE)
        die("a script too many: %.*s", SLICE_FMT(name));
    memcpy(t->script[t->script_count].name, name.p, name.n);
    return &t->script[t->script_count++].calls;
}

/* `switchboard_NAME{node="…",script="…"} NUMBER` */
static void take_line(struct tally *t, struct slice line)
{
    const struct {
        const char *name;
        uint64_t *sum;
    } sums[] = {
        {"switchboard_store_writes_total", &t->writes},
        {"switchboard_store_commands_total", &t->commands},
        {"switchboard_sessions", &t->sessions},
        {"switchboard_presence_changes_total", &t->presence_changes},
        {"switchboard_presence_events_total", &t->presence_events},
    };
    static const char script[] = ",script=\"";
    struct slice name;
    uint64_t n;
    const char *space = memrchr(line.p, ' ', line.n);
    if (!space || !slice_to_u64(slice_trim(slice_make(space + 1, line.n - (size_t)(space + 1 - line.p))), &n) ||
        !slice_split(&line, '{', &name))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
        if (slice_is(name, sums[i].name))
            *sums[i].sum += n;
    const char *label =
        slice_is(name, "switchboard_store_scripts_total") ? memmem(line.p, line.n, script, sizeof script - 1) : NULL;
    if (label) {
        label += sizeof script - 1;
        struct slice rest = slice_make(label, line.n - (size_t)(label - line.p));
        *script_slot(t, slice_make(label, slice_find(rest, '"'))) += n;
    }
}

void tally_read(const struct clients *clients, struct tally *t)
{
    static char text[TEXT_MAX];
    *t = (struct tally){0};
    for (size_t i = 0; i < clients->node_count; i++) {
        struct slice rest = fetch(&clients->nodes[i], text), line;
        if (!slice_starts(rest, SLICE("HTTP/1.1 200")))
            die("a node does not tell its metrics");
        while (slice_split(&rest, '\n', &line))
            take_line(t, line);
    }
    if (t->script_count == 0)
        die("the nodes do not count their scripts");
}

/* Calls of the i-th script for the step; 0 for those of the nodes' own. */
static uint64_t calls_of(const struct tally *from, const struct tally *to, size_t i)
{
    for (size_t b = 0; b < ARRAY_SIZE(behind); b++)
        if (strcmp(to->script[i].name, behind[b]) == 0)
            return 0;
    return to->script[i].calls - from->script[i].calls;
}

uint64_t tally_scripts(const struct tally *from, const struct tally *to)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < to->script_count; i++)
        sum += calls_of(from, to, i);
    return sum;
}

void tally_names(const struct tally *from, const struct tally *to, uint64_t count, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < to->script_count && n < size; i++) {
        double each = (double)calls_of(from, to, i) / (double)(count > 0 ? count : 1);
        if (each >= 0.005)
            n += (size_t)snprintf(text + n, size - n, "%s%s %.2f", n > 0 ? ", " : "", to->script[i].name, each);
    }
}
