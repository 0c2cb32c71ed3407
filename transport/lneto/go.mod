module github.com/bobtail-go/bobtail/transport/lneto

go 1.25.0

replace github.com/bobtail-go/bobtail => ../..

require (
	github.com/bobtail-go/bobtail v0.0.0-00010101000000-000000000000
	github.com/soypat/lneto v0.3.2
)
