#include "node/status.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "node/operate.h"
#include "node/redis/look.h"
#include "node/status_text.h"
#include "node/tell.h"

enum { WATCH_EVERY_S = 1, PAGE_BYTES_MAX = 1 << 20 };

static volatile sig_atomic_t told_to_end;

static void on_end(int number)
{
    (void)number;
    told_to_end = 1;
}

static void heed_signals(void)
{
    struct sigaction action = {.sa_handler = on_end}; /* not restarted: the pause between two looks ends at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static unsigned terminal_width(void)
{
    struct winsize size = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Where the last one stands; each line wipes what is left of the old one. */
static void put_in_place(struct buf *page, struct slice text)
{
    struct slice line = {0};
    buf_put_cstr(page, "\033[H");
    while (text.n > 0 && slice_split(&text, '\n', &line))
        buf_putf(page, "%.*s\033[K\n", SLICE_FMT(line));
    buf_put_cstr(page, "\033[J");
}

static bool show(const struct operate *o, const struct look *look)
{
    struct buf text;
    struct buf page;
    buf_init(&text, PAGE_BYTES_MAX);
    buf_init(&page, 2 * PAGE_BYTES_MAX);
    bool is_terminal = isatty(STDOUT_FILENO);
    const char *no_colour = getenv("NO_COLOR");
    const struct status_style style = {.colours = is_terminal && !(no_colour && no_colour[0]),
                                       .width = is_terminal ? terminal_width() : 0};
    if (o->json)
        status_put_json(&text, look);
    else
        status_put_table(&text, look, &style);
    bool in_place = o->watch && is_terminal && !o->json;
    if (in_place)
        put_in_place(&page, buf_slice(&text));
    else
        buf_put(&page, buf_slice(&text));
    if (o->watch && !is_terminal && !o->json)
        buf_put_char(&page, '\n'); /* between two looks */
    bool told = tell(&page) && fflush(stdout) == 0;
    buf_finish(&page);
    buf_finish(&text);
    return told;
}

static int look_once(const struct operate *o, struct look *look, bool *ret_shown)
{
    char why[OPERATE_WHY_SIZE] = "";
    *ret_shown = false;
    if (look_at(&o->url, look, why, sizeof why) != ERR_OK)
        return operate_fail("Redis can't be asked: %s", why);
    if (look->partitions == 0)
        return operate_fail("no node was ever at this Redis: is it the right one, and the right database?");
    *ret_shown = show(o, look);
    return *ret_shown && look->count > 0 && look->nodes[0].lives ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Redis may go and come meanwhile; only whoever reads may not. */
static int watch(const struct operate *o, struct look *look)
{
    const struct timespec pause = {.tv_sec = WATCH_EVERY_S};
    bool clear = isatty(STDOUT_FILENO) && !o->json;
    heed_signals();
    if (clear)
        fputs("\033[2J", stdout);
    while (!told_to_end) {
        bool shown = false;
        (void)look_once(o, look, &shown);
        if (ferror(stdout))
            return EXIT_FAILURE;
        if (!told_to_end)
            nanosleep(&pause, NULL);
    }
    return EXIT_SUCCESS;
}

int status_main(int argc, const char *const *argv)
{
    static const struct operate_form form = {.command = "status", .is_status = true};
    struct operate o;
    int code = EXIT_FAILURE;
    if (!operate_begin(&form, argc, argv, &o, &code))
        return code;
    struct look *look = calloc(1, sizeof *look);
    bool shown = false;
    if (!look)
        abort();
    code = o.watch ? watch(&o, look) : look_once(&o, look, &shown);
    free(look);
    operate_finish(&o);
    return code;
}
