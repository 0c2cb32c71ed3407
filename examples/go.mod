module github.com/bobtail-go/bobtail/examples

go 1.25

require (
	github.com/bobtail-go/bobtail v0.0.0
	github.com/bobtail-go/bobtail/firmware/site v0.0.0
)

replace (
	github.com/bobtail-go/bobtail => ..
	github.com/bobtail-go/bobtail/firmware/site => ../firmware/site
)
