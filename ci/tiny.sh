# The part that builds the small server, tiny/, as small as it gets.
#
# Its limits, in bytes of the stripped file: what it has been brought down to, a
# little more, and what it aims at. Who passes a limit has brought something
# along; the map, in the log, tells from where.
tiny_most=43900 tiny_aim=49152         # HTTP, WebSocket and CoAP
tiny_web_most=36800 tiny_web_aim=32768 # HTTP and WebSocket

# tiny_flags have the linker leave out what serves other programs: see
# tiny/start_tinygo_linux_amd64.go and ci/tiny.ld. With -no-debug it would keep the
# names of symbols, whatever -s says. The rest is about code: what occurs more than
# once, and tables of addresses.
tiny_flags="-mllvm -enable-machine-outliner=always -mllvm -min-jump-table-entries=12
	--build-id=none --icf=all --wrap=__libc_start_main --wrap=tinygo_register_fatal_signals -T $PWD/ci/tiny.ld"

# tiny_build FILE TAGS builds it, and shows what it consists of.
tiny_build() {
	"$tinygo" build $tinygo_linux -gc=none -scheduler=none -opt=z -panic=trap \
		-tags="$2" -ldflags="-extldflags '-s $tiny_flags'" -o "$1" ./tiny
	# The map is made from what -s leaves out.
	"$tinygo" build $tinygo_linux -gc=none -scheduler=none -opt=z -panic=trap \
		-tags="$2" -ldflags="-extldflags '$tiny_flags'" -size=full -o "$1.map" ./tiny
}

# tiny_sized NAME FILE LIMIT AIM shows its size.
tiny_sized() {
	local bytes
	bytes=$(wc -c <"$2")
	say "$(printf '%s: %d bytes, limit %d, aim %d' "$1" "$bytes" "$3" "$4")"
}

part tiny 'the small server of tiny/: its size, its memory, and what bobtail serve passes'
part_tiny() {
	tinygo_up
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
	tiny_build "$out/tiny" ''
	tiny_build "$out/web" nocoap
	tiny_sized 'HTTP, WebSocket, CoAP' "$out/tiny" "$tiny_most" "$tiny_aim"
	tiny_sized 'HTTP, WebSocket' "$out/web" "$tiny_web_most" "$tiny_web_aim"
	TINY=$out/tiny TINY_MOST=$tiny_most go test -count=1 -v ./tiny
	TINY=$out/web TINY_MOST=$tiny_web_most go test -count=1 -tags=nocoap ./tiny
	TINY=$out/tiny in_dir conformance go test -count=1 \
		-run '^(TestTiny.*|TestServerCases|TestServerLong|TestHandshakes|TestHalves|TestGoingAway|TestWhoDoesNotRead|TestBrowser(Echoes|Origin|Page)|TestCurl(Get|Head|Upload))$' .
}
