#include "tests/unit/node/edge/segments.h"

#include <linux/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

unsigned segments_in(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_data_segs_in : 0;
}
