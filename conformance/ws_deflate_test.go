package conformance

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

// terms are the parameters of permessage-deflate (RFC 7692 section 7.1), in an
// offer or in an answer to one. Bits of 0 are none; 1 is the parameter
// client_max_window_bits without a value.
type terms struct {
	serverAlone, clientAlone bool // no context takeover
	serverBits, clientBits   int
}

func (p terms) String() string {
	s := "permessage-deflate"
	if p.serverAlone {
		s += "; server_no_context_takeover"
	}
	if p.clientAlone {
		s += "; client_no_context_takeover"
	}
	if p.serverBits > 0 {
		s += "; server_max_window_bits=" + strconv.Itoa(p.serverBits)
	}
	switch {
	case p.clientBits == 1:
		s += "; client_max_window_bits"
	case p.clientBits > 0:
		s += "; client_max_window_bits=" + strconv.Itoa(p.clientBits)
	}
	return s
}

// readTerms reads one extension, strictly.
func readTerms(s string) (p terms, err error) {
	for i, part := range strings.Split(s, ";") {
		name, value, has := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.Trim(value, `"`)
		bits, _ := strconv.Atoi(value)
		sized := has && bits >= 8 && bits <= 15 && value == strconv.Itoa(bits)
		switch {
		case i == 0 && name == "permessage-deflate" && !has:
		case i > 0 && name == "server_no_context_takeover" && !has && !p.serverAlone:
			p.serverAlone = true
		case i > 0 && name == "client_no_context_takeover" && !has && !p.clientAlone:
			p.clientAlone = true
		case i > 0 && name == "server_max_window_bits" && sized && p.serverBits == 0:
			p.serverBits = bits
		case i > 0 && name == "client_max_window_bits" && sized && p.clientBits == 0:
			p.clientBits = bits
		case i > 0 && name == "client_max_window_bits" && !has && p.clientBits == 0:
			p.clientBits = 1
		default:
			return p, fmt.Errorf("%q is not permessage-deflate", s)
		}
	}
	return p, nil
}

// answers reports whether an answer is one to the offer (section 7.1).
func (p terms) answers(offer terms) bool {
	return p.clientBits != 1 &&
		(p.serverAlone || !offer.serverAlone) &&
		(offer.serverBits == 0 || p.serverBits > 0 && p.serverBits <= offer.serverBits) &&
		(p.clientBits == 0 || offer.clientBits == 1 || p.clientBits <= offer.clientBits)
}

func bitsOr15(n int) int {
	if n == 0 {
		return 15
	}
	return n
}

// agree has a wire and a packer keep to an answer.
func (w *wire) agree(p terms) *packer {
	w.packed = true
	mine, others := newPacker(!p.serverAlone, bitsOr15(p.serverBits)), &unpacker{takeover: !p.clientAlone, bits: bitsOr15(p.clientBits)}
	if w.client {
		mine, others = newPacker(!p.clientAlone, bitsOr15(p.clientBits)), &unpacker{takeover: !p.serverAlone, bits: bitsOr15(p.serverBits)}
	}
	w.unpack = others.unpack
	return mine
}

// compressed are the frames of a message, compressed, with as many bytes each
// at most; 0 is one frame.
func (p *packer) compressed(op byte, s string, size int) []frame {
	b := p.pack(s)
	if size == 0 {
		size = len(b)
	}
	f := fragments(op, b, size)
	f[0].first |= rsv1
	return f
}

// samples are texts and others of the kinds that the suite has, of a size that
// no message of it reaches.
var samples = func() []string {
	r := rand.New(rand.NewPCG(6455, 7692))
	const size = 256 << 10
	words := strings.Fields("Habe nun, ach! Philosophie, Juristerei und Medizin, und leider auch Theologie durchaus studiert, mit heißem Bemühn. Da steh ich nun, ich armer Tor! und bin so klug als wie zuvor;")
	var faust, page, data, picture, noise bytes.Buffer
	for faust.Len() < size {
		fmt.Fprintf(&faust, "%s ", words[r.IntN(len(words))])
	}
	for i := 0; page.Len() < size; i++ {
		fmt.Fprintf(&page, "<tr class=\"row\"><td>%d</td><td><a href=\"/entry/%d\">%s</a></td></tr>\n", i, r.IntN(1e6), words[r.IntN(len(words))])
	}
	for i := 0; data.Len() < size; i++ {
		fmt.Fprintf(&data, `{"id":%d,"name":%q,"value":%.6f,"tags":[%q,null,true]},`, i, words[r.IntN(len(words))], r.Float64(), words[r.IntN(len(words))])
	}
	for y := range 512 {
		for x := range 512 {
			picture.WriteByte(byte(x*y>>10) + byte(r.IntN(8)))
		}
	}
	for range size {
		noise.WriteByte(byte(r.Uint32()))
	}
	return []string{ascii(data.String()), picture.String(), ascii(faust.String()), ascii(page.String()), noise.String()}
}()

// ascii has every message cut out of a text be one.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 {
			return r
		}
		return 'e'
	}, s)
}

// sizes are those of the messages in each subgroup of groups 12 and 13, with
// those of their frames, 0 for one.
var sizes = [][2]int{
	{16, 0}, {64, 0}, {256, 0}, {1024, 0}, {4096, 0}, {8192, 0}, {16384, 0}, {32768, 0}, {65536, 0}, {131072, 0},
	{8192, 256}, {16384, 256}, {32768, 256}, {65536, 256}, {131072, 256}, {131072, 1024}, {131072, 4096}, {131072, 32768},
}

// packedCase has messages of a size, one after the other from a sample, each
// sent when the last is back. The suite sends a thousand; here all are to be
// so many bytes together, but not less than a few messages.
func packedCase(id string, sample string, binary bool, size, frames, bytes int) func(w *wire, p *packer) string {
	return func(w *wire, p *packer) string {
		var (
			send []frame
			want []string
		)
		op := byte(opText)
		if binary {
			op = opBinary
		}
		for i, at := 0, 0; i < 2 || i*size < bytes && i < 1000; i++ {
			if at+size > len(sample) {
				at = (at + size) % 97
			}
			s := sample[at : at+size]
			at += size
			f := p.compressed(op, s, frames)
			f[0].await = i
			send = append(send, f...)
			if binary {
				want = append(want, gotBin(s))
			} else {
				want = append(want, gotText(s))
			}
		}
		if bad := w.conversation(send, together, append(want, gotClose(1000))); bad != "" {
			return id + ": " + bad
		}
		return ""
	}
}

// upgradePacked has a client's connection with one of the offers agreed on, and
// a packer nil if none was.
func upgradePacked(t *testing.T, url string, offers ...terms) (*wire, *packer) {
	t.Helper()
	var texts []string
	for _, o := range offers {
		texts = append(texts, o.String())
	}
	list := strings.Join(texts, ", ")
	w, err := upgrade(url, "Sec-WebSocket-Extensions: "+list)
	if err != nil {
		t.Fatal(err)
	}
	answer := strings.Join(w.answer.Values("Sec-WebSocket-Extensions"), ", ")
	if answer == "" {
		w.c.Close()
		return nil, nil
	}
	p, err := readTerms(answer)
	if err != nil || !slices.ContainsFunc(offers, p.answers) {
		t.Fatalf("the answer to %q is %q, %v", list, answer, err)
	}
	pack := w.agree(p)
	w.listen()
	return w, pack
}

// offers are those of the subgroups of group 13.
var offers = [][]terms{
	{{}},
	{{serverAlone: true}},
	{{serverBits: 9}},
	{{serverBits: 15}},
	{{serverAlone: true, serverBits: 9}},
	{{serverAlone: true, serverBits: 15}},
	{{serverAlone: true, serverBits: 9}, {serverAlone: true}, {}},
}

// every is all offers of one extension that there are, with a few sizes of
// windows.
func every() (all []terms) {
	for i := range 4 * 16 {
		all = append(all, terms{i&1 != 0, i&2 != 0, []int{0, 8, 9, 15}[i>>2&3], []int{0, 1, 9, 15}[i>>4]})
	}
	return all
}

// TestServerDeflate sends the cases of groups 12 and 13 to the server, and an
// echo with every combination of parameters.
func TestServerDeflate(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) { serverDeflate(t, url, 1<<20) })
}

// step has all sizes be sent to the evented echo on epoll, and a part of them
// to the others, to save time.
func step(t *testing.T) int {
	if strings.HasSuffix(t.Name(), "epoll/ws") {
		return 1
	}
	return 4
}

// TestEchoDeflate does so with other handlers, and with context takeover.
func TestEchoDeflate(t *testing.T) {
	e, err := deflate.New(deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 100})
	if err != nil {
		t.Fatal(err)
	}
	onEchoes(t, e, serverDeflate)
}

// serverDeflate sends messages of so many bytes at most.
func serverDeflate(t *testing.T, url string, most int) {
	const bytes = 64 << 10
	step := step(t)
	for i, sample := range samples {
		for j, s := range sizes {
			if s[0] > most || (i+j)%step > 0 {
				continue
			}
			w, p := upgradePacked(t, url, terms{})
			if p == nil {
				t.Fatal("the server does not compress")
			}
			if bad := packedCase(fmt.Sprintf("12.%d.%d", i+1, j+1), sample, i == 1 || i == 4, s[0], s[1], bytes)(w, p); bad != "" {
				t.Error(bad)
			}
		}
	}
	for i, offer := range offers {
		for j, s := range sizes {
			if s[0] > most || (i+j)%step > 0 {
				continue
			}
			w, p := upgradePacked(t, url, offer...)
			if p == nil {
				t.Errorf("13.%d: none of %v is taken", i+1, offer)
				break
			}
			if bad := packedCase(fmt.Sprintf("13.%d.%d", i+1, j+1), samples[0], false, s[0], s[1], bytes)(w, p); bad != "" {
				t.Error(bad)
			}
		}
	}
	for _, offer := range every() {
		w, p := upgradePacked(t, url, offer)
		if p == nil {
			t.Errorf("%v is not taken", offer)
			continue
		}
		if bad := packedCase(offer.String(), samples[3], false, 3000, 700, 9000)(w, p); bad != "" {
			t.Error(bad)
		}
	}
}

// bomb is a short payload that inflates to a long message.
const (
	bomb     = "64 MiB in 64 KiB"
	bombSize = 64 << 20
)

// oddities are messages whose compressed form is not what everybody sends, and what
// breaks the rules of RFC 7692. They are sent with the default offer.
func oddities() []wsCase {
	closed, broken := gotClose(1000), gotClose(1002)
	hello := newPacker(false, 15).compressed(opText, "Hello", 0)
	final := "\xf3\x48\xcd\xc9\xc9\x07\x00\x00" // section 7.2.3.4
	stored := "\x00\x05\x00\xfa\xffHello\x00"   // section 7.2.3.3
	two := "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"
	var zeros bytes.Buffer
	z, _ := flate.NewWriter(&zeros, 9)
	z.Write(make([]byte, bombSize))
	z.Flush()
	packed := func(op byte, s string) frame { return frame{first: fin | rsv1 | op, payload: s} }
	begun := func(op byte, s string) frame { return frame{first: rsv1 | op, payload: s} }
	return []wsCase{
		{"the example of section 7.2.3.1", together, []frame{packed(opText, "\xf2\x48\xcd\xc9\xc9\x07\x00")}, []string{gotText("Hello"), closed}},
		{"a final block", together, []frame{packed(opText, final)}, []string{gotText("Hello"), closed}},
		{"a stored block", together, []frame{packed(opText, stored)}, []string{gotText("Hello"), closed}},
		{"two blocks", together, []frame{packed(opText, two)}, []string{gotText("Hello"), closed}},
		{"an empty message", together, []frame{packed(opBinary, "\x00")}, []string{gotBin(""), closed}},
		{"in fragments, one of them empty", together, []frame{begun(opText, "\xf2\x48\xcd"), more(""), last("\xc9\xc9\x07\x00")}, []string{gotText("Hello"), closed}},
		{"with a ping inside", together, []frame{begun(opText, "\xf2\x48\xcd"), ping("p"), last("\xc9\xc9\x07\x00")}, []string{gotPong("p"), gotText("Hello"), closed}},
		{"not compressed", together, []frame{txt("Hello"), hello[0], bin("\xff"), txt("")}, []string{gotText("Hello"), gotText("Hello"), gotBin("\xff"), gotText(""), closed}},
		{"RSV1 on a ping", together, []frame{packed(opPing, "")}, []string{broken}},
		{"RSV1 on a continuation", together, []frame{begun(opText, "\xf2\x48\xcd"), packed(opContinuation, "\xc9\xc9\x07\x00")}, []string{broken}},
		{"RSV2", together, []frame{packed(opText, "\xf2\x48\xcd\xc9\xc9\x07\x00").reserved(rsv2)}, []string{broken}},
		{"inflates to no text", together, []frame{packed(opText, "\x02\x00\xff\x00\x00")}, nil},
		{"a block of kind 3", together, []frame{packed(opBinary, "\xff\xff\xff")}, nil},
		{"a distance before the message", together, []frame{packed(opBinary, "\x02\x23\x00")}, nil},
		{"ends amid a block", together, []frame{packed(opBinary, "\xf2\x48")}, nil},
		{bomb, together, []frame{packed(opBinary, strings.TrimSuffix(zeros.String(), "\x00\x00\xff\xff"))}, nil},
	}
}

// packedFailure reports whether an event is a close frame that a payload may
// lead to which is not compressed as it should be: which of these codes it is,
// RFC 7692 does not say.
func packedFailure(e string) bool {
	return slices.Contains([]string{gotClose(1002), gotClose(1007), gotClose(1008), gotClose(1009)}, e)
}

// oddCases sends them. Where nothing bounds what a message inflates to, the
// long one is echoed.
func oddCases(t *testing.T, bounded bool, connect func() (*wire, *packer)) {
	for _, c := range oddities() {
		if !bounded && c.id == bomb {
			c.want = []string{gotBin(string(make([]byte, bombSize))), gotClose(1000)}
		}
		for _, cut := range c.cuts() {
			w, p := connect()
			if p == nil {
				t.Fatal("no compression")
			}
			want := c.want
			if want == nil {
				// The code is the other end's choice, and a part of a long message may
				// come before it.
				w.write(c.send, cut)
				e := w.next()
				if !packedFailure(e) {
					t.Errorf("%s, cut %d: %s", c.id, cut, e)
				}
				w.c.Close()
				continue
			}
			if bad := w.conversation(c.send, cut, want); bad != "" {
				t.Errorf("%s, cut %d: %s", c.id, cut, bad)
			}
		}
	}
}

func TestServerDeflateOdd(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) {
		oddCases(t, false, func() (*wire, *packer) { return upgradePacked(t, url, terms{}) })
	})
}

func TestEchoDeflateOdd(t *testing.T) {
	e, err := deflate.New(deflate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	onEchoes(t, e, func(t *testing.T, url string, _ int) {
		oddCases(t, true, func() (*wire, *packer) { return upgradePacked(t, url, terms{}) })
	})
}

// dialPacked has a client connect with an extension, and answers it with those
// of the terms that it offers, or those that are forced on it.
func (s *asServer) dialPacked(e wsconn.Extension, want terms) (*wire, *packer) {
	s.t.Helper()
	var answer terms
	w := s.dial(wsdial.Config{Extension: e}, func(offers string) []string {
		first, _, _ := strings.Cut(offers, ",")
		offer, err := readTerms(first)
		if err != nil {
			s.t.Error(err)
		}
		answer = want
		answer.serverAlone = answer.serverAlone || offer.serverAlone
		if offer.serverBits > 0 {
			answer.serverBits = min(bitsOr15(answer.serverBits), offer.serverBits)
		}
		switch {
		case offer.clientBits == 0:
			answer.clientBits = 0
		case offer.clientBits > 1:
			answer.clientBits = min(bitsOr15(answer.clientBits), offer.clientBits)
		}
		return []string{"Sec-WebSocket-Extensions: " + answer.String()}
	})
	p := w.agree(answer)
	w.listen()
	return w, p
}

// TestClientDeflate sends the cases of groups 12 and 13 to clients, with and
// without context takeover.
func TestClientDeflate(t *testing.T) {
	for name, c := range map[string]deflate.Config{
		"alone":    {},
		"takeover": {ServerTakeover: true, ClientTakeover: true, Contexts: 100},
		"small":    {ServerWindowBits: 9, ClientWindowBits: 9},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := deflate.New(c)
			if err != nil {
				t.Fatal(err)
			}
			clientDeflate(t, newServer(t, clients["streamed"]), e, 1<<20, 1)
		})
	}
}

// TestPooledDeflate does so to connections that a server has dialled.
func TestPooledDeflate(t *testing.T) {
	for name, c := range map[string]deflate.Config{
		"alone":    {},
		"takeover": {ServerTakeover: true, ClientTakeover: true, Contexts: 100},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := deflate.New(c)
			if err != nil {
				t.Fatal(err)
			}
			onPooled(t, e, func(t *testing.T, s *asServer, most int) { clientDeflate(t, s, e, most, 5) })
		})
	}
}

// clientDeflate sends every so many of the cases, with messages of so many
// bytes at most.
func clientDeflate(t *testing.T, s *asServer, e wsconn.Extension, most, step int) {
	run := func(id string, want terms, sample string, binary bool, size [2]int, bytes int) {
		w, p := s.dialPacked(e, want)
		if bad := packedCase(id, sample, binary, size[0], size[1], bytes)(w, p); bad != "" {
			t.Error(bad)
		}
		<-s.done
	}
	for i, sample := range samples {
		for j, size := range sizes {
			if size[0] <= most && (i+j)%step == 0 {
				run(fmt.Sprintf("12.%d.%d", i+1, j+1), terms{}, sample, i == 1 || i == 4, size, 32<<10)
			}
		}
	}
	for i, want := range every() {
		if want.clientBits == 1 {
			want.clientBits = 8 + i&7
		}
		if size := sizes[i%len(sizes)]; size[0] <= most {
			run(want.String(), want, samples[0], false, size, 8<<10)
		}
	}
	oddCases(t, true, func() (*wire, *packer) {
		select {
		case <-s.done:
		default:
		}
		return s.dialPacked(e, terms{})
	})
}

// TestUnpacker holds the tests' own inflater to that of the standard library,
// and has it see what that does not.
func TestUnpacker(t *testing.T) {
	for i, sample := range samples {
		for _, level := range []int{flate.NoCompression, flate.BestSpeed, 6, flate.BestCompression, flate.HuffmanOnly} {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, level)
			z := &unpacker{takeover: true, bits: 15}
			for _, s := range []string{sample[:1000], sample[500:50000], "", sample[:40000]} {
				b.Reset()
				io.WriteString(w, s)
				w.Flush()
				got, err := z.unpack(bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff")))
				if err != nil || string(got) != s {
					t.Fatalf("sample %d, level %d: %d bytes, %v, want %d", i, level, len(got), err, len(s))
				}
			}
		}
	}
	p := newPacker(true, 15)
	first, second := p.pack(samples[0][:5000]), p.pack(samples[0][:5000])
	for _, tt := range []struct {
		name string
		z    unpacker
		ok   bool
	}{
		{"all is allowed", unpacker{takeover: true, bits: 15}, true},
		{"no context takeover", unpacker{bits: 15}, false},
		{"a small window", unpacker{takeover: true, bits: 9}, false},
	} {
		_, err := tt.z.unpack([]byte(first))
		if err == nil {
			_, err = tt.z.unpack([]byte(second))
		}
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for _, bits := range []int{8, 9, 15} {
		for _, takeover := range []bool{false, true} {
			p, z := newPacker(takeover, bits), &unpacker{takeover: takeover, bits: bits}
			for _, s := range []string{samples[0][:9999], "", samples[0][:9999], samples[1][:300]} {
				if got, err := z.unpack([]byte(p.pack(s))); err != nil || string(got) != s {
					t.Errorf("%d bits, takeover %v: %d bytes, %v, want %d", bits, takeover, len(got), err, len(s))
				}
			}
		}
	}
}
