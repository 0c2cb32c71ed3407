package resource_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

func TestCore(t *testing.T) {
	h := text("")
	r := newRouter(t,
		resource.Route{Pattern: "GET /sensors/temp", Handler: h, Attributes: []resource.Attribute{{"rt", "temperature-c"}, {"if", "sensor"}, {"obs", ""}}, Formats: []coap.Format{0, 50}},
		resource.Route{Pattern: "PUT /sensors/temp", Handler: h, Attributes: []resource.Attribute{{"title", `a "b"`}}},
		resource.Route{Pattern: "PUT /light", Handler: h},
		resource.Route{Pattern: "GET /light", Handler: h, Formats: []coap.Format{60}, Attributes: []resource.Attribute{{"rt", "light-lux"}, {"sz", "12"}}},
		resource.Route{Pattern: "GET /secret", Handler: h, Hidden: true},
		resource.Route{Pattern: "PUT /secret", Handler: h, Hidden: true},
		resource.Route{Pattern: "GET /wild/{name}", Handler: h},
		resource.Route{Pattern: "GET /all/", Handler: h},
		resource.Route{Pattern: "GET /dir/{$}", Handler: h, Hidden: false},
		resource.Route{Pattern: "GET /{$}", Handler: h},
		resource.Route{Pattern: "GET /a%20b", Handler: h},
	)
	temp := `</sensors/temp>;rt="temperature-c";if="sensor";obs;title="a \"b\"";ct="0 50"`
	light := `</light>;rt="light-lux";sz=12;ct=60`
	rest := `</dir/>,</>,</a%20b>`
	for _, test := range []struct{ why, query, want string }{
		{"RFC 6690 section 4: all", "", temp + "," + light + "," + rest},
		{"RFC 6690 section 4.1: by rt", "?rt=light-lux", light},
		{"RFC 6690 section 4.1: by a beginning", "?rt=light*", light},
		{"RFC 6690 section 4.1: by href", "?href=/sensors*", temp},
		{"RFC 6690 section 4.1: by if", "?if=sensor", temp},
		{"RFC 7252 section 7.2.1: by ct", "?ct=50", temp},
		{"what is not there", "?rt=none", ""},
		{"by both", "?rt=light-lux&sz=12", light},
		{"by both, of which one does not fit", "?rt=light-lux&sz=13", ""},
	} {
		for szx := range uint8(7) {
			p := newPeer(t, r, 100+16<<szx)
			got, _ := p.download(coap.CodeGET, "/.well-known/core"+test.query, nil, szx, true)
			if string(got) != test.want {
				t.Errorf("%s: got %s, want %s", test.why, got, test.want)
			}
		}
	}
	p := newPeer(t, r, 400)
	a := p.get("/.well-known/core?rt=light-lux")
	if f, ok := a.Options.Uint(coap.OptContentFormat); !ok || f != uint64(coap.FormatLink) {
		t.Errorf("RFC 6690 section 7.3: %s", show(a))
	}
	tag, _ := rawOption(a.Options, coap.OptETag)
	p.want(p.get("/.well-known/core?rt=light-lux", option{coap.OptETag, string(tag)}), "2.03 ETag="+string(tag))
	p.want(p.get("/.well-known/core", number(coap.OptAccept, 50)), "4.06")
	p.want(p.ask(request(coap.CodePUT, "/.well-known/core", nil)), "4.05")

	// A program's own.
	own := newPeer(t, newRouter(t, resource.Route{Pattern: "/.well-known/core", Handler: text("own")}), 100)
	if a := own.get("/.well-known/core"); string(a.Payload) == "own" {
		// One for GET alone is more specific.
		t.Errorf("%s", show(a))
	}
	own = newPeer(t, newRouter(t, resource.Route{Pattern: "GET /.well-known/core", Handler: text("own")}), 100)
	own.want(own.get("/.well-known/core"), "2.05 Content-Format=0 |own")
	if err := own.x.Pattern(); !strings.HasPrefix(err, "GET ") {
		t.Error(err)
	}
	none := newPeer(t, newRouter(t), 100)
	if a := none.get("/.well-known/core"); a.Code != coap.CodeContent || len(a.Payload) != 0 {
		t.Errorf("no links: %s", show(a))
	}
}
