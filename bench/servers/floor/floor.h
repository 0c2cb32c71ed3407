/* What the files of the floor share: floor.c has the loop, frames.c what is done
 * for a WebSocket, and coap.c what is done for CoAP. */
#ifndef FLOOR_H
#define FLOOR_H

#include <pthread.h>
#include <stdint.h>

enum {
	MAX_FD = 1 << 17,
	MAX_THREADS = 64,
	RECV_SIZE = 16384,
	/* A frame of 64 KiB comes in one recv if it is there. */
	FRAMES_SIZE = 128 << 10,
};

struct thread {
	pthread_t id;
	int epoll;
	int listener;
	char buf[RECV_SIZE];
	char frames[FRAMES_SIZE];
};

void die(const char *what);

/* watch says what the connection's epoll is to tell of. */
void watch(struct thread *t, int fd, uint32_t events);

/* frames_begin makes a connection that was just accepted a WebSocket to be. */
void frames_begin(int fd);

/* frames_serve does what can be done for a connection that is ready. */
void frames_serve(struct thread *t, int fd);

/* frames_publish has messages sent to all others, and not back. */
void frames_publish(void);

/* coap_begin sends what a connection begins with, and coap_serve does what can be
 * done for one that is ready. */
void coap_begin(int fd);
void coap_serve(struct thread *t, int fd);

/* coap_serve_datagrams answers those that have come. */
void coap_serve_datagrams(struct thread *t, int fd);

#endif
