// Bobtail on microcontrollers.
module github.com/bobtail-go/bobtail/firmware

go 1.25.0

replace (
	github.com/bobtail-go/bobtail => ..
	github.com/bobtail-go/bobtail/firmware/site => ./site
	github.com/bobtail-go/bobtail/transport/lneto => ../transport/lneto
)

require (
	github.com/bobtail-go/bobtail v0.0.0
	github.com/bobtail-go/bobtail/firmware/site v0.0.0-00010101000000-000000000000
	github.com/bobtail-go/bobtail/transport/lneto v0.0.0-00010101000000-000000000000
	github.com/soypat/lneto v0.3.2
)
