#include "benchmarks/meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/report.h"
#include "common/base/clock.h"
#include "common/base/slice.h"

enum { TEXT_SIZE = 16384, US_PER_S = 1000000, CPU_WORDS_BEFORE = 11 };

static struct slice read_proc(pid_t pid, const char *name, char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *f = fopen(path, "r");
    if (!f)
        die("%s: %s", path, strerror(errno));
    size_t n = fread(text, 1, TEXT_SIZE, f);
    fclose(f);
    return slice_make(text, n);
}

static uint64_t word_number(struct slice *rest)
{
    struct slice word;
    uint64_t n = 0;
    if (!slice_split(rest, ' ', &word) || !slice_to_u64(slice_trim(word), &n))
        die("/proc says something unexpected: %.*s", SLICE_FMT(word));
    return n;
}

/* utime + stime: the 14th and 15th word, the 12th and 13th behind the name, which may hold spaces. */
static uint64_t cpu_us(pid_t pid)
{
    char text[TEXT_SIZE];
    struct slice rest = read_proc(pid, "stat", text), word;
    const char *name_end = memrchr(rest.p, ')', rest.n);
    if (!name_end)
        die("/proc/%d/stat has no name", (int)pid);
    rest = slice_make(name_end + 2, rest.n - (size_t)(name_end + 2 - rest.p));
    for (int i = 0; i < CPU_WORDS_BEFORE; i++)
        if (!slice_split(&rest, ' ', &word))
            die("/proc/%d/stat is short", (int)pid);
    uint64_t ticks = word_number(&rest);
    ticks += word_number(&rest);
    return ticks * US_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* The first line: `cpu  user nice system idle iowait irq softirq steal …`. */
static uint64_t machine_cpu_us(void)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COLUMNS };
    char text[TEXT_SIZE];
    FILE *f = fopen("/proc/stat", "r");
    if (!f || !fgets(text, sizeof text, f))
        die("/proc/stat can't be read");
    fclose(f);
    struct slice rest = slice_of(text + strlen("cpu  "));
    uint64_t ticks = 0;
    for (int column = USER; column < COLUMNS; column++) {
        uint64_t n = word_number(&rest);
        if (column != IDLE && column != IOWAIT)
            ticks += n;
    }
    return ticks * US_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t rss_bytes(pid_t pid)
{
    char text[TEXT_SIZE];
    struct slice rest = read_proc(pid, "statm", text);
    word_number(&rest);
    return word_number(&rest) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t redis_used_memory(uint16_t port)
{
    const struct slice ask = SLICE("INFO memory\r\n");
    const char *mark = "used_memory:";
    char text[TEXT_SIZE];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0 || write(fd, ask.p, ask.n) != (ssize_t)ask.n)
        die("Redis does not answer: %s", strerror(errno));
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    const char *p = n > 0 ? memmem(text, (size_t)n, mark, strlen(mark)) : NULL;
    if (!p)
        die("Redis does not say what memory it uses");
    p += strlen(mark);
    struct slice number = slice_make(p, (size_t)(text + n - p));
    uint64_t used;
    if (!slice_to_u64(slice_make(number.p, slice_find(number, '\r')), &used))
        die("Redis does not say what memory it uses");
    return used;
}

struct reading meter_read(const struct meter *m)
{
    struct reading r = {.own_cpu_us = cpu_us(getpid())};
    for (size_t i = 0; i < m->node_count; i++) {
        r.nodes_cpu_us += cpu_us(m->nodes[i]);
        r.nodes_rss += rss_bytes(m->nodes[i]);
    }
    if (m->redis > 0)
        r.redis_cpu_us = cpu_us(m->redis);
    if (m->redis_port > 0)
        r.redis_used = redis_used_memory(m->redis_port);
    r.machine_cpu_us = machine_cpu_us();
    r.at_us = clock_steady_us();
    return r;
}
