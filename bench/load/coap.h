/* The client's side of CoAP, over TCP (RFC 8323) and over UDP (RFC 7252), whose
 * server answers GET /hello. */
#ifndef COAP_H
#define COAP_H

#include <stddef.h>
#include <stdint.h>

enum {
	COAP_REQUEST = 14,   /* bytes of a request over UDP; over TCP it is 2 less */
	COAP_MESSAGE = 1152, /* bytes of the longest message that is taken (RFC 8323 section 5.3.1) */

	COAP_CON = 0,
	COAP_NON = 1,
	COAP_ACK = 2,
	COAP_RST = 3,
};

/* The Capabilities and Settings Message that a connection begins with, without options. */
extern const char coap_csm[2];

/* coap_request_tcp and coap_request_udp write a request to out and return its size. */
size_t coap_request_tcp(char *out, uint32_t token);
size_t coap_request_udp(char *out, uint32_t token, uint16_t id);

/* coap_empty_udp writes a message of four bytes, without code. */
size_t coap_empty_udp(char *out, unsigned type, uint16_t id);

enum coap_kind {
	COAP_ANSWER, /* with the token of a request, and all that it is to have */
	COAP_CSM,    /* of the server, over TCP only, as are the next two */
	COAP_PING,   /* to be answered by coap_pong */
	COAP_NOTHING,
	COAP_EMPTY, /* over UDP: an acknowledgement without an answer, or a reset */
};

struct coap_message {
	enum coap_kind kind;
	unsigned type; /* over UDP */
	uint16_t id;   /* over UDP */
	uint32_t token;
	const char *ping; /* the token of a ping */
	size_t ping_size;
};

/*
 * coap_read_tcp reads the message that the n bytes at p begin with. It returns
 * its size, 0 if the bytes are too few, or -1, with the reason in *why. It is
 * strict: an answer has the code 2.05, a token of four bytes, one
 * Content-Format, of text/plain, no critical option, and the payload that is
 * expected. A Release or an Abort is an error.
 */
long coap_read_tcp(const char *p, size_t n, struct coap_message *m, const char **why);

/* coap_read_udp reads a datagram in the same way. It returns 0, or -1. */
int coap_read_udp(const char *p, size_t n, struct coap_message *m, const char **why);

/* coap_pong writes the answer to a ping to out, which has room for 10 bytes. */
size_t coap_pong(char *out, const struct coap_message *ping);

#endif
