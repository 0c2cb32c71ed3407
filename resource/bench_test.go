package resource_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

func BenchmarkServe(b *testing.B) {
	large := slice(content(1 << 20))
	r := newRouter(b,
		resource.Route{Pattern: "GET /hello", Handler: text("Hello, World!")},
		resource.Route{Pattern: "GET /hello/{name}", Handler: text("Hello, World!")},
		resource.Route{Pattern: "GET /bytes", Handler: func(w resource.Response, r *resource.Request) error { return w.Bytes(42, large[:16384]) }},
		resource.Route{Pattern: "GET /source", Handler: func(w resource.Response, r *resource.Request) error { return w.Source(42, &large) }},
		resource.Route{Pattern: "PUT /data", Data: func(w resource.Response, r *resource.Request, p resource.Part) error { return nil }})
	x := resource.NewExchange(r, 0, nil)
	terms := &resource.Terms{SZX: 6}
	dst := make([]byte, 0, 1200)
	for _, bench := range []struct {
		name string
		m    coap.Message
	}{
		{"literal", request(coap.CodeGET, "/hello", nil)},
		{"wildcard", request(coap.CodeGET, "/hello/you", nil)},
		{"4.04", request(coap.CodeGET, "/none", nil)},
		{"slice of 16 KB", request(coap.CodeGET, "/bytes", nil, block(coap.OptBlock2, 7, false, 6))},
		{"slice of a source", request(coap.CodeGET, "/source", nil, block(coap.OptBlock2, 7, false, 6))},
		{"upload of one block", request(coap.CodePUT, "/data", large[:1024], block(coap.OptBlock1, 0, true, 6))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if a := x.Serve(bench.m, terms, dst); a.Code == coap.CodeInternalServerError {
					b.Fatal(a.Code)
				}
			}
		})
	}
}
