#include "common/auth/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

enum err auth_file_read(const char *path, size_t max, struct buf *out, struct why why)
{
    enum err e = ERR_OK;
    buf_init(out, max + 1);
    FILE *f = fopen(path, "rbe");
    if (!f)
        return why_fail(why, ERR_IO, "%s: %s", path, strerror(errno));
    /* stdio's own buffer would keep a copy of a secret in freed memory */
    setvbuf(f, NULL, _IONBF, 0);
    /* all at once: a buffer that grows would leave copies as well */
    char *room = buf_reserve(out, max + 1);
    if (!room) {
        e = why_fail(why, ERR_NO_MEMORY, "%s: out of memory", path);
    } else {
        size_t n = fread(room, 1, max + 1, f);
        buf_commit(out, n);
        if (ferror(f))
            e = why_fail(why, ERR_IO, "%s: %s", path, strerror(errno));
        else if (n > max)
            e = why_fail(why, ERR_SYNTAX, "%s: larger than %zu bytes", path, max);
    }
    fclose(f);
    return e;
}

void auth_file_forget(struct buf *b)
{
    if (b->p)
        OPENSSL_cleanse(b->p, b->n);
    buf_finish(b);
}

struct slice auth_file_line(const struct buf *b)
{
    struct slice s = buf_slice(b);
    if (s.n > 0 && s.p[s.n - 1] == '\n')
        s.n--;
    return s;
}
