# The part for the Raspberry Pi Pico W.
#
# TinyGo knows a chip by a package that is made of its SVD file, a description
# of its registers by the maker. An official TinyGo has the package; its module
# has not, and then the file must be there: rp2040.svd in the folder that
# BOBTAIL_SVD names, such as data/RaspberryPi of cmsis-svd.
#
# With WIFI_SSID and WIFI_PASSWORD the image is one to flash, for that network;
# with PICOW_WRITE=1 the sizes go into the README.

# picow_up sets tinygo, and picow, the folder that firmware/image builds with.
picow_up() {
	firmware_up
	local svd=${BOBTAIL_SVD:-../shared/svd}/rp2040.svd made=$firmware/tinygoroot/src/device/rp/rp2040.go
	[ -f "$made" ] || [ -f "$svd" ] || leave_out 'needs an official TinyGo 0.41, or rp2040.svd: BOBTAIL_SVD=FOLDER'
	[ ! -f "$made" ] || svd=
	keep picow picow_make "$svd" < <(echo "$firmware" && declare -f picow_make && cat firmware/picow/picow.json ${svd:+"$svd"})
	picow=$kept
}

# picow_make DIR SVD makes a folder like that of firmware_make, with the target
# and, of the SVD file if there is one, the package of the chip.
picow_make() {
	local dir=$1 svd=$2
	cp -R "$firmware" "$dir"
	# The libraries are those of the first folder, which has its name already.
	sed "s|LIBS|$firmware|g" firmware/picow/picow.json >"$dir/picow.json"
	[ -n "$svd" ] || return 0
	mkdir "$dir/svd"
	cp "$svd" "$dir/svd"
	# Go itself is built with, not the copy that firmware is.
	(unset GOROOT && cd ci/tinygo && GOWORK=off go build -o "$dir/gen-device-svd" github.com/tinygo-org/tinygo/tools/gen-device-svd)
	"$dir/gen-device-svd" -source=https://github.com/posborne/cmsis-svd/tree/master/data/RaspberryPi "$dir/svd/" "$dir/tinygoroot/src/device/rp/"
}

# rp2040js is an emulator of the chip, without a radio, from the registry of npm.
rp2040js=1.4.1

part picow 'the program of the Raspberry Pi Pico W builds, its sizes hold, and it serves on an emulated chip'
part_picow() {
	picow_up
	local emulator=$cache/rp2040js-$rp2040js
	# It is one more proof, and nothing is built with it: without it a line says so.
	# Node trusts its own authorities alone, unless it is told of the machine's.
	if [ ! -f "$emulator/node_modules/rp2040js/package.json" ] &&
		! NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}} \
			npm install --silent --no-fund --no-audit --prefix "$emulator" "rp2040js@$rp2040js"; then
		say 'the program is not run: that needs node, npm, and rp2040js from the registry'
		rm -rf "$emulator"
		emulator=
	fi
	cd firmware/picow
	env -u GOROOT -u TINYGOROOT TINYGO="$tinygo" FIRMWARE="$picow" PICOW_UF2="$cache/picow.uf2" GOWORK=off \
		go test -count=1 -v -run '^TestImage$' . ${PICOW_WRITE:+-write}
	[ -z "${WIFI_SSID:-}" ] || say "the image to flash is $cache/picow.uf2"
	[ -z "$emulator" ] ||
		env -u GOROOT -u TINYGOROOT TINYGO="$tinygo" FIRMWARE="$picow" RP2040JS="$emulator" GOWORK=off go test -count=1 -v ./chip
}
