/*
 * floor: the least that an HTTP server on Linux can do, as a measure for others.
 *
 * One thread a core, each with an epoll and a listening socket of its own
 * (SO_REUSEPORT). A readable connection costs one recv and one send: the bytes
 * are scanned for blank lines, each of which is taken for the end of a request,
 * and as many copies of a fixed answer are sent at once. Nothing is parsed and
 * there are no deadlines. A client that does not read its answers is cut off.
 *
 * What a connection costs in memory is the byte of `matched` that says how much
 * of a blank line its last bytes were.
 *
 * With -f each request is answered with the text of a file: from memory, in one
 * system call, if it is short, and by sendfile otherwise, which copies nothing
 * but takes a call of its own. What does not fit the socket's buffer goes when
 * there is room again. Such a client asks when it has the last answer.
 *
 * With -e each request has content of that many bytes, which is the answer's, and
 * is sent back as it comes.
 *
 * With -w connections are WebSockets, and frames.c has what is done for them. With
 * -b in addition, a message goes to all others instead of back.
 *
 * With -c or -u it answers requests of CoAP, over TCP or UDP, and coap.c has that.
 *
 * usage: floor [-a ADDRESS] -p PORT [-t THREADS] [-f FILE | -e BYTES | -w [-b] | -c | -u]
 * It prints "ready" once it listens, and runs until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor.h"

enum {
	EVENTS = 256,
	/* The shortest request is longer than 16 bytes, so that no more answers
	 * than this can be owed for one recv. */
	MAX_ANSWERS = RECV_SIZE / 16,
	/* Room for a head, before what is received. */
	HEAD_ROOM = 256,
	MAX_ECHO = 1 << 30,
	/* From here on sendfile costs less than copying. */
	LONG_FILE = 64 << 10,
	MAX_FILE = 1 << 30,
};

static const char answer[] =
	"HTTP/1.1 200 OK\r\n"
	"Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
	"Content-Type: text/plain\r\n"
	"Content-Length: 13\r\n"
	"\r\n"
	"Hello, World!";

#define ANSWER_SIZE (sizeof answer - 1)

static char answers[MAX_ANSWERS * ANSWER_SIZE];
static uint8_t matched[MAX_FD]; /* bytes of "\r\n\r\n" that ended the last recv */

static char head[HEAD_ROOM]; /* of the answer with a file */
static size_t head_size;
static int file = -1;     /* open, if it is long */
static char *text;        /* head and content, if it is short */
static off_t file_size;
static off_t left[MAX_FD]; /* bytes of the file, or of text, that are still to be sent */

static off_t echoed; /* bytes of content of each request, which is sent back */

static int frames;    /* whether connections are WebSockets */
static int coap;      /* whether they speak CoAP */
static int datagrams; /* whether it is CoAP over UDP */

static struct in_addr host; /* to listen on */

static struct thread threads[MAX_THREADS];

void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* step is the state of the match after one more byte. */
static unsigned step(unsigned state, char c)
{
	if (c == '\r')
		return state == 2 ? 3 : 1;
	if (c == '\n' && (state == 1 || state == 3))
		return state + 1;
	return 0;
}

/* behind returns where the first blank line ends in the bytes from p to end, or
 * NULL, and keeps in *state what they leave begun. */
static inline const char *behind(const char *p, const char *end, uint8_t *state)
{
	unsigned s = *state;

	*state = 0;
	for (;;) {
		/* Inside a match, byte by byte; outside, from one CR to the next. */
		while (s != 0 && p < end) {
			s = step(s, *p++);
			if (s == 4)
				return p;
		}
		if (p == end)
			break;
		p = memchr(p, '\r', (size_t)(end - p));
		if (p == NULL)
			return NULL;
		p++;
		s = 1;
	}
	*state = (uint8_t)s;
	return NULL;
}

/* count returns the number of blank lines that end in the n bytes at p, and
 * keeps in *state what they leave begun. */
static size_t count(const char *p, size_t n, uint8_t *state)
{
	const char *end = p + n;
	size_t found = 0;

	while ((p = behind(p, end, state)) != NULL)
		found++;
	return found;
}

void watch(struct thread *t, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	if (epoll_ctl(t->epoll, EPOLL_CTL_MOD, fd, &ev) < 0)
		die("epoll_ctl");
}

/* go_on sends what is left, as far as there is room. fresh says that nothing of
 * it was sent, and that the epoll does not tell of room. */
static void go_on(struct thread *t, int fd, int fresh)
{
	if (fresh && text == NULL && send(fd, head, head_size, MSG_NOSIGNAL | MSG_MORE) != (ssize_t)head_size) {
		close(fd);
		return;
	}
	while (left[fd] > 0) {
		off_t at = file_size - left[fd];
		ssize_t n = text != NULL ? send(fd, text + at, (size_t)left[fd], MSG_NOSIGNAL)
					 : sendfile(fd, file, &at, (size_t)left[fd]);

		if (n < 0 && errno == EAGAIN) {
			if (fresh)
				watch(t, fd, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n <= 0) {
			left[fd] = 0;
			close(fd);
			return;
		}
		left[fd] -= n;
	}
	if (!fresh)
		watch(t, fd, EPOLLIN);
}

static void serve_file(struct thread *t, int fd)
{
	if (left[fd] > 0) {
		go_on(t, fd, 0);
		return;
	}
	ssize_t n = recv(fd, t->buf, sizeof t->buf, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	if (count(t->buf, (size_t)n, &matched[fd]) > 0) {
		left[fd] = file_size;
		go_on(t, fd, 1);
	}
}

/* serve_echo sends content back. A head is followed by content, and the answer's,
 * which is shorter than a request's may be, goes right before that. */
static void serve_echo(struct thread *t, int fd)
{
	char *p = t->frames + HEAD_ROOM, *end;
	ssize_t n = recv(fd, p, FRAMES_SIZE - HEAD_ROOM, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	for (end = p + n; p < end;) {
		char *from = p;

		if (left[fd] == 0) {
			p = (char *)behind(p, end, &matched[fd]);
			if (p == NULL)
				return;
			from = p - head_size;
			memcpy(from, head, head_size);
			left[fd] = echoed;
		}
		size_t piece = (off_t)(end - p) < left[fd] ? (size_t)(end - p) : (size_t)left[fd];

		p += piece;
		left[fd] -= (off_t)piece;
		if (send(fd, from, (size_t)(p - from), MSG_NOSIGNAL) != p - from) {
			close(fd);
			return;
		}
	}
}

static void serve(struct thread *t, int fd)
{
	ssize_t n = recv(fd, t->buf, sizeof t->buf, 0);

	if (n <= 0) {
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		close(fd);
		return;
	}
	size_t found = count(t->buf, (size_t)n, &matched[fd]);

	if (found == 0)
		return;
	if (found > MAX_ANSWERS) {
		close(fd);
		return;
	}
	size_t size = found * ANSWER_SIZE;

	if (send(fd, answers, size, MSG_NOSIGNAL) != (ssize_t)size)
		close(fd);
}

static void admit(struct thread *t)
{
	int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return;
	if (fd >= MAX_FD || epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		close(fd);
		return;
	}
	matched[fd] = 0;
	left[fd] = 0;
	if (frames)
		frames_begin(fd);
	if (coap)
		coap_begin(fd);
}

static void *run(void *arg)
{
	struct thread *t = arg;
	struct epoll_event ev[EVENTS];

	for (;;) {
		int n = epoll_wait(t->epoll, ev, EVENTS, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (datagrams)
				coap_serve_datagrams(t, ev[i].data.fd);
			else if (ev[i].data.fd == t->listener)
				admit(t);
			else if (coap)
				coap_serve(t, ev[i].data.fd);
			else if (frames)
				frames_serve(t, ev[i].data.fd);
			else if (echoed > 0)
				serve_echo(t, ev[i].data.fd);
			else if (file_size > 0)
				serve_file(t, ev[i].data.fd);
			else
				serve(t, ev[i].data.fd);
		}
	}
	return NULL;
}

static void listen_on(struct thread *t, int port)
{
	int one = 1;
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = host,
	};

	t->listener = socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->listener < 0)
		die("socket");
	setsockopt(t->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(t->listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	/* Accepted sockets inherit it. */
	setsockopt(t->listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(t->listener, (struct sockaddr *)&addr, sizeof addr) < 0)
		die("bind");
	if (!datagrams && listen(t->listener, 4096) < 0)
		die("listen");

	struct epoll_event ev = {.events = EPOLLIN, .data.fd = t->listener};

	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0 || epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->listener, &ev) < 0)
		die("epoll");
}

static int number(const char *s, int max)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*s == 0 || *end != 0 || n < 1 || n > max) {
		fprintf(stderr, "floor: %s is not a number from 1 to %d\n", s, max);
		exit(2);
	}
	return (int)n;
}

static void make_head(off_t size)
{
	head_size = (size_t)snprintf(head, sizeof head,
				     "HTTP/1.1 200 OK\r\n"
				     "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
				     "Content-Type: text/plain\r\n"
				     "Content-Length: %lld\r\n"
				     "\r\n",
				     (long long)size);
}

static void open_file(const char *name)
{
	struct stat st;

	file = open(name, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) < 0)
		die(name);
	if (st.st_size < 1 || st.st_size > MAX_FILE) {
		fprintf(stderr, "floor: %s is empty or too long\n", name);
		exit(2);
	}
	file_size = st.st_size;
	make_head(file_size);
	if (file_size >= LONG_FILE)
		return;
	text = malloc(head_size + (size_t)file_size);
	if (text == NULL)
		die("memory");
	memcpy(text, head, head_size);
	if (read(file, text + head_size, (size_t)file_size) != file_size)
		die(name);
	file_size += (off_t)head_size;
}

int main(int argc, char **argv)
{
	int port = 0, count_threads = (int)sysconf(_SC_NPROCESSORS_ONLN), opt;

	host.s_addr = htonl(INADDR_LOOPBACK);
	while ((opt = getopt(argc, argv, "a:p:t:f:e:wbcu")) != -1) {
		switch (opt) {
		case 'a':
			if (inet_pton(AF_INET, optarg, &host) != 1) {
				fprintf(stderr, "floor: %s is no address\n", optarg);
				return 2;
			}
			break;
		case 'p':
			port = number(optarg, 65535);
			break;
		case 't':
			count_threads = number(optarg, MAX_THREADS);
			break;
		case 'f':
			open_file(optarg);
			break;
		case 'e':
			echoed = number(optarg, MAX_ECHO);
			make_head(echoed);
			break;
		case 'w':
			frames = 1;
			break;
		case 'b':
			frames_publish();
			break;
		case 'c':
			coap = 1;
			break;
		case 'u':
			datagrams = 1;
			break;
		default:
			return 2;
		}
	}
	if (port == 0 || optind != argc) {
		fprintf(stderr, "usage: floor [-a ADDRESS] -p PORT [-t THREADS] [-f FILE | -e BYTES | -w [-b] | -c | -u]\n");
		return 2;
	}
	if (count_threads > MAX_THREADS)
		count_threads = MAX_THREADS;

	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; i < MAX_ANSWERS; i++)
		memcpy(answers + i * ANSWER_SIZE, answer, ANSWER_SIZE);

	/* All listen before any serves, so that "ready" means all of them. */
	for (int i = 0; i < count_threads; i++)
		listen_on(&threads[i], port);
	for (int i = 1; i < count_threads; i++)
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
			die("pthread_create");
	puts("ready");
	fflush(stdout);
	run(&threads[0]);
}
