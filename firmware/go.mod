// Bobtail on microcontrollers.
module github.com/bobtail-go/bobtail/firmware

go 1.25

replace (
	github.com/bobtail-go/bobtail => ..
	github.com/bobtail-go/bobtail/transport/lneto => ../transport/lneto
)
