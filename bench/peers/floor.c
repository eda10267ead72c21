/* The floor: the cost of a fan-out without a framework, with one send() for each delivery and no other work.
 *
 * It accepts WebSockets on the given port, and sends each message of one socket to all of them, one after the other. It knows
 * only as much of the protocol as the load needs: its handshake answers the one key that load.c sends (RFC 6455's sample).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 65536
#define EVENTS 1024

static int sockets[MOST], count, place[MOST]; /* by descriptor: its index in `sockets`, plus 1 */
static char buffer[65536], kept[MOST][2048];
static size_t kept_length[MOST];

static const char hello[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void drop(int fd) {
    if (place[fd]) {
        int last = sockets[--count];
        sockets[place[fd] - 1] = last, place[last] = place[fd], place[fd] = 0;
    }
    close(fd);
}

static void tell_all(unsigned char *text, size_t length) {
    char frame[4 + 65536];
    size_t size = length < 126 ? 2 : 4;
    frame[0] = (char)0x81, frame[1] = (char)(length < 126 ? length : 126);
    if (size == 4) frame[2] = (char)(length >> 8), frame[3] = (char)length;
    memcpy(frame + size, text, length);
    for (int i = 0; i < count; i++) send(sockets[i], frame, size + length, MSG_NOSIGNAL); /* may block */
}

static void receive(int fd) {
    size_t length = kept_length[fd];
    memcpy(buffer, kept[fd], length);
    ssize_t n = recv(fd, buffer + length, sizeof buffer - length, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0) drop(fd);
        return;
    }
    length += (size_t)n;
    size_t start = 0;
    if (!place[fd]) {
        char *end = memmem(buffer, length, "\r\n\r\n", 4);
        if (end) {
            start = (size_t)(end - buffer) + 4;
            send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL);
            sockets[count++] = fd, place[fd] = count;
        }
    }
    while (place[fd] && length - start >= 6) {
        unsigned char *head = (unsigned char *)buffer + start;
        size_t size = head[1] & 127, skip = 2;
        if (size == 126) size = (size_t)head[2] << 8 | head[3], skip = 4;
        if (length - start < skip + 4 + size) break;
        unsigned char *mask = head + skip, *text = mask + 4;
        for (size_t i = 0; i < size; i++) text[i] ^= mask[i & 3];
        if ((head[0] & 15) == 1) tell_all(text, size);
        start += skip + 4 + size;
    }
    kept_length[fd] = length - start < sizeof kept[fd] ? length - start : 0;
    memcpy(kept[fd], buffer + start, kept_length[fd]);
}

int main(int argc, char **argv) {
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argc > 1 ? argv[1] : "9000"))};
    inet_pton(AF_INET, "127.0.0.1", &here.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 4096)) perror("listen"), exit(1);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd != listener) {
                receive(events[i].data.fd);
                continue;
            }
            int fd = accept(listener, NULL, NULL);
            if (fd < 0 || fd >= MOST) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            kept_length[fd] = 0;
            e.events = EPOLLIN, e.data.fd = fd;
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
        }
    }
}
