//go:build !race

package deflate_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

// TestNoAllocs holds everything that a message or a connection costs, after the
// first ones, but for the tables of compress/flate.
func TestNoAllocs(t *testing.T) {
	e := extension(t, deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 1})
	offer := []byte("permessage-deflate; client_max_window_bits")
	answer := make([]byte, 0, 200)
	b := text(rand.New(rand.NewPCG(1, 1)), 1000)
	alloctest.Zero(t, "negotiation", func() {
		p := e.Accept(offer)
		answer = e.AppendAccept(answer[:0], p)
		e.Release(p)
		answer = e.AppendOffer(answer[:0])
		p, err := e.Agree([]byte("permessage-deflate"))
		if err != nil || p == 0 {
			t.Error(p, err)
		}
		e.Release(p)
	})
	alloctest.Zero(t, "a connection with takeover", func() {
		p := e.Accept(offer)
		c := e.Take(ws.RoleServer, p)
		if err := c.Compress(io.Discard, b, true); err != nil {
			t.Error(err)
		}
		e.Put(c)
		e.Release(p)
	})
	for _, params := range []string{"", "; server_no_context_takeover", "; server_no_context_takeover; server_max_window_bits=8"} {
		p := e.Accept([]byte("permessage-deflate" + params))
		c := connection(e, ws.RoleServer, p)
		for _, n := range []int{0, 100, 1000} {
			alloctest.Zero(t, fmt.Sprintf("compressing %d bytes%s", n, params), func() {
				if err := c.Compress(io.Discard, b[:n/2], false); err != nil {
					t.Error(err)
				}
				if err := c.Compress(io.Discard, b[n/2:n], true); err != nil {
					t.Error(err)
				}
			})
		}
		e.Put(c)
		e.Release(p)
	}

	c := e.Codec()
	var skewed []byte // half of it zeros, a quarter ones ...
	for r := rand.New(rand.NewPCG(1, 1)); len(skewed) < 20_000; {
		skewed = append(skewed, byte(bits.TrailingZeros32(r.Uint32())), byte(r.ExpFloat64()*20))
	}
	into := make([]byte, 4096)
	r := bytes.NewReader(nil)
	for _, test := range []struct {
		name    string
		payload []byte
		most    uint64
	}{
		{"inflating with fixed codes", []byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), 0},
		{"inflating without compression", []byte("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), 0},
		{"inflating with codes of its own", compress(t, c, b, 1000), 0},
		// compress/flate makes tables for codes of more than 9 bits, anew for each
		// block.
		{"inflating with long codes", compress(t, c, skewed, 1000), 6 << 10},
	} {
		n := alloctest.Bytes(func() {
			r.Reset(test.payload)
			c.Decompress(r)
			for {
				_, err := c.Read(into)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Error(err)
					break
				}
			}
		})
		t.Logf("%s: %d bytes a message", test.name, n)
		if n > test.most {
			t.Errorf("%s allocates %d bytes a message, want at most %d", test.name, n, test.most)
		}
	}
}

// keep keeps what is measured.
var keep any

// allocated is the number of bytes that f allocates.
func allocated(f func() any) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	keep = f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// connections has an Extension agree with another n times, sends a message each
// way on every connection with takeover, and then what is idle at two levels.
func connections(t *testing.T, e, other *deflate.Extension, role ws.Role, n int, message func(*testing.T, wsconn.Codec)) any {
	var all []wsconn.Codec
	for range n {
		p, err := wsconn.Params(0), error(nil)
		if role == ws.RoleServer {
			p = e.Accept(other.AppendOffer(nil))
		} else {
			p, err = e.Agree(other.AppendAccept(nil, other.Accept(e.AppendOffer(nil))))
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Stateful(role, p) {
			c := e.Take(role, p)
			message(t, c)
			all = append(all, c)
		}
	}
	alone, small := e.Codec(), e.Codec()
	small.Bind(role, 0x881) // windows of 8 bits
	message(t, alone)
	message(t, small)
	return append(all, alone)
}

// TestIdle has more messages under way at once than Config.Idle: the others'
// compressors are not kept.
func TestIdle(t *testing.T) {
	e := extension(t, deflate.Config{Level: 2, Idle: 1})
	one, _ := extension(t, deflate.Config{Level: 2, Idle: 1}).Memory(ws.RoleServer)
	var codecs [4]wsconn.Codec
	for i := range codecs {
		codecs[i] = e.Codec()
	}
	for range 3 {
		got := allocated(func() any {
			for _, last := range []bool{false, true} {
				for _, c := range codecs {
					if err := c.Compress(io.Discard, nil, last); err != nil {
						t.Error(err)
					}
				}
			}
			return nil
		})
		if got < (len(codecs)-1)*one/3 {
			t.Errorf("%d messages at once allocate %d bytes: more was kept than one compressor", len(codecs), got)
		}
	}
}

// TestMemory holds Memory to what is allocated: not less, and little more.
func TestMemory(t *testing.T) {
	b := text(rand.New(rand.NewPCG(1, 1)), 5000)
	payload := []byte("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")
	message := func(t *testing.T, c wsconn.Codec) {
		if err := c.Compress(io.Discard, b, true); err != nil {
			t.Error(err)
		}
		c.Decompress(bytes.NewReader(payload))
		into := make([]byte, 1)
		for err := error(nil); err != io.EOF; {
			if _, err = c.Read(into); err != nil && err != io.EOF {
				t.Fatal(err)
			}
		}
	}
	for _, role := range []ws.Role{ws.RoleServer, ws.RoleClient} {
		for _, level := range []int{flate.HuffmanOnly, 1, 2, 6, 9} {
			for _, c := range []deflate.Config{
				{},
				{ServerTakeover: true},
				{ClientTakeover: true},
				{ServerTakeover: true, ClientTakeover: true, ServerWindowBits: 14, ClientWindowBits: 13},
			} {
				c.Level, c.Contexts, c.Idle = level, 2, 1
				peer := c
				peer.Level = 6
				var idle, context int
				got := math.MaxInt
				for range 3 { // the runtime may allocate, too, but not each time
					e, other := extension(t, c), extension(t, peer)
					idle, context = e.Memory(role)
					got = min(got, allocated(func() any { return connections(t, e, other, role, c.Contexts, message) }))
				}
				if says := idle + c.Contexts*context; got > says || got < says*98/100 {
					t.Errorf("role %d, %+v: %d bytes, and Memory says %d and %d times %d", role, c, got, idle, c.Contexts, context)
				}
			}
		}
	}
}
