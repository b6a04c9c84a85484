#include "node/status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/base/why.h"
#include "node/cluster_command.h"
#include "node/print.h"
#include "node/redis/cluster_status.h"
#include "node/status_text.h"

enum { WATCH_EVERY_S = 1, PAGE_BYTES_MAX = 1 << 20 };

static volatile sig_atomic_t told_to_end;
static volatile sig_atomic_t asking; /* Redis may be silent for seconds, and nothing is lost when that is cut short */

static void on_end(int number)
{
    (void)number;
    if (asking)
        _exit(EXIT_SUCCESS);
    told_to_end = 1;
}

static void heed_signals(void)
{
    struct sigaction action = {.sa_handler = on_end}; /* not restarted: the pause between two looks ends at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* Where it goes: nothing but text into a pipe or a file, nor to what calls itself no terminal. */
struct screen {
    bool is_terminal;
    bool in_place; /* each look stands where the last one stood */
    struct winsize size;
};

static struct screen screen_of(const struct cluster_command *o)
{
    const char *term = getenv("TERM");
    struct screen s = {.is_terminal = isatty(STDOUT_FILENO) && !(term && strcmp(term, "dumb") == 0)};
    if (s.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &s.size) != 0)
        s.size = (struct winsize){0};
    s.in_place = s.is_terminal && o->watch && !o->json;
    return s;
}

/* Each line wipes what is left of the old one. */
static void put_in_place(struct buf *page, struct slice text)
{
    struct slice line = {0};
    buf_put_cstr(page, "\033[H");
    while (text.n > 0 && slice_split(&text, '\n', &line))
        buf_putf(page, "%.*s\033[K\n", SLICE_FMT(line));
    buf_put_cstr(page, "\033[J");
}

static bool put_page(const struct screen *screen, const struct buf *text)
{
    struct buf page;
    buf_init(&page, 2 * PAGE_BYTES_MAX);
    if (screen->in_place)
        put_in_place(&page, buf_slice(text));
    else
        buf_put(&page, buf_slice(text));
    bool told = print_text(&page);
    buf_finish(&page);
    return told;
}

static bool show(const struct cluster_command *o, const struct cluster_status *cluster)
{
    struct buf text;
    buf_init(&text, PAGE_BYTES_MAX);
    const struct screen screen = screen_of(o);
    const char *no_colour = getenv("NO_COLOR");
    const struct status_style style = {.colours = screen.is_terminal && !(no_colour && no_colour[0]),
                                       .width = screen.size.ws_col,
                                       .height = screen.in_place ? screen.size.ws_row : 0};
    if (o->json)
        status_put_json(&text, cluster);
    else
        status_put_table(&text, cluster, &style);
    if (o->watch && !o->json && !screen.in_place)
        buf_put_char(&text, '\n'); /* between two looks */
    bool told = put_page(&screen, &text);
    buf_finish(&text);
    return told;
}

/* In place of the last look: what that showed is no longer known. */
static int show_failure(const struct cluster_command *o, const char *why)
{
    const struct screen screen = screen_of(o);
    struct buf text;
    if (!screen.in_place)
        return cluster_command_fail("Redis can't be asked: %s%s", why, cluster_command_hint(why));
    buf_init(&text, PAGE_BYTES_MAX);
    buf_putf(&text, "Redis can't be asked: %s%s\nLooking again each second.\n", why, cluster_command_hint(why));
    (void)put_page(&screen, &text);
    buf_finish(&text);
    return EXIT_FAILURE;
}

static int show_once(const struct cluster_command *o, struct cluster_status *cluster)
{
    char why[WHY_SIZE] = "";
    asking = true;
    enum err err = cluster_status_read(&o->url, cluster, WHY_IN(why));
    asking = false;
    if (err != ERR_OK)
        return show_failure(o, why);
    if (cluster->partitions == 0)
        return cluster_command_fail("no node was ever at this Redis: is it the right one, and the right database?");
    if (!show(o, cluster))
        return cluster_command_fail("that can't be written: %s", strerror(errno));
    return cluster->count > 0 && cluster->nodes[0].lives ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Redis may go and come meanwhile; only whoever reads may not. */
static int watch(const struct cluster_command *o, struct cluster_status *cluster)
{
    const struct timespec pause = {.tv_sec = WATCH_EVERY_S};
    heed_signals();
    if (screen_of(o).in_place)
        fputs("\033[2J", stdout);
    while (!told_to_end) {
        (void)show_once(o, cluster);
        if (ferror(stdout))
            return EXIT_FAILURE;
        if (!told_to_end)
            nanosleep(&pause, NULL);
    }
    return EXIT_SUCCESS;
}

int status_main(int argc, const char *const *argv)
{
    static const struct cluster_command_form form = {.command = "status", .is_status = true};
    struct cluster_command o;
    int code = EXIT_FAILURE;
    if (!cluster_command_begin(&form, argc, argv, &o, &code))
        return code;
    struct cluster_status *cluster = calloc(1, sizeof *cluster);
    if (!cluster)
        abort();
    code = o.watch ? watch(&o, cluster) : show_once(&o, cluster);
    free(cluster);
    cluster_command_finish(&o);
    return code;
}
