#include "answer.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char body[] = "Hello, World!";

static int bad(const char **why, const char *reason)
{
	*why = reason;
	return BAD;
}

static bool named(const char *line, size_t colon, const char *name)
{
	return strlen(name) == colon && strncasecmp(line, name, colon) == 0;
}

int answer_head(const char *p, size_t n, long wanted, const char **why)
{
	static const char status[] = "HTTP/1.1 200 ";
	const char *end = p + n, *line = p, *eol;
	long length = -1;
	bool date = false, type = false;

	if (memcmp(p, status, n < sizeof status - 1 ? n : sizeof status - 1) != 0)
		return bad(why, "not a status line with 200");
	for (;;) {
		eol = memchr(line, '\n', (size_t)(end - line));
		if (eol == NULL)
			return n < MAX_ANSWER ? MORE : bad(why, "head too long");
		if (eol == line || eol[-1] != '\r')
			return bad(why, "line without CR");
		size_t size = (size_t)(eol - 1 - line);

		if (line == p) {
			line = eol + 1;
			continue;
		}
		if (size == 0)
			break;
		const char *colon = memchr(line, ':', size);

		if (colon == NULL || colon == line)
			return bad(why, "field without a name");
		size_t name = (size_t)(colon - line);

		if (memchr(line, ' ', name) != NULL || memchr(line, '\t', name) != NULL)
			return bad(why, "blank in the name of a field");
		const char *v = colon + 1, *vend = eol - 1;

		while (v < vend && *v == ' ')
			v++;
		if (named(line, name, "content-length")) {
			if (length >= 0)
				return bad(why, "two Content-Length fields");
			if (v == vend)
				return bad(why, "empty Content-Length");
			for (length = 0; v < vend; v++) {
				if (*v < '0' || *v > '9' || length > wanted)
					return bad(why, "Content-Length is not a small number");
				length = length * 10 + (*v - '0');
			}
		} else if (named(line, name, "transfer-encoding")) {
			return bad(why, "Transfer-Encoding");
		} else if (named(line, name, "connection")) {
			if (vend - v == 5 && strncasecmp(v, "close", 5) == 0)
				return bad(why, "Connection: close");
		} else if (named(line, name, "date")) {
			date = vend - v == 29; /* IMF-fixdate has this length */
		} else if (named(line, name, "content-type")) {
			type = vend - v >= 10 && strncasecmp(v, "text/plain", 10) == 0;
		}
		line = eol + 1;
	}
	if (!date)
		return bad(why, "no Date");
	if (!type)
		return bad(why, "no Content-Type: text/plain");
	if (length != wanted)
		return bad(why, "Content-Length is not that of the body");
	eol++;
	if (eol - p > MAX_ANSWER)
		return bad(why, "head too long");
	return (int)(eol - p);
}

int answer_parse(const char *p, size_t n, const char **why)
{
	enum { LENGTH = sizeof body - 1 };
	int head = answer_head(p, n, LENGTH, why);

	if (head <= 0)
		return head;
	if (head + LENGTH > MAX_ANSWER)
		return bad(why, "answer too long");
	if (n - (size_t)head < LENGTH)
		return MORE;
	if (memcmp(p + head, body, LENGTH) != 0)
		return bad(why, "wrong body");
	return head + LENGTH;
}
