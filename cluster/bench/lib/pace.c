// pace: an HTTP/1.1 load generator on loopback that accounts for every request.
//
// Closed loop (no --rate): every connection sends its next request as soon as it has its answer.
// Open loop (--rate R): arrivals are a Poisson process of R per second (exponential gaps, seeded); a request that is
// due goes out on an idle connection at once, or waits for one, and its latency counts from the instant it was due (so
// a stalled target cannot hide its stall). No bursts, no rounding to milliseconds.
//
// Every answer is checked: status 200 and, with --expect, the body byte for byte. After --secs no new request is made
// and the open ones are awaited for --grace seconds. The result is one line of JSON; the caller judges it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 65536, HEAD_MAX = 16384, MAX_CONNS = 4096 };
typedef enum { CONNECTING, IDLE, BUSY, DEAD } State;
typedef enum { HEAD, BODY_LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER } Phase;

typedef struct {
  int fd;
  State state;
  Phase phase;
  bool want_write, close_after, head_no_length;
  uint64_t due, sent;
  size_t written;
  int status;
  uint64_t left;  // bytes left of the body or of the chunk
  size_t got;     // body bytes seen
  bool differs;
  char line[HEAD_MAX];  // the head, or a chunk-size or trailer line, while incomplete
  size_t line_len;
  uint64_t answered;  // answers seen on this connection since it was opened
} Conn;

static Conn* conns;
static int n_conns = 64, ep, port;
static const char* path = "/predict";
static char *request, *expect;
static size_t request_len, expect_len;
static bool has_expect;
static uint64_t started, answered, in_window, bad_status, bad_body, broken, resets, connect_errors, reconnects, unsent,
    bytes_in;
static uint32_t *latency, *lag;
static size_t samples, samples_cap;
static int idle[MAX_CONNS], idle_head, idle_count;  // FIFO ring: load is spread over the connections
static uint64_t* waiting;                           // due times of arrivals that found no idle connection
static size_t waiting_head, waiting_count, waiting_cap, waiting_most;
static uint64_t deadline;
static bool open_loop;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char* what) {
  fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
  exit(1);
}

static char* read_file(const char* name, size_t* len) {
  FILE* f = fopen(name, "rb");
  if (!f) die(name);
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  char* data = malloc((size_t)size + 1);
  if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) die(name);
  data[size] = 0;
  *len = (size_t)size;
  fclose(f);
  return data;
}

static void watch(Conn* c, int op, bool write) {
  struct epoll_event e = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.u32 = (uint32_t)(c - conns)};
  if (epoll_ctl(ep, op, c->fd, &e) != 0) die("epoll_ctl");
  c->want_write = write;
}

static bool dial(Conn* c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  c->state = CONNECTING;
  c->phase = HEAD;
  c->line_len = 0;
  c->answered = 0;
  if (connect(c->fd, (struct sockaddr*)&to, sizeof to) != 0 && errno != EINPROGRESS) {
    close(c->fd);
    c->state = DEAD;
    connect_errors++;
    return false;
  }
  watch(c, EPOLL_CTL_ADD, true);
  return true;
}

static void redial(Conn* c) {
  close(c->fd);
  reconnects++;
  dial(c);
}

static void put_idle(Conn* c) {
  c->state = IDLE;
  idle[(idle_head + idle_count++) % MAX_CONNS] = (int)(c - conns);
}

// Idle connections that died meanwhile stay in the ring and are skipped here.
static Conn* take_idle(void) {
  while (idle_count > 0) {
    Conn* c = &conns[idle[idle_head]];
    idle_head = (idle_head + 1) % MAX_CONNS;
    idle_count--;
    if (c->state == IDLE) return c;
  }
  return NULL;
}

static void sample(Conn* c, uint64_t at) {
  if (samples == samples_cap) {
    samples_cap = samples_cap ? samples_cap * 2 : 1 << 16;
    latency = realloc(latency, samples_cap * sizeof *latency);
    lag = realloc(lag, samples_cap * sizeof *lag);
    if (!latency || !lag) die("realloc");
  }
  latency[samples] = (uint32_t)((at - c->due) / 1000);
  lag[samples++] = (uint32_t)((c->sent - c->due) / 1000);
}

static void push_out(Conn* c) {
  while (c->written < request_len) {
    ssize_t n = send(c->fd, request + c->written, request_len - c->written, MSG_NOSIGNAL);
    if (n > 0) {
      c->written += (size_t)n;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!c->want_write) watch(c, EPOLL_CTL_MOD, true);
    }
    return;  // an error shows up as a closed connection on the read side
  }
  if (c->want_write) watch(c, EPOLL_CTL_MOD, false);
}

static void begin(Conn* c, uint64_t due) {
  c->state = BUSY;
  c->phase = HEAD;
  c->line_len = c->written = c->got = 0;
  c->differs = false;
  c->due = due;
  c->sent = now_ns();
  started++;
  push_out(c);
}

static void lost(Conn* c) {
  if (c->state == BUSY) resets++;
  if (c->state == CONNECTING) {
    connect_errors++;
    close(c->fd);
    c->state = DEAD;
    return;
  }
  redial(c);
}

// The connection has become free: the next arrival that waits, or in closed loop the next request.
static void next(Conn* c) {
  uint64_t now = now_ns();
  if (open_loop) {
    if (waiting_count > 0) {
      uint64_t due = waiting[waiting_head];
      waiting_head = (waiting_head + 1) % waiting_cap;
      waiting_count--;
      begin(c, due);
    } else {
      put_idle(c);
    }
  } else if (now < deadline) {
    begin(c, now);
  } else {
    put_idle(c);
  }
}

static void finish(Conn* c) {
  uint64_t now = now_ns();
  answered++;
  c->answered++;
  if (now <= deadline) in_window++;
  if (c->status != 200) bad_status++;
  else if (c->differs || (has_expect && c->got != expect_len)) bad_body++;
  sample(c, now);
  c->phase = HEAD;
  c->line_len = 0;
  if (c->close_after) redial(c);
  else next(c);
}

static void body_bytes(Conn* c, const char* p, size_t n) {
  if (has_expect && !c->differs && (c->got + n > expect_len || memcmp(expect + c->got, p, n) != 0)) c->differs = true;
  c->got += n;
}

static const char* header(const char* head, const char* name) {
  size_t len = strlen(name);
  for (const char* p = strstr(head, "\r\n"); p && p[2]; p = strstr(p + 2, "\r\n"))
    if (strncasecmp(p + 2, name, len) == 0 && p[2 + len] == ':') {
      p += 3 + len;
      while (*p == ' ') p++;
      return p;
    }
  return NULL;
}

// c->line holds the whole head, ended by a zero. False: not HTTP, or a body whose end is not told.
static bool head_done(Conn* c) {
  if (strncmp(c->line, "HTTP/1.", 7) != 0 || c->line_len < 12) return false;
  c->status = atoi(c->line + 9);
  if (c->status < 200) {
    c->line_len = 0;
    return true;
  }
  const char* h = header(c->line, "connection");
  c->close_after = h && strncasecmp(h, "close", 5) == 0;
  c->got = 0;
  c->differs = false;
  if ((h = header(c->line, "transfer-encoding")) && strncasecmp(h, "chunked", 7) == 0) c->phase = CHUNK_SIZE;
  else if ((h = header(c->line, "content-length"))) {
    c->left = strtoull(h, NULL, 10);
    c->phase = BODY_LENGTH;
  } else return false;
  c->line_len = 0;
  return true;
}

// Takes one line (or the head, which ends with an empty line) into c->line. 1: complete, 0: more needed, -1: too long.
static int take_line(Conn* c, const char** p, const char* end, const char* mark) {
  size_t m = strlen(mark);
  while (*p < end) {
    if (c->line_len + 1 >= HEAD_MAX) return -1;
    c->line[c->line_len++] = *(*p)++;
    if (c->line_len >= m && c->line[c->line_len - 1] == '\n' && memcmp(c->line + c->line_len - m, mark, m) == 0) {
      c->line[c->line_len] = 0;
      return 1;
    }
  }
  return 0;
}

// False: the answer cannot be understood.
static bool feed(Conn* c, const char* p, size_t n) {
  const char* end = p + n;
  while (p < end) {
    if (c->state != BUSY) return false;  // bytes nobody asked for
    if (c->phase == HEAD) {
      int r = take_line(c, &p, end, "\r\n\r\n");
      if (r == 0) return true;
      if (r < 0 || !head_done(c)) return false;
      if (c->phase == BODY_LENGTH && c->left == 0) finish(c);
    } else if (c->phase == BODY_LENGTH || c->phase == CHUNK_DATA) {
      size_t take = (size_t)(end - p) < c->left ? (size_t)(end - p) : (size_t)c->left;
      body_bytes(c, p, take);
      p += take;
      if ((c->left -= take) == 0) {
        if (c->phase == BODY_LENGTH) finish(c);
        else c->phase = CHUNK_END, c->line_len = 0;
      }
    } else {
      int r = take_line(c, &p, end, "\r\n");
      if (r == 0) return true;
      if (r < 0) return false;
      bool empty = c->line_len == 2;
      c->line_len = 0;
      if (c->phase == CHUNK_END) {
        if (!empty) return false;
        c->phase = CHUNK_SIZE;
      } else if (c->phase == CHUNK_SIZE) {
        c->left = strtoull(c->line, NULL, 16);
        c->phase = c->left ? CHUNK_DATA : TRAILER;
      } else if (empty) finish(c);
    }
  }
  return true;
}

static void readable(Conn* c) {
  static char buf[READ_SIZE];
  for (;;) {
    int fd = c->fd;
    ssize_t n = recv(fd, buf, sizeof buf, 0);
    if (n > 0) {
      bytes_in += (uint64_t)n;
      if (!feed(c, buf, (size_t)n)) {
        broken++;
        lost(c);
        return;
      }
      if (c->fd != fd || c->state == CONNECTING || n < (ssize_t)sizeof buf) return;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    lost(c);
    return;
  }
}

static void ready(Conn* c, uint32_t events) {
  if (c->state == DEAD) return;
  if (c->state == CONNECTING) {
    int err = 0;
    socklen_t len = sizeof err;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
    if (err != 0) {
      lost(c);
      return;
    }
    if (!(events & EPOLLOUT)) return;
    watch(c, EPOLL_CTL_MOD, false);
    if (deadline != 0) next(c);
    else put_idle(c);
    return;
  }
  if ((events & EPOLLOUT) && c->state == BUSY) push_out(c);
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
}

static void turn(uint64_t until) {
  struct epoll_event events[256];
  uint64_t now = now_ns(), wait = until > now ? until - now : 0;
  struct timespec t = {.tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
  static bool no_pwait2;
  int n = -1;
  if (!no_pwait2 && (n = epoll_pwait2(ep, events, 256, &t, NULL)) < 0 && errno == ENOSYS) no_pwait2 = true;
  if (no_pwait2) n = epoll_wait(ep, events, 256, (int)((wait + 999999) / 1000000));
  if (n < 0 && errno != EINTR) die("epoll_wait");
  for (int i = 0; i < n; i++) ready(&conns[events[i].data.u32], events[i].events);
}

static void arrive(uint64_t due) {
  Conn* c = take_idle();
  if (c) {
    begin(c, due);
    return;
  }
  if (waiting_count == waiting_cap) {
    unsent++;
    return;
  }
  waiting[(waiting_head + waiting_count++) % waiting_cap] = due;
  if (waiting_count > waiting_most) waiting_most = waiting_count;
}

static int by_value(const void* a, const void* b) {
  uint32_t x = *(const uint32_t*)a, y = *(const uint32_t*)b;
  return (x > y) - (x < y);
}

static unsigned quantile(const uint32_t* v, double q) {
  if (samples == 0) return 0;
  size_t i = (size_t)(q * (double)samples);
  return v[i < samples ? i : samples - 1];
}

int main(int argc, char** argv) {
  static const struct option options[] = {
      {"port", 1, 0, 'p'}, {"path", 1, 0, 'u'}, {"body", 1, 0, 'b'},  {"expect", 1, 0, 'e'}, {"conns", 1, 0, 'c'},
      {"secs", 1, 0, 's'}, {"rate", 1, 0, 'r'}, {"grace", 1, 0, 'g'}, {"seed", 1, 0, 'x'},   {"header", 1, 0, 'h'},
      {0, 0, 0, 0}};
  const char *body_file = NULL, *expect_file = NULL, *header = NULL;
  double secs = 3, rate = 0, grace = 10;
  unsigned short seed[3] = {0x330e, 1, 0};
  for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (o) {
      case 'p':
        port = atoi(optarg);
        break;
      case 'u':
        path = optarg;
        break;
      case 'b':
        body_file = optarg;
        break;
      case 'e':
        expect_file = optarg;
        break;
      case 'c':
        n_conns = atoi(optarg);
        break;
      case 's':
        secs = atof(optarg);
        break;
      case 'r':
        rate = atof(optarg);
        break;
      case 'g':
        grace = atof(optarg);
        break;
      case 'x':
        seed[1] = (unsigned short)atoi(optarg);
        seed[2] = (unsigned short)(atoi(optarg) >> 16);
        break;
      case 'h':
        header = optarg;
        break;
      default:
        return 64;
    }
  if (port < 1 || port > 65535 || !body_file || n_conns < 1 || n_conns > MAX_CONNS || secs <= 0 || secs > 600 ||
      rate < 0 || grace < 0 || grace > 60) {
    fprintf(stderr,
            "usage: pace --port N --body FILE [--path P] [--expect FILE] [--conns 1..%d] [--secs ..600] [--rate R] "
            "[--grace ..60] [--seed K] [--header 'NAME: VALUE']\n",
            MAX_CONNS);
    return 64;
  }
  prctl(PR_SET_TIMERSLACK, 1);
  size_t body_len;
  char* body = read_file(body_file, &body_len);
  if (expect_file) {
    expect = read_file(expect_file, &expect_len);
    has_expect = true;
  }
  int head_len = asprintf(&request,
                          "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\nContent-Type: "
                          "application/json\r\nContent-Length: %zu\r\n%s%s\r\n",
                          path, port, body_len, header ? header : "", header ? "\r\n" : "");
  if (head_len < 0 || !(request = realloc(request, (size_t)head_len + body_len))) die("request");
  memcpy(request + head_len, body, body_len);
  request_len = (size_t)head_len + body_len;
  open_loop = rate > 0;
  waiting_cap = open_loop ? (size_t)(rate * secs * 2) + 1024 : 1;
  waiting = malloc(waiting_cap * sizeof *waiting);
  conns = calloc((size_t)n_conns, sizeof *conns);
  ep = epoll_create1(EPOLL_CLOEXEC);
  if (!waiting || !conns || ep < 0) die("start");

  for (int i = 0; i < n_conns; i++) dial(&conns[i]);
  for (uint64_t limit = now_ns() + 5000000000u; idle_count < n_conns && connect_errors == 0 && now_ns() < limit;)
    turn(now_ns() + 100000000u);
  if (idle_count < n_conns) {
    printf("{\"connect_errors\":%llu,\"connected\":%d}\n", (unsigned long long)(connect_errors ? connect_errors : 1),
           idle_count);
    return 0;
  }

  struct timespec cpu0, cpu1;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu0);
  uint64_t begin_at = now_ns(), due = begin_at;
  deadline = begin_at + (uint64_t)(secs * 1e9);
  if (open_loop) {
    due += (uint64_t)(-log(1 - erand48(seed)) / rate * 1e9);
    for (uint64_t now; (now = now_ns()) < deadline;) {
      while (due <= now) {
        arrive(due);
        due += (uint64_t)(-log(1 - erand48(seed)) / rate * 1e9);
      }
      turn(due < deadline ? due : deadline);
    }
  } else {
    for (Conn* c; (c = take_idle());) begin(c, now_ns());
    while (now_ns() < deadline) turn(deadline);
  }
  uint64_t last = deadline + (uint64_t)(grace * 1e9);
  while (now_ns() < last && (answered + resets + broken < started || waiting_count > 0)) {
    int alive = 0;
    for (int i = 0; i < n_conns; i++) alive += conns[i].state != DEAD;
    if (alive == 0) break;
    turn(now_ns() + 50000000u);
  }
  unsent += waiting_count;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu1);
  qsort(latency, samples, sizeof *latency, by_value);
  qsort(lag, samples, sizeof *lag, by_value);
  double cpu = (double)(cpu1.tv_sec - cpu0.tv_sec) + (double)(cpu1.tv_nsec - cpu0.tv_nsec) / 1e9;
  printf(
      "{\"started\":%llu,\"answered\":%llu,\"unsent\":%llu,\"bad_status\":%llu,\"bad_body\":%llu,\"broken\":%llu,"
      "\"resets\":%llu,"
      "\"connect_errors\":%llu,\"reconnects\":%llu,\"rps\":%.1f,\"p50\":%u,\"p90\":%u,\"p99\":%u,\"p999\":%u,\"max\":%"
      "u,"
      "\"lag_p50\":%u,\"lag_p99\":%u,\"queue_most\":%zu,\"cpu_s\":%.6f,\"bytes_in\":%llu}\n",
      (unsigned long long)started, (unsigned long long)answered, (unsigned long long)unsent,
      (unsigned long long)bad_status, (unsigned long long)bad_body, (unsigned long long)broken,
      (unsigned long long)resets, (unsigned long long)connect_errors, (unsigned long long)reconnects,
      (double)in_window / secs, quantile(latency, .5), quantile(latency, .9), quantile(latency, .99),
      quantile(latency, .999), samples ? latency[samples - 1] : 0, quantile(lag, .5), quantile(lag, .99), waiting_most,
      cpu, (unsigned long long)bytes_in);
  return 0;
}
