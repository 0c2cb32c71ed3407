/* The client's side of a WebSocket whose server echoes (RFC 6455). */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAX_MESSAGE = 1 << 20,
	MAX_CONTROL = 125,
	MAX_CLIENT_HEADER = 14,
	MAX_SERVER_HEADER = 10,

	OP_TEXT = 1,
	OP_BINARY = 2,
	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10,
};

/* frame_make writes a masked frame with n bytes at p to out, which has room for
 * MAX_CLIENT_HEADER more, and returns its size. */
size_t frame_make(char *out, unsigned op, const char *p, size_t n);

/* The request to upgrade, behind the path. */
extern const char upgrade_request[];

/*
 * upgrade_parse checks the answer to the request that the n bytes at p begin
 * with. It returns the answer's length, 0 if the bytes are too few, or -1, with
 * the reason in *why.
 */
int upgrade_parse(const char *p, size_t n, const char **why);

/* echo is what is known of the message that is being received. All zero is none. */
struct echo {
	size_t at;	  /* bytes of it that have come */
	uint64_t left;	  /* bytes of the frame at hand that are still to come */
	uint8_t op;	  /* of the frame at hand, or of the last */
	bool last;	  /* it ends the message */
	bool in_frame;	  /* its header has come */
	bool amid;	  /* a message has begun */
	uint8_t have;	  /* bytes of a header that has come in part */
	uint8_t controls; /* bytes of the payload of a control frame */
	char header[MAX_SERVER_HEADER];
	char control[MAX_CONTROL];
};

enum event { NOTHING, MESSAGE, PING };

/*
 * echo_read reads on in the n bytes at p, up to the end of a message or of a
 * ping, and returns how many it read, or -1, with the reason in *why. It is
 * strict: no mask, no reserved bit, the shortest form of the length, one message
 * at a time in any number of frames, with the text that was sent. Of that it
 * compares all, or where `some` is set the beginning of every piece. What a PING
 * brought is in e->control.
 */
long echo_read(struct echo *e, const char *p, size_t n, unsigned op, const char *text, size_t size, bool some,
	       enum event *event, const char **why);

/* told is what is known of messages of any kind that come and are only counted. */
struct told {
	uint64_t left; /* bytes of the frame at hand that are still to come */
	uint8_t have;  /* bytes of a header that has come in part */
	bool amid;     /* a message has begun */
	char header[MAX_SERVER_HEADER];
};

/*
 * told_read reads the n bytes at p and returns how many messages end in them, or
 * -1, with the reason in *why. A ping is passed over.
 */
long told_read(struct told *t, const char *p, size_t n, const char **why);

#endif
