/*
 * Requests of CoAP and their answers. Each place of a connection has one request
 * on its way; its number is the last byte of the token, so that answers may come
 * in any order, and each is known to be of a request that waits.
 *
 * Over UDP requests are confirmable, and are sent once more as RFC 7252 section
 * 4.2 says: after again_after and up to half as much more, then after twice that,
 * four times in all. An empty acknowledgement ends that, and the answer that comes
 * by itself is acknowledged (section 5.2.2).
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "coap.h"

enum {
	MAX_REPEATS = 4,  /* MAX_RETRANSMIT of section 4.8 */
	DATAGRAMS = 32,   /* that are received at a time */
	LOOK_EACH = 2000000, /* nanoseconds between two looks at what is overdue */
};

enum transport coap = NO_COAP;
bool sliding = false;
int64_t again_after = 2000000000;

struct exchange {
	bool open;
	bool acknowledged;
	uint8_t repeats;
	uint16_t id;
	uint32_t token;
	int64_t sent; /* for the first time */
	int64_t wait, due;
};

/* random_part is a number below 1 from xorshift64. */
static double random_part(struct thread *t)
{
	uint64_t x = t->random != 0 ? t->random : (uint64_t)now() | 1;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	t->random = x;
	return (double)(x >> 11) / (double)(1ull << 53);
}

void coap_begin(struct conn *c, unsigned number)
{
	/* Others that had this port a minute ago must not have had these too, or
	 * the server would take the requests for theirs (section 4.5). */
	uint32_t start = (uint32_t)(now() >> 10) + number * 7919;

	c->exchanges = calloc(depth, sizeof *c->exchanges);
	if (c->exchanges == NULL)
		die("memory");
	c->turns = start;
	c->id = (uint16_t)(start * 31);
}

static void limit_waiting(int fd)
{
	struct timeval limit = {.tv_sec = 10};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

/* next_message blocks for a message, which must be the only one that has come,
 * and passes over those of the kind `skip`. */
static bool next_message(int fd, struct coap_message *m, enum coap_kind skip, const char **why)
{
	char buf[2 * COAP_MESSAGE];
	size_t have = 0;

	for (;;) {
		ssize_t n = recv(fd, buf + have, sizeof buf - have, 0);

		if (n <= 0) {
			*why = n == 0 ? "the server closed a connection" : strerror(errno);
			return false;
		}
		have += (size_t)n;
		for (;;) {
			long size = coap_read_tcp(buf, have, m, why);

			if (size < 0)
				return false;
			if (size == 0)
				break;
			have -= (size_t)size;
			if (m->kind != skip && m->kind != COAP_NOTHING) {
				*why = "more bytes than were asked for";
				return have == 0;
			}
			memmove(buf, buf + size, have);
		}
	}
}

void coap_open(int fd)
{
	struct coap_message m;
	const char *why;

	if (coap == OVER_UDP)
		return;
	limit_waiting(fd);
	if (send(fd, coap_csm, sizeof coap_csm, MSG_NOSIGNAL) != sizeof coap_csm)
		die("CSM");
	bool ok = next_message(fd, &m, COAP_NOTHING, &why);

	if (ok && m.kind != COAP_CSM) {
		ok = false;
		why = "the first message is no CSM";
	}
	if (!ok) {
		fprintf(stderr, "load: CSM: %s\n", why);
		exit(1);
	}
}

static bool send_datagrams(int fd, char bytes[][COAP_REQUEST], const size_t *sizes, unsigned n)
{
	struct iovec parts[MAX_DEPTH];
	struct mmsghdr all[MAX_DEPTH];
	unsigned sent = 0;

	if (n == 1)
		return send(fd, bytes[0], sizes[0], MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizes[0];
	memset(all, 0, n * sizeof *all);
	for (unsigned i = 0; i < n; i++) {
		parts[i] = (struct iovec){bytes[i], sizes[i]};
		all[i].msg_hdr.msg_iov = &parts[i];
		all[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < n) {
		int r = sendmmsg(fd, all + sent, n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (r <= 0)
			return false;
		sent += (unsigned)r;
	}
	return true;
}

void coap_turn(struct thread *t, struct conn *c, int64_t at)
{
	char bytes[MAX_DEPTH][COAP_REQUEST], stream[MAX_DEPTH * COAP_REQUEST];
	size_t sizes[MAX_DEPTH], size = 0;
	unsigned n = 0;
	bool ok;

	for (unsigned i = 0; i < depth && t->left > 0; i++) {
		struct exchange *x = &c->exchanges[i];

		if (x->open)
			continue;
		t->left--;
		*x = (struct exchange){.open = true, .token = c->turns++ << 8 | i, .sent = at};
		if (coap == OVER_UDP) {
			x->id = c->id++;
			x->wait = again_after + (int64_t)(random_part(t) * (double)again_after / 2);
			x->due = at + x->wait;
			sizes[n] = coap_request_udp(bytes[n], x->token, x->id);
		} else {
			size += coap_request_tcp(stream + size, x->token);
		}
		n++;
	}
	if (n == 0)
		return;
	if (c->pending == 0)
		t->waiting++;
	c->pending += n;
	if (coap == OVER_UDP)
		ok = send_datagrams(c->fd, bytes, sizes, n);
	else
		ok = send(c->fd, stream, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
	if (!ok)
		drop(t, c, "the server does not take requests");
}

/* answered notes an answer; false says that nobody waits for it. */
static bool answered(struct thread *t, struct conn *c, uint32_t token, int64_t at)
{
	unsigned place = token & 0xff;
	struct exchange *x = &c->exchanges[place];

	if (place >= depth || !x->open || x->token != token)
		return false;
	x->open = false;
	note(t, at - x->sent, 1);
	c->pending--;
	return true;
}

/* go_on sends the next requests after so many answers. */
static void go_on(struct thread *t, struct conn *c, unsigned got, int64_t at)
{
	if (got == 0)
		return;
	if (c->pending == 0)
		t->waiting--;
	if (sliding || c->pending == 0)
		coap_turn(t, c, at);
}

static void receive_stream(struct thread *t, struct conn *c)
{
	/* What is kept goes before the new bytes, so that a message is whole. */
	char *p = t->buf + MAX_ANSWER - c->kept, *end;
	ssize_t n = recv(c->fd, t->buf + MAX_ANSWER, RECV_SIZE, MSG_DONTWAIT);
	int64_t at = now();
	unsigned got = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(t, c, n == 0 ? "the server closed a connection" : strerror(errno));
		return;
	}
	memcpy(p, c->part, c->kept);
	end = t->buf + MAX_ANSWER + n;
	while (p < end) {
		struct coap_message m;
		const char *why;
		char pong[10];
		long size = coap_read_tcp(p, (size_t)(end - p), &m, &why);

		if (size == 0)
			break;
		if (size > 0 && m.kind == COAP_ANSWER) {
			if (answered(t, c, m.token, at)) {
				got++;
			} else {
				size = -1;
				why = "an answer that nobody waits for";
			}
		} else if (size > 0 && m.kind == COAP_PING) {
			size_t k = coap_pong(pong, &m);

			if (send(c->fd, pong, k, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)k) {
				size = -1;
				why = "the server does not take a pong";
			}
		}
		if (size < 0) {
			/* Those that have come are not owed any more. */
			if (c->pending == 0 && got > 0)
				t->waiting--;
			drop(t, c, why);
			return;
		}
		p += size;
	}
	c->kept = (size_t)(end - p);
	memcpy(c->part, p, c->kept);
	go_on(t, c, got, at);
}

/* acknowledge ends the repeats of a request. */
static void acknowledge(struct conn *c, uint16_t id)
{
	for (unsigned i = 0; i < depth; i++)
		if (c->exchanges[i].open && c->exchanges[i].id == id)
			c->exchanges[i].acknowledged = true;
}

/* take_datagram returns the number of answers in it, or -1 with the reason. */
static int take_datagram(struct thread *t, struct conn *c, const char *p, size_t n, int64_t at, const char **why)
{
	struct coap_message m;
	char empty[COAP_REQUEST];

	if (coap_read_udp(p, n, &m, why) < 0)
		return -1;
	if (m.kind == COAP_EMPTY) {
		acknowledge(c, m.id);
		return 0;
	}
	if (m.type == COAP_CON)
		send(c->fd, empty, coap_empty_udp(empty, COAP_ACK, m.id), MSG_NOSIGNAL | MSG_DONTWAIT);
	struct exchange *x = &c->exchanges[m.token & 0xff];

	if ((m.token & 0xff) < depth && x->open && x->token == m.token && m.type == COAP_ACK && m.id != x->id) {
		*why = "an acknowledgement of another message";
		return -1;
	}
	if (answered(t, c, m.token, at))
		return 1;
	/* The answer to a request that was sent again may come twice. */
	t->late++;
	if (t->late > t->repeats) {
		*why = "an answer that nobody waits for";
		return -1;
	}
	return 0;
}

static void receive_datagrams(struct thread *t, struct conn *c)
{
	struct iovec parts[DATAGRAMS];
	struct mmsghdr all[DATAGRAMS];
	unsigned most = depth < DATAGRAMS ? depth : DATAGRAMS, got = 0;

	memset(all, 0, most * sizeof *all);
	for (unsigned i = 0; i < most; i++) {
		parts[i] = (struct iovec){t->buf + i * COAP_MESSAGE, COAP_MESSAGE};
		all[i].msg_hdr.msg_iov = &parts[i];
		all[i].msg_hdr.msg_iovlen = 1;
	}
	int n = recvmmsg(c->fd, all, most, MSG_DONTWAIT, NULL);
	int64_t at = now();

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		drop(t, c, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *why = "a datagram that is too long";
		bool whole = (all[i].msg_hdr.msg_flags & MSG_TRUNC) == 0;
		int r = whole ? take_datagram(t, c, parts[i].iov_base, all[i].msg_len, at, &why) : -1;

		if (r < 0) {
			if (c->pending == 0 && got > 0)
				t->waiting--;
			drop(t, c, why);
			return;
		}
		got += (unsigned)r;
	}
	go_on(t, c, got, at);
}

void coap_receive(struct thread *t, struct conn *c)
{
	if (coap == OVER_UDP)
		receive_datagrams(t, c);
	else
		receive_stream(t, c);
}

static void repeat(struct thread *t, struct conn *c, struct exchange *x, int64_t at)
{
	char bytes[COAP_REQUEST];
	size_t size = coap_request_udp(bytes, x->token, x->id);

	if (x->repeats == MAX_REPEATS) {
		drop(t, c, "no answer to a request, nor to its repetitions");
		return;
	}
	x->repeats++;
	x->wait *= 2;
	x->due = at + x->wait;
	t->again++;
	t->repeats++;
	if (send(c->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size)
		drop(t, c, "the server does not take requests");
}

void coap_overdue(struct thread *t, int64_t at)
{
	if (coap != OVER_UDP || at - t->looked < LOOK_EACH)
		return;
	t->looked = at;
	for (unsigned i = 0; i < t->count; i++) {
		struct conn *c = &t->conns[i];

		for (unsigned j = 0; j < depth && c->fd >= 0; j++) {
			struct exchange *x = &c->exchanges[j];

			if (x->open && !x->acknowledged && x->due <= at)
				repeat(t, c, x, at);
		}
	}
}

bool coap_once(int fd)
{
	struct coap_message m;
	const char *why;
	char bytes[COAP_REQUEST];
	size_t size = coap_request_tcp(bytes, 1);

	limit_waiting(fd);
	if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) {
		complain("a connection to be parked: %s", strerror(errno));
		return false;
	}
	if (!next_message(fd, &m, COAP_PING, &why)) {
		complain("a connection to be parked: %s", why);
		return false;
	}
	if (m.kind != COAP_ANSWER || m.token != 1) {
		complain("a connection to be parked: not the answer to the request");
		return false;
	}
	return true;
}

bool coap_quiet(int fd)
{
	struct coap_message m;
	const char *why;
	char buf[10];
	ssize_t n = recv(fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && coap_read_tcp(buf, (size_t)n, &m, &why) > 0 && m.kind == COAP_PING;
}
