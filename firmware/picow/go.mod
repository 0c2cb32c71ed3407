// The program of the Raspberry Pi Pico W.
module github.com/bobtail-go/bobtail/firmware/picow

go 1.25.0

replace (
	github.com/bobtail-go/bobtail => ../..
	github.com/bobtail-go/bobtail/firmware => ..
	github.com/bobtail-go/bobtail/firmware/site => ../site
	github.com/bobtail-go/bobtail/transport/lneto => ../../transport/lneto
	// The radio's driver asks for a later one, which module proxies refuse.
	github.com/soypat/lneto => github.com/soypat/lneto v0.3.2
)

require (
	github.com/bobtail-go/bobtail v0.0.0
	github.com/bobtail-go/bobtail/firmware v0.0.0
	github.com/bobtail-go/bobtail/firmware/site v0.0.0
	github.com/bobtail-go/bobtail/transport/lneto v0.0.0
	github.com/soypat/cyw43439 v0.2.0
)

require (
	github.com/soypat/lneto v0.4.0 // indirect
	github.com/soypat/seqs v0.0.0-20250124201400-0d65bc7c1710 // indirect
	github.com/tinygo-org/pio v0.2.0 // indirect
	golang.org/x/exp v0.0.0-20240808152545-0cdaa3abc0fa // indirect
)
