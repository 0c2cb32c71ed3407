#define _GNU_SOURCE
#include "frames.h"

#include <string.h>
#include <strings.h>

/* The key of section 1.3, which all connections send, and what it asks for. */
const char upgrade_request[] =
	" HTTP/1.1\r\n"
	"Host: 127.0.0.1\r\n"
	"Upgrade: websocket\r\n"
	"Connection: Upgrade\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Sec-WebSocket-Version: 13\r\n"
	"\r\n";

static const char accept_key[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static int bad(const char **why, const char *reason)
{
	*why = reason;
	return -1;
}

size_t frame_make(char *out, unsigned op, const char *p, size_t n)
{
	static const char key[4] = {0x37, (char)0xfa, 0x21, 0x3d};
	char *b = out;

	*b++ = (char)(0x80 | op);
	if (n < 126) {
		*b++ = (char)(0x80 | n);
	} else if (n <= 0xffff) {
		*b++ = (char)(0x80 | 126);
		*b++ = (char)(n >> 8);
		*b++ = (char)n;
	} else {
		*b++ = (char)(0x80 | 127);
		for (int shift = 56; shift >= 0; shift -= 8)
			*b++ = (char)((uint64_t)n >> shift);
	}
	memcpy(b, key, 4);
	b += 4;
	for (size_t i = 0; i < n; i++)
		*b++ = (char)(p[i] ^ key[i & 3]);
	return (size_t)(b - out);
}

int upgrade_parse(const char *p, size_t n, const char **why)
{
	static const char status[] = "HTTP/1.1 101 ";
	const char *end = memmem(p, n, "\r\n\r\n", 4), *line = p, *eol;
	bool upgrade = false, connection = false, accepted = false;

	if (memcmp(p, status, n < sizeof status - 1 ? n : sizeof status - 1) != 0)
		return bad(why, "not a status line with 101");
	if (end == NULL)
		return n < 4096 ? 0 : bad(why, "head too long");
	while ((eol = memmem(line, (size_t)(end + 2 - line), "\r\n", 2)) < end) {
		line = eol + 2;
		eol = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		const char *colon = memchr(line, ':', (size_t)(eol - line)), *value;

		if (colon == NULL)
			return bad(why, "field without a name");
		for (value = colon + 1; *value == ' '; value++)
			;
		size_t name = (size_t)(colon - line), size = (size_t)(eol - value);

		if (name == 7 && strncasecmp(line, "upgrade", name) == 0)
			upgrade = size == 9 && strncasecmp(value, "websocket", size) == 0;
		else if (name == 10 && strncasecmp(line, "connection", name) == 0)
			connection = size == 7 && strncasecmp(value, "upgrade", size) == 0;
		else if (name == 20 && strncasecmp(line, "sec-websocket-accept", name) == 0)
			accepted = size == sizeof accept_key - 1 && memcmp(value, accept_key, size) == 0;
		else if (name == 24 && strncasecmp(line, "sec-websocket-extensions", name) == 0)
			return bad(why, "an extension that was not asked for");
	}
	if (!upgrade)
		return bad(why, "no Upgrade: websocket");
	if (!connection)
		return bad(why, "no Connection: upgrade");
	if (!accepted)
		return bad(why, "no Sec-WebSocket-Accept for the key");
	return (int)(end + 4 - p);
}

/* header_size is that of the header at p, of which two bytes are there. */
static unsigned header_size(const char *p)
{
	unsigned n = (uint8_t)p[1] & 127;

	return n < 126 ? 2 : n == 126 ? 4 : MAX_SERVER_HEADER;
}

/* take_header reads the header that is in e, whole. */
static int take_header(struct echo *e, unsigned op, size_t text, const char **why)
{
	const uint8_t *h = (const uint8_t *)e->header;
	unsigned size = header_size(e->header);
	uint64_t least = size == 2 ? 0 : size == 4 ? 126 : 65536;

	e->have = 0;
	e->controls = 0;
	e->op = h[0] & 15;
	e->last = (h[0] & 0x80) != 0;
	if ((h[0] & 0x70) != 0)
		return bad(why, "a reserved bit is set");
	if ((h[1] & 0x80) != 0)
		return bad(why, "a masked frame");
	e->left = size == 2 ? h[1] : 0;
	for (unsigned i = 2; i < size; i++)
		e->left = e->left << 8 | h[i];
	if (e->left < least)
		return bad(why, "not the shortest form of a length");
	if (e->op >= OP_CLOSE) {
		if (e->op == OP_CLOSE)
			return bad(why, "a close frame");
		if (e->op > OP_PONG)
			return bad(why, "an unknown opcode");
		if (!e->last || e->left > MAX_CONTROL)
			return bad(why, "a control frame that is too long, or not the last");
		return 0;
	}
	if (e->op != (e->amid ? 0 : op))
		return bad(why, "not the opcode that was sent");
	if (e->left > text - e->at)
		return bad(why, "more bytes than were sent");
	e->amid = true;
	return 0;
}

enum { LOOK = 64 }; /* bytes of a piece that are compared */

long echo_read(struct echo *e, const char *p, size_t n, unsigned op, const char *text, size_t size, bool some,
	       enum event *event, const char **why)
{
	const char *start = p, *end = p + n;

	*event = NOTHING;
	for (;;) {
		if (!e->in_frame) {
			while (e->have < 2 || e->have < header_size(e->header)) {
				if (p == end)
					return p - start;
				e->header[e->have++] = *p++;
			}
			if (take_header(e, op, size, why) < 0)
				return -1;
			e->in_frame = true;
		}
		size_t piece = (size_t)(end - p);

		if (piece > e->left)
			piece = (size_t)e->left;
		if (e->op >= OP_CLOSE) {
			memcpy(e->control + e->controls, p, piece);
			e->controls += (uint8_t)piece;
		} else {
			if (memcmp(p, text + e->at, some && piece > LOOK ? LOOK : piece) != 0)
				return bad(why, "wrong text");
			e->at += piece;
		}
		p += piece;
		e->left -= piece;
		if (e->left > 0)
			return p - start;
		e->in_frame = false;
		if (e->op == OP_PING) {
			*event = PING;
			return p - start;
		}
		if (e->op < OP_CLOSE && e->last) {
			if (e->at != size)
				return bad(why, "fewer bytes than were sent");
			e->amid = false;
			e->at = 0;
			*event = MESSAGE;
			return p - start;
		}
	}
}

long told_read(struct told *t, const char *p, size_t n, const char **why)
{
	const char *end = p + n;
	long messages = 0;

	while (p < end) {
		size_t piece = (size_t)(end - p);

		if (t->left > 0) {
			piece = t->left < piece ? (size_t)t->left : piece;
			t->left -= piece;
			p += piece;
			continue;
		}
		t->header[t->have++] = *p++;
		if (t->have < 2 || t->have < header_size(t->header))
			continue;
		const uint8_t *h = (const uint8_t *)t->header;
		unsigned size = t->have, op = h[0] & 15;

		t->have = 0;
		if ((h[0] & 0x70) != 0 || (h[1] & 0x80) != 0)
			return bad(why, "a reserved bit or a mask");
		if (op == OP_CLOSE)
			return bad(why, "a close frame");
		if (op < OP_CLOSE && (op == 0) != t->amid)
			return bad(why, "a message inside another, or no first frame");
		t->left = size == 2 ? h[1] : 0;
		for (unsigned i = 2; i < size; i++)
			t->left = t->left << 8 | h[i];
		if (op < OP_CLOSE) {
			t->amid = (h[0] & 0x80) == 0;
			/* Its last bytes may still be to come, as those of any may. */
			messages += !t->amid;
		}
	}
	return messages;
}
