#include "benchmarks/meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "benchmarks/report.h"
#include "common/base/clock.h"
#include "common/base/slice.h"

enum { TEXT_SIZE = 65536, US_PER_S = 1000000, NS_PER_US = 1000 };

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

/* User and system time of all its threads, to the nanosecond: /proc/PID/stat counts in hundredths of a second. */
static uint64_t cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        die("process %d has no clock", (int)pid);
    return (uint64_t)used.tv_sec * US_PER_S + (uint64_t)used.tv_nsec / NS_PER_US;
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

uint64_t meter_redis(uint16_t port, const char *section, const char *mark)
{
    static char text[TEXT_SIZE];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = (size_t)snprintf(text, sizeof text, "INFO %s\r\nQUIT\r\n", section);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0 || write(fd, text, n) != (ssize_t)n)
        die("Redis does not answer: %s", strerror(errno));
    n = 0;
    for (ssize_t got; n < sizeof text && (got = read(fd, text + n, sizeof text - n)) > 0;)
        n += (size_t)got;
    close(fd);
    const char *p = memmem(text, n, mark, strlen(mark));
    if (!p)
        return 0;
    p += strlen(mark);
    struct slice number = slice_make(p, strspn(p, "0123456789"));
    uint64_t value;
    if (!slice_to_u64(number, &value))
        die("Redis says no number behind %s", mark);
    return value;
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
        r.redis_used = meter_redis(m->redis_port, "memory", "used_memory:");
    r.machine_cpu_us = machine_cpu_us();
    r.at_us = clock_steady_us();
    return r;
}
