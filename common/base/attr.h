/**
 * The few compiler extensions this project allows itself beyond C17.
 */
#ifndef COMMON_BASE_ATTR_H
#define COMMON_BASE_ATTR_H

/** The caller has to look at the result. */
#define ATTR_MUST_USE __attribute__((warn_unused_result))
/** Checked like printf: `fmt` is the format's position, `args` that of the first argument. */
#define ATTR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ATTR_NORETURN __attribute__((noreturn))

/** The object that holds `member`, given the member's address. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
