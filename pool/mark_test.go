package pool_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// TestSeal refuses what is pushed after, and nothing else.
func TestSeal(t *testing.T) {
	p, hs := withOutputs(2, 8, 16)
	o, s, h := &p.Outputs, p.Slot(0), hs[0]
	push := func(h pool.Handle) [2]error {
		return [2]error{o.Copy(h, nil, []byte("c"), 0), o.Append(h, []byte("a"), pool.NoBlock, false, 0)}
	}
	if got := push(h); got != [2]error{} {
		t.Fatalf("before: %v", got)
	}
	if o.Sealed(h) {
		t.Error("a queue is sealed at first")
	}
	o.Seal(s)
	o.Seal(s)
	for range 2 {
		if got := push(h); got != [2]error{pool.ErrSealed, pool.ErrSealed} {
			t.Errorf("to a sealed queue: %v", got)
		}
		if got := push(hs[1]); got != [2]error{} {
			t.Errorf("to its neighbour: %v", got)
		}
	}
	if _, err := o.CopyLast(h, nil, []byte("x"), true); err != pool.ErrSealed {
		t.Errorf("a last message in a sealed queue: %v", err)
	}
	if !o.Sealed(h) || o.Sealed(hs[1]) || !o.Sealed(0) || !o.Sealed(pool.MakeHandle(0, 77)) {
		t.Error("Sealed is wrong")
	}
	if !o.Keep(s, []byte("k"), nil, false, false) {
		t.Error("the owner's own output is refused")
	}
	if got := string(sendAll(p, s, 2, 100)); got != "cak" {
		t.Errorf("%q is sent", got)
	}
	// The next connection begins anew.
	p.Release(s)
	if s = p.Acquire(); p.Index(s) != 0 {
		t.Fatal("another slot")
	}
	if got := push(p.Handle(s)); got != [2]error{} {
		t.Errorf("to the next connection: %v", got)
	}
	if got := push(h); got != [2]error{pool.ErrStale, pool.ErrStale} {
		t.Errorf("to the last one: %v", got)
	}
}

// TestCopyLast takes the message when others get none any more, drops what it is
// told to drop, and does all or nothing.
func TestCopyLast(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pushed  int // messages of 64 bytes before it
		peek    int // that are shown
		drop    bool
		last    int // bytes
		dropped int
		err     error
	}{
		{name: "to an empty queue", last: 3},
		{name: "behind others", pushed: 3, last: 3},
		{name: "in place of others", pushed: 3, drop: true, last: 3, dropped: 3},
		{name: "in place of those that have not begun", pushed: 3, peek: 1, drop: true, last: 3, dropped: 2},
		{name: "with the last block", pushed: 7, last: 64},
		{name: "longer than the blocks that are left", pushed: 7, last: 65, err: pool.ErrFull},
		{name: "in the blocks of what is dropped", pushed: 7, drop: true, last: 8 * 64, dropped: 7},
		{name: "longer than the blocks that are left by what was dropped", pushed: 7, peek: 1, drop: true, last: 8 * 64, dropped: 6, err: pool.ErrFull},
		{name: "nothing", pushed: 1, last: 0},
		{name: "nothing, in place of others", pushed: 2, drop: true, dropped: 2},
	} {
		p, hs := withOutputs(1, 8, 16)
		o, s, h := &p.Outputs, p.Slot(0), hs[0]
		var want []byte
		for i := range tt.pushed {
			m := text('a'+byte(i), 64)
			if err := o.Copy(h, m[:9], m[9:], 0); err != nil {
				t.Fatal(err)
			}
			if !tt.drop || i < tt.peek {
				want = append(want, m...)
			}
		}
		o.Peek(s, make([][]byte, tt.peek))
		last := text('z', tt.last)
		dropped, err := o.CopyLast(h, last[:tt.last/2], last[tt.last/2:], tt.drop)
		if dropped != tt.dropped || err != tt.err {
			t.Errorf("%s: %d, %v, want %d, %v", tt.name, dropped, err, tt.dropped, tt.err)
		}
		if o.Sealed(h) != (tt.err == nil) {
			t.Errorf("%s: sealed: %v", tt.name, o.Sealed(h))
		}
		if tt.err == nil {
			want = append(want, last...)
		}
		if got := sendAll(p, s, 2, 50); !bytes.Equal(got, want) {
			t.Errorf("%s: %q is sent, want %q", tt.name, got, want)
		}
		if b, n := o.Used(); b != 0 || n != 0 {
			t.Errorf("%s: %d blocks, %d nodes are used", tt.name, b, n)
		}
	}
	p, hs := withOutputs(1, 8, 16)
	p.Release(p.Slot(0))
	if _, err := p.Outputs.CopyLast(hs[0], nil, []byte("x"), true); err != pool.ErrStale {
		t.Errorf("to a connection that is over: %v", err)
	}
}

// TestHold keeps what was pushed out of the owner's message, whatever the queue
// is when it begins.
func TestHold(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps string // see below
		want  string
	}{
		// p pushes the next of a, b, c...; k keeps the next of 1, 2, 3... behind,
		// K ahead; s shows what there is and sends a byte of it, S sends all of
		// it; ( holds, ) does not; d drops the oldest. At the end all is sent. A
		// lower-case letter is 3 bytes, a digit 70 (two pieces).
		{"a push before it waits", "p(kS)", "1a"},
		{"pushes while it is held wait", "(kppS)", "1ab"},
		{"its parts go before what was pushed between them", "(kpkpkS)", "123ab"},
		{"a push that has begun goes on first", "ps(k", "a1"},
		{"a push of which all is shown goes first", "pps(kS)", "ab1"},
		{"what is before something of the owner goes first", "pkp(kS)", "a12b"},
		{"what is before something of the owner is not dropped any more", "pkp(kd)", "a12"},
		{"ahead is behind what has begun", "ps(K", "a1"},
		{"ahead is before what was pushed", "p(KpK)", "12ab"},
		{"the oldest is dropped, not the owner's", "p(kpkd)", "12b"},
		{"what is sent between two of its messages is between them", "p(kS)Sp(kS)p", "1a2bc"},
		{"and what is not, is not", "p(kS)p(kS)p", "12abc"},
	} {
		p, hs := withOutputs(1, 32, 64)
		o, s := &p.Outputs, p.Slot(0)
		letter, digit := byte('a'), byte('1')
		var sent []byte
		show := func(all bool) {
			bufs := make([][]byte, 4)
			for {
				k := o.Peek(s, bufs)
				if k == 0 {
					return
				}
				for _, b := range bufs[:k] {
					if !all {
						b = b[:1]
					}
					sent = append(sent, b...)
					o.Advance(s, len(b))
					if !all {
						return
					}
				}
			}
		}
		for _, c := range tt.steps {
			switch c {
			case 'p':
				if err := o.Copy(hs[0], nil, text(letter, 3), 0); err != nil {
					t.Fatal(err)
				}
				letter++
			case 'k', 'K':
				if !o.Keep(s, text(digit, 70), nil, false, c == 'K') {
					t.Fatal("no room")
				}
				digit++
			case '(', ')':
				o.Hold(s, c == '(')
			case 's', 'S':
				show(c == 'S')
			case 'd':
				if !o.DropOldest(hs[0]) {
					t.Errorf("%s: nothing to drop", tt.name)
				}
			}
		}
		o.Hold(s, false)
		show(true)
		var want []byte
		for _, c := range []byte(tt.want) {
			if c >= 'a' {
				want = append(want, text(c, 3)...)
			} else {
				want = append(want, text(c, 70)...)
			}
		}
		if !bytes.Equal(sent, want) {
			t.Errorf("%s (%s): %q is sent, want %q", tt.name, tt.steps, brief(sent), tt.want)
		}
	}
}

// brief is what is sent, a letter for each run.
func brief(b []byte) (s []byte) {
	for i := range b {
		if i == 0 || b[i] != b[i-1] {
			s = append(s, b[i])
		}
	}
	return s
}
