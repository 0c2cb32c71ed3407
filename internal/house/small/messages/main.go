// Messages takes messages of CoAP apart and puts them together, over both
// transports and in memory that is there from the start, for TinyGo to compile:
// see the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
)

const links = "</sensors>;ct=40;title=\"all of them\",</sensors/temp>;rt=\"temperature-c outdoor\";obs"

var (
	token           = [...]byte{1, 2, 3, 4}
	understood      = [...]coap.Option{coap.OptIfMatch}
	wire, back, out [512]byte
	text            [256]byte
)

func main() {
	heap.Seal()
	signal()
	b := ask()
	for cut := range b {
		answer(b, cut)
	}
	datagram()
	insert()
	uri()
	link()
	refuse()
	println("ok")
}

// signal is the beginning and the end of a connection.
func signal() {
	var s coap.Session
	b := coap.AppendCSM(wire[:0], coap.Settings{MaxMessage: 65536, BlockWise: true})
	b = coap.AppendPing(b, token[:], true)
	b = coap.AppendRelease(b, "", 0)
	for _, want := range [...]coap.Action{coap.ActIgnore, coap.ActPong, coap.ActRelease} {
		m, n, err := coap.ParseTCP(b)
		check(err)
		act, err := s.Take(&m, true)
		check(err)
		must(act == want, "action")
		b = b[n:]
	}
	must(len(b) == 0 && s.Peer.MaxMessage == 65536 && s.Peer.BlockWise, "settings")
	b = coap.AppendAbort(wire[:0], 2, "too big")
	m, n, err := coap.ParseTCP(b)
	check(err)
	must(n == len(b) && m.Code == coap.CodeAbort, "abort")
}

// ask is a request as a client writes it.
func ask() []byte {
	u, err := coap.ParseURI("coap+tcp://localhost/sensors/../temp%20c?unit=K")
	check(err)
	b, err := u.AppendOptions(out[:0])
	check(err)
	b = coap.AppendUintOption(b, coap.OptURIQuery, coap.OptAccept, uint64(coap.FormatCBOR))
	m := coap.Message{Code: coap.CodeGET, Token: token[:], Options: b}
	b = coap.AppendTCP(wire[:0], m)
	must(coap.SizeTCP(m) == uint64(len(b)), "size")
	return b
}

// answer is what a server does of it, in two reads.
func answer(b []byte, cut int) {
	_, n, err := coap.ParseTCP(b[:cut])
	check(err)
	must(n == 0, "early message")
	h, n, err := coap.ParseTCPHeader(b)
	check(err)
	must(n != 0 && h.Size() == uint64(len(b)), "header")
	m, n, err := coap.ParseTCP(b)
	check(err)
	must(n == len(b) && m.Code == coap.CodeGET && len(m.Token) == 4, "message")
	_, bad := m.Options.Critical(understood[:])
	must(!bad, "critical option")
	must(ascii.Equal(m.Options.AppendPath(text[:0]), "/temp%20c"), "path")
	must(ascii.Equal(m.Options.AppendQuery(text[:0]), "unit=K"), "query")
	unit, ok := m.Options.Query("unit")
	must(ok && len(unit) == 1, "unit")
	f, ok := m.Options.Uint(coap.OptAccept)
	must(ok && coap.Format(f) == coap.FormatCBOR, "accept")
	count := 0
	it := m.Options.Iter()
	for it.Next() {
		count += len(it.Number.String())
	}
	must(count == len("Uri-HostUri-PathUri-QueryAccept"), "names")
	a := coap.AppendTCPHeader(back[:0], coap.CodeContent, m.Token, 1+1)
	a = coap.AppendPayload(a, token[:1])
	m, n, err = coap.ParseTCP(a)
	check(err)
	must(n == len(a) && m.Code.Name() == "Content" && len(m.Payload) == 1, "answer")
}

// datagram is an exchange over UDP.
func datagram() {
	var d coap.Datagram
	d.Code, d.Token, d.ID = coap.CodePUT, token[:], 0x7D34
	d.Options = coap.AppendOption(out[:0], 0, coap.OptURIPath, ascii.Bytes("a"))
	d.Payload = token[:]
	b := coap.AppendUDP(wire[:0], d)
	must(len(b) == coap.SizeUDP(d.Message), "size")
	d, err := coap.ParseUDP(b)
	check(err)
	must(d.Type == coap.Confirmable && d.ID == 0x7D34 && len(d.Payload) == 4 && d.Options.Has(coap.OptURIPath), "datagram")
	must(coap.Newer(1, 2, 0), "order")
}

// insert has options come in another order than theirs.
func insert() {
	block := coap.Block{Num: 17, More: true, SZX: coap.SZXOf(64)}
	b := coap.AppendUintOption(out[:0], 0, coap.OptBlock2, uint64(block.Uint()))
	b = coap.InsertOption(b, coap.OptRequestTag, token[:])
	b = coap.InsertOption(b, coap.OptETag, token[:2])
	check(coap.CheckOptions(b))
	v, ok := coap.Options(b).Get(coap.OptBlock2)
	got, err := coap.ParseBlock(v)
	check(err)
	must(ok && got == block && got.Offset() == 17*64 && coap.Options(b).Count(coap.OptETag) == 1, "block")
}

func uri() {
	u, err := coap.ParseURI("coaps://[::1]:77/a?b")
	check(err)
	must(ascii.Equal(u.AppendAddress(text[:0]), "[::1]:77") && ascii.Equal(u.Append(out[:0]), "coaps://[::1]:77/a?b"), "URI")
	c, ok := coap.ParseMethod("fetch")
	must(ok && c == coap.CodeFETCH && c.String() == "0.05", "method")
	f, ok := coap.ParseFormat("application/json")
	must(ok && f == coap.FormatJSON, "format")
	o, ok := coap.ParseOptionName("max-age")
	must(ok && o == coap.OptMaxAge, "option")
}

// link looks for a resource.
func link() {
	found := 0
	all := coap.ParseLinks(ascii.Bytes(links))
	for all.Next() {
		if all.Link.Match(ascii.Bytes("rt=outdoor")) {
			found++
			must(ascii.Equal(all.Link.Target, "/sensors/temp"), "target")
		}
	}
	check(all.Err())
	must(found == 1, "links")
	b := coap.AppendLinkParam(coap.AppendLink(text[:0], "/a"), "title", "a \"b\"")
	must(ascii.Equal(b, `</a>;title="a \"b\""`), "link")
}

// refuse has a peer break rules.
func refuse() {
	_, _, err := coap.ParseTCP(append(wire[:0], 0x10, 0x01, 0xFF))
	is(err, coap.ErrPayloadMarker)
	_, err = coap.ParseUDP(append(wire[:0], 0x40, 0x00, 0, 0, 1))
	is(err, coap.ErrDatagramEmpty)
	_, err = coap.ParseURI("http://a")
	is(err, coap.ErrURIScheme)
	is(coap.CheckOptions(append(wire[:0], 0x1F)), coap.ErrOptionLength)
}

// is wants an error, and what to answer.
func is(err error, want coap.Error) {
	e, ok := err.(coap.Error)
	must(ok && e == want && e.Code().IsError(), "error")
}

func check(err error) {
	if err != nil {
		must(false, err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("coap")
	}
}
