//go:build !race

package coap_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/alloctest"
)

func TestNoAllocs(t *testing.T) {
	must := func(ok bool, err error) {
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	var (
		tcp        = coap.AppendTCP(nil, large)
		udp        = coap.AppendUDP(nil, coap.Datagram{Message: large, ID: 7})
		broken     = []byte("\x10\x01\xFF")
		out        = make([]byte, 0, 2048)
		text       = make([]byte, 0, 64)
		value      = []byte("value")
		understood = []coap.Option{coap.OptIfMatch}
	)
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"a message over TCP", func() {
			h, n, err := coap.ParseTCPHeader(tcp)
			must(n != 0 && h.Size() == uint64(len(tcp)), err)
			m, n, err := coap.ParseTCP(tcp)
			must(n == len(tcp), err)
			must(coap.SizeTCP(m) == uint64(n) && len(coap.AppendTCP(out, m)) == n, nil)
			must(len(coap.AppendTCPHeader(out, m.Code, m.Token, 1)) == 6, nil)
		}},
		{"a message over UDP", func() {
			d, err := coap.ParseUDP(udp)
			must(d.ID == 7, err)
			must(len(coap.AppendUDP(out, d)) == coap.SizeUDP(d.Message), nil)
		}},
		{"a message that is refused", func() {
			_, n, err := coap.ParseTCP(broken)
			must(n == 0 && err == coap.ErrPayloadMarker && err.(coap.Error).Code() == coap.CodeBadRequest && err.Error() != "", nil)
		}},
		{"options read", func() {
			n := 0
			it := smallOptions.Iter()
			for it.Next() {
				n += len(it.Value)
			}
			v, ok := smallOptions.Uint(coap.OptAccept)
			must(n == 34 && ok && v == 60 && smallOptions.Has(coap.OptURIPath) && smallOptions.Count(coap.OptURIPath) == 2, coap.CheckOptions(smallOptions))
			_, ok = smallOptions.Critical(understood)
			must(!ok, nil)
			q, ok := smallOptions.Query("unit")
			must(ok && len(q) == 1, nil)
			d, ok := coap.OptURIPath.Definition()
			must(ok && d.Name == coap.OptURIPath.String(), nil)
		}},
		{"options written", func() {
			o := coap.AppendOption(out, 0, coap.OptURIQuery, value)
			o = coap.AppendUintOption(o, coap.OptURIQuery, coap.OptSize1, 1<<20)
			o = coap.InsertOption(o, coap.OptURIPath, value)
			o = coap.InsertOption(o, coap.OptBlock1, value)
			must(len(o) == 6+6+5+6, coap.CheckOptions(o))
			must(len(coap.AppendPayload(o, value)) == len(o)+6, nil)
		}},
		{"a block", func() {
			b, err := coap.ParseBlock([]byte{0x1E})
			must(b.Offset() == 1024 && b.Uint() == 0x1E && coap.SZXOf(b.Size()) == 6 && coap.Newer(1, 2, 0), err)
		}},
		{"names", func() {
			c, ok := coap.ParseCode(coap.CodeContent.String())
			must(ok && c.Name() == "Content", nil)
			c, ok = coap.ParseMethod("get")
			must(ok && c == coap.CodeGET, nil)
			f, ok := coap.ParseFormat(coap.FormatSVG.String())
			must(ok && f == coap.FormatSVG, nil)
			o, ok := coap.ParseOptionName("request-tag")
			must(ok && o == coap.OptRequestTag, nil)
		}},
		{"a URI", func() {
			u, err := coap.ParseURI("coap+tcp://localhost/sensors/../a%20b?unit=K&%26")
			must(u.IsTCP() && len(u.Append(out)) == 48, err)
			must(len(u.AppendAddress(out)) == 14, nil)
			b, err := u.AppendOptions(out)
			o := coap.Options(b)
			must(len(o.AppendPath(text)) == 6 && len(o.AppendQuery(text)) == 10 && len(o.AppendLocation(text)) == 0, err)
		}},
	} {
		alloctest.Zero(t, c.name, c.f)
	}
}
