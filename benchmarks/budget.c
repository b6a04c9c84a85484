#include "benchmarks/budget.h"

#include <stdbool.h>
#include <stdio.h>

#include "benchmarks/report.h"

static const struct {
    const char *step;
    unsigned scripts, waits;
} rows[BUDGET_STEPS] = {
#define X(id, step, scripts, waits, which, others, what) {step, scripts, waits},
    BUDGET_TABLE(X)
#undef X
};

static bool is_over[BUDGET_STEPS];

void budget_take(struct budget_least *least, size_t n, const struct tally *from, const struct tally *to)
{
    uint64_t scripts = tally_scripts(from, to), waits = to->writes - from->writes;
    least->scripts = n == 0 || scripts < least->scripts ? scripts : least->scripts;
    least->waits = n == 0 || waits < least->waits ? waits : least->waits;
}

void budget_hold(enum budget_step step, const struct budget_least *least, uint64_t count)
{
    char what[64], waits[64] = "";
    is_over[step] = least->scripts > rows[step].scripts * count || least->waits > rows[step].waits;
    snprintf(what, sizeof what, "budget: %s", rows[step].step);
    if (least->waits > 0)
        snprintf(waits, sizeof waits, ", %llu waits of %u", (unsigned long long)least->waits, rows[step].waits);
    row(what, "%.2f script calls of %u%s%s", (double)least->scripts / (double)count, rows[step].scripts, waits,
        is_over[step] ? ": OVER" : "");
}

void budget_end(void)
{
    char names[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < BUDGET_STEPS && n < sizeof names; i++)
        if (is_over[i])
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "", rows[i].step);
    if (n > 0)
        die("over its budget: %s", names);
}
