/* The answer that every server is to give. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>

enum {
	MAX_ANSWER = 4096, /* bytes of one answer, head and body */

	MORE = 0,
	BAD = -1,
};

/*
 * answer_parse checks the answer that the n bytes at p begin with. It returns
 * the answer's length, or MORE if the bytes are too few, or BAD, with the reason
 * in *why. It is strict: status 200, lines that end in CRLF, one Content-Length
 * of digits only (RFC 9112 section 6.2), a Date, a text/plain, no
 * Transfer-Encoding, no Connection: close, and the body that is expected.
 */
int answer_parse(const char *p, size_t n, const char **why);

#endif
