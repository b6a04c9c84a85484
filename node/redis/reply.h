/**
 * Reading Redis's replies. An item that is not there or of another type reads as 0 or empty.
 */
#ifndef NODE_REDIS_REPLY_H
#define NODE_REDIS_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/slice.h"

struct redisReply;

/** Item `i` of an array; NULL if there is none. */
const struct redisReply *reply_item(const struct redisReply *, size_t i);
/** A string; looks into the reply. */
struct slice reply_text(const struct redisReply *, size_t i);
/** An integer, or a number's text; what is negative reads as 0. */
uint64_t reply_number(const struct redisReply *, size_t i);
/** Items of an array. */
size_t reply_count(const struct redisReply *);
/** The value of `name:value` in what INFO answered; empty if it is not there. */
struct slice reply_info_field(struct slice info, struct slice name);

#endif
