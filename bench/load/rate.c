/*
 * The open loop: requests are due at even intervals, whatever the server does. A
 * thread has every n-th of them. One that is due goes on a connection that has none
 * on its way, those longest without one first; if there is none it waits for the
 * first to be free. In either case its time counts from when it was due, which is
 * what a client would have waited (the coordinated omission of Gil Tene).
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>

int64_t rate = 0;
int rate_threads = 1;

void rate_begin(struct thread *t)
{
	t->free = calloc(t->count, sizeof *t->free);
	if (t->free == NULL)
		die("memory");
	for (unsigned i = 0; i < t->count; i++)
		t->free[i] = &t->conns[i];
	t->frees = t->count;
}

void rate_free(struct thread *t, struct conn *c)
{
	t->free[(t->first_free + t->frees) % t->count] = c;
	t->frees++;
}

static struct conn *next_free(struct thread *t)
{
	struct conn *c = t->free[t->first_free];

	t->first_free = (t->first_free + 1) % t->count;
	t->frees--;
	return c;
}

void rate_phase(struct thread *t)
{
	struct epoll_event ev[EVENTS];
	int64_t start = now(), sent = 0;

	/* The kernel makes one wake-up of those that are within 50 us, by default. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	while (t->left > 0 || t->waiting > 0) {
		struct timespec wait = {.tv_sec = 1}, *limit = &wait;
		int64_t at = now(), due = 0;

		while (t->left > 0 && t->frees > 0) {
			due = start + (int64_t)((double)(sent * rate_threads + t->number) * 1e9 / (double)rate);
			if (due > at)
				break;
			struct conn *c = next_free(t);

			if (c->fd < 0)
				continue; /* its request goes on another */
			sent++;
			turn(t, c, due);
		}
		if (t->left > 0 && t->frees > 0) {
			wait.tv_sec = (due - at) / 1000000000;
			wait.tv_nsec = (due - at) % 1000000000;
		}
		if (t->left > 0 && t->frees == 0 && t->waiting == 0)
			break; /* none is left to send it on */
		int n = epoll_pwait2(t->epoll, ev, EVENTS, limit, NULL);

		if (n < 0 && errno != EINTR)
			die("epoll_pwait2");
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if (c->fd >= 0)
				receive(t, c);
		}
		if (at > deadline) {
			complain("the server does not answer");
			for (unsigned i = 0; i < t->count; i++)
				t->errors += t->conns[i].pending;
			break;
		}
	}
	t->errors += t->left;
}

void rate_print(const uint64_t *histogram, uint64_t all)
{
	static const unsigned parts[] = {100000, 200000, 300000, 400000, 500000, 550000, 600000, 650000, 700000,
					 750000, 800000, 850000, 900000, 925000, 950000, 975000, 985000, 990000,
					 995000, 997500, 999000, 999500, 999750, 999900, 999950, 999990, 1000000};

	for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
		printf(" q%u=%llu", parts[i], (unsigned long long)quantile(histogram, all, parts[i]));
}
