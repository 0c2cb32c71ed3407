package wsconn_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// wire is a stream for tests: a peer that sends what it has in pieces, and
// takes what is sent to it.
type wire struct {
	in    string
	ends  []int              // after each read, how many bytes of in have come
	size  func(left int) int // of the next piece, without ends; nil for all that there is
	end   error              // after the last, nil for io.EOF
	read  int
	reads int

	out    bytes.Buffer
	writes int
	takes  int // bytes until Write fails with errWrite, if fails
	fails  bool

	before func() // called before each Read, if it is not nil
}

var (
	errRead  = errors.New("read failed")
	errWrite = errors.New("write failed")
)

func (w *wire) Read(p []byte) (int, error) {
	if w.before != nil {
		w.before()
	}
	w.reads++
	if len(p) == 0 {
		return 0, nil
	}
	left := len(w.in) - w.read
	if left == 0 {
		if w.end != nil {
			return 0, w.end
		}
		return 0, io.EOF
	}
	n := left
	if w.size != nil {
		n = min(n, max(1, w.size(n)))
	}
	for _, e := range w.ends {
		if e > w.read {
			n = min(n, e-w.read)
			break
		}
	}
	n = copy(p, w.in[w.read:w.read+n])
	w.read += n
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.writes++
	if w.fails {
		n := min(len(p), w.takes)
		w.out.Write(p[:n])
		w.takes -= n
		if n < len(p) {
			return n, errWrite
		}
		return n, nil
	}
	w.out.Write(p)
	return len(p), nil
}

func byOne(int) int { return 1 }

func byChance(seed uint64, most int) func(int) int {
	r := rand.New(rand.NewPCG(seed, seed))
	return func(int) int { return 1 + r.IntN(most) }
}

// counter is a source of entropy whose bytes are known.
type counter byte

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		*c += 37
		p[i] = byte(*c)
	}
	return len(p), nil
}

// newConn makes a connection with buffers of the given sizes, 0 for the least.
func newConn(t testing.TB, role ws.Role, in, out int, change ...func(*wsconn.Config)) *wsconn.Conn {
	t.Helper()
	if in == 0 {
		in = wsconn.MinIn
	}
	if out == 0 {
		out = wsconn.MinOut
	}
	config := wsconn.Config{Role: role, In: splittest.Memory(t, in), Out: splittest.Memory(t, out)}
	if role == ws.RoleClient {
		config.Rand = new(counter)
	}
	for _, f := range change {
		f(&config)
	}
	c, err := wsconn.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func peerOf(role ws.Role) ws.Role { return ws.RoleClient - role }

// roles are both, with the name of a subtest.
var roles = []struct {
	name string
	role ws.Role
}{{"server", ws.RoleServer}, {"client", ws.RoleClient}}

// parts is a script of frames, one a word: an opcode letter (t text, b binary, c
// continuation, p ping, o pong, x close), + if more of the message follows, z if
// it is compressed, then = and the payload. Of a close frame it is a code and,
// behind a comma, the reason. _ stands for a space, \x00 for bytes.
func frames(from ws.Role, script string) string {
	var b []byte
	var key counter
	for _, word := range strings.Fields(script) {
		head, payload, _ := strings.Cut(word, "=")
		payload = strings.ReplaceAll(payload, "_", " ")
		if strings.Contains(payload, `\`) {
			var err error
			if payload, err = strconv.Unquote(`"` + payload + `"`); err != nil {
				panic(err)
			}
		}
		h := ws.Header{Fin: true, Op: opcodes[head[0]], Length: uint64(len(payload))}
		for _, c := range head[1:] {
			switch c {
			case '+':
				h.Fin = false
			case 'z':
				h.RSV1 = true
			}
		}
		if h.Op == ws.OpClose && payload != "" {
			code, reason, _ := strings.Cut(payload, ",")
			n, _ := strconv.Atoi(code)
			payload = string([]byte{byte(n >> 8), byte(n)}) + reason
		}
		if from == ws.RoleClient {
			var k [4]byte
			key.Read(k[:])
			h.Masked = true
			h.Key = ws.Key(k[0]) | ws.Key(k[1])<<8 | ws.Key(k[2])<<16 | ws.Key(k[3])<<24
		}
		b = ws.AppendFrame(b, h, []byte(payload))
	}
	return string(b)
}

var opcodes = map[byte]ws.Opcode{'t': ws.OpText, 'b': ws.OpBinary, 'c': ws.OpContinuation, 'p': ws.OpPing, 'o': ws.OpPong, 'x': ws.OpClose}

// script is frames turned around. What is not a frame, or is masked or not
// although the sender's role wants otherwise, is told.
func script(from ws.Role, wire []byte) string {
	var words []string
	for len(wire) > 0 {
		h, n, err := ws.ParseHeader(wire)
		if err != nil || n == 0 || uint64(len(wire)-n) < h.Length || h.Masked != (from == ws.RoleClient) {
			return strings.Join(append(words, "broken"), " ")
		}
		payload := bytes.Clone(wire[n : n+int(h.Length)])
		wire = wire[n+int(h.Length):]
		if h.Masked {
			ws.Mask(payload, h.Key)
		}
		word := "?"
		for c, op := range opcodes {
			if op == h.Op {
				word = string(c)
			}
		}
		if !h.Fin {
			word += "+"
		}
		if h.RSV1 {
			word += "z"
		}
		text := string(payload)
		if h.Op == ws.OpClose && len(payload) >= 2 {
			text = strconv.Itoa(int(payload[0])<<8 | int(payload[1]))
			if len(payload) > 2 {
				text += "," + string(payload[2:])
			}
		}
		if text != "" {
			text = strings.Trim(strconv.Quote(text), `"`)
			word += "=" + strings.ReplaceAll(text, " ", "_")
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
