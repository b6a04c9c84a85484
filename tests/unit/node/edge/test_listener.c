#include "node/edge/listener.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/unit/node/edge/peer.h"

Test(listener, several_addresses_are_served)
{
    struct world w;
    char path[64];
    snprintf(path, sizeof path, "unix:/tmp/edge-several-%d", (int)getpid());
    char tcp[128];
    struct world other;
    world_init(&other, &(struct world_wish){.tcp = true}); /* for its free port; shared through SO_REUSEPORT */
    snprintf(tcp, sizeof tcp, "%s", other.listen);
    world_finish(&other);
    const char *const listen[] = {path, tcp, NULL};
    world_init(&w, &(struct world_wish){.listen = listen});
    for (int i = 0; i < 2; i++) {
        struct peer p;
        peer_init(&p, &w, listen[i]);
        cr_assert_eq(peer_request(&p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 404);
        peer_finish(&p);
    }
    world_finish(&w);
    struct stat st;
    cr_assert_neq(stat(path + 5, &st), 0, "the socket file stays");
}

Test(listener, two_processes_may_share_a_port)
{
    struct world a, b;
    world_init(&a, &(struct world_wish){.tcp = true});
    const char *const listen[] = {a.listen, NULL};
    world_init(&b, &(struct world_wish){.listen = listen});
    world_finish(&b);
    world_finish(&a);
}

Test(listener, a_socket_file_left_over_is_taken_and_a_live_one_is_not)
{
    char path[64];
    snprintf(path, sizeof path, "unix:/tmp/edge-stale-%d", (int)getpid());
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    cr_assert_eq(listen(fd, 1), 0);
    const char *const here[] = {path, NULL};
    struct world w;
    char why[256] = "";
    cr_assert_not(world_try(&w, &(struct world_wish){.listen = here}, WHY_IN(why)));
    cr_assert_not_null(strstr(why, "in use"), "%s", why);
    world_finish(&w);
    close(fd);
    cr_assert(world_try(&w, &(struct world_wish){.listen = here}, WHY_IN(why)), "%s", why);
    world_finish(&w);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

Test(listener, out_of_files_it_waits_without_spinning_and_goes_on_later)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_init(&p, &w, NULL);
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    int next = dup(0);
    close(next);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    double cpu = cpu_seconds();
    uint64_t start = clock_steady_ms();
    while (clock_steady_ms() < start + 400)
        world_turn(&w);
    cr_assert_lt(cpu_seconds() - cpu, 0.2, "it spins");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(peer_request(&p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 404);
    peer_finish(&p);
    world_finish(&w);
}

/* Those who wait at `listen[crowded]` take the last files while the edge stops. */
static void stop_out_of_files(const char *const listen[], size_t crowded)
{
    enum { WAITING = 8, FREE_FILES = 2 };
    struct world w;
    struct peer p[WAITING];
    world_init(&w, &(struct world_wish){.listen = listen});
    for (size_t i = 0; i < WAITING; i++)
        peer_init(&p[i], &w, listen[crowded]);
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    int next = dup(0);
    close(next);
    const struct rlimit few = {.rlim_cur = (rlim_t)next + FREE_FILES, .rlim_max = before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    world_finish(&w);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < WAITING; i++)
        peer_finish(&p[i]);
}

Test(listener, out_of_files_it_stops_all_the_same)
{
    char paths[2][64];
    snprintf(paths[0], sizeof paths[0], "unix:/tmp/edge-stops-%d-a", (int)getpid());
    snprintf(paths[1], sizeof paths[1], "unix:/tmp/edge-stops-%d-b", (int)getpid());
    const char *const listen[] = {paths[0], paths[1], NULL};
    stop_out_of_files(listen, 0);
    stop_out_of_files(listen, 1);
}
