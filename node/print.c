#include "node/print.h"

#include <stdio.h>

#include "common/base/slice.h"

/* Help and the settings page fit many times over. */
enum { TEXT_BYTES_MAX = 1 << 20 };

void print_init(struct buf *text)
{
    buf_init(text, TEXT_BYTES_MAX);
}

void print_problems(const struct buf *problems)
{
    struct slice rest = buf_slice(problems), line;
    while (rest.n > 0 && slice_split(&rest, '\n', &line))
        fprintf(stderr, "switchboard: %.*s\n", SLICE_FMT(line));
}

bool print_text(const struct buf *text)
{
    bool good = !buf_failed(text) && (text->n == 0 || fwrite(text->p, text->n, 1, stdout) == 1);
    return fflush(stdout) == 0 && good;
}
