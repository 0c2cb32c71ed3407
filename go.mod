module github.com/bobtail-go/bobtail

go 1.25
