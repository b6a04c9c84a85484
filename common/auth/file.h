/**
 * Reading the small files that keys and settings stand in. Private to the room.
 */
#ifndef COMMON_AUTH_FILE_H
#define COMMON_AUTH_FILE_H

#include "common/base/buf.h"
#include "common/base/why.h"

/**
 * The whole file in `out`, which the callee initialises and the caller ends with auth_file_forget(), whatever came out. ERR_IO, or ERR_SYNTAX for more
 * than `max` bytes; `why` names the file.
 */
enum err auth_file_read(const char *path, size_t max, struct buf *out, struct why why) ATTR_MUST_USE;
/** Overwrites the bytes, then frees them: they may be a secret. */
void auth_file_forget(struct buf *);
/** Without one newline at the end: editors and `echo` put it there, nobody means it. */
struct slice auth_file_line(const struct buf *);

#endif
