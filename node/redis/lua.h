/**
 * The scripts of node/redis/lua as the build embeds them (embed_lua.cmake): includes put in; comments, empty lines and functions that nobody calls left out.
 */
#ifndef NODE_REDIS_LUA_H
#define NODE_REDIS_LUA_H

struct redis_lua_file {
    const char *name; /* of the file, without .lua */
    const char *text; /* what SCRIPT LOAD takes; ends in NUL */
};

/** In the order of their names; a row of NULLs ends it. */
extern const struct redis_lua_file redis_lua_files[];

#endif
