/*
 * libcoap: the server of the comparison that is written with libcoap, in the
 * plain use of its manual pages: one context, one resource, coap_io_process.
 * It is one thread, since libcoap up to 4.3.4 is not made for more.
 *
 * GET /hello is answered with 2.05, Content-Format 0 and "Hello, World!".
 *
 * usage: libcoap [-a ADDRESS] -p PORT [-u]
 * It listens on TCP, or with -u on UDP, and runs until it is killed.
 */
#include <arpa/inet.h>
#include <coap3/coap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char text[] = "Hello, World!";

static void get(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request, const coap_string_t *query,
		coap_pdu_t *response)
{
	uint8_t format[4];

	(void)resource;
	(void)session;
	(void)request;
	(void)query;
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
	coap_add_option(response, COAP_OPTION_CONTENT_FORMAT,
			coap_encode_var_safe(format, sizeof format, COAP_MEDIATYPE_TEXT_PLAIN), format);
	coap_add_data(response, sizeof text - 1, (const uint8_t *)text);
}

static void die(const char *what)
{
	fprintf(stderr, "libcoap: %s\n", what);
	exit(1);
}

int main(int argc, char **argv)
{
	int port = 0, datagrams = 0, opt;
	const char *host = "127.0.0.1";

	while ((opt = getopt(argc, argv, "a:p:u")) != -1) {
		switch (opt) {
		case 'a':
			host = optarg;
			break;
		case 'p':
			port = atoi(optarg);
			break;
		case 'u':
			datagrams = 1;
			break;
		default:
			return 2;
		}
	}
	if (port < 1 || port > 65535 || optind != argc) {
		fprintf(stderr, "usage: libcoap [-a ADDRESS] -p PORT [-u]\n");
		return 2;
	}

	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	coap_startup();

	coap_address_t at;

	coap_address_init(&at);
	at.size = sizeof at.addr.sin;
	at.addr.sin.sin_family = AF_INET;
	at.addr.sin.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &at.addr.sin.sin_addr) != 1)
		die("no such address");

	coap_context_t *context = coap_new_context(NULL);

	if (context == NULL)
		die("no context");
	if (coap_new_endpoint(context, &at, datagrams ? COAP_PROTO_UDP : COAP_PROTO_TCP) == NULL)
		die("cannot listen");

	coap_resource_t *hello = coap_resource_init(coap_make_str_const("hello"), 0);

	if (hello == NULL)
		die("no resource");
	coap_register_handler(hello, COAP_REQUEST_GET, get);
	coap_add_resource(context, hello);
	for (;;)
		if (coap_io_process(context, COAP_IO_WAIT) < 0)
			die("coap_io_process");
}
