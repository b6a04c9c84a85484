#include <criterion/criterion.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/node/redis/rig.h"

enum { LOOK_UP_MS = 400, CONNECT_MS = 100 };

static const char slow_name[] = "slow.test";

/* In libc's place, also for libuv: one name takes its time. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    union {
        void *found;
        int (*call)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    } libc = {.found = dlsym(RTLD_NEXT, "getaddrinfo")};
    if (name && strcmp(name, slow_name) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_UP_MS * 1000000L}, NULL);
        name = "127.0.0.1";
    }
    return libc.call(name, service, hints, found);
}

static int listener;

static bool has_come(struct rig *rig)
{
    (void)rig;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

Test(stream, a_look_up_that_takes_longer_than_a_connection_may_is_waited_for)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char url[64];
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(listener, 4), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url, "redis://%s:%u", slow_name, ntohs(address.sin_port));
    struct rig *rig = rig_create(url, &(struct redis_settings){.connect_timeout_ms = CONNECT_MS});
    rig_run_until(rig, has_come);
    rig_destroy(rig);
    close(listener);
}
