# The part that needs other people's clients.

part peers 'curl, a browser and libcoap against the program and against servers of tests'
part_peers() {
	[ -n "$(git ls-files 'conformance/*.go')" ] || leave_out 'there is no conformance/ yet'
	command -v curl >/dev/null || debian curl
	# Other systems than Debian have it under other names.
	command -v chromium chromium-browser google-chrome >/dev/null || debian chromium
	# Others than Debian have one of them only, and under the short name.
	command -v coap-client-notls coap-client >/dev/null || debian libcoap3-bin
	CONFORMANCE=all in_dir conformance go test -count=1 -timeout 20m
}
