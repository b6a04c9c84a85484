#include "node/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/name.h"
#include "common/base/why.h"
#include "node/cluster_command.h"
#include "node/print.h"
#include "node/redis/cluster_control.h"
#include "node/redis/cluster_status.h"

#define NAME_RULE "names have 1 to 64 of A-Z a-z 0-9 . _ @ : + -"

enum { PATIENCE_MS = 10000, TOLD_PATIENCE_MS = 5000, LOOK_EVERY_MS = 100, AGAIN_EVERY = 10 };

/* One command's work: what it found, and where a failure's words go. */
struct work {
    struct cluster_command o;
    struct cluster_status cluster;
    char why[WHY_SIZE];
};

static int unasked(const struct work *w)
{
    return cluster_command_fail("Redis can't be asked: %s%s", w->why, cluster_command_hint(w->why));
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    nanosleep(&pause, NULL);
}

static bool read_cluster(struct work *w, int *ret_code)
{
    *ret_code = EXIT_FAILURE;
    if (cluster_status_read(&w->o.url, &w->cluster, WHY_IN(w->why)) != ERR_OK)
        (void)unasked(w);
    else if (w->cluster.partitions == 0)
        (void)cluster_command_fail("no node was ever at this Redis: is it the right one, and the right database?");
    else
        return true;
    return false;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* Runs one of them with what they share. */
static int run(const struct cluster_command_form *form, int argc, const char *const *argv, int (*work)(struct work *))
{
    struct work *w = calloc(1, sizeof *w);
    int code = EXIT_FAILURE;
    if (!w)
        abort();
    if (cluster_command_begin(form, argc, argv, &w->o, &code)) {
        code = work(w);
        cluster_command_finish(&w->o);
    }
    free(w);
    return code;
}

/* ---- kick ---- */

struct kick {
    struct slice user;
    struct slice device; /* empty: all */
    size_t count;
    struct cluster_session sessions[CLUSTER_SESSIONS_MAX];
};

static bool read_target(struct work *w, struct kick *k)
{
    struct slice rest = slice_of(w->o.names[0]);
    bool one = slice_find(rest, '/') < rest.n;
    (void)slice_split(&rest, '/', &k->user);
    k->device = one ? rest : (struct slice){0};
    return name_is_valid(k->user) && (!one || name_is_valid(k->device));
}

static void keep_device(struct kick *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->count; i++) {
        if (k->device.n == 0 || slice_is(k->device, k->sessions[i].device))
            k->sessions[n++] = k->sessions[i];
    }
    k->count = n;
}

/* The node that holds it; then one living node after the other, for that one may be frozen, or too old to know how. Each can do it. */
static enum err kick_one(struct work *w, struct kick *k, const struct cluster_session *s, unsigned attempt)
{
    size_t living = 0;
    struct key channel = s->channel;
    while (living < w->cluster.count && w->cluster.nodes[living].lives)
        living++;
    if (living > 0 && (channel.n == 0 || attempt > 0))
        channel = key_node(id_partition(&s->id), &w->cluster.nodes[attempt % living].id);
    return channel.n == 0 ? ERR_OK : cluster_kick(&w->o.url, &channel, s, k->user, WHY_IN(w->why));
}

/* How many are left. */
static enum err kick_round(struct work *w, struct kick *k, unsigned round, size_t *ret_left)
{
    enum err err = ERR_OK;
    *ret_left = 0;
    for (size_t i = 0; err == ERR_OK && i < k->count; i++) {
        struct cluster_session *s = &k->sessions[i];
        if (round > 0 && !s->over)
            err = cluster_session_read(&w->o.url, s, WHY_IN(w->why));
        *ret_left += !s->over;
        if (err == ERR_OK && !s->over && round % AGAIN_EVERY == 0)
            err = kick_one(w, k, s, round / AGAIN_EVERY);
    }
    return err;
}

static int kick_told(const struct work *w, const struct kick *k, size_t left)
{
    uint64_t seats = 0;
    if (left > 0)
        return cluster_command_fail("%s: %zu of %zu session%s did not end within %d s: is a node alive that knows how?",
                                    w->o.names[0], left, k->count, plural(k->count), PATIENCE_MS / 1000);
    printf("%.*s: %zu session%s ended (", SLICE_FMT(k->user), k->count, plural(k->count));
    for (size_t i = 0; i < k->count; i++) {
        printf("%s%s", i ? ", " : "", k->sessions[i].device);
        seats += k->sessions[i].seats;
    }
    printf("), %" PRIu64 " seat%s left\n", seats, plural(seats));
    return EXIT_SUCCESS;
}

static int kick_all(struct work *w, struct kick *k)
{
    uint64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    size_t left = k->count;
    for (unsigned round = 0; left > 0 && clock_steady_ms() < until_ms; round++) {
        if (kick_round(w, k, round, &left) != ERR_OK)
            return unasked(w);
        if (left > 0)
            pause_a_little();
    }
    return kick_told(w, k, left);
}

static int kick(struct work *w)
{
    struct kick k = {.count = 0};
    int code = EXIT_FAILURE;
    if (!read_target(w, &k)) {
        (void)cluster_command_fail("\"%s\" is no USER or USER/DEVICE: " NAME_RULE, w->o.names[0]);
        return EXIT_USAGE;
    }
    if (!read_cluster(w, &code))
        return code;
    if (cluster_sessions_read(&w->o.url, w->cluster.partitions, k.user, k.sessions, &k.count, WHY_IN(w->why)) != ERR_OK)
        return unasked(w);
    if (k.count == 0)
        return cluster_command_fail("%.*s has no session", SLICE_FMT(k.user));
    keep_device(&k);
    if (k.count == 0)
        return cluster_command_fail("%.*s has no session on a device %.*s", SLICE_FMT(k.user), SLICE_FMT(k.device));
    return kick_all(w, &k);
}

int kick_main(int argc, const char *const *argv)
{
    static const struct cluster_command_form form = {.command = "kick",
                                                     .usage = "kick USER[/DEVICE]",
                                                     .names = 1,
                                                     .missing = "which user? USER, or USER/DEVICE for one device"};
    return run(&form, argc, argv, kick);
}

/* ---- call end ---- */

static int wait_until_told(struct work *w, const struct id *call, const struct cluster_ended_call *ended)
{
    uint64_t until_ms = clock_steady_ms() + TOLD_PATIENCE_MS;
    bool told = false;
    while (!told) {
        if (cluster_call_is_told(&w->o.url, call, &told, WHY_IN(w->why)) != ERR_OK)
            return unasked(w);
        if (!told && clock_steady_ms() >= until_ms)
            return cluster_command_fail("the call is over, but not everybody has been told yet: does a node live?");
        if (!told)
            pause_a_little();
    }
    printf("the call is over: %" PRIu64 " member%s and %" PRIu64 " invitation%s\n", ended->members,
           plural(ended->members), ended->rings, plural(ended->rings));
    return EXIT_SUCCESS;
}

static int call_end(struct work *w)
{
    struct id call;
    struct cluster_ended_call ended;
    int code = EXIT_FAILURE;
    if (strcmp(w->o.names[0], "end") != 0) {
        (void)cluster_command_fail("there is no \"call %s\": it is \"call end CALL\"", w->o.names[0]);
        return EXIT_USAGE;
    }
    if (!read_cluster(w, &code))
        return code;
    if (!id_parse(slice_of(w->o.names[1]), w->cluster.partitions, &call)) {
        (void)cluster_command_fail("\"%s\" is no call's id: it is the 24 characters that clients have as `call`",
                                   w->o.names[1]);
        return EXIT_USAGE;
    }
    enum err err = cluster_call_end(&w->o.url, &call, &ended, WHY_IN(w->why));
    if (err == ERR_NOT_FOUND || err == ERR_GONE)
        return cluster_command_fail(err == ERR_GONE ? "that call is over already" : "there is no such call");
    return err == ERR_OK ? wait_until_told(w, &call, &ended) : unasked(w);
}

int call_main(int argc, const char *const *argv)
{
    static const struct cluster_command_form form = {
        .command = "call end", .usage = "call end CALL", .names = 2, .missing = "which call? It is \"call end CALL\""};
    return run(&form, argc, argv, call_end);
}

/* ---- drain ---- */

/* The living node whose id begins so, if there is but one. */
static const struct cluster_node *find_node(const struct cluster_status *cluster, const char *name, size_t *ret_count)
{
    const struct cluster_node *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < cluster->count && cluster->nodes[i].lives; i++) {
        if (name[0] && strncmp(cluster->nodes[i].id.text, name, strlen(name)) == 0) {
            found = &cluster->nodes[i];
            ++*ret_count;
        }
    }
    return *ret_count == 1 ? found : NULL;
}

enum leaving { STAYS, LEAVES, LOST };

/* A node that is on its way says so in its card, which outlives its lease. */
static enum leaving how_it_leaves(const struct cluster_status *cluster, const struct node_id *id)
{
    for (size_t i = 0; i < cluster->count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        if (strcmp(node->id.text, id->text) == 0)
            return node->card.draining ? LEAVES : node->lives ? STAYS : LOST;
    }
    return LOST; /* forgotten */
}

static int wait_until_leaving(struct work *w, const struct cluster_node *node)
{
    uint64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    int code = EXIT_FAILURE;
    enum leaving how = STAYS;
    for (unsigned round = 0; (how = how_it_leaves(&w->cluster, &node->id)) == STAYS; round++) {
        if (clock_steady_ms() >= until_ms)
            return cluster_command_fail(
                "%s does not begin to leave within %d s: is it frozen, or too old to know how? SIGTERM does it too",
                node->id.text, PATIENCE_MS / 1000);
        if (round % AGAIN_EVERY == 0 && cluster_drain(&w->o.url, &node->id, WHY_IN(w->why)) != ERR_OK)
            return unasked(w);
        pause_a_little();
        if (!read_cluster(w, &code))
            return code;
    }
    if (how == LOST)
        return cluster_command_fail("%s was lost meanwhile: it is dead, or stands still and will leave when it wakes",
                                    node->id.text);
    printf("%s on %s leaves: %" PRIu64 " socket%s will go elsewhere\n", node->id.text, node->card.host,
           node->card.sockets, plural(node->card.sockets));
    return EXIT_SUCCESS;
}

static int tell_not_found(const struct work *w, size_t living)
{
    const char *name = w->o.names[0];
    if (living > 0)
        return cluster_command_fail("%zu living nodes have a name that begins with %s: give more of it", living, name);
    for (size_t i = 0; i < w->cluster.count; i++) {
        const struct cluster_node *node = &w->cluster.nodes[i];
        if (strncmp(node->id.text, name, strlen(name)) == 0)
            return cluster_command_fail("%s is gone already: it %s %" PRIu64 " s ago", node->id.text,
                                        node->card.draining ? "left" : "was lost", node->ended_ms / 1000);
    }
    return cluster_command_fail("no living node has a name that begins with %s: switchboard status lists them", name);
}

static int drain(struct work *w)
{
    size_t count = 0;
    int code = EXIT_FAILURE;
    if (w->o.names[0][0] == '\0') {
        (void)cluster_command_fail("which node? its name, or how it begins");
        return EXIT_USAGE;
    }
    if (!read_cluster(w, &code))
        return code;
    const struct cluster_node *found = find_node(&w->cluster, w->o.names[0], &count);
    if (!found)
        return tell_not_found(w, count);
    const struct cluster_node node = *found; /* further looks write over it */
    if (node.card.draining) {
        printf("%s on %s is leaving already\n", node.id.text, node.card.host);
        return EXIT_SUCCESS;
    }
    return wait_until_leaving(w, &node);
}

int drain_main(int argc, const char *const *argv)
{
    static const struct cluster_command_form form = {
        .command = "drain", .usage = "drain NODE", .names = 1, .missing = "which node? its name, or how it begins"};
    return run(&form, argc, argv, drain);
}
