#include "node/status_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/wire/writer.h"

enum { CELL_SIZE = 72, GAP = 2, LINE_MAX_BYTES = 512, JSON_BYTES_MAX = 1 << 20 };

enum column { NODE, STATE, SOCKETS, SESSIONS, CALLS, RATE, LAG, OWNS, UP, VERSION, HOST, COLUMNS };

/* `rank`: the higher go first where there is no room. */
static const struct {
    const char *title;
    bool right; /* aligned */
    unsigned rank;
} columns[COLUMNS] = {
    [NODE] = {"NODE", false, 0},        [STATE] = {"STATE", false, 1}, [SOCKETS] = {"SOCKETS", true, 3},
    [SESSIONS] = {"SESSIONS", true, 2}, [CALLS] = {"CALLS", true, 4},  [RATE] = {"MSG/S", true, 5},
    [LAG] = {"LAG MS", true, 6},        [OWNS] = {"OWNS", true, 9},    [UP] = {"UP", true, 7},
    [VERSION] = {"VERSION", false, 8},  [HOST] = {"HOST", false, 10},
};

struct row {
    char cell[COLUMNS][CELL_SIZE];
    const char *colour; /* of its state */
};

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

/* ---- cells ---- */

static void put_number(char cell[CELL_SIZE], uint64_t n)
{
    snprintf(cell, CELL_SIZE, "%" PRIu64, n);
}

/* "14 s", "3 min", "5 h", "12 d": one number tells enough. */
static void put_time(char cell[CELL_SIZE], uint64_t s)
{
    static const struct {
        uint64_t s;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i + 1 < ARRAY_SIZE(units) && s < 2 * units[i].s)
        i++;
    snprintf(cell, CELL_SIZE, "%" PRIu64 " %s", s / units[i].s, units[i].unit);
}

static uint64_t up_s(const struct cluster_status *cluster, const struct cluster_node *node)
{
    uint64_t now_s = cluster->now_ms / 1000;
    return now_s > node->card.started_s ? now_s - node->card.started_s : 0;
}

static const char *state_of(const struct cluster_node *node)
{
    if (!node->lives)
        return node->card.draining ? "left" : "lost";
    return !node->has_card ? "silent" : node->card.draining ? "draining" : "here";
}

/* A dead one: when it went stands where the living say how long they are up. */
static void row_of(const struct cluster_status *cluster, const struct cluster_node *node, struct row *row)
{
    static const struct {
        const char *state, *colour;
    } colours[] = {{"here", GREEN}, {"draining", YELLOW}, {"silent", YELLOW}, {"lost", RED}, {"left", ""}};
    const struct card *card = &node->card;
    const char *state = state_of(node);
    snprintf(row->cell[NODE], CELL_SIZE, "%s", node->id.text);
    snprintf(row->cell[STATE], CELL_SIZE, "%s", state);
    for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
        if (strcmp(colours[i].state, state) == 0)
            row->colour = colours[i].colour;
    }
    if (node->has_card) {
        snprintf(row->cell[VERSION], CELL_SIZE, "%s", card->version);
        snprintf(row->cell[HOST], CELL_SIZE, "%s", card->host);
    }
    if (!node->lives) {
        char ago[CELL_SIZE] = "";
        put_time(ago, node->ended_ms / 1000);
        snprintf(row->cell[STATE], CELL_SIZE, "%s %.20s ago", state, ago);
        return;
    }
    put_number(row->cell[OWNS], node->partitions);
    if (!node->has_card)
        return;
    put_number(row->cell[SOCKETS], card->sockets);
    put_number(row->cell[SESSIONS], card->sessions);
    put_number(row->cell[CALLS], card->calls);
    put_number(row->cell[RATE], card->frames_per_s);
    snprintf(row->cell[LAG], CELL_SIZE, "%" PRIu64 ".%" PRIu64, card->lag_us / 1000, card->lag_us / 100 % 10);
    put_time(row->cell[UP], up_s(cluster, node));
}

struct total {
    uint64_t nodes, sockets, sessions, seats, calls, frames_per_s;
};

static struct total total_of(const struct cluster_status *cluster)
{
    struct total t = {0};
    for (size_t i = 0; i < cluster->count; i++) {
        const struct card *card = &cluster->nodes[i].card;
        if (!cluster->nodes[i].lives)
            continue;
        t.nodes++;
        t.sockets += card->sockets;
        t.sessions += card->sessions;
        t.seats += card->seats;
        t.calls += card->calls;
        t.frames_per_s += card->frames_per_s;
    }
    return t;
}

static void row_of_total(const struct cluster_status *cluster, struct row *row)
{
    struct total t = total_of(cluster);
    snprintf(row->cell[NODE], CELL_SIZE, "%" PRIu64 " node%s", t.nodes, t.nodes == 1 ? "" : "s");
    put_number(row->cell[SOCKETS], t.sockets);
    put_number(row->cell[SESSIONS], t.sessions);
    put_number(row->cell[CALLS], t.calls);
    put_number(row->cell[RATE], t.frames_per_s);
    put_number(row->cell[OWNS], cluster->partitions);
    row->colour = "";
}

/* ---- the table ---- */

struct layout {
    size_t width[COLUMNS]; /* 0: left out */
};

static size_t layout_sum(const struct layout *l)
{
    size_t sum = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        sum += l->width[i] ? l->width[i] + GAP : 0;
    return sum > GAP ? sum - GAP : 0;
}

static void layout_widen(struct layout *l, const struct row *row)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        size_t n = strlen(row->cell[i]);
        l->width[i] = n > l->width[i] ? n : l->width[i];
    }
}

/* The node's name always stays. */
static void layout_fit(struct layout *l, unsigned width)
{
    for (unsigned rank = COLUMNS - 1; width > 0 && rank > 0 && layout_sum(l) > width; rank--) {
        for (size_t i = 0; i < COLUMNS; i++) {
            if (columns[i].rank == rank)
                l->width[i] = 0;
        }
    }
}

static void put_row(struct buf *out, const struct layout *l, const struct row *row, bool colours)
{
    bool colour_state = colours && row->colour && row->colour[0];
    size_t spaces = 0; /* none at the end of a line */
    for (size_t i = 0; i < COLUMNS; i++) {
        size_t n = strlen(row->cell[i]);
        if (l->width[i] == 0)
            continue;
        if (n == 0) {
            spaces += l->width[i] + GAP;
            continue;
        }
        size_t rest = l->width[i] - n;
        const char *colour = i == STATE && colour_state ? row->colour : "";
        buf_putf(out, "%*s%s%s%s", (int)(spaces + (columns[i].right ? rest : 0)), "", colour, row->cell[i],
                 colour[0] ? PLAIN : "");
        spaces = (columns[i].right ? 0 : rest) + GAP;
    }
    buf_put_char(out, '\n');
}

static void put_size(struct buf *out, uint64_t bytes)
{
    uint64_t tenths = bytes * 10 / (1024 * 1024);
    buf_putf(out, "%" PRIu64 ".%" PRIu64 " MiB", tenths / 10, tenths % 10);
}

enum redis_part { MEMORY, ANSWERS, COMMANDS, CLIENTS, REDIS_PARTS };

static void put_redis_part(struct buf *out, const struct cluster_status *cluster, enum redis_part part)
{
    switch (part) {
    case MEMORY:
        put_size(out, cluster->redis.memory_bytes);
        if (cluster->redis.memory_max_bytes > 0) {
            buf_put_cstr(out, " of ");
            put_size(out, cluster->redis.memory_max_bytes);
        }
        break;
    case ANSWERS:
        buf_putf(out, "answers in %" PRIu64 ".%02" PRIu64 " ms", cluster->redis.answer_us / 1000,
                 cluster->redis.answer_us / 10 % 100);
        break;
    case COMMANDS:
        buf_putf(out, "%" PRIu64 " commands/s", cluster->redis.commands_per_s);
        break;
    case CLIENTS:
    case REDIS_PARTS:
        buf_putf(out, "%" PRIu64 " client%s", cluster->redis.clients, cluster->redis.clients == 1 ? "" : "s");
        break;
    }
}

/* A store that is full refuses all writes, leases included: then every node looks lost, and this is why. */
static bool is_nearly_full(const struct cluster_status *cluster)
{
    return cluster->redis.memory_max_bytes > 0 &&
           cluster->redis.memory_bytes >= cluster->redis.memory_max_bytes / 10 * 9;
}

/* What does not fit any more is left out. */
static void put_redis(struct buf *out, const struct cluster_status *cluster, unsigned width)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    buf_putf(&line, "Redis %s%s%s%s", cluster->redis.version, cluster->redis.is_replica ? ", A REPLICA" : "",
             cluster->redis.may_evict ? ", MAY EVICT" : "", is_nearly_full(cluster) ? ", NEARLY FULL" : "");
    size_t fits = line.n;
    for (unsigned part = 0; part < REDIS_PARTS; part++) {
        buf_put_cstr(&line, part == 0 ? ": " : ", ");
        put_redis_part(&line, cluster, part);
        if (width == 0 || line.n <= width)
            fits = line.n;
    }
    buf_put(out, slice_make((const char *)line.p, fits));
    buf_put_char(out, '\n');
    buf_finish(&line);
}

/* How many nodes are shown: beside them a heading, the sum, Redis, and the line on which the cursor waits. */
static size_t rows_that_fit(const struct cluster_status *cluster, unsigned height)
{
    enum { OTHER_LINES = 4 };
    if (height == 0 || cluster->count + OTHER_LINES <= height)
        return cluster->count;
    return height > OTHER_LINES + 1 ? height - OTHER_LINES - 1 : 0; /* one line tells how many are not */
}

void status_put_table(struct buf *out, const struct cluster_status *cluster, const struct status_style *style)
{
    struct layout l = {{0}};
    struct row row = {.colour = ""};
    for (size_t i = 0; i < COLUMNS; i++)
        snprintf(row.cell[i], CELL_SIZE, "%s", columns[i].title);
    layout_widen(&l, &row);
    for (size_t i = 0; i < cluster->count; i++) {
        struct row one = {0};
        row_of(cluster, &cluster->nodes[i], &one);
        layout_widen(&l, &one);
    }
    layout_fit(&l, style->width);
    put_row(out, &l, &row, false);
    size_t shown = rows_that_fit(cluster, style->height);
    for (size_t i = 0; i < shown; i++) {
        struct row one = {0};
        row_of(cluster, &cluster->nodes[i], &one);
        put_row(out, &l, &one, style->colours);
    }
    if (shown < cluster->count)
        buf_putf(out, "(%zu more)\n", cluster->count - shown);
    struct row sum = {0};
    row_of_total(cluster, &sum);
    put_row(out, &l, &sum, false);
    put_redis(out, cluster, style->width);
}

/* ---- JSON ---- */

static void put_node(struct buf *b, const struct cluster_status *cluster, const struct cluster_node *node)
{
    const struct card *card = &node->card;
    wire_put_map(b, 13);
    wire_put_key_cstr(b, "node", node->id.text);
    wire_put_key_cstr(b, "state", state_of(node));
    wire_put_key_cstr(b, "version", card->version);
    wire_put_key_cstr(b, "host", card->host);
    wire_put_key_int(b, "up_s", node->has_card && node->lives ? (int64_t)up_s(cluster, node) : 0);
    wire_put_key_int(b, "ended_ms", (int64_t)node->ended_ms);
    wire_put_key_int(b, "sockets", node->lives ? (int64_t)card->sockets : 0);
    wire_put_key_int(b, "sessions", node->lives ? (int64_t)card->sessions : 0);
    wire_put_key_int(b, "seats", node->lives ? (int64_t)card->seats : 0);
    wire_put_key_int(b, "calls", node->lives ? (int64_t)card->calls : 0);
    wire_put_key_int(b, "messages_per_s", node->lives ? (int64_t)card->frames_per_s : 0);
    wire_put_key_int(b, "lag_us", node->lives ? (int64_t)card->lag_us : 0);
    wire_put_key_int(b, "partitions", node->partitions);
}

static void put_nodes(struct buf *b, const char *key, const struct cluster_status *cluster, bool living)
{
    size_t n = 0;
    for (size_t i = 0; i < cluster->count; i++)
        n += cluster->nodes[i].lives == living;
    wire_put_cstr(b, key);
    wire_put_array(b, n);
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].lives == living)
            put_node(b, cluster, &cluster->nodes[i]);
    }
}

void status_put_json(struct buf *out, const struct cluster_status *cluster)
{
    struct total t = total_of(cluster);
    struct buf body;
    buf_init(&body, JSON_BYTES_MAX);
    struct buf *b = &body;
    wire_put_map(b, 5);
    put_nodes(b, "nodes", cluster, true);
    put_nodes(b, "gone", cluster, false);
    wire_put_cstr(b, "total");
    wire_put_map(b, 6);
    wire_put_key_int(b, "nodes", (int64_t)t.nodes);
    wire_put_key_int(b, "sockets", (int64_t)t.sockets);
    wire_put_key_int(b, "sessions", (int64_t)t.sessions);
    wire_put_key_int(b, "seats", (int64_t)t.seats);
    wire_put_key_int(b, "calls", (int64_t)t.calls);
    wire_put_key_int(b, "messages_per_s", (int64_t)t.frames_per_s);
    wire_put_key_int(b, "partitions", cluster->partitions);
    wire_put_cstr(b, "redis");
    wire_put_map(b, 8);
    wire_put_key_cstr(b, "version", cluster->redis.version);
    wire_put_key_bool(b, "replica", cluster->redis.is_replica);
    wire_put_key_bool(b, "may_evict", cluster->redis.may_evict);
    wire_put_key_int(b, "memory_bytes", (int64_t)cluster->redis.memory_bytes);
    wire_put_key_int(b, "memory_max_bytes", (int64_t)cluster->redis.memory_max_bytes);
    wire_put_key_int(b, "clients", (int64_t)cluster->redis.clients);
    wire_put_key_int(b, "commands_per_s", (int64_t)cluster->redis.commands_per_s);
    wire_put_key_int(b, "answer_us", (int64_t)cluster->redis.answer_us);
    if (!buf_failed(b) && wire_frame(WIRE_JSON, buf_slice(b), 0, out) == ERR_OK)
        buf_put_char(out, '\n');
    buf_finish(b);
}
