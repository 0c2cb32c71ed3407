/*
 * WebSockets that listen: to what each is told unasked (-l), or to what one
 * more connection publishes for all of them (-B).
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct listener {
	int fd; /* -1 once it is closed */
	int64_t messages;
	struct told told;
};

/* listen_until counts messages until the time, or until each has had one if it
 * is 0. It returns the bytes that came. */
static int64_t listen_until(int epoll, struct listener *all, int count, int64_t until, int *lost)
{
	static char buf[RECV_SIZE];
	struct epoll_event ev[EVENTS];
	int64_t bytes = 0;
	int silent = 0;

	for (int i = 0; i < count; i++)
		silent += all[i].fd >= 0 && all[i].messages == 0;
	while (until == 0 ? silent > 0 && now() < deadline : now() < until) {
		int n = epoll_wait(epoll, ev, EVENTS, 10);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct listener *l = ev[i].data.ptr;
			const char *why = "the server closed a connection";
			ssize_t size = recv(l->fd, buf, sizeof buf, MSG_DONTWAIT);

			if (size < 0 && (errno == EAGAIN || errno == EINTR))
				continue;
			long got = size > 0 ? told_read(&l->told, buf, (size_t)size, &why) : -1;

			if (got < 0) {
				complain("%s", size < 0 ? strerror(errno) : why);
				close(l->fd);
				l->fd = -1;
				(*lost)++;
				silent -= l->messages == 0;
				continue;
			}
			silent -= l->messages == 0 && got > 0;
			l->messages += got;
			bytes += size;
		}
	}
	if (until == 0 && silent > 0) {
		complain("%d connections are told nothing", silent);
		*lost += silent;
	}
	return bytes;
}

int attend(const char *path, int count, int64_t nanoseconds)
{
	struct listener *l = calloc((size_t)count, sizeof *l);
	int epoll = epoll_create1(EPOLL_CLOEXEC), lost = 0;
	int64_t messages = 0, least = INT64_MAX, most = 0;

	if (l == NULL || epoll < 0)
		die("epoll");
	for (int i = 0; i < count; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l[i]};

		const char *why;
		char rest[MAX_ANSWER];

		l[i].fd = connect_to_server();
		l[i].messages = told_read(&l[i].told, rest, upgrade(l[i].fd, path, rest), &why);
		if (l[i].messages < 0) {
			fprintf(stderr, "load: %s\n", why);
			return 1;
		}
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, l[i].fd, &ev) < 0)
			die("epoll_ctl");
	}
	listen_until(epoll, l, count, 0, &lost);
	printf("listening=%d errors=%d\n", count - lost, lost);
	fflush(stdout);
	wait_for_line();
	for (int i = 0; i < count; i++)
		l[i].messages = 0;

	int64_t start = now(), bytes = listen_until(epoll, l, count, start + nanoseconds, &lost), took = now() - start;

	for (int i = 0; i < count; i++) {
		messages += l[i].messages;
		if (l[i].messages < least)
			least = l[i].messages;
		if (l[i].messages > most)
			most = l[i].messages;
	}
	printf("messages=%lld errors=%d ns=%lld least=%lld most=%lld bytes=%lld\n", (long long)messages, lost, (long long)took,
	       (long long)least, (long long)most, (long long)bytes);
	fflush(stdout);
	wait_for_end();
	return lost != 0;
}

/* ---- what is published ---- */

/*
 * Every message is one frame with the number of the message in its first seven
 * digits, so that it is seen that each listener gets each, once and in order. Who
 * listens may be entered among the subscribers a little after the answer to its
 * upgrade: to warm up the number is published until all have had it.
 */

enum { DIGITS = 7, MAX_NUMBER = 9999999 };

struct subscriber {
	int fd;		 /* -1 once it is closed */
	unsigned number; /* of the message it had last */
	size_t have;	 /* bytes of a frame that has come in part */
	char part[MAX_SERVER_HEADER + MAX_CONTROL];
};

struct publishing {
	int epoll, publisher;
	struct subscriber *all;
	int count, lost;
	unsigned number;   /* of the message at hand */
	int missing;	   /* subscribers that have not had it */
	bool warming;	   /* numbers may be missing */
	char *sent;	   /* the frame of the publisher */
	char *frame;	   /* what is to come of it */
	size_t sent_size, frame_size;
	uint64_t histogram[BUCKETS];
	int64_t longest;
};

static void lose(struct publishing *p, struct subscriber *s, const char *why)
{
	complain("%s", why);
	close(s->fd);
	s->fd = -1;
	p->lost++;
	p->missing -= s->number != p->number;
}

/* take_frame takes the frame that a subscriber has whole. It returns NULL, or what
 * is wrong with it. */
static const char *take_frame(struct publishing *p, struct subscriber *s)
{
	unsigned number = 0, size = s->part[1];

	if (s->part[0] == (char)(0x80 | OP_PING)) {
		char b[MAX_CLIENT_HEADER + MAX_CONTROL];
		size_t n = frame_make(b, OP_PONG, s->part + 2, size);

		return send(s->fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n ? NULL : "the server does not take a pong";
	}
	char *digits = s->part + p->frame_size - message_size;

	for (int i = 0; i < DIGITS; i++)
		number = number * 10 + (unsigned)(digits[i] - '0');
	memcpy(digits, p->frame + (digits - s->part), DIGITS);
	if (memcmp(s->part, p->frame, p->frame_size) != 0)
		return "not the message that was published";
	if (p->warming ? number <= s->number || number > p->number : number != s->number + 1 || number != p->number)
		return "a message twice, or another than the next";
	if (s->number != p->number && number == p->number)
		p->missing--;
	s->number = number;
	return NULL;
}

/* take does so to the bytes that came for a subscriber. */
static void take(struct publishing *p, struct subscriber *s, const char *b, size_t n)
{
	while (n > 0) {
		const char *why;
		size_t size = s->have < 2 ? 2 : s->part[0] == (char)(0x80 | OP_PING) ? 2u + (unsigned char)s->part[1] : p->frame_size;

		if (size > sizeof s->part) {
			lose(p, s, "a frame that is too long");
			return;
		}
		size_t piece = size - s->have < n ? size - s->have : n;

		memcpy(s->part + s->have, b, piece);
		s->have += piece;
		b += piece;
		n -= piece;
		if (s->have < size || (size == 2 && s->part[1] != 0))
			continue;
		s->have = 0;
		if ((why = take_frame(p, s)) != NULL) {
			lose(p, s, why);
			return;
		}
	}
}

/* gather receives until all have the message at hand, or the time has come. */
static void gather(struct publishing *p, int64_t until)
{
	static char buf[RECV_SIZE];
	struct epoll_event ev[EVENTS];

	while (p->missing > 0 && now() < until) {
		int n = epoll_wait(p->epoll, ev, EVENTS, 10);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct subscriber *s = ev[i].data.ptr;

			if (s->fd < 0)
				continue;
			ssize_t size = recv(s->fd, buf, sizeof buf, MSG_DONTWAIT);

			if (size < 0 && (errno == EAGAIN || errno == EINTR))
				continue;
			if (size <= 0)
				lose(p, s, size < 0 ? strerror(errno) : "the server closed a connection");
			else
				take(p, s, buf, (size_t)size);
		}
	}
}

/* publish_next sends the next message. */
static void publish_next(struct publishing *p)
{
	p->number++;
	snprintf(message, DIGITS + 1, "%07u", p->number % (MAX_NUMBER + 1u));
	message[DIGITS] = ' ';
	p->sent_size = frame_make(p->sent, message_op, message, message_size);
	memcpy(p->frame + p->frame_size - message_size, message, message_size);
	p->missing = p->count - p->lost;
	if (send(p->publisher, p->sent, p->sent_size, MSG_NOSIGNAL) != (ssize_t)p->sent_size)
		die("publish");
}

int broadcast(const char *path, const char *publish, int count, int64_t warm, int64_t messages)
{
	struct publishing p = {.epoll = epoll_create1(EPOLL_CLOEXEC), .count = count, .warming = true};
	char rest[MAX_ANSWER], *text = message;
	int64_t done = 0;

	if (message_size < DIGITS + 1 || message_size > MAX_CONTROL || warm + messages > MAX_NUMBER) {
		fputs("load: -B: the message is to have 8 to 125 bytes\n", stderr);
		return 2;
	}
	p.all = calloc((size_t)count, sizeof *p.all);
	p.sent = malloc(MAX_CLIENT_HEADER + message_size);
	p.frame = malloc(2 + message_size);
	if (p.all == NULL || p.sent == NULL || p.frame == NULL || p.epoll < 0)
		die("memory");
	p.frame[0] = (char)(0x80 | message_op);
	p.frame[1] = (char)message_size;
	p.frame_size = 2 + message_size;
	message = NULL; /* so that connections are not upgraded at the path of echoes */
	for (int i = 0; i < count; i++) {
		struct subscriber *s = &p.all[i];
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

		s->fd = connect_to_server();
		if (upgrade(s->fd, path, rest) != 0) {
			fputs("load: bytes behind the answer to the upgrade\n", stderr);
			return 1;
		}
		if (epoll_ctl(p.epoll, EPOLL_CTL_ADD, s->fd, &ev) < 0)
			die("epoll_ctl");
	}
	p.publisher = connect_to_server();
	upgrade(p.publisher, publish, NULL);
	message = text;
	/* All are subscribed once they have had the same one. */
	do {
		publish_next(&p);
		gather(&p, now() + 1000000000);
	} while (p.missing > 0 && now() < deadline);
	for (int64_t i = 0; i < warm && p.missing == 0; i++) {
		publish_next(&p);
		gather(&p, deadline);
	}
	if (p.missing > 0) {
		complain("%d connections do not get what is published", p.missing);
		p.lost += p.missing;
	}
	p.warming = false;
	printf("listening=%d errors=%d\n", count - p.lost, p.lost);
	fflush(stdout);
	if (p.lost > 0)
		return 1;
	wait_for_line();

	int64_t start = now();

	for (int64_t i = 0; i < messages && p.missing == 0; i++) {
		int64_t sent = now();

		publish_next(&p);
		gather(&p, deadline);
		int64_t took = now() - sent;

		p.histogram[bucket((uint64_t)took)]++;
		if (took > p.longest)
			p.longest = took;
		done += p.count - p.lost - p.missing;
	}
	if (p.missing > 0)
		complain("%d connections do not get what is published", p.missing);
	printf("requests=%lld errors=%lld ns=%lld p50=%llu p99=%llu p999=%llu max=%lld\n", (long long)done,
	       (long long)messages * count - (long long)done, (long long)(now() - start),
	       (unsigned long long)quantile(p.histogram, (uint64_t)messages, 500000),
	       (unsigned long long)quantile(p.histogram, (uint64_t)messages, 990000),
	       (unsigned long long)quantile(p.histogram, (uint64_t)messages, 999000), (long long)p.longest);
	fflush(stdout);
	wait_for_end();
	return done != messages * count;
}
