/* What the files of the load generator share: load.c has the connections, rate.c
 * sends at a rate, exchange.c has what is done for CoAP, park.c the connections
 * that are left alone, and listen.c the WebSockets that listen. */
#ifndef LOAD_H
#define LOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "frames.h"

enum {
	MAX_THREADS = 64,
	MAX_DEPTH = 256,
	RECV_SIZE = 65536,
	SUB_BITS = 6, /* a histogram bucket is 1/64 of its power of two wide */
	BUCKETS = (64 - SUB_BITS + 1) << SUB_BITS,
};

struct conn {
	int fd;           /* -1 once it is closed */
	unsigned pending; /* answers that are still to come */
	int64_t sent;     /* when the requests of this turn went out, or at a rate were due */
	size_t kept;      /* bytes of an answer, or of a file's head, that has come in part */
	bool in_file;     /* its head has come */
	size_t at;        /* bytes of the file that have come */
	struct echo echo;
	struct exchange *exchanges; /* of CoAP, depth of them */
	uint32_t turns;             /* of CoAP, the next token without its place */
	uint16_t id;                /* of CoAP over UDP, the next */
	char part[MAX_ANSWER];
};

struct thread {
	pthread_t id;
	int number;
	int epoll;
	struct conn *conns;
	unsigned count;
	struct conn **free; /* at a rate: a ring of the connections without a request */
	unsigned first_free, frees;
	bool warming;
	int64_t warm, budget; /* requests of the two phases */
	int64_t left;         /* requests that are still to be sent */
	int64_t waiting;      /* connections that have answers to come */
	int64_t done, errors;
	int64_t again;     /* datagrams that were sent once more, of this phase */
	int64_t repeats;   /* the same of both */
	int64_t late;      /* answers that came after another to the same request */
	int64_t looked;    /* when it was last looked what is overdue */
	uint64_t random;
	size_t model_size; /* of the answer that was parsed last; 0 for none */
	char model[MAX_ANSWER];
	char buf[MAX_ANSWER + RECV_SIZE];
	uint64_t histogram[BUCKETS];
	int64_t longest;
};

extern unsigned depth;
extern int64_t deadline;
extern char *request; /* what is sent: a request, or the frame of a message */
extern size_t request_size;
extern char *message; /* that is to come back, NULL if requests are sent */
extern size_t message_size;
extern unsigned message_op;

enum {
	EVENTS = 256,
	PARK_WAVE = 64, /* connections that are being parked at a time */
};

int64_t now(void); /* in nanoseconds, of a clock that only goes on */

_Noreturn void die(const char *what);

/* complain tells the first fault of all, and is silent about the others. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* drop gives up a connection; the answers that it owes are errors. */
void drop(struct thread *t, struct conn *c, const char *reason);

/* note enters answers that took so long into the histogram. */
void note(struct thread *t, int64_t took, unsigned answers);

/* bucket is the one of the histogram that a time is in. */
unsigned bucket(uint64_t ns);

/* quantile is the time within which so many in a million of the answers came that
 * are in a histogram. */
uint64_t quantile(const uint64_t *histogram, uint64_t all, uint64_t millionths);

/* connect_to_server returns a connection, which blocks, ready for a request. */
int connect_to_server(void);

/* upgrade makes a WebSocket of a connection, which blocks, at a path. What comes
 * behind the answer is written to rest, of MAX_ANSWER bytes, and its size is
 * returned; without rest nothing may come. */
size_t upgrade(int fd, const char *path, char *rest);

/* turn sends the next requests of a connection, which are taken to be sent at a time. */
void turn(struct thread *t, struct conn *c, int64_t at);

/* receive takes what has come on a connection. */
void receive(struct thread *t, struct conn *c);

/* wait_for_line and wait_for_end wait for what the caller says. */
void wait_for_line(void);
void wait_for_end(void);

/* ---- rate.c ---- */

extern int64_t rate; /* requests a second of all threads together, 0 for the closed loop */
extern int rate_threads;

/* rate_begin makes what a thread needs. */
void rate_begin(struct thread *t);

/* rate_phase sends t->left requests when they are due. */
void rate_phase(struct thread *t);

/* rate_free says that a connection has no request any more. */
void rate_free(struct thread *t, struct conn *c);

/* rate_print tells what part of the answers came within which time. */
void rate_print(const uint64_t *histogram, uint64_t all);

/* ---- park.c ---- */

/* park opens connections that do one request each, and tells how many stay open. */
int park(int count);

/* quiet_open brings the number of such connections beside the loaded ones up to
 * count, and returns how many of those it opened could not do their request. */
int quiet_open(int count);

/* quiet_lost is how many of them are not open any more. */
int quiet_lost(void);

/* ---- listen.c ---- */

/* attend counts what listeners are told. */
int attend(const char *path, int count, int64_t nanoseconds);

/* broadcast has messages published, each when all listeners have the last. */
int broadcast(const char *path, const char *publish, int count, int64_t warm, int64_t messages);

/* ---- exchange.c ---- */

enum transport { NO_COAP, OVER_TCP, OVER_UDP };

extern enum transport coap;

/* sliding says that the next request goes when an answer has come, and not when
 * all have. */
extern bool sliding;

/* again_after is the time without an answer after which a datagram is sent once more,
 * in nanoseconds: ACK_TIMEOUT of RFC 7252 section 4.8. */
extern int64_t again_after;

/* coap_open begins a connection, which blocks: over TCP each side sends its CSM. */
void coap_open(int fd);

/* coap_begin makes what a connection needs. */
void coap_begin(struct conn *c, unsigned number);

/* coap_turn sends as many requests as may be on their way. */
void coap_turn(struct thread *t, struct conn *c, int64_t at);

/* coap_receive takes what has come. */
void coap_receive(struct thread *t, struct conn *c);

/* coap_overdue sends once more what was not answered in time. */
void coap_overdue(struct thread *t, int64_t at);

/* coap_once does one request on a connection, which blocks, and coap_quiet
 * reports whether one is open, and nothing waits there but a ping. */
bool coap_once(int fd);
bool coap_quiet(int fd);

#endif
