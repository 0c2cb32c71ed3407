# The part for bare metal, and what it builds with.
#
# Firmware is built with TinyGo and the changes that firmware/tinygo holds: a
# run-time part for the LM3S6965, and packages of the standard library that are
# smaller than it. TinyGo finds some in its own folder and some in Go's, so
# copies of both folders are made, in the cache. The libraries that
# TinyGo would build from sources that its module lacks are Debian's.

# firmware_up sets tinygo, and firmware: the folder with the targets NAME.json,
# and in tinygoroot and goroot what TinyGo is to have as TINYGOROOT and GOROOT.
firmware_up() {
	tinygo_up
	debian gcc-arm-none-eabi picolibc-arm-none-eabi
	[ -n "${TINYGOROOT:-}" ] || TINYGOROOT=$("$tinygo" env TINYGOROOT)
	local root
	root=$(go env GOROOT)
	keep firmware firmware_make "$root" < <(go env GOVERSION GOROOT && echo "$TINYGOROOT" && declare -f firmware_make &&
		find firmware/tinygo -type f -print0 | sort -z | xargs -0 cat)
	firmware=$kept
}

# firmware_make DIR GOROOT makes the copies, the libraries and the targets.
firmware_make() {
	local dir=$1 goroot=$2 arch f name lean='--strip-debug -R .ARM.exidx* -R .ARM.extab*'
	mkdir -p "$dir/goroot/src/log"
	cp -R "$TINYGOROOT" "$dir/tinygoroot"
	rm -rf "$dir/tinygoroot/src/net" "$dir/tinygoroot/src/unique"
	# All of Go is linked but two packages.
	for f in "$goroot"/*; do
		[ "${f##*/}" = src ] || ln -s "$f" "$dir/goroot"
	done
	for f in "$goroot"/src/*; do
		[ "${f##*/}" = log ] || [ "${f##*/}" = fmt ] || ln -s "$f" "$dir/goroot/src"
	done
	for f in "$goroot"/src/log/*; do
		[ "${f##*/}" = slog ] || ln -s "$f" "$dir/goroot/src/log"
	done
	cp -R firmware/tinygo/_root/src/log/slog "$dir/goroot/src/log"
	cp -R firmware/tinygo/_root/src/fmt "$dir/goroot/src"
	for f in net runtime unique; do
		cp -R "firmware/tinygo/_root/src/$f" "$dir/tinygoroot/src"
	done
	cp -R firmware/tinygo/_root/targets "$dir/tinygoroot"
	for arch in thumb/v7-m thumb/v6-m; do
		name=$dir/${arch/\//-}
		mkdir "$name"
		# TinyGo's analysis of stacks stops at their old debugging information,
		# and their tables for C++ exceptions would bring the unwinder along.
		set -f
		arm-none-eabi-objcopy $lean "/usr/lib/picolibc/arm-none-eabi/lib/release/$arch/nofp/libc.a" "$name/libc.a"
		arm-none-eabi-objcopy $lean "$(arm-none-eabi-gcc -mthumb -march="arm${arch#*/}" -mfloat-abi=soft -print-libgcc-file-name)" "$name/libgcc.a"
		set +f
	done
	for f in firmware/tinygo/*.json; do
		# The targets name the libraries where they will be: keep moves the folder.
		sed "s|LIBS|$kept|g" "$f" >"$dir/${f##*/}"
	done
}

part firmware 'the device serves HTTP, WebSocket and CoAP on an emulated LM3S6965'
part_firmware() {
	firmware_up
	debian qemu-system-arm libcoap3-bin
	say "$(qemu-system-arm --version | head -n 1)"
	local out line
	out=$(mktemp)
	trap "rm -f '$out'" EXIT
	(
		cd firmware
		TINYGO=$tinygo FIRMWARE=$firmware GOWORK=off go test -count=1 -v -timeout 20m ./image ./qemutest ./lm3s6965
	) | tee "$out"
	sed -n 's/^ *\(sizes\|instructions\)_test\.go:[0-9]*: //p' "$out" | while read -r line; do
		say "$line"
	done
}
