package pool_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// withOutputs is a pool of n slots, all acquired, with their handles.
func withOutputs(n, blocks, nodes int) (p *pool.Pool, hs []pool.Handle) {
	p = pool.New(pool.Config{Slots: n, Stash: 1, StashSize: 64, Blocks: blocks, BlockSize: 64, Nodes: nodes})
	for range n {
		hs = append(hs, p.Handle(p.Acquire()))
	}
	return p, hs
}

// sendAll takes what is in a slot's queue, k pieces and then n bytes at a time.
func sendAll(p *pool.Pool, s *pool.Slot, k, n int) []byte {
	var all []byte
	bufs := make([][]byte, k)
	for {
		got := p.Outputs.Peek(s, bufs)
		if got == 0 {
			return all
		}
		var shown []byte
		for _, b := range bufs[:got] {
			shown = append(shown, b...)
		}
		shown = shown[:min(n, len(shown))]
		all = append(all, shown...)
		p.Outputs.Advance(s, len(shown))
	}
}

func text(c byte, n int) []byte { return bytes.Repeat([]byte{c}, n) }

func TestBlocks(t *testing.T) {
	p, hs := withOutputs(2, 3, 6)
	o := &p.Outputs
	var got []pool.Block
	for range 3 {
		b, err := o.Get()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b)
		for i := range o.Bytes(b) {
			o.Bytes(b)[i] = byte('a' + len(got) - 1)
		}
	}
	if b, err := o.Get(); err != pool.ErrFull || b != pool.NoBlock {
		t.Errorf("a fourth of three blocks: %d, %v", b, err)
	}
	for i, b := range got {
		if data := o.Bytes(b); len(data) != o.Size() || cap(data) != o.Size() || !bytes.Equal(data, text(byte('a'+i), 64)) {
			t.Errorf("block %d holds %q (capacity %d): blocks overlap", b, data, cap(data))
		}
	}
	// One block in two queues is free when both have sent it and whoever made
	// it has put it.
	b := got[0]
	for _, h := range hs {
		if err := o.Append(h, o.Bytes(b)[:10], b, false, 0); err != nil {
			t.Fatal(err)
		}
	}
	if o.Refs(b) != 3 {
		t.Errorf("%d references, want 3", o.Refs(b))
	}
	o.Put(b)
	for i, want := range []int{2, 1} {
		if blocks, _ := o.Used(); blocks != 3 {
			t.Errorf("a block that waits in %d queues is free", 2-i)
		}
		if o.Refs(b) != want {
			t.Errorf("%d references, want %d", o.Refs(b), want)
		}
		if s := sendAll(p, p.Slot(i), 1, 100); !bytes.Equal(s, text('a', 10)) {
			t.Errorf("slot %d sends %q", i, s)
		}
	}
	if blocks, nodes := o.Used(); blocks != 2 || nodes != 0 {
		t.Errorf("%d blocks, %d nodes are used, want 2, 0", blocks, nodes)
	}
}

func TestAppendErrors(t *testing.T) {
	p, hs := withOutputs(2, 2, 4)
	o, h := &p.Outputs, hs[0]
	page := text('p', 1000)
	for i := range 3 {
		if err := o.Append(h, page, pool.NoBlock, false, 3); err != nil {
			t.Fatalf("piece %d: %v", i, err)
		}
	}
	if err := o.Append(h, page, pool.NoBlock, false, 3); err != pool.ErrBacklog {
		t.Errorf("a piece beyond the mark: %v, want %v", err, pool.ErrBacklog)
	}
	if err := o.Copy(h, nil, page, 3); err != pool.ErrBacklog {
		t.Errorf("a copy beyond the mark: %v, want %v", err, pool.ErrBacklog)
	}
	if err := o.Append(h, page, pool.NoBlock, false, 0); err != nil {
		t.Errorf("a fourth piece without a mark: %v", err)
	}
	if err := o.Append(hs[1], page, pool.NoBlock, false, 0); err != pool.ErrFull {
		t.Errorf("a piece without a node: %v, want %v", err, pool.ErrFull)
	}
	if s := sendAll(p, p.Slot(0), 2, 77); !bytes.Equal(s, text('p', 4000)) {
		t.Errorf("%d bytes are sent, want 4000", len(s))
	}
	if err := o.Copy(h, nil, text('c', 129), 0); err != pool.ErrFull {
		t.Errorf("a copy of three blocks, and there are two: %v, want %v", err, pool.ErrFull)
	}
	if blocks, nodes := o.Used(); blocks != 0 || nodes != 0 || o.Len(p.Slot(0)) != 0 {
		t.Errorf("a copy that did not fit leaves %d blocks, %d nodes, %d pieces", blocks, nodes, o.Len(p.Slot(0)))
	}
}

// TestAppendNothing wants no piece without bytes, since sending it takes
// nothing off the queue, for ever.
// TestForeignBlock appends a block of a larger server: that panics, and harms
// nobody else.
func TestForeignBlock(t *testing.T) {
	p, hs := withOutputs(1, 2, 4)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("taken")
			}
		}()
		p.Outputs.Append(hs[0], []byte("a"), pool.Block(2), false, 100)
	}()
	if err := p.Outputs.Append(hs[0], []byte("b"), pool.NoBlock, false, 100); err != nil {
		t.Fatal(err)
	}
	if got := sendAll(p, p.Slot(0), 4, 100); string(got) != "b" {
		t.Errorf("%q is queued", got)
	}
}

func TestAppendNothing(t *testing.T) {
	p, hs := withOutputs(1, 1, 2)
	for _, err := range []error{p.Outputs.Append(hs[0], nil, pool.NoBlock, false, 0), p.Outputs.Copy(hs[0], nil, nil, 0)} {
		if err != nil || p.Outputs.Len(p.Slot(0)) != 0 {
			t.Errorf("nothing is appended: %v, %d pieces", err, p.Outputs.Len(p.Slot(0)))
		}
	}
}

// TestQueueIsBounded fills one queue: its length is kept in a byte.
func TestQueueIsBounded(t *testing.T) {
	p, hs := withOutputs(1, 300, 300)
	o, s := &p.Outputs, p.Slot(0)
	for i := range pool.MaxPieces {
		if err := o.Append(hs[0], []byte("x"), pool.NoBlock, false, 0); err != nil {
			t.Fatalf("piece %d: %v", i, err)
		}
	}
	if err := o.Append(hs[0], []byte("x"), pool.NoBlock, false, 0); err != pool.ErrBacklog {
		t.Errorf("piece %d: %v", pool.MaxPieces, err)
	}
	if err := o.Copy(hs[0], nil, []byte("x"), 0); err != pool.ErrBacklog {
		t.Errorf("copy behind %d pieces: %v", pool.MaxPieces, err)
	}
	for _, static := range []bool{false, true} {
		if o.Keep(s, []byte("ab"), []byte("cde"), static, false) {
			t.Errorf("Keep behind %d pieces finds room", pool.MaxPieces)
		}
	}
	if n := len(sendAll(p, s, 16, 100)); n != pool.MaxPieces {
		t.Errorf("%d bytes are sent", n)
	}
	if err := o.Copy(hs[0], nil, text('x', 64*pool.MaxPieces+1), 0); err == nil {
		t.Error("a message of more pieces than a queue has is taken")
	}
	if blocks, nodes := o.Used(); blocks != 0 || nodes != 0 {
		t.Errorf("%d blocks, %d nodes are used", blocks, nodes)
	}
}

// TestKeepAhead wants the rest of a message that has begun before what others
// have pushed.
func TestKeepAhead(t *testing.T) {
	for _, static := range []bool{false, true} {
		p, hs := withOutputs(1, 8, 8)
		o, s := &p.Outputs, p.Slot(0)
		if err := o.Copy(hs[0], nil, []byte("pushed"), 0); err != nil {
			t.Fatal(err)
		}
		if !o.Keep(s, text('h', 70), text('b', 100), static, true) || !o.Keep(s, []byte("after"), nil, static, false) {
			t.Fatal("Keep finds no room")
		}
		want := string(text('h', 70)) + string(text('b', 100)) + "pushedafter"
		if got := string(sendAll(p, s, 2, 9)); got != want {
			t.Errorf("static %v: %q is sent, want %q", static, got, want)
		}
	}
}

// TestDropOldest drops whole messages of which nothing is sent yet, and no
// others.
func TestDropOldest(t *testing.T) {
	type push struct {
		c byte
		n int
	}
	for _, tt := range []struct {
		name   string
		keep   int // bytes of an answer that the owner could not send
		pushed []push
		peek   int // pieces that are shown
		sent   int // bytes that are sent of them
		drops  int // how many may be dropped
		want   string
	}{
		{name: "nothing", want: ""},
		{name: "the only one", pushed: []push{{'a', 5}}, drops: 1, want: ""},
		{name: "the first of two", pushed: []push{{'a', 5}, {'b', 5}}, drops: 2, want: ""},
		{name: "one that is shown is being sent", pushed: []push{{'a', 5}, {'b', 5}}, peek: 1, drops: 1, want: "aaaaa"},
		{name: "one that has begun", pushed: []push{{'a', 5}, {'b', 5}}, peek: 1, sent: 2, drops: 1, want: "aaaaa"},
		{name: "one of many pieces, whole", pushed: []push{{'a', 150}, {'b', 5}}, drops: 2, want: ""},
		{name: "one of many pieces that has begun", pushed: []push{{'a', 150}, {'b', 5}}, peek: 1, sent: 2, drops: 1, want: string(text('a', 150))},
		{name: "one whose first piece is sent, exactly", pushed: []push{{'a', 150}, {'b', 5}}, peek: 1, sent: 64, drops: 1, want: string(text('a', 150))},
		{name: "one whose second piece is sent, exactly", pushed: []push{{'a', 150}, {'b', 5}}, peek: 2, sent: 128, drops: 1, want: string(text('a', 150))},
		{name: "one behind one that is sent", pushed: []push{{'a', 64}, {'b', 5}}, peek: 1, sent: 64, drops: 1, want: string(text('a', 64))},
		{name: "the rest of an answer is never dropped", keep: 150, drops: 0, want: string(text('k', 150))},
		{name: "the rest of an answer and a push", keep: 70, pushed: []push{{'a', 5}}, drops: 1, want: string(text('k', 70))},
		{name: "the rest of an answer of which a piece is sent", keep: 150, pushed: []push{{'a', 5}}, peek: 1, sent: 64, drops: 1, want: string(text('k', 150))},
	} {
		p, hs := withOutputs(1, 16, 16)
		o, s := &p.Outputs, p.Slot(0)
		if tt.keep > 0 && !o.Keep(s, text('k', tt.keep), nil, false, true) {
			t.Fatal("no room")
		}
		for _, m := range tt.pushed {
			if err := o.Copy(hs[0], nil, text(m.c, m.n), 0); err != nil {
				t.Fatal(err)
			}
		}
		bufs := make([][]byte, tt.peek)
		o.Peek(s, bufs)
		var sent []byte
		for _, b := range bufs {
			sent = append(sent, b...)
		}
		sent = bytes.Clone(sent[:tt.sent])
		o.Advance(s, tt.sent)
		drops := 0
		for o.DropOldest(hs[0]) {
			drops++
		}
		if drops != tt.drops {
			t.Errorf("%s: %d messages are dropped, want %d", tt.name, drops, tt.drops)
		}
		// What comes after still goes to the end.
		if err := o.Copy(hs[0], nil, []byte("$"), 0); err != nil {
			t.Fatal(err)
		}
		if got := string(sent) + string(sendAll(p, s, 3, 1000)); got != tt.want+"$" {
			t.Errorf("%s: %q is sent, want %q", tt.name, got, tt.want+"$")
		}
		if blocks, nodes := o.Used(); blocks != 0 || nodes != 0 {
			t.Errorf("%s: %d blocks, %d nodes are used at the end", tt.name, blocks, nodes)
		}
	}
}

// TestOutputsScarce has a slow peer take as much as it can: one whose queue is
// empty still finds a node and a block.
func TestOutputsScarce(t *testing.T) {
	p := pool.New(pool.Config{Slots: 2, Stash: 1, StashSize: 64, Blocks: 16, BlockSize: 64, Nodes: 32})
	slow, prompt := p.Acquire(), p.Acquire()
	fill := func(name string, push func(h pool.Handle) error, most int) {
		n := 0
		for ; n < 100; n++ {
			if err := push(p.Handle(slow)); err == pool.ErrFull {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n != most {
			t.Errorf("%s: the slow one has %d pieces, want %d", name, n, most)
		}
		if err := push(p.Handle(prompt)); err != nil {
			t.Errorf("%s: the prompt one: %v", name, err)
		}
		p.Outputs.Clear(slow)
		p.Outputs.Clear(prompt)
	}
	text := []byte("text")
	fill("Copy", func(h pool.Handle) error { return p.Outputs.Copy(h, nil, text, 0) }, 14)
	fill("Append", func(h pool.Handle) error { return p.Outputs.Append(h, text, pool.NoBlock, false, 0) }, 28)
	// A message that somebody waits for has the last eighth too.
	for range 15 {
		p.Outputs.Copy(p.Handle(slow), nil, text, 0)
	}
	for k, want := range []error{nil, nil, pool.ErrFull} {
		if err := p.Outputs.CopyFixed(p.Handle(slow), nil, text, 0); err != want {
			t.Errorf("fixed message %d: %v, want %v", k, err, want)
		}
	}
	p.Outputs.Clear(slow)
	// A message that has begun goes on.
	for range 27 {
		p.Outputs.Append(p.Handle(slow), text, pool.NoBlock, false, 0)
	}
	for k := range 4 {
		if err := p.Outputs.Append(p.Handle(slow), text, pool.NoBlock, k < 3, 0); err != nil {
			t.Errorf("piece %d of a message: %v", k, err)
		}
	}
}

// message is one in the model of a queue.
type message struct {
	data   []byte // what is not sent yet
	pieces []int  // lengths of its pieces that are not sent whole
	begun  bool   // it may not be dropped
}

func (m *message) advance(n int) {
	m.data = m.data[n:]
	for n > 0 {
		k := min(n, m.pieces[0])
		if m.pieces[0] -= k; m.pieces[0] == 0 {
			m.pieces = m.pieces[1:]
		}
		n -= k
	}
}

func cut(n int) (pieces []int) {
	for ; n > 0; n -= 64 {
		pieces = append(pieces, min(n, 64))
	}
	return pieces
}

// TestOutputsModel does at random what owners and pushers do, and compares
// with the naive way.
func TestOutputsModel(t *testing.T) {
	for seed := range uint64(60) {
		modelOutputs(t, seed)
	}
}

func modelOutputs(t *testing.T, seed uint64) {
	const slots, blocks, nodes = 3, 12, 20
	rng := rand.New(rand.NewPCG(seed, 3))
	p, hs := withOutputs(slots, blocks, nodes)
	o := &p.Outputs
	queues := make([][]*message, slots)
	held, sealed := make([]bool, slots), make([]bool, slots)
	begun := func(i int) (k int) { // how many messages at the front of a queue have begun
		for k < len(queues[i]) && queues[i][k].begun {
			k++
		}
		return k
	}
	static := make([]byte, 5000)
	for i := range static {
		static[i] = byte(rng.Uint32())
	}
	shared, sharedRefs := pool.NoBlock, 0 // a block of the test's own
	pieces := func(i int) (n int) {
		for _, m := range queues[i] {
			n += len(m.pieces)
		}
		return n
	}
	random := func(most int) []byte {
		b := make([]byte, 1+rng.IntN(most))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	for step := range 2000 {
		i := rng.IntN(slots)
		s, h := p.Slot(i), hs[i]
		name := fmt.Sprintf("seed %d step %d", seed, step)
		usedBlocks, usedNodes := o.Used()
		switch op := rng.IntN(14); op {
		case 0, 1: // Copy
			data, mark := random(200), rng.IntN(6)
			need := len(cut(len(data)))
			want := error(nil)
			switch {
			case sealed[i]:
				want = pool.ErrSealed
			case mark > 0 && pieces(i) >= mark:
				want = pool.ErrBacklog
			case need > blocks-usedBlocks || need > nodes-usedNodes:
				want = pool.ErrFull
			case pieces(i) > 0 && (usedBlocks >= blocks-blocks/8 || usedNodes >= nodes-nodes/8):
				want = pool.ErrFull // what is left is for those who have none
			}
			head := rng.IntN(len(data) + 1)
			if err := o.Copy(h, data[:head], data[head:], mark); err != want {
				t.Fatalf("%s: Copy = %v, want %v", name, err, want)
			}
			if want == nil {
				queues[i] = append(queues[i], &message{data: data, pieces: cut(len(data))})
			}
		case 2: // Append of the program's memory, of one or two pieces
			n := 1 + rng.IntN(2)
			if sealed[i] {
				if err := o.Append(h, static[:1], pool.NoBlock, false, 0); err != pool.ErrSealed {
					t.Fatalf("%s: Append = %v to a sealed queue", name, err)
				}
				continue
			}
			if nodes-usedNodes < n {
				continue
			}
			if pieces(i) > 0 && usedNodes >= nodes-nodes/8 {
				if err := o.Append(h, static[:1], pool.NoBlock, false, 0); err != pool.ErrFull {
					t.Fatalf("%s: Append = %v to a queue that is not empty", name, err)
				}
				continue
			}
			m := &message{}
			for k := range n {
				at, long := rng.IntN(2500), 1+rng.IntN(2000)
				if err := o.Append(h, static[at:at+long], pool.NoBlock, k+1 < n, 0); err != nil {
					t.Fatalf("%s: Append = %v", name, err)
				}
				m.data = append(m.data, static[at:at+long]...)
				m.pieces = append(m.pieces, long)
			}
			queues[i] = append(queues[i], m)
		case 3: // Append of a shared block
			if shared == pool.NoBlock {
				b, err := o.Get()
				if err != nil {
					continue
				}
				copy(o.Bytes(b), static[seed:])
				shared, sharedRefs = b, 1
			}
			n := 1 + rng.IntN(64)
			if err := o.Append(h, o.Bytes(shared)[:n], shared, false, 0); err == nil {
				queues[i] = append(queues[i], &message{data: static[seed : seed+uint64(n)], pieces: []int{n}})
			} else if err != pool.ErrFull && (err != pool.ErrSealed || !sealed[i]) {
				t.Fatalf("%s: Append = %v", name, err)
			}
			if rng.IntN(3) == 0 {
				o.Put(shared)
				shared, sharedRefs = pool.NoBlock, 0
			}
		case 4: // Keep
			head, body, isStatic := random(100), random(300), rng.IntN(2) == 0
			if rng.IntN(4) == 0 {
				body = nil
			}
			// Ahead is for an owner that knows of no output.
			ahead := begun(i) == 0 && rng.IntN(2) == 0
			m := &message{data: append(bytes.Clone(head), body...), pieces: cut(len(head)), begun: true}
			inBlocks := len(m.pieces)
			if isStatic && len(body) > 0 {
				m.pieces = append(m.pieces, len(body))
			} else {
				m.pieces = append(m.pieces, cut(len(body))...)
				inBlocks = len(m.pieces)
			}
			want := inBlocks <= blocks-usedBlocks && len(m.pieces) <= nodes-usedNodes
			if got := o.Keep(s, head, body, isStatic, ahead); got != want {
				t.Fatalf("%s: Keep = %v, want %v", name, got, want)
			}
			if b, n := o.Used(); !want && (b != usedBlocks || n != usedNodes) {
				t.Fatalf("%s: a Keep that finds no room keeps %d blocks, %d nodes", name, b-usedBlocks, n-usedNodes)
			}
			switch {
			case !want:
			case held[i]:
				queues[i] = slices.Insert(queues[i], begun(i), m)
			case ahead:
				queues[i] = append([]*message{m}, queues[i]...)
			default:
				queues[i] = append(queues[i], m)
			}
		case 5: // DropOldest
			k := begun(i)
			if got := o.DropOldest(h); got != (k < len(queues[i])) {
				t.Fatalf("%s: DropOldest = %v, message %d of %d", name, got, k, len(queues[i]))
			}
			if k < len(queues[i]) {
				queues[i] = append(queues[i][:k], queues[i][k+1:]...)
			}
		case 6: // the connection is over
			if rng.IntN(5) != 0 {
				continue
			}
			if rng.IntN(2) == 0 {
				o.Clear(s)
			} else {
				p.Release(s)
				p.Acquire()
				hs[i] = p.Handle(s)
			}
			queues[i], held[i], sealed[i] = nil, false, false
		case 7: // Hold
			held[i] = !held[i]
			if rng.IntN(5) == 0 {
				held[i] = !held[i] // what is so already
				if !held[i] {
					break
				}
			}
			if held[i] {
				last := 0
				for k, m := range queues[i] {
					if m.begun {
						last = k
					}
				}
				for _, m := range queues[i][:last] {
					m.begun = true // since the owner has kept something behind it
				}
			}
			want := len(queues[i]) > 0
			if held[i] {
				want = begun(i) > 0
			}
			if got := o.Hold(s, held[i]); got != want {
				t.Fatalf("%s: Hold(%v) = %v, want %v", name, held[i], got, want)
			}
		case 8: // Seal, or a last message
			if rng.IntN(4) != 0 {
				continue
			}
			if rng.IntN(3) == 0 {
				o.Seal(s)
				sealed[i] = true
				break
			}
			data, drop := random(200), rng.IntN(2) == 0
			head := rng.IntN(len(data) + 1)
			want, drops := error(nil), 0
			if sealed[i] {
				want = pool.ErrSealed
			} else if drop {
				n := len(queues[i])
				queues[i] = slices.DeleteFunc(queues[i], func(m *message) bool { return !m.begun })
				drops = n - len(queues[i])
			}
			got, err := o.CopyLast(h, data[:head], data[head:], drop)
			if err == pool.ErrFull && want == nil {
				// Dropping gives back what only a look at the blocks can tell.
				b, n := o.Used()
				if need := len(cut(len(data))); need > blocks-b || need > nodes-n {
					want = pool.ErrFull
				}
			}
			if got != drops || err != want {
				t.Fatalf("%s: CopyLast = %d, %v, want %d, %v", name, got, err, drops, want)
			}
			if err == nil {
				queues[i] = append(queues[i], &message{data: data, pieces: cut(len(data))})
				sealed[i] = true
			}
			if o.Sealed(h) != sealed[i] {
				t.Fatalf("%s: Sealed = %v", name, !sealed[i])
			}
		default: // send
			bufs := make([][]byte, 1+rng.IntN(8))
			k := o.Peek(s, bufs)
			var shown []byte
			for _, b := range bufs[:k] {
				shown = append(shown, b...)
			}
			var want []byte
			left := len(bufs)
			for _, m := range queues[i] {
				if left == 0 || held[i] && !m.begun {
					break
				}
				m.begun = true
				n := 0
				for _, piece := range m.pieces[:min(left, len(m.pieces))] {
					n += piece
				}
				want = append(want, m.data[:n]...)
				left -= min(left, len(m.pieces))
			}
			if !bytes.Equal(shown, want) {
				t.Fatalf("%s: Peek(%d) shows %d bytes, want %d, or others", name, len(bufs), len(shown), len(want))
			}
			n := 0
			if len(shown) > 0 {
				n = rng.IntN(len(shown) + 1)
			}
			if rng.IntN(3) == 0 && n > 64 {
				n = n / 64 * 64 // ends of pieces
			}
			empty := o.Advance(s, n)
			for n > 0 {
				m := queues[i][0]
				k := min(n, len(m.data))
				m.advance(k)
				n -= k
				if len(m.data) == 0 {
					queues[i] = queues[i][1:]
				}
			}
			if empty != (len(queues[i]) == 0) {
				t.Fatalf("%s: Advance says that the queue is empty: %v", name, empty)
			}
		}
		if got := o.Len(p.Slot(i)); got != pieces(i) {
			t.Fatalf("%s: queue has %d pieces, want %d", name, got, pieces(i))
		}
	}
	if sharedRefs > 0 {
		o.Put(shared)
	}
	for i := range slots {
		var want []byte
		for _, m := range queues[i] {
			want = append(want, m.data...)
		}
		o.Hold(p.Slot(i), false)
		if got := sendAll(p, p.Slot(i), 8, 100); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: at the end slot %d sends %d bytes, want %d, or others", seed, i, len(got), len(want))
		}
	}
	if b, n := o.Used(); b != 0 || n != 0 {
		t.Fatalf("seed %d: %d blocks and %d nodes have leaked", seed, b, n)
	}
	for range blocks {
		if _, err := o.Get(); err != nil {
			t.Fatalf("seed %d: a block is used but not counted", seed)
		}
	}
}

// TestSharersRaceSenders appends a block to the queues of some while others give
// it back, who have sent it.
func TestSharersRaceSenders(t *testing.T) {
	p, hs := withOutputs(4, 32, 64) // more than their queues hold
	var all sync.WaitGroup
	for i, h := range hs {
		all.Go(func() {
			for range 2000 {
				b, err := p.Outputs.Get()
				if err != nil {
					t.Error(err)
					return
				}
				for k := range hs {
					p.Outputs.Append(hs[(i+k)%len(hs)], p.Outputs.Bytes(b)[:8], b, false, 4)
				}
				p.Outputs.Put(b)
				sendAll(p, p.Slot(h.Index()), 4, 100)
			}
		})
	}
	all.Wait()
	for i := range hs {
		sendAll(p, p.Slot(i), 4, 100)
	}
	if b, n := p.Outputs.Used(); b != 0 || n != 0 {
		t.Errorf("%d blocks and %d nodes have leaked", b, n)
	}
}

// TestPushersRaceRelease appends from many goroutines while connections end:
// nothing may stay in the queue of the next connection, and nothing may leak.
func TestPushersRaceRelease(t *testing.T) {
	p := pool.New(pool.Config{Slots: 1, Stash: 1, StashSize: 64, Blocks: 16, BlockSize: 64, Nodes: 16})
	s := p.Acquire()
	var current sync.Map // the only key is 0
	current.Store(0, p.Handle(s))
	var pushers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		pushers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				h, _ := current.Load(0)
				b := fmt.Appendf(nil, "%016x", uint64(h.(pool.Handle)))
				p.Outputs.Copy(h.(pool.Handle), nil, b, 8)
				p.Outputs.DropOldest(h.(pool.Handle))
				p.Outputs.Copy(h.(pool.Handle), nil, b, 8)
			}
		})
	}
	for range 5000 {
		h := p.Handle(s)
		if got, name := sendAll(p, s, 4, 16), fmt.Appendf(nil, "%016x", uint64(h)); len(bytes.ReplaceAll(got, name, nil)) != 0 {
			t.Errorf("connection %x sends %q", h, got)
			break
		}
		p.Release(s)
		p.Acquire()
		current.Store(0, p.Handle(s))
	}
	close(stop)
	pushers.Wait()
	p.Release(s)
	if b, n := p.Outputs.Used(); b != 0 || n != 0 {
		t.Errorf("%d blocks and %d nodes have leaked", b, n)
	}
}
