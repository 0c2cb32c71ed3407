/* The answer that every server is to give. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>

enum {
	MAX_ANSWER = 4096, /* bytes of one answer, head and body; of a file's, the head */

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

/*
 * answer_head checks the head that the n bytes at p begin with, in the same way,
 * of an answer with a body of `length` bytes. It returns the head's length.
 */
int answer_head(const char *p, size_t n, long length, const char **why);

#endif
