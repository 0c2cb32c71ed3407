#include "coap.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	CODE_GET = 0x01,
	CODE_CONTENT = 0x45,
	CODE_CSM = 0xe1,
	CODE_PING = 0xe2,
	CODE_PONG = 0xe3,
	CODE_RELEASE = 0xe4,
	CODE_ABORT = 0xe5,

	OPTION_CONTENT_FORMAT = 12,
	TOKEN_SIZE = 4,
	MARKER = 0xff,
};

const char coap_csm[2] = {0x00, (char)CODE_CSM};

static const char payload[] = "Hello, World!";

/* Uri-Path, option 11, of five bytes (RFC 7252 section 3.1). */
static const char path[] = "\xb5hello";

static int bad(const char **why, const char *reason)
{
	*why = reason;
	return -1;
}

static char *put_token(char *b, uint32_t token)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*b++ = (char)(token >> shift);
	return b;
}

/* finish writes what a request has behind its token. */
static size_t finish(char *out, char *b)
{
	memcpy(b, path, sizeof path - 1);
	return (size_t)(b + sizeof path - 1 - out);
}

size_t coap_request_tcp(char *out, uint32_t token)
{
	/* The length counts what comes behind the token (RFC 8323 section 3.2). */
	out[0] = (char)((sizeof path - 1) << 4 | TOKEN_SIZE);
	out[1] = CODE_GET;
	return finish(out, put_token(out + 2, token));
}

size_t coap_request_udp(char *out, uint32_t token, uint16_t id)
{
	coap_empty_udp(out, COAP_CON, id);
	out[0] |= TOKEN_SIZE;
	out[1] = CODE_GET;
	return finish(out, put_token(out + 4, token));
}

size_t coap_empty_udp(char *out, unsigned type, uint16_t id)
{
	out[0] = (char)(1 << 6 | type << 4);
	out[1] = 0;
	out[2] = (char)(id >> 8);
	out[3] = (char)id;
	return 4;
}

size_t coap_pong(char *out, const struct coap_message *ping)
{
	out[0] = (char)ping->ping_size;
	out[1] = (char)CODE_PONG;
	memcpy(out + 2, ping->ping, ping->ping_size);
	return 2 + ping->ping_size;
}

/* extended reads the number that the nibble stands for (RFC 7252 section 3.1). */
static bool extended(unsigned nibble, const uint8_t **p, const uint8_t *end, unsigned *value)
{
	size_t more = nibble < 13 ? 0 : nibble - 12;

	if (nibble == 15 || (size_t)(end - *p) < more)
		return false;
	*value = nibble < 13 ? nibble : nibble == 13 ? 13u + (*p)[0] : 269u + ((unsigned)(*p)[0] << 8 | (*p)[1]);
	*p += more;
	return true;
}

/* check_content checks options and payload of an answer. */
static int check_content(const uint8_t *p, const uint8_t *end, const char **why)
{
	unsigned number = 0, formats = 0;

	while (p < end && *p != MARKER) {
		unsigned first = *p++, delta, size;

		if (!extended(first >> 4, &p, end, &delta) || !extended(first & 15, &p, end, &size) || (size_t)(end - p) < size)
			return bad(why, "an option that is not one");
		number += delta;
		if ((number & 1) != 0)
			return bad(why, "a critical option");
		if (number == OPTION_CONTENT_FORMAT) {
			if (size > 1 || (size == 1 && *p != 0))
				return bad(why, "a Content-Format other than text/plain");
			formats++;
		}
		p += size;
	}
	if (formats != 1)
		return bad(why, "not one Content-Format");
	if ((size_t)(end - p) != sizeof payload || memcmp(p + 1, payload, sizeof payload - 1) != 0)
		return bad(why, "wrong payload");
	return 0;
}

/* check_answer checks what an answer has from its token on. */
static int check_answer(const uint8_t *p, size_t token, const uint8_t *end, unsigned code, struct coap_message *m,
			const char **why)
{
	m->kind = COAP_ANSWER;
	if (code != CODE_CONTENT) {
		static _Thread_local char text[40];

		snprintf(text, sizeof text, "not the code 2.05, but %u.%02u", code >> 5, code & 31);
		return bad(why, text);
	}
	if (token != TOKEN_SIZE)
		return bad(why, "a token of another size");
	m->token = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return check_content(p + token, end, why);
}

/* bad_abort tells the diagnostic payload of an abort (RFC 8323 section 5.6), if it
 * has one and no option. */
static int bad_abort(const uint8_t *p, const uint8_t *end, const char **why)
{
	static _Thread_local char text[200];

	if (p == end || *p != MARKER)
		return bad(why, "an abort");
	snprintf(text, sizeof text, "an abort: %.*s", (int)(end - p - 1), (const char *)p + 1);
	return bad(why, text);
}

long coap_read_tcp(const char *at, size_t n, struct coap_message *m, const char **why)
{
	const uint8_t *p = (const uint8_t *)at, *start = p;

	if (n < 2)
		return 0;
	unsigned token = *p & 15, nibble = *p >> 4;
	size_t more = nibble < 13 ? 0 : nibble == 15 ? 4 : nibble - 12, rest = nibble;

	if (token > 8)
		return bad(why, "a token of more than 8 bytes");
	if (nibble == 15)
		return bad(why, "a message that is too long");
	if (n < 2 + more)
		return 0;
	p++;
	if (more == 1)
		rest = 13u + p[0];
	if (more == 2)
		rest = 269u + ((unsigned)p[0] << 8 | p[1]);
	p += more;

	unsigned code = *p++;
	size_t size = 2 + more + token + rest;

	if (size > COAP_MESSAGE)
		return bad(why, "a message that is too long");
	if (n < size)
		return 0;
	switch (code) {
	case 0:
		m->kind = COAP_NOTHING; /* an empty message is ignored (RFC 8323 section 3.4) */
		break;
	case CODE_CSM:
		m->kind = COAP_CSM;
		break;
	case CODE_PING:
		m->kind = COAP_PING;
		m->ping = (const char *)p;
		m->ping_size = token;
		break;
	case CODE_PONG:
		return bad(why, "a pong, and no ping was sent");
	case CODE_RELEASE:
		return bad(why, "a release");
	case CODE_ABORT:
		return bad_abort(p + token, start + size, why);
	default:
		if (check_answer(p, token, start + size, code, m, why) < 0)
			return -1;
	}
	return (long)size;
}

int coap_read_udp(const char *at, size_t n, struct coap_message *m, const char **why)
{
	const uint8_t *p = (const uint8_t *)at, *end = p + n;

	if (n < 4)
		return bad(why, "a datagram of less than 4 bytes");
	if (p[0] >> 6 != 1)
		return bad(why, "a version other than 1");
	unsigned token = p[0] & 15, code = p[1];

	m->type = p[0] >> 4 & 3;
	m->id = (uint16_t)(p[2] << 8 | p[3]);
	p += 4;
	if (token > 8 || (size_t)(end - p) < token)
		return bad(why, "a token that is too long");
	if (code == 0) {
		m->kind = COAP_EMPTY;
		if (n != 4)
			return bad(why, "an empty message that is not empty");
		return m->type == COAP_ACK ? 0 : bad(why, m->type == COAP_RST ? "a reset" : "an empty message that asks");
	}
	if (m->type == COAP_RST)
		return bad(why, "a reset with a code");
	return check_answer(p, token, end, code, m, why);
}
