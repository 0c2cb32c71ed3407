/*
 * Connections that do one request each and are kept open: all that there are
 * (-i), or those that lie beside the ones that are loaded (-q).
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* answered reads one answer; it blocks, bounded by the socket's time limit. */
static bool answered(int fd)
{
	char buf[MAX_ANSWER];
	const char *why;
	size_t have = 0;

	struct echo e = {0};

	for (;;) {
		ssize_t n = recv(fd, buf + have, sizeof buf - have, 0);

		if (n <= 0) {
			complain("a connection to be parked: %s", n == 0 ? "closed" : strerror(errno));
			return false;
		}
		if (message != NULL) {
			enum event event;
			long r = echo_read(&e, buf, (size_t)n, message_op, message, message_size, false, &event, &why);

			if (r != n || event == PING) {
				complain("a connection to be parked: %s", r < 0 ? why : "more bytes than were asked for");
				return false;
			}
			if (event == MESSAGE)
				return true;
			continue;
		}
		have += (size_t)n;
		int r = answer_parse(buf, have, &why);

		if (r == BAD || (r > 0 && (size_t)r != have)) {
			complain("a connection to be parked: %s", r == BAD ? why : "more bytes than were asked for");
			return false;
		}
		if (r > 0)
			return true;
	}
}

/* serve_wave opens connections and has each do its request. It returns how many
 * could. */
static int serve_wave(int *fds, int n)
{
	struct timeval limit = {.tv_sec = 10};

	for (int i = 0; i < n; i++) {
		fds[i] = connect_to_server();
		setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		if (coap == NO_COAP && send(fds[i], request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
			complain("a connection to be parked: %s", strerror(errno));
	}
	for (int i = 0; i < n; i++)
		if (coap != NO_COAP ? !coap_once(fds[i]) : !answered(fds[i]))
			return i;
	return n;
}

/* still_open reports whether the server has not closed a connection, nor sent
 * anything but what asks whether the other end still lives. */
static bool still_open(int fd)
{
	char c;

	if (coap != NO_COAP)
		return coap_quiet(fd);
	ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 ? errno == EAGAIN : n > 0 && message != NULL && c == (char)(0x80 | OP_PING);
}

int park(int count)
{
	int *fds = calloc((size_t)count, sizeof *fds), parked = 0, open = 0;

	if (fds == NULL)
		die("memory");
	while (parked < count) {
		int n = count - parked < PARK_WAVE ? count - parked : PARK_WAVE, served = serve_wave(fds + parked, n);

		parked += served;
		if (served < n) {
			printf("parked=%d errors=%d\n", parked, count - parked);
			return 1;
		}
	}
	printf("parked=%d errors=0\n", parked);
	fflush(stdout);
	wait_for_line();
	for (int i = 0; i < count; i++)
		open += still_open(fds[i]);
	printf("open=%d errors=%d\n", open, count - open);
	fflush(stdout);
	wait_for_end();
	return open != count;
}

static int *quiet; /* connections beside the loaded ones, quiets of them */
static int quiets;

int quiet_open(int count)
{
	int unserved = 0;

	if (count <= quiets)
		return 0;
	quiet = realloc(quiet, (size_t)count * sizeof *quiet);
	if (quiet == NULL)
		die("memory");
	while (quiets < count) {
		int n = count - quiets < PARK_WAVE ? count - quiets : PARK_WAVE;

		unserved += n - serve_wave(quiet + quiets, n);
		quiets += n;
	}
	return unserved;
}

int quiet_lost(void)
{
	int open = 0;

	for (int i = 0; i < quiets; i++)
		open += still_open(quiet[i]);
	if (open < quiets)
		complain("%d of the connections without load are closed", quiets - open);
	return quiets - open;
}
