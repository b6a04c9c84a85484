#include "benchmarks/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("load: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE);
}

void row(const char *what, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("    %-48s ", what);
    vprintf(fmt, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
}
