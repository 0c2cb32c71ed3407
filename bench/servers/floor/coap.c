/*
 * The floor for CoAP: each request is answered with its token and fixed bytes,
 * and of a message only what says how long it is and where its token lies is read.
 *
 * Over TCP (RFC 8323) a connection begins with a Capabilities and Settings
 * Message; a readable one costs one recv, and one send for all answers. A message
 * that has come in part is kept. Over UDP (RFC 7252) as many datagrams as are
 * there, up to BATCH, are received by one system call and answered by another,
 * and an empty message is answered by a reset, which makes it a ping.
 */
#define _GNU_SOURCE
#include "floor.h"

#include <stdbool.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_MESSAGE = 1152, /* the base value of RFC 8323 section 5.3.1 */
	MAX_TOKEN = 8,
	MAX_ANSWER = 3 + MAX_TOKEN + 15,
	MAX_DATAGRAM = 4 + MAX_TOKEN + 15,
	ANSWERS = 32 << 10, /* bytes that are sent at once */
	BATCH = 64,

	CODE_CONTENT = 0x45,
	CON = 0,
	ACK = 2,
	RST = 3,
};

/* Content-Format 0, the marker, and the payload. */
static const char content[15] = "\xc0\xffHello, World!";

static const char csm[2] = {0x00, (char)0xe1};

static struct {
	char *part; /* of a message, else NULL */
	size_t size;
} kept[MAX_FD];

static void end(int fd)
{
	free(kept[fd].part);
	kept[fd].part = NULL;
	kept[fd].size = 0;
	close(fd);
}

void coap_begin(int fd)
{
	if (send(fd, csm, sizeof csm, MSG_NOSIGNAL) != sizeof csm)
		end(fd);
}

/* message_size is that of the message at p, 0 if the n bytes do not tell, and -1
 * if it is too long. *head is where its token begins. */
static long message_size(const char *p, size_t n, size_t *head)
{
	const uint8_t *b = (const uint8_t *)p;
	size_t more, size;

	if (n < 2)
		return 0;
	more = b[0] >> 4 < 13 ? 0 : b[0] >> 4 == 15 ? 4 : (b[0] >> 4) - 12;
	if (n < 2 + more)
		return 0;
	*head = 2 + more;
	size = b[0] >> 4;
	if (more == 1)
		size = 13u + b[1];
	else if (more == 2)
		size = 269u + ((unsigned)b[1] << 8 | b[2]);
	else if (more == 4)
		return -1;
	size += *head + (b[0] & 15);
	return size > MAX_MESSAGE || (b[0] & 15) > MAX_TOKEN ? -1 : (long)size;
}

/* answer writes the answer to the request at p, and returns where it ends. */
static char *answer(char *out, const char *p, size_t head)
{
	size_t token = p[0] & 15;

	*out++ = (char)(13 << 4 | token);
	*out++ = sizeof content - 13;
	*out++ = CODE_CONTENT;
	memcpy(out, p + head, token);
	memcpy(out + token, content, sizeof content);
	return out + token + sizeof content;
}

static bool is_request(uint8_t code) { return code > 0 && code < 32; }

void coap_serve(struct thread *t, int fd)
{
	size_t before = kept[fd].size;
	ssize_t n = recv(fd, t->buf + before, sizeof t->buf - before, 0);
	char out[ANSWERS], *to = out, *p = t->buf, *stop;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(fd);
		return;
	}
	if (before > 0) {
		memcpy(p, kept[fd].part, before);
		free(kept[fd].part);
		kept[fd].part = NULL;
		kept[fd].size = 0;
	}
	stop = p + before + n;
	while (p < stop) {
		size_t head;
		long size = message_size(p, (size_t)(stop - p), &head);

		if (size < 0) {
			end(fd);
			return;
		}
		if (size == 0 || size > stop - p)
			break;
		if (is_request((uint8_t)p[head - 1]))
			to = answer(to, p, head);
		p += size;
		if (out + ANSWERS - to < MAX_ANSWER || p == stop) {
			if (to > out && send(fd, out, (size_t)(to - out), MSG_NOSIGNAL) != to - out) {
				end(fd);
				return;
			}
			to = out;
		}
	}
	if (to > out && send(fd, out, (size_t)(to - out), MSG_NOSIGNAL) != to - out) {
		end(fd);
		return;
	}
	if (p == stop)
		return;
	kept[fd].part = malloc((size_t)(stop - p));
	if (kept[fd].part == NULL) {
		end(fd);
		return;
	}
	kept[fd].size = (size_t)(stop - p);
	memcpy(kept[fd].part, p, kept[fd].size);
}

/* answer_datagram writes the answer to a datagram and returns its size, 0 for none. */
static size_t answer_datagram(char *out, const char *p, size_t n)
{
	size_t token = p[0] & 15;
	unsigned type = (uint8_t)p[0] >> 4 & 3;

	if (n < 4 || type == ACK || type == RST || (uint8_t)p[0] >> 6 != 1 || token > MAX_TOKEN || n < 4 + token)
		return 0;
	memcpy(out, p, 4 + token);
	if (p[1] == 0 && type == CON && n == 4) {
		out[0] = (char)(1 << 6 | RST << 4);
		return 4;
	}
	if (!is_request((uint8_t)p[1]))
		return 0;
	out[0] = (char)(1 << 6 | (type == CON ? ACK : type) << 4 | token);
	out[1] = CODE_CONTENT;
	memcpy(out + 4 + token, content, sizeof content);
	return 4 + token + sizeof content;
}

void coap_serve_datagrams(struct thread *t, int fd)
{
	static _Thread_local struct sockaddr_storage from[BATCH];
	char out[BATCH][MAX_DATAGRAM];
	struct mmsghdr in[BATCH], back[BATCH];
	struct iovec parts[BATCH], answers[BATCH];
	int answered = 0;

	memset(in, 0, sizeof in);
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){t->frames + i * MAX_MESSAGE, MAX_MESSAGE};
		in[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1};
	}
	int n = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++) {
		size_t size = answer_datagram(out[answered], parts[i].iov_base, in[i].msg_len);

		if (size == 0)
			continue;
		answers[answered] = (struct iovec){out[answered], size};
		back[answered].msg_hdr = (struct msghdr){.msg_name = in[i].msg_hdr.msg_name,
			.msg_namelen = in[i].msg_hdr.msg_namelen, .msg_iov = &answers[answered], .msg_iovlen = 1};
		answered++;
	}
	/* What there is no room for is lost, as datagrams are. */
	if (answered > 0)
		sendmmsg(fd, back, (unsigned)answered, MSG_DONTWAIT);
}
