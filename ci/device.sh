# The part for what a device serves, without a device.

part device 'the site of a device, built by TinyGo for Linux, serves clients and does not grow'
part_device() {
	tinygo_up
	cd firmware/site
	TINYGO=$tinygo TINYGOFLAGS=$tinygo_linux GOWORK=off go test -count=1 -v ./small
}
