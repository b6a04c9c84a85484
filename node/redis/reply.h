/**
 * Reading Redis's replies. An item that is not there or of another type reads as 0 or empty.
 */
#ifndef NODE_REDIS_REPLY_H
#define NODE_REDIS_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/slice.h"

struct redisReply;

const struct redisReply *reply_item(const struct redisReply *, size_t i);
struct slice reply_text(const struct redisReply *, size_t i);
uint64_t reply_number(const struct redisReply *, size_t i);
size_t reply_count(const struct redisReply *);

#endif
