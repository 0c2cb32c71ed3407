module github.com/bobtail-go/bobtail/firmware/site

go 1.25

require github.com/bobtail-go/bobtail v0.0.0

replace github.com/bobtail-go/bobtail => ../..
