/*
 * The floor for WebSockets (RFC 6455): it answers the upgrade and sends the
 * payload of each frame back under the same opcode, a ping's under that of a
 * pong, and a close frame before it closes.
 *
 * A readable connection costs one recv and one send. Payload is unmasked where it
 * lies, and the reply's header, which is shorter by the key, goes right before
 * it; the answers to further frames of the same recv are moved up behind. A
 * frame that has come in part is answered in part, so that nothing is kept but
 * how much of it is to come. Of the rules only those are looked at that the next
 * byte's meaning depends on: who breaks one is cut off without a word.
 *
 * What does not fit the socket's buffer is kept until there is room, and nothing
 * is received meanwhile.
 *
 * What is published goes to all others, one send each, by the thread that has
 * received it, and nothing is kept: who does not take all of it at once is cut off.
 */
#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "keys are rotated to the right");

enum {
	MAX_HEADER = 14,
	MAX_HEAD = 4096, /* bytes of a request to upgrade */

	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10,
};

struct conn {
	char *kept;    /* of the request, or of what is to be sent; else NULL */
	uint32_t size; /* bytes of it */
	uint32_t key;  /* of the frame at hand, turned to its next byte */
	uint64_t left; /* bytes of its payload that are still to come */
	bool upgraded;
	bool silent;   /* a pong, which is not answered */
	bool closing;  /* a close frame, the last */
	uint8_t have;  /* bytes of a header that has come in part */
	char part[MAX_HEADER];
};

static struct conn conns[MAX_FD];

static bool publishes;
static atomic_int after_last; /* descriptor of a connection */
static atomic_bool listens[MAX_FD];

static void end(int fd)
{
	listens[fd] = false;
	free(conns[fd].kept);
	conns[fd].kept = NULL;
	close(fd);
}

void frames_begin(int fd)
{
	memset(&conns[fd], 0, sizeof conns[fd]);
}

void frames_publish(void)
{
	publishes = true;
}

/* publish sends bytes to all who listen but one. Each belongs to a thread, which
 * alone may close it, and learns of its end by its epoll. */
static void publish(int but, const char *p, size_t n)
{
	for (int fd = 0; fd < after_last; fd++)
		if (atomic_load_explicit(&listens[fd], memory_order_relaxed) && fd != but &&
		    send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
			shutdown(fd, SHUT_RDWR);
}

/* enter has a connection listen. */
static void enter(int fd)
{
	int after = after_last;

	while (after <= fd && !atomic_compare_exchange_weak(&after_last, &after, fd + 1))
		;
	listens[fd] = true;
}

/* keep copies bytes for later. */
static bool keep(struct conn *c, const char *p, size_t n)
{
	char *b = realloc(c->kept, c->size + n);

	if (b == NULL)
		return false;
	memcpy(b + c->size, p, n);
	c->kept = b;
	c->size += (uint32_t)n;
	return true;
}

/* put sends bytes, and keeps those for which there is no room. It ends a
 * connection that has nothing to come. It returns false if the connection has
 * ended. */
static bool put(struct thread *t, int fd, const char *p, size_t n)
{
	struct conn *c = &conns[fd];
	ssize_t sent = c->size > 0 ? 0 : send(fd, p, n, MSG_NOSIGNAL);

	if (sent < 0 && errno == EAGAIN)
		sent = 0;
	if (sent < 0 || ((size_t)sent == n && c->closing && c->left == 0) ||
	    ((size_t)sent < n && !keep(c, p + sent, n - (size_t)sent))) {
		end(fd);
		return false;
	}
	if (c->size > 0)
		watch(t, fd, EPOLLOUT);
	return true;
}

/* go_on sends what was kept. */
static void go_on(struct thread *t, int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n = send(fd, c->kept, c->size, MSG_NOSIGNAL);

	if (n < 0) {
		if (errno != EAGAIN)
			end(fd);
		return;
	}
	c->size -= (uint32_t)n;
	if (c->size > 0) {
		memmove(c->kept, c->kept + n, c->size);
		return;
	}
	free(c->kept);
	c->kept = NULL;
	if (c->closing && c->left == 0)
		end(fd);
	else
		watch(t, fd, EPOLLIN);
}

/* ---- the handshake ---- */

static uint32_t left_by(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* sha1 is that of the n bytes at p, at most 119. */
static void sha1(const char *p, size_t n, uint8_t sum[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, w[80];
	uint8_t text[128] = {0};
	size_t size = n < 56 ? 64 : 128;

	memcpy(text, p, n);
	text[n] = 0x80;
	text[size - 2] = (uint8_t)(n * 8 >> 8);
	text[size - 1] = (uint8_t)(n * 8);
	for (size_t at = 0; at < size; at += 64) {
		uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

		for (int i = 0; i < 16; i++) {
			uint32_t x;

			memcpy(&x, text + at + 4 * i, 4);
			w[i] = __builtin_bswap32(x);
		}
		for (int i = 16; i < 80; i++)
			w[i] = left_by(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
		for (int i = 0; i < 80; i++) {
			uint32_t f, k;

			if (i < 20)
				f = (b & c) | (~b & d), k = 0x5a827999;
			else if (i < 40)
				f = b ^ c ^ d, k = 0x6ed9eba1;
			else if (i < 60)
				f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
			else
				f = b ^ c ^ d, k = 0xca62c1d6;
			f += left_by(a, 5) + e + k + w[i];
			e = d;
			d = c;
			c = left_by(b, 30);
			b = a;
			a = f;
		}
		h[0] += a;
		h[1] += b;
		h[2] += c;
		h[3] += d;
		h[4] += e;
	}
	for (int i = 0; i < 5; i++) {
		uint32_t x = __builtin_bswap32(h[i]);

		memcpy(sum + 4 * i, &x, 4);
	}
}

/* base64 writes the 28 characters of a SHA-1. */
static char *base64(char *out, const uint8_t sum[20])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int i = 0; i < 21; i += 3) {
		uint32_t x = (uint32_t)sum[i] << 16 | (uint32_t)sum[i + 1] << 8 | (i < 18 ? sum[i + 2] : 0);

		*out++ = digits[x >> 18];
		*out++ = digits[x >> 12 & 63];
		*out++ = digits[x >> 6 & 63];
		*out++ = i < 18 ? digits[x & 63] : '=';
	}
	return out;
}

/* upgrade answers a request of n bytes, the blank line included. */
static bool upgrade(struct thread *t, int fd, const char *p, size_t n)
{
	static const char name[] = "\r\nSec-WebSocket-Key:", guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
			  head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				   "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
	const char *stop = p + n - 24;
	char text[24 + sizeof guid], answer[sizeof head + 32], *out;
	uint8_t sum[20];

	/* The head ends with a blank line, beyond which nothing is compared. */
	while (p < stop && strncasecmp(p, name, sizeof name - 1) != 0)
		p++;
	if (p < stop)
		for (p += sizeof name - 1; *p == ' '; p++)
			;
	if (p >= stop) {
		end(fd);
		return false;
	}
	memcpy(text, p, 24);
	memcpy(text + 24, guid, sizeof guid);
	sha1(text, 24 + sizeof guid - 1, sum);
	memcpy(answer, head, sizeof head);
	out = base64(answer + sizeof head - 1, sum);
	memcpy(out, "\r\n\r\n", 4);
	conns[fd].upgraded = true;
	if (!put(t, fd, answer, (size_t)(out + 4 - answer)))
		return false;
	if (publishes)
		enter(fd);
	return true;
}

/* ---- frames ---- */

/* unmask is worth the vectors that the compiler makes of it at -O3. */
__attribute__((optimize("O3"))) static uint32_t unmask(char *p, size_t n, uint32_t key)
{
	uint64_t two = (uint64_t)key << 32 | key, x;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		memcpy(&x, p + i, 8);
		x ^= two;
		memcpy(p + i, &x, 8);
	}
	for (; i < n; i++, two = two >> 8 | two << 56)
		p[i] ^= (char)two;
	return (uint32_t)two;
}

/* header_size is that of the header at p, of which two bytes are there. */
static size_t header_size(const char *p)
{
	unsigned n = (uint8_t)p[1] & 127;

	return n < 126 ? 6 : n == 126 ? 8 : 14;
}

/* begin takes up the frame whose header is at p, whole. It returns the size of
 * the header of the answer, which it writes to out, or -1. */
static int begin(struct conn *c, const char *p, char *out)
{
	unsigned first = (uint8_t)p[0], op = first & 15, size = (uint8_t)p[1] & 127;
	size_t header = header_size(p);
	int n = 2;

	if ((first & 0x70) != 0 || ((uint8_t)p[1] & 0x80) == 0 || (op > 2 && op < OP_CLOSE) || op > OP_PONG ||
	    (op >= OP_CLOSE && (first < 0x80 || size > 125)))
		return -1;
	c->left = size;
	if (size == 126) {
		c->left = (uint64_t)(uint8_t)p[2] << 8 | (uint8_t)p[3];
		n = 4;
	} else if (size == 127) {
		memcpy(&c->left, p + 2, 8);
		c->left = __builtin_bswap64(c->left);
		n = 10;
	}
	memcpy(&c->key, p + header - 4, 4);
	c->closing = op == OP_CLOSE;
	c->silent = op == OP_PONG;
	if (c->silent)
		return 0;
	memmove(out + 2, p + 2, (size_t)n - 2); /* out may lie within the header */
	out[0] = (char)(op == OP_PING ? 0x80 | OP_PONG : first);
	out[1] = (char)size;
	return n;
}

/* answer does so to the bytes from p to stop. What it makes of them is never
 * longer than they are, and goes where they were. */
static void answer(struct thread *t, int fd, char *p, char *stop)
{
	struct conn *c = &conns[fd];
	char *from = NULL, *to = NULL;

	for (;;) {
		size_t have = (size_t)(stop - p);

		if (c->left > 0) {
			size_t n = c->left < have ? (size_t)c->left : have;

			if (!c->silent) {
				c->key = unmask(p, n, c->key);
				if (to == NULL)
					from = to = p;
				else if (to != p)
					memmove(to, p, n);
				to += n;
			}
			p += n;
			c->left -= n;
			if (c->left > 0)
				break;
			continue;
		}
		if (c->closing)
			break;
		if (have < 2 || have < header_size(p)) {
			memcpy(c->part, p, have);
			c->have = (uint8_t)have;
			break;
		}
		size_t size = header_size(p);

		if (to == NULL)
			from = to = p + 4; /* so that the payload need not be moved */
		int n = begin(c, p, to);

		if (n < 0) {
			end(fd);
			return;
		}
		to += n;
		p += size;
	}
	if (to > from && publishes)
		publish(fd, from, (size_t)(to - from));
	else if (to > from)
		put(t, fd, from, (size_t)(to - from));
}

void frames_serve(struct thread *t, int fd)
{
	struct conn *c = &conns[fd];

	if (c->upgraded && c->kept != NULL) {
		go_on(t, fd);
		return;
	}
	/* What came of a header goes before the new bytes. */
	char *p = t->frames, *stop;
	ssize_t n = recv(fd, p + c->have, FRAMES_SIZE - c->have, 0);

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			end(fd);
		return;
	}
	memcpy(p, c->part, c->have);
	stop = p + c->have + n;
	c->have = 0;
	if (!c->upgraded) {
		bool whole = c->kept == NULL;
		char *blank, *head = p;
		size_t size = (size_t)n;

		if (!whole) {
			if (!keep(c, p, (size_t)n)) {
				end(fd);
				return;
			}
			head = c->kept;
			size = c->size;
		}
		blank = memmem(head, size, "\r\n\r\n", 4);
		if (blank == NULL) {
			if (size > MAX_HEAD || (whole && !keep(c, p, (size_t)n)))
				end(fd);
			return;
		}
		/* Nothing is kept any more, and what is behind the head came last. */
		p = stop - (head + size - (blank + 4));
		c->kept = NULL;
		c->size = 0;
		bool ok = upgrade(t, fd, head, (size_t)(blank + 4 - head));

		if (!whole)
			free(head);
		if (!ok || p == stop)
			return;
	}
	answer(t, fd, p, stop);
}
