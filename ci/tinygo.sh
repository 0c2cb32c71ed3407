# The parts that need TinyGo, and how the compiler is come by.
#
# A TinyGo 0.41 in the path is used as it is. Without one, test.sh builds the
# compiler from its module (ci/tinygo pins it) with the LLVM of Debian, once,
# into the cache. The module lacks what the project keeps in git submodules, so
# the programs are linked with Debian's libraries, by targets of our own that
# inherit nothing: an inherited libc or rtlib could not be taken away again.

# tinygo_up sets tinygo, the path of the compiler, and tinygo_linux, its flags
# for a static program of many threads for Linux.
tinygo_up() {
	if command -v tinygo >/dev/null && tinygo version | grep -q '^tinygo version 0\.41\.'; then
		tinygo=$(command -v tinygo) tinygo_linux='-gc=leaking -scheduler=threads'
	else
		[ "$(go env GOOS)/$(go env GOARCH)" = linux/amd64 ] || missing 'needs TinyGo 0.41 in the path'
		debian g++ llvm-19-dev clang-19 libclang-19-dev lld-19 libzstd-dev zlib1g-dev libedit-dev musl-dev
		keep tinygo tinygo_make < <(go env GOVERSION && declare -f tinygo_make && cat ci/tinygo/*)
		tinygo=$kept/tinygo tinygo_linux="-target=$kept/linux-amd64.json"
		export TINYGOROOT=$kept/tinygoroot
	fi
	say "$("$tinygo" version)"
}

# tinygo_make DIR builds the compiler and what it needs beside it.
tinygo_make() {
	local dir=$1 module f
	mkdir -p "$dir/tinygoroot"
	(cd ci/tinygo && GOWORK=off go build -tags llvm19 -o "$dir/tinygo" github.com/tinygo-org/tinygo)
	module=$(cd ci/tinygo && GOWORK=off go list -m -f '{{.Dir}}' github.com/tinygo-org/tinygo)
	cp -R "$module/src" "$module/lib" "$module/targets" "$dir/tinygoroot"
	chmod -R u+w "$dir/tinygoroot"
	# The compiler lists this folder, one of the submodules, in every build.
	mkdir "$dir/tinygoroot/src/net"
	for f in ci/tinygo/*.json; do
		sed "s|LIBGCC|$(gcc -print-libgcc-file-name)|" "$f" >"$dir/${f##*/}"
	done
}

part tinygo 'TinyGo builds what claims it: http1, pool and ws without a heap, a server over epoll'
part_tinygo() {
	tinygo_up
	TINYGO=$tinygo TINYGOFLAGS=$tinygo_linux go test -count=1 -v ./internal/house/small
}
