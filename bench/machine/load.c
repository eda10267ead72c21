/* The load: WebSockets that send at a steady rate and check everything that they receive.
 *
 * It is in C because the load must cost less than the server: it checks every frame, and half a million frames a second
 * take a third of a core. It reads a plan from a file (see load.py), connects all sockets, waits for the line `go` on its
 * standard input, warms up, measures, and waits for messages that are still on their way. It prints its progress as JSON, one
 * event in each line.
 *
 * A message carries `@STAMP.SENDER.NUMBER@` somewhere in its text: 19 digits of the nanosecond (CLOCK_MONOTONIC) at which it
 * was due, 5 of its sender, 9 of how many messages this sender had sent. The stamp is the time at which the message was
 * due, not the time at which it could be sent, so that a server that stalls its senders pays for the wait. A ref begins with
 * the same stamp, so that an ack tells how long its message took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define STAMP_DIGITS 19
#define SENDER_DIGITS 5
#define NUMBER_DIGITS 9
#define MARK_LENGTH (STAMP_DIGITS + SENDER_DIGITS + NUMBER_DIGITS + 4) /* two '.' and two '@' */
#define SUB_BUCKETS 128 /* a latency is known to within 1 % */
#define BUCKETS (SUB_BUCKETS * 40)
#define READ_BYTES (256 * 1024)
#define EVENTS 1024
#define LEAST_TICK 500000 /* nanoseconds */
#define LINE_BYTES (64 * 1024)

enum state { IDLE, CONNECTING, SHAKING, JOINING, READY, GONE };

struct one {
    int fd, port, room, number; /* number: as a sender, -1 for none */
    enum state state;
    bool receives, sends, mute; /* mute: reads nothing once it is ready */
    bool waits_to_write;
    char *head, *hello, *ready, *template;
    char *in, *out;
    size_t in_length, out_length, out_start;
    uint64_t received, hash, sent;
    int64_t *last; /* by sender */
};

static struct one *ones;
static int count, senders, rooms, receivers, connected, at_once = 50;
static int by_sender[100000];
static double rate, warmup, seconds, grace = 10;
static bool closed_loop, engine_io;
static char path[256] = "/", acked[64] = "\"type\":\"ack\"", refused[64] = "\"type\":\"error\"";
static uint64_t *sent_in_room;

static int epoll_fd, timer_fd;
static char buffer[READ_BYTES + 128 * 1024];
static uint64_t began, from, until; /* the window in which a message must be due to be measured */
static uint64_t measured_received, measured_acks, total_sent, total_received, window_received;
static uint64_t gaps, disordered, doubled, unasked_closes, refusals, told_first; /* told_first: before a socket was ready */
static uint32_t delays[BUCKETS], answers[BUCKETS];
static char first_fault[512];

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double own_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void fault(const char *what, size_t length) {
    if (first_fault[0]) return;
    size_t to = 0;
    for (size_t i = 0; i < length && to < 300; i++) {
        char c = what[i];
        first_fault[to++] = c == '"' || c == '\\' ? '\'' : c < ' ' || c > '~' ? ' ' : c;
    }
    first_fault[to] = 0;
}

/* -- latencies, in buckets that grow with the value */

static int bucket(uint64_t microseconds) {
    int shift = 0;
    while (microseconds >= 2 * SUB_BUCKETS) microseconds >>= 1, shift++;
    int index = shift * SUB_BUCKETS + (int)microseconds;
    return index < BUCKETS ? index : BUCKETS - 1;
}

static double bucket_value(int index) {
    int shift = index < 2 * SUB_BUCKETS ? 0 : index / SUB_BUCKETS - 1;
    return (double)((uint64_t)(index - shift * SUB_BUCKETS) << shift) / 1000;
}

static double percentile(const uint32_t *buckets, double share) {
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++) all += buckets[i];
    if (!all) return -1;
    for (int i = 0; i < BUCKETS; i++)
        if ((double)(seen += buckets[i]) >= share * (double)all) return bucket_value(i);
    return bucket_value(BUCKETS - 1);
}

/* -- reading and writing of a socket */

static void watch(struct one *s) {
    struct epoll_event e = {.data.ptr = s};
    e.events = EPOLLRDHUP;
    if (!(s->mute && s->state == READY)) e.events |= EPOLLIN;
    if (s->state == CONNECTING || s->waits_to_write) e.events |= EPOLLOUT;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, s->fd, &e);
}

static void flush(struct one *s) {
    while (s->out_start < s->out_length) {
        ssize_t n = send(s->fd, s->out + s->out_start, s->out_length - s->out_start, MSG_NOSIGNAL);
        if (n <= 0) break;
        s->out_start += (size_t)n;
    }
    bool waits = s->out_start < s->out_length;
    if (!waits) s->out_start = s->out_length = 0;
    if (waits != s->waits_to_write) s->waits_to_write = waits, watch(s);
}

static void put(struct one *s, const void *data, size_t length) {
    s->out = realloc(s->out, s->out_length + length);
    memcpy(s->out + s->out_length, data, length);
    s->out_length += length;
    if (!s->waits_to_write) flush(s);
}

/* The mask is a key of zeros: it is allowed, costs the server the same, and costs us nothing. */
static void put_frame(struct one *s, int opcode, const char *text, size_t length) {
    char head[8] = {(char)(0x80 | opcode)};
    size_t size = length < 126 ? 2 : 4;
    head[1] = (char)(0x80 | (length < 126 ? length : 126));
    if (size == 4) head[2] = (char)(length >> 8), head[3] = (char)length;
    char frame[size + 4 + length];
    memcpy(frame, head, size);
    memset(frame + size, 0, 4);
    memcpy(frame + size + 4, text, length);
    put(s, frame, size + 4 + length);
}

/* Replaces the template's `@` by the mark, and each `#` by a text that is unique to this message. */
static void send_message(struct one *s, uint64_t due) {
    char text[LINE_BYTES], mark[MARK_LENGTH + 1];
    size_t length = 0;
    snprintf(mark, sizeof mark, "@%019llu.%05d.%09llu@", (unsigned long long)due, s->number, (unsigned long long)s->sent);
    for (const char *c = s->template; *c && length < sizeof text - 64; c++) {
        if (*c == '@') memcpy(text + length, mark, MARK_LENGTH), length += MARK_LENGTH;
        else if (*c == '#') length += (size_t)sprintf(text + length, "%019llu-%d-%llu", (unsigned long long)due, s->number, (unsigned long long)s->sent);
        else text[length++] = *c;
    }
    s->sent++, total_sent++, sent_in_room[s->room]++;
    put_frame(s, 1, text, length);
}

static uint64_t digits(const char *text, int many) {
    uint64_t value = 0;
    for (int i = 0; i < many; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    return value;
}

static void take_message(struct one *s, const char *mark, uint64_t at) {
    uint64_t due = digits(mark + 1, STAMP_DIGITS);
    int sender = (int)digits(mark + STAMP_DIGITS + 2, SENDER_DIGITS);
    int64_t number = (int64_t)digits(mark + STAMP_DIGITS + SENDER_DIGITS + 3, NUMBER_DIGITS);
    if (sender >= senders || !s->receives) return;
    int64_t last = s->last[sender];
    if (number == last) doubled++;
    else if (number < last) disordered++;
    else if (number > last + 1) gaps++;
    if (number > last) s->last[sender] = number;
    s->hash = (s->hash ^ ((uint64_t)sender << 40 | (uint64_t)number)) * 1099511628211ull;
    s->received++, total_received++;
    if (at >= from && at < until) window_received++;
    if (due >= from && due < until) measured_received++, delays[bucket((at - due) / 1000)]++;
}

static void take_ack(struct one *s, const char *text, size_t length, uint64_t at) {
    const char *ref = memmem(text, length, "\"ref\":\"", 7);
    if (!ref || (size_t)(text + length - ref) < 7 + STAMP_DIGITS) return;
    uint64_t due = digits(ref + 7, STAMP_DIGITS);
    if (at >= from && at < until) measured_acks++;
    if (due >= from && due < until) answers[bucket((at - due) / 1000)]++;
    if (closed_loop && at < until) send_message(s, now());
}

static void become_ready(struct one *s) {
    s->state = READY;
    connected++;
    watch(s);
}

static void take_text(struct one *s, const char *text, size_t length, uint64_t at) {
    const char *mark = memchr(text, '@', length);
    if (mark && (size_t)(text + length - mark) >= MARK_LENGTH && mark[MARK_LENGTH - 1] == '@') {
        take_message(s, mark, at);
    } else if (s->state == JOINING && memmem(text, length, s->ready, strlen(s->ready))) {
        become_ready(s);
    } else if (engine_io && length == 1 && text[0] == '2') {
        put_frame(s, 1, "3", 1);
    } else if (memmem(text, length, refused, strlen(refused))) {
        refusals++, fault(text, length);
    } else if (s->state == JOINING) {
        told_first++;
    } else if (s->sends && memmem(text, length, acked, strlen(acked))) {
        take_ack(s, text, length, at);
    }
}

static void lose(struct one *s, const char *why, size_t length) {
    if (s->state == GONE) return;
    if (s->state == READY) connected--;
    if (!s->mute || !began) unasked_closes++, fault(why, length); /* mute sockets must be closed */
    s->state = GONE;
    close(s->fd);
}

static void take_frame(struct one *s, int opcode, const char *text, size_t length, uint64_t at) {
    if (opcode <= 1) take_text(s, text, length, at);
    else if (opcode == 9) put_frame(s, 10, text, length);
    else if (opcode == 8) {
        char why[64];
        int size = snprintf(why, sizeof why, "closed with %d", length >= 2 ? (unsigned char)text[0] << 8 | (unsigned char)text[1] : 0);
        lose(s, why, (size_t)size);
    }
}

static void open_up(struct one *s, const char *head, size_t length) {
    if (length < 12 || memcmp(head + 9, "101", 3)) {
        lose(s, head, length);
        return;
    }
    s->state = JOINING;
    for (char *hello = s->hello; *hello;) { /* several texts, separated by U+001E */
        char *end = strchrnul(hello, '\x1e');
        put_frame(s, 1, hello, (size_t)(end - hello));
        hello = *end ? end + 1 : end;
    }
    if (!s->ready[0]) become_ready(s);
}

/* Returns how many of the bytes were complete frames. */
static size_t take(struct one *s, const char *data, size_t length, uint64_t at) {
    size_t start = 0;
    if (s->state == SHAKING) {
        const char *end = memmem(data, length, "\r\n\r\n", 4);
        if (!end) return 0;
        start = (size_t)(end - data) + 4;
        open_up(s, data, start);
    }
    while (s->state != GONE && length - start >= 2) {
        const unsigned char *head = (const unsigned char *)data + start;
        size_t size = head[1] & 127, skip = 2;
        if (size == 126) {
            if (length - start < 4) break;
            size = (size_t)head[2] << 8 | head[3], skip = 4;
        } else if (size == 127) {
            if (length - start < 10) break;
            size = 0, skip = 10;
            for (int i = 2; i < 10; i++) size = size << 8 | head[i];
        }
        if (length - start < skip + size) break;
        take_frame(s, head[0] & 15, data + start + skip, size, at);
        start += skip + size;
    }
    return start;
}

static void receive(struct one *s) {
    memcpy(buffer, s->in, s->in_length);
    ssize_t n = recv(s->fd, buffer + s->in_length, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        lose(s, "the server dropped a socket", 27);
        return;
    }
    size_t length = s->in_length + (size_t)n, used = take(s, buffer, length, now());
    s->in_length = s->state == GONE ? 0 : length - used;
    if (s->in_length) {
        if (s->in_length > sizeof buffer - READ_BYTES) {
            lose(s, "a frame of more than 128 KiB", 28);
            return;
        }
        s->in = realloc(s->in, s->in_length);
        memcpy(s->in, buffer + used, s->in_length);
    }
}

static void start_connecting(struct one *s) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    int yes = 1;
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (s->fd < 0) perror("socket"), exit(1);
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (s->mute) { /* otherwise the kernel would buffer megabytes */
        int small = 64 * 1024;
        setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    struct epoll_event e = {.events = EPOLLOUT | EPOLLIN | EPOLLRDHUP, .data.ptr = s};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &e);
    s->state = CONNECTING;
    if (connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) lose(s, "cannot connect", 14);
}

static void shake_hands(struct one *s) {
    char request[LINE_BYTES];
    int size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n",
        path, s->port, s->head, s->head[0] ? "\r\n" : "");
    s->state = SHAKING;
    watch(s);
    put(s, request, (size_t)size);
}

static void handle(struct one *s, uint32_t events) {
    if (s->state == GONE) return;
    if (s->state == CONNECTING && events & (EPOLLOUT | EPOLLERR)) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            lose(s, strerror(error), strlen(strerror(error)));
            return;
        }
        shake_hands(s);
        return;
    }
    if (events & EPOLLOUT && s->waits_to_write) flush(s);
    if (s->mute && s->state == READY) {
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) lose(s, "mute", 4);
    } else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(s);
}

/* -- the course of a load */

static void turn(int milliseconds) {
    static struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll_fd, events, EVENTS, milliseconds);
    for (int i = 0; i < n; i++)
        if (events[i].data.ptr && events[i].data.ptr != (void *)&timer_fd) handle(events[i].data.ptr, events[i].events);
}

static void connect_all(void) {
    uint64_t start = now(), shown = start;
    int next = 0;
    while (connected + (int)unasked_closes < count) {
        while (next < count && next - connected - (int)unasked_closes < at_once) start_connecting(&ones[next++]);
        turn(100);
        if (now() - shown > 2000000000)
            shown = now(), printf("{\"event\": \"connecting\", \"count\": %d}\n", connected), fflush(stdout);
        if (now() - start > 120000000000) fault("connecting took more than 2 minutes", 35), unasked_closes = (uint64_t)(count - connected);
    }
    printf("{\"event\": \"connected\", \"count\": %d, \"seconds\": %.4f, \"told\": %llu, \"fault\": \"%s\"}\n", connected,
           (double)(now() - start) / 1e9, (unsigned long long)told_first, first_fault);
    fflush(stdout);
}

static void wait_for_go(void) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &e);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll_fd, events, 64, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) handle(events[i].data.ptr, events[i].events);
            else {
                char line[64];
                if (read(0, line, sizeof line) <= 0) exit(1); /* our parent is gone */
                epoll_ctl(epoll_fd, EPOLL_CTL_DEL, 0, NULL);
                return;
            }
        }
    }
}

static bool all_arrived(void) {
    for (int i = 0; i < count; i++)
        if (ones[i].receives && !ones[i].mute && ones[i].state == READY && ones[i].received < sent_in_room[ones[i].room])
            return false;
    return true;
}

static double run(void) {
    uint64_t tick = rate > 0 ? (uint64_t)(1e9 / rate) : 1000000000, sent = 0, shown, measured_at = 0;
    bool is_warm = false, is_measured = false;
    double cpu = 0;
    if (tick < LEAST_TICK) tick = LEAST_TICK;
    struct itimerspec every = {{(time_t)(tick / 1000000000), (long)(tick % 1000000000)}, {0, 1}};
    timerfd_settime(timer_fd, 0, &every, NULL);
    began = shown = now();
    from = began + (uint64_t)(warmup * 1e9), until = from + (uint64_t)(seconds * 1e9);
    if (closed_loop) for (int i = 0; i < senders; i++) send_message(&ones[by_sender[i]], now());
    for (;;) {
        turn(50);
        uint64_t at = now(), ignored;
        if (read(timer_fd, &ignored, sizeof ignored) < 0) {}
        if (rate > 0 && !closed_loop)
            for (; sent < (uint64_t)((double)((at < until ? at : until) - began) / 1e9 * rate); sent++) {
                uint64_t due = began + (uint64_t)((double)(sent + 1) / rate * 1e9);
                struct one *s = &ones[by_sender[sent % (uint64_t)senders]];
                if (s->state == READY) send_message(s, due < at ? due : at);
            }
        if (!is_warm && at >= from) {
            is_warm = true, cpu = own_cpu();
            printf("{\"event\": \"warm\"}\n"), fflush(stdout);
        }
        if (!is_measured && at >= until) {
            is_measured = true, measured_at = at, cpu = (own_cpu() - cpu) / ((double)(at - from) / 1e9);
            printf("{\"event\": \"measured\"}\n"), fflush(stdout);
        }
        if (at - shown > 1000000000) {
            shown = at;
            printf("{\"event\": \"running\", \"received\": %llu}\n", (unsigned long long)total_received), fflush(stdout);
        }
        if (is_measured && ((!closed_loop && all_arrived()) || at - measured_at > (uint64_t)(grace * 1e9))) return cpu;
        if (is_measured && closed_loop && at - measured_at > 1000000000 && all_arrived()) return cpu;
    }
}

static void report(double cpu) {
    uint64_t lost = 0, extra_received = 0, disagree = 0, *hashes = calloc((size_t)rooms, 8), due = 0;
    int open = 0;
    for (int i = 0; i < count; i++) {
        struct one *s = &ones[i];
        if (!s->receives || s->mute) continue;
        uint64_t expected = sent_in_room[s->room];
        due += expected, open += s->state == READY;
        if (s->received < expected) lost += expected - s->received;
        else if (s->received > expected) extra_received += s->received - expected;
        else if (!hashes[s->room]) hashes[s->room] = s->hash;
        else if (hashes[s->room] != s->hash) disagree++;
    }
    printf("{\"event\": \"done\", \"sent\": %llu, \"due\": %llu, \"received\": %llu, \"window_received\": %llu, "
           "\"measured_received\": %llu, \"lost\": %llu, \"unasked\": %llu, \"gaps\": %llu, \"disordered\": %llu, \"doubled\": %llu, "
           "\"disagree\": %llu, \"closed\": %llu, \"refused\": %llu, \"open\": %d, \"acks\": %llu, \"p50_ms\": %.3f, "
           "\"p99_ms\": %.3f, \"max_ms\": %.3f, \"ack_p50_ms\": %.3f, \"ack_p99_ms\": %.3f, \"generator_cpu\": %.3f, "
           "\"fault\": \"%s\"}\n",
           (unsigned long long)total_sent, (unsigned long long)due, (unsigned long long)total_received,
           (unsigned long long)window_received, (unsigned long long)measured_received, (unsigned long long)lost,
           (unsigned long long)extra_received, (unsigned long long)gaps, (unsigned long long)disordered,
           (unsigned long long)doubled, (unsigned long long)disagree, (unsigned long long)unasked_closes,
           (unsigned long long)refusals, open, (unsigned long long)measured_acks, percentile(delays, .5),
           percentile(delays, .99), percentile(delays, 1), percentile(answers, .5), percentile(answers, .99), cpu, first_fault);
    fflush(stdout);
}

/* -- the plan */

static void add_one(char *line) {
    ones = realloc(ones, (size_t)(count + 1) * sizeof *ones);
    struct one *s = &ones[count];
    memset(s, 0, sizeof *s);
    char *flags = strsep(&line, "\t");
    s->port = atoi(strsep(&line, "\t")), s->room = atoi(strsep(&line, "\t"));
    s->head = strdup(strsep(&line, "\t")), s->hello = strdup(strsep(&line, "\t"));
    s->ready = strdup(strsep(&line, "\t")), s->template = strdup(line);
    s->receives = strchr(flags, 'r'), s->sends = strchr(flags, 's'), s->mute = strchr(flags, 'm');
    s->number = s->sends ? senders : -1;
    if (s->sends) by_sender[senders++] = count;
    if (s->room >= rooms) rooms = s->room + 1;
    receivers += s->receives;
    count++;
}

static void read_plan(const char *name) {
    static char line[LINE_BYTES];
    FILE *plan = fopen(name, "r");
    if (!plan) perror(name), exit(2);
    while (fgets(line, sizeof line, plan)) {
        line[strcspn(line, "\n")] = 0;
        char *value = strchrnul(line, '\t');
        if (*value) *value++ = 0;
        if (!strcmp(line, "path")) snprintf(path, sizeof path, "%s", value);
        else if (!strcmp(line, "acked")) snprintf(acked, sizeof acked, "%s", value);
        else if (!strcmp(line, "rate")) rate = atof(value);
        else if (!strcmp(line, "warmup")) warmup = atof(value);
        else if (!strcmp(line, "seconds")) seconds = atof(value);
        else if (!strcmp(line, "grace")) grace = atof(value);
        else if (!strcmp(line, "at_once")) at_once = atoi(value);
        else if (!strcmp(line, "closed_loop")) closed_loop = atoi(value);
        else if (!strcmp(line, "engine_io")) engine_io = atoi(value);
        else if (!strcmp(line, "socket")) add_one(value);
        else fprintf(stderr, "what is %s?\n", line), exit(2);
    }
    fclose(plan);
    sent_in_room = calloc((size_t)rooms + 1, sizeof *sent_in_room);
    for (int i = 0; i < count; i++) {
        if (!ones[i].receives) continue;
        ones[i].last = malloc((size_t)(senders + 1) * sizeof(int64_t));
        for (int j = 0; j <= senders; j++) ones[i].last[j] = -1;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) fprintf(stderr, "load PLAN\n"), exit(2);
    read_plan(argv[1]);
    epoll_fd = epoll_create1(0);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &timer_fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &e);
    connect_all();
    wait_for_go();
    report(run());
    return 0;
}
