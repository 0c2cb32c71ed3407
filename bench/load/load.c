/*
 * load: sends HTTP/1.1 requests to a server on the loopback and checks each answer,
 * or messages to a WebSocket that echoes them, or requests of CoAP.
 *
 * It is made to cost little, since it shares the cores with the server that it
 * measures: an epoll a thread, one send for all requests of a turn, and an
 * answer that is byte for byte the one last checked is not parsed again.
 *
 * The loop is closed: a connection sends `depth` requests, waits for as many
 * answers, and sends the next. Their number is fixed, so it ends by itself.
 *
 * It talks to its caller in lines. Under load:
 *
 *   load:   warm                        (connected, and warmed up)
 *   caller: any line                    (reads the server's clock, then lets go)
 *   load:   requests=N errors=N ns=N p50=N p99=N p999=N max=N again=N   (latencies in ns)
 *
 * and with -i, which parks connections:
 *
 *   load:   parked=N errors=N           (each has had one answer)
 *   caller: any line
 *   load:   open=N errors=N             (how many the server has not closed since)
 *
 * and with -l, which only listens to what a WebSocket is told:
 *
 *   load:   listening=N errors=N        (each has had one message)
 *   caller: any line
 *   load:   messages=N errors=N ns=N least=N most=N bytes=N   (least and most of a connection)
 *
 * and with -B, which has a message published again and again, each time when all
 * listeners have had the last:
 *
 *   load:   listening=N errors=N        (each has had one message)
 *   caller: any line
 *   load:   requests=N errors=N ns=N p50=N ...   (messages that were received, and the
 *                                        times from sending one to the last listener's having it)
 *
 * With -R the loop is open: requests go at a rate, each on a connection that has
 * none on its way, or as soon as there is one. What an answer took is counted from
 * when the request was due, whenever it went, so that a server which stalls does
 * not spare itself the requests that would have come meanwhile. More words say
 * what part came within which time: q990000=N is that of 99 %.
 *
 * With -E requests go on until the caller says one more line; -n is not looked at.
 *
 * With -q so many connections more do one request each first, and are then left alone;
 * those under load are spread among them. That all stay open is looked at in the end.
 *
 * With -f the answer is to be the text of a file, however long, which is compared
 * as it comes: whole while it warms up, and after that the beginning of what each
 * read gives, since comparing takes time from the server on the same cores. With
 * -P the same text is sent, as the content of a POST.
 *
 * With -m a connection is upgraded first, and what is said of requests and answers
 * here is about messages and their echoes; these are compared in the same way.
 *
 * With -k requests are of CoAP, over TCP or UDP; exchange.c has them. again=N says
 * how many datagrams were sent once more.
 *
 * Then it waits for the end of its input before it closes its connections. The
 * first thing that goes wrong is told on standard error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

static const char request_short[] =
	" HTTP/1.1\r\n"
	"Host: 127.0.0.1\r\n"
	"User-Agent: load\r\n"
	"Accept: */*\r\n";

/* What a browser sends behind the path, cookies and all. */
static const char request_browser[] =
	" HTTP/1.1\r\n"
	"Host: 127.0.0.1\r\n"
	"Connection: keep-alive\r\n"
	"Cache-Control: max-age=0\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
	"Sec-Fetch-Site: none\r\n"
	"Sec-Fetch-Mode: navigate\r\n"
	"Sec-Fetch-User: ?1\r\n"
	"Sec-Fetch-Dest: document\r\n"
	"Accept-Encoding: gzip, deflate, br, zstd\r\n"
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
	"Cookie: session=4f0c8a2e9b7d4c1f8e6a5b3d2c1f0e9d; theme=dark; consent=1\r\n";

static struct sockaddr_in server = {.sin_family = AF_INET};
unsigned depth = 1;
static const char *path = "/plaintext";
char *request;
size_t request_size;
static char *file; /* the text that is to come, NULL for the short answer */
static size_t file_size;
static char *requests; /* depth of them */
static bool endless;   /* until the caller says so */
static atomic_bool enough;
char *message;
size_t message_size;
unsigned message_op = OP_BINARY;
int64_t deadline;

int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

_Noreturn void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

void complain(const char *format, ...)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool done;
	va_list args;

	pthread_mutex_lock(&lock);
	if (!done) {
		done = true;
		fputs("load: ", stderr);
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fputc('\n', stderr);
	}
	pthread_mutex_unlock(&lock);
}

/* ---- the load ---- */

unsigned bucket(uint64_t v)
{
	if (v < (1u << SUB_BITS))
		return (unsigned)v;
	unsigned shift = 63u - (unsigned)__builtin_clzll(v) - SUB_BITS;

	return ((shift + 1) << SUB_BITS) + (unsigned)(v >> shift) - (1u << SUB_BITS);
}

/* bucket_top is the largest value of the bucket. */
static uint64_t bucket_top(unsigned b)
{
	if (b < (1u << SUB_BITS))
		return b;
	unsigned shift = (b >> SUB_BITS) - 1;
	uint64_t sub = (b & ((1u << SUB_BITS) - 1)) + (1u << SUB_BITS);

	return ((sub + 1) << shift) - 1;
}

size_t upgrade(int fd, const char *where, char *rest)
{
	struct timeval limit = {.tv_sec = 10};
	const char *why = "no answer to the upgrade";
	char buf[MAX_ANSWER], *head;
	size_t have = 0;
	int r = 0, size = asprintf(&head, "GET %s%s", where, upgrade_request);

	if (size < 0)
		die("memory");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (send(fd, head, (size_t)size, MSG_NOSIGNAL) != size)
		die("upgrade");
	free(head);
	while (r == 0) {
		ssize_t n = recv(fd, buf + have, sizeof buf - have, 0);

		if (n <= 0)
			break;
		have += (size_t)n;
		r = upgrade_parse(buf, have, &why);
	}
	if (r > 0 && (size_t)r != have && rest == NULL) {
		r = -1;
		why = "bytes behind the answer to the upgrade";
	}
	if (r <= 0) {
		fprintf(stderr, "load: %s\n", why);
		exit(1);
	}
	have -= (size_t)r;
	if (rest != NULL)
		memcpy(rest, buf + r, have);
	return have;
}

int connect_to_server(void)
{
	int one = 1, fd = socket(AF_INET, (coap == OVER_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (message != NULL)
		upgrade(fd, path, NULL);
	if (coap != NO_COAP)
		coap_open(fd);
	return fd;
}

void drop(struct thread *t, struct conn *c, const char *reason)
{
	complain("%s", reason);
	t->errors += c->pending > 0 ? c->pending : 1;
	if (c->pending > 0)
		t->waiting--;
	c->pending = 0;
	close(c->fd);
	c->fd = -1;
}

void turn(struct thread *t, struct conn *c, int64_t at)
{
	if (coap != NO_COAP) {
		coap_turn(t, c, at);
		return;
	}
	if (atomic_load_explicit(&enough, memory_order_relaxed))
		t->left = 0;

	unsigned n = t->left < depth ? (unsigned)t->left : depth;

	if (n == 0)
		return;
	t->left -= n;
	c->pending = n;
	c->sent = at;
	t->waiting++;
	if (send(c->fd, requests, n * request_size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(n * request_size))
		drop(t, c, "the server does not take requests");
}

void note(struct thread *t, int64_t took, unsigned answers)
{
	t->histogram[bucket((uint64_t)took)] += answers;
	if (took > t->longest)
		t->longest = took;
	t->done += answers;
}

/* count_answers notes answers that have come, and sends the next requests. */
static void count_answers(struct thread *t, struct conn *c, unsigned got)
{
	int64_t at = now();

	note(t, at - c->sent, got);
	c->pending -= got;
	if (c->pending == 0) {
		t->waiting--;
		if (rate > 0)
			rate_free(t, c);
		else
			turn(t, c, at);
	}
}

enum { LOOK = 64 }; /* bytes of each read of a file that are compared */

/* receive_file receives part of an answer that is a file: p to end has what came,
 * with what was kept of the head before it. */
static void receive_file(struct thread *t, struct conn *c, const char *p, const char *end)
{
	size_t size = (size_t)(end - p);

	if (!c->in_file) {
		const char *why;
		int r;

		if (t->model_size != 0 && size >= t->model_size && memcmp(p, t->model, t->model_size) == 0) {
			r = (int)t->model_size;
		} else {
			r = answer_head(p, size < MAX_ANSWER ? size : MAX_ANSWER, (long)file_size, &why);
			if (r == BAD) {
				drop(t, c, why);
				return;
			}
			if (r == MORE) {
				c->kept = size;
				memcpy(c->part, p, size);
				return;
			}
			memcpy(t->model, p, (size_t)r);
			t->model_size = (size_t)r;
		}
		c->kept = 0;
		c->in_file = true;
		c->at = 0;
		p += r;
		size -= (size_t)r;
	}
	if (size > file_size - c->at) {
		drop(t, c, "more bytes than were asked for");
		return;
	}
	if (memcmp(p, file + c->at, t->warming || size < LOOK ? size : LOOK) != 0) {
		drop(t, c, "wrong body");
		return;
	}
	c->at += size;
	if (c->at == file_size) {
		c->in_file = false;
		count_answers(t, c, 1);
	}
}

/* pong answers a ping. */
static bool pong(int fd, const struct echo *e)
{
	char b[MAX_CLIENT_HEADER + MAX_CONTROL];
	size_t n = frame_make(b, OP_PONG, e->control, e->controls);

	return send(fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
}

/* receive_echoes receives what came of them, from p to end. */
static void receive_echoes(struct thread *t, struct conn *c, const char *p, const char *end)
{
	unsigned got = 0;

	while (p < end) {
		const char *why;
		enum event event;
		long n = echo_read(&c->echo, p, (size_t)(end - p), message_op, message, message_size, !t->warming,
				   &event, &why);

		if (n < 0) {
			drop(t, c, why);
			return;
		}
		p += n;
		if (event == PING && !pong(c->fd, &c->echo)) {
			drop(t, c, "the server does not take a pong");
			return;
		}
		got += event == MESSAGE;
		if (got > c->pending || (got == c->pending && c->echo.amid)) {
			drop(t, c, "more bytes than were asked for");
			return;
		}
	}
	if (got > 0)
		count_answers(t, c, got);
}

void receive(struct thread *t, struct conn *c)
{
	if (coap != NO_COAP) {
		coap_receive(t, c);
		return;
	}
	/* What is kept goes before the new bytes, so that an answer is whole. */
	char *p = t->buf + MAX_ANSWER - c->kept, *end;
	ssize_t n = recv(c->fd, t->buf + MAX_ANSWER, RECV_SIZE, MSG_DONTWAIT);
	unsigned got = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		/* A request that crossed with the end of the connection resets it. */
		drop(t, c, errno == ECONNRESET ? "the server closed a connection, by a reset" : strerror(errno));
		return;
	}
	if (n == 0) {
		drop(t, c, "the server closed a connection");
		return;
	}
	memcpy(p, c->part, c->kept);
	end = t->buf + MAX_ANSWER + n;
	if (message != NULL) {
		receive_echoes(t, c, p, end);
		return;
	}
	if (file != NULL) {
		if (c->pending == 0)
			drop(t, c, "more bytes than were asked for");
		else
			receive_file(t, c, p, end);
		return;
	}
	while (p < end && got < c->pending) {
		size_t size = (size_t)(end - p);

		if (t->model_size != 0 && size >= t->model_size && memcmp(p, t->model, t->model_size) == 0) {
			p += t->model_size;
		} else {
			const char *why;
			int r = answer_parse(p, size, &why);

			if (r == MORE)
				break;
			if (r == BAD) {
				drop(t, c, why);
				return;
			}
			memcpy(t->model, p, (size_t)r);
			t->model_size = (size_t)r;
			p += r;
		}
		got++;
	}
	c->kept = (size_t)(end - p);
	if (c->kept > 0 && got == c->pending) {
		drop(t, c, "more bytes than were asked for");
		return;
	}
	memcpy(c->part, p, c->kept);
	if (got > 0)
		count_answers(t, c, got);
}

static void phase(struct thread *t, int64_t budget)
{
	struct epoll_event ev[EVENTS];

	memset(t->histogram, 0, sizeof t->histogram);
	t->longest = 0;
	t->done = 0;
	t->again = 0;
	t->left = budget;
	t->waiting = 0;
	if (rate > 0) {
		rate_phase(t);
		return;
	}
	for (unsigned i = 0; i < t->count; i++)
		if (t->conns[i].fd >= 0)
			turn(t, &t->conns[i], now());
	while (t->waiting > 0) {
		int n = epoll_wait(t->epoll, ev, EVENTS, coap == OVER_UDP ? 5 : 1000);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if (c->fd >= 0)
				receive(t, c);
		}
		if (coap == OVER_UDP)
			coap_overdue(t, now());
		if (n <= 0 && now() > deadline) {
			complain("the server does not answer");
			for (unsigned i = 0; i < t->count; i++)
				t->errors += t->conns[i].pending;
			break;
		}
	}
	t->errors += t->left; /* nobody is left to send them */
}

static pthread_barrier_t barrier;

static void *run(void *arg)
{
	struct thread *t = arg;

	t->warming = true;
	phase(t, t->warm);
	t->warming = false;
	pthread_barrier_wait(&barrier); /* warm */
	pthread_barrier_wait(&barrier); /* go */
	phase(t, t->budget);
	pthread_barrier_wait(&barrier); /* done */
	return NULL;
}

void wait_for_line(void)
{
	int c;

	while ((c = getchar()) != EOF && c != '\n')
		;
}

void wait_for_end(void)
{
	while (getchar() != EOF)
		;
}

uint64_t quantile(const uint64_t *histogram, uint64_t all, uint64_t millionths)
{
	uint64_t seen = 0;

	for (unsigned b = 0; b < BUCKETS && all > 0; b++) {
		seen += histogram[b];
		if (seen * 1000000 >= all * millionths)
			return bucket_top(b);
	}
	return 0;
}

static int64_t share(int64_t total, int part, int parts)
{
	return total / parts + (part < total % parts);
}

static int run_load(int nthreads, int nconns, int quiet, int64_t warm, int64_t total)
{
	int opened = 0, unserved = 0;
	struct thread *threads = calloc((size_t)nthreads, sizeof *threads);

	if (threads == NULL)
		die("memory");
	for (int i = 0; i < nthreads; i++) {
		struct thread *t = &threads[i];

		t->number = i;
		t->count = (unsigned)share(nconns, i, nthreads);
		t->warm = share(warm, i, nthreads);
		t->budget = share(total, i, nthreads);
		t->conns = calloc(t->count, sizeof *t->conns);
		t->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (t->conns == NULL || t->epoll < 0)
			die("epoll");
		for (unsigned j = 0; j < t->count; j++) {
			struct conn *c = &t->conns[j];
			struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

			c->fd = connect_to_server();
			opened++;
			unserved += quiet_open((int)((int64_t)quiet * opened / nconns));
			if (coap != NO_COAP)
				coap_begin(c, j);
			if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0)
				die("epoll_ctl");
		}
		if (rate > 0)
			rate_begin(t);
	}
	pthread_barrier_init(&barrier, NULL, (unsigned)nthreads + 1);
	for (int i = 0; i < nthreads; i++)
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
			die("pthread_create");
	pthread_barrier_wait(&barrier);
	puts("warm");
	fflush(stdout);
	wait_for_line();

	int64_t start = now();

	pthread_barrier_wait(&barrier);
	if (endless) {
		wait_for_line();
		enough = true;
	}
	pthread_barrier_wait(&barrier);

	int64_t took = now() - start, done = 0, errors = 0, again = 0, longest = 0;
	uint64_t *h = calloc(BUCKETS, sizeof *h);

	if (h == NULL)
		die("memory");
	errors += unserved + quiet_lost();
	for (int i = 0; i < nthreads; i++) {
		struct thread *t = &threads[i];

		pthread_join(t->id, NULL);
		done += t->done;
		errors += t->errors;
		again += t->again;
		if (t->longest > longest)
			longest = t->longest;
		for (unsigned b = 0; b < BUCKETS; b++)
			h[b] += t->histogram[b];
	}
	printf("requests=%lld errors=%lld ns=%lld p50=%llu p99=%llu p999=%llu max=%lld again=%lld", (long long)done,
	       (long long)errors, (long long)took, (unsigned long long)quantile(h, (uint64_t)done, 500000),
	       (unsigned long long)quantile(h, (uint64_t)done, 990000),
	       (unsigned long long)quantile(h, (uint64_t)done, 999000), (long long)longest, (long long)again);
	if (rate > 0)
		rate_print(h, (uint64_t)done);
	putchar('\n');
	fflush(stdout);
	wait_for_end();
	return errors != 0;
}

/* ---- the command line ---- */

static void usage(FILE *f)
{
	fputs("usage: load -p PORT [-c CONNECTIONS] [-t THREADS] [-d DEPTH] [-w WARM-UP REQUESTS]\n"
	      "            [-n REQUESTS] [-b] [-T SECONDS] [-u PATH -f FILE]\n"
	      "       load -p PORT [-c ... -T] -m BYTES [-x] [-u PATH]\n"
	      "       load -p PORT -i CONNECTIONS [-b | -m BYTES [-x] [-u PATH]]\n"
	      "       load -p PORT -l CONNECTIONS -u PATH [-s SECONDS]\n"
	      "       load -p PORT -l CONNECTIONS -u PATH -B PATH [-w MESSAGES] [-n MESSAGES] -m BYTES\n"
	      "  -b  send the fields that a browser sends\n"
	      "  -u  the path to ask for, with -f (/plaintext)\n"
	      "  -f  the answer is to be the text of this file; not with -d or -i\n"
	      "  -P  send the same text, by POST\n"
	      "  -R  send so many requests a second, whether answers come or not; not with -d or -k\n"
	      "  -E  until one more line comes; not with -d, -k or -R\n"
	      "  -q  have so many connections more, which do one request each before; not with -m or -f\n"
	      "  -m  send messages of this size to a WebSocket, and wait for their echoes\n"
	      "  -x  as text\n"
	      "  -i  open connections that do one request each, and keep them\n"
	      "  -l  open WebSockets, and count what they are told for some seconds (5)\n"
	      "  -B  have messages published for them, of the size of -m, by another WebSocket at this path\n"
	      "       load -p PORT -k tcp|udp [-c ... -T] [-W] [-r MILLISECONDS]\n"
	      "       load -p PORT -k tcp -i CONNECTIONS\n"
	      "  -a  the server's address, instead of that of the loopback\n"
	      "  -k  send GET /hello by CoAP over this\n"
	      "  -W  the next request goes when one answer has come, not when all have\n"
	      "  -r  send a datagram once more after this time (2000)\n"
	      "  -T  give up after this time (60)\n",
	      f);
}

static int64_t number(char option, const char *s, int64_t min, int64_t max)
{
	char *end;
	long long n = strtoll(s, &end, 10);

	if (*s == 0 || *end != 0 || n < min || n > max) {
		fprintf(stderr, "load: -%c: %s is not a number from %lld to %lld\n", option, s, (long long)min,
			(long long)max);
		exit(2);
	}
	return n;
}

/* read_file reads the text that is to come. */
static void read_file(const char *name)
{
	FILE *f = fopen(name, "rb");
	long size = -1;

	if (f != NULL && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (size < 1 || size > 1 << 30) {
		fprintf(stderr, "load: -f: %s is not a file of 1 byte to 1 GiB\n", name);
		exit(2);
	}
	file_size = (size_t)size;
	file = malloc(file_size);
	rewind(f);
	if (file == NULL || fread(file, 1, file_size, f) != file_size)
		die(name);
	fclose(f);
}

/* make_message makes the message that is sent, lines of 64 bytes. */
static void make_message(size_t size)
{
	message_size = size;
	message = malloc(size + 80);
	if (message == NULL)
		die("memory");
	for (size_t i = 0; i < size; i += 64)
		snprintf(message + i, 80, "%07u %-55s\n", (unsigned)(i / 64), "a bobtail squid, lit from below, casts no shadow");
}

/* make_request makes the request that is sent. */
static void make_request(const char *rest, bool post)
{
	if (!post) {
		if (asprintf(&request, "GET %s%s\r\n", path, rest) < 0)
			die("memory");
		request_size = strlen(request);
		return;
	}
	int head = asprintf(&request, "POST %s%sContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", path, rest, file_size);

	if (head < 0 || (request = realloc(request, (size_t)head + file_size)) == NULL)
		die("memory");
	memcpy(request + head, file, file_size);
	request_size = (size_t)head + file_size;
}

int main(int argc, char **argv)
{
	const char *rest = request_short, *publish = NULL;
	int nthreads = 2, nconns = 64, idle = 0, listeners = 0, quiet = 0, opt;
	bool post = false;
	int port = 0;
	int64_t warm = 0, total = 1000, seconds = 60, listened = 5;
	struct rlimit files;

	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((opt = getopt(argc, argv, "p:a:c:t:d:w:n:i:T:u:f:m:xl:s:k:r:B:q:R:PEWbh")) != -1) {
		switch (opt) {
		case 'p':
			port = (int)number('p', optarg, 1, 65535);
			break;
		case 'c':
			nconns = (int)number('c', optarg, 1, 60000);
			break;
		case 't':
			nthreads = (int)number('t', optarg, 1, MAX_THREADS);
			break;
		case 'd':
			depth = (unsigned)number('d', optarg, 1, MAX_DEPTH);
			break;
		case 'w':
			warm = number('w', optarg, 0, 1000000000);
			break;
		case 'n':
			total = number('n', optarg, 1, 1000000000);
			break;
		case 'i':
			idle = (int)number('i', optarg, 1, 60000);
			break;
		case 'T':
			seconds = number('T', optarg, 1, 3600);
			break;
		case 'b':
			rest = request_browser;
			break;
		case 'u':
			path = optarg;
			break;
		case 'f':
			read_file(optarg);
			break;
		case 'm':
			make_message((size_t)number('m', optarg, 1, MAX_MESSAGE));
			break;
		case 'l':
			listeners = (int)number('l', optarg, 1, 60000);
			break;
		case 's':
			listened = number('s', optarg, 1, 3600);
			break;
		case 'a':
			if (inet_pton(AF_INET, optarg, &server.sin_addr) != 1) {
				fprintf(stderr, "load: -a: %s is no address\n", optarg);
				return 2;
			}
			break;
		case 'k':
			coap = strcmp(optarg, "tcp") == 0 ? OVER_TCP : strcmp(optarg, "udp") == 0 ? OVER_UDP : NO_COAP;
			if (coap == NO_COAP) {
				fprintf(stderr, "load: -k: %s is neither tcp nor udp\n", optarg);
				return 2;
			}
			break;
		case 'r':
			again_after = number('r', optarg, 1, 60000) * 1000000;
			break;
		case 'W':
			sliding = true;
			break;
		case 'B':
			publish = optarg;
			break;
		case 'q':
			quiet = (int)number('q', optarg, 0, 60000);
			break;
		case 'R':
			rate = number('R', optarg, 1, 100000000);
			break;
		case 'E':
			endless = true;
			total = 1000000000000;
			break;
		case 'P':
			post = true;
			break;
		case 'x':
			message_op = OP_TEXT;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (port == 0 || optind != argc || (file != NULL && (depth > 1 || idle > 0 || message != NULL)) ||
	    depth * message_size > MAX_MESSAGE || (coap != NO_COAP && (file != NULL || message != NULL || listeners > 0)) ||
	    (coap == OVER_UDP && idle > 0) || (post && (file == NULL || quiet > 0)) || (quiet > 0 && (file != NULL || message != NULL)) ||
	    (rate > 0 && (depth > 1 || coap != NO_COAP)) || (endless && (depth > 1 || coap != NO_COAP || rate > 0)) ||
	    (publish != NULL && (message == NULL || listeners == 0))) {
		usage(stderr);
		return 2;
	}
	/* A message ID must not come again while the server may remember it, which
	 * is for 247 seconds (RFC 7252 section 4.4). */
	if (coap == OVER_UDP && (warm + total) / nconns > 60000) {
		fputs("load: more than 60000 requests on a UDP socket\n", stderr);
		return 2;
	}
	server.sin_port = htons((uint16_t)port);
	if (nthreads > nconns)
		nthreads = nconns;
	rate_threads = nthreads;
	deadline = now() + seconds * 1000000000;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (message != NULL) {
		request = malloc(MAX_CLIENT_HEADER + message_size);
		if (request == NULL)
			die("memory");
		request_size = frame_make(request, message_op, message, message_size);
	} else {
		make_request(rest, post);
	}
	requests = malloc(depth * request_size);
	if (requests == NULL)
		die("memory");
	for (unsigned i = 0; i < depth; i++)
		memcpy(requests + i * request_size, request, request_size);
	if (publish != NULL)
		return broadcast(path, publish, listeners, warm, total);
	if (listeners > 0)
		return attend(path, listeners, listened * 1000000000);
	if (idle > 0)
		return park(idle);
	return run_load(nthreads, nconns, quiet, warm, total);
}
