package pool_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// TestReserve has what is set aside be there for who has set it aside, and for
// nobody else.
func TestReserve(t *testing.T) {
	p, hs := withOutputs(3, 8, 9)
	o := &p.Outputs
	if blocks, nodes := o.Count(); blocks != 8 || nodes != 9 {
		t.Fatalf("%d blocks, %d nodes", blocks, nodes)
	}
	if o.Reserve(9, 0) || o.Reserve(5, 4) || !o.Reserve(5, 0) || o.Reserve(4, 0) || !o.Reserve(1, 0) {
		t.Fatal("8 blocks are not 8")
	}
	for range 2 {
		if _, err := o.Get(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Get(); err != pool.ErrFull {
		t.Errorf("a block that is set aside is taken: %v", err)
	}
	if err := o.Copy(hs[0], text('a', 10), nil, 0); err != pool.ErrFull {
		t.Errorf("a copy is made where nothing is free: %v", err)
	}
	if o.Keep(p.Slot(hs[0].Index()), text('a', 10), nil, false, false) {
		t.Error("something is kept where nothing is free")
	}
	// 5 of the 6 are used up by what needs 3: the others are free then.
	if s := p.Slot(hs[1].Index()); !o.KeepReserved(s, text('b', 100), text('c', 50), false, 5) {
		t.Fatal("what is set aside does not keep what fits")
	} else if got := sendAll(p, s, 2, 1000); !bytes.Equal(got, append(text('b', 100), text('c', 50)...)) {
		t.Errorf("kept %q", got)
	}
	for range 5 {
		if _, err := o.Get(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Get(); err != pool.ErrFull {
		t.Errorf("the last, which is set aside, is taken: %v", err)
	}
	o.Unreserve(1)
	if _, err := o.Get(); err != nil {
		t.Error(err)
	}
}

// TestReserveNodes has a node that nobody else takes go with each block.
func TestReserveNodes(t *testing.T) {
	p, hs := withOutputs(3, 8, 8)
	o := &p.Outputs
	b, err := o.Get()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := o.Append(hs[0], o.Bytes(b), b, false, 0); err != nil {
			t.Fatal(err)
		}
	}
	if o.Reserve(4, 0) || !o.Reserve(3, 0) {
		t.Fatal("3 nodes are not 3")
	}
	if err := o.Append(hs[1], o.Bytes(b), b, false, 0); err != pool.ErrFull {
		t.Errorf("a node that is set aside is taken: %v", err)
	}
	if !o.KeepReserved(p.Slot(hs[2].Index()), text('a', 3*64), nil, false, 3) {
		t.Error("what is set aside does not keep what fits")
	}
}

// TestReserveScarce has what is set aside count as taken, where the last is for
// those whose queue is empty.
func TestReserveScarce(t *testing.T) {
	p, hs := withOutputs(2, 16, 32)
	o := &p.Outputs
	if !o.Reserve(13, 0) {
		t.Fatal("16 blocks are not 13")
	}
	if err := o.Copy(hs[0], text('a', 10), nil, 0); err != nil {
		t.Error(err)
	}
	if err := o.Copy(hs[0], text('a', 10), nil, 0); err != pool.ErrFull {
		t.Errorf("a queue that is not empty gets one of the last eighth: %v", err)
	}
	if err := o.Copy(hs[1], text('a', 10), nil, 0); err != nil {
		t.Error(err)
	}
}

// TestFixed has a message that somebody waits for stay where others are dropped.
func TestFixed(t *testing.T) {
	p, hs := withOutputs(1, 16, 32)
	o := &p.Outputs
	h, s := hs[0], p.Slot(hs[0].Index())
	for _, step := range []func() error{
		func() error { return o.Copy(h, text('a', 10), nil, 0) },
		func() error { return o.CopyFixed(h, text('b', 100), nil, 0) },
		func() error { return o.Copy(h, text('c', 100), nil, 0) },
		func() error { return o.CopyFixed(h, text('d', 10), nil, 0) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	// Those of a, b, c and d are 1, 2, 2 and 1 pieces.
	for _, fixed := range []func(h pool.Handle, head, body []byte, mark int) error{o.CopyFixed, o.Copy} {
		if err := fixed(h, text('e', 10), nil, 3); err != pool.ErrBacklog {
			t.Errorf("a message beyond the mark: %v", err)
		}
	}
	if err := o.Copy(h, text('e', 10), nil, 4); err != nil {
		t.Errorf("a message where fixed ones are: %v", err)
	}
	dropped := 0
	for o.DropOldest(h) {
		dropped++
	}
	if dropped != 3 {
		t.Errorf("%d messages can be dropped, want 3", dropped)
	}
	if got := sendAll(p, s, 4, 1000); !bytes.Equal(got, append(text('b', 100), text('d', 10)...)) {
		t.Errorf("left %q", got)
	}
	// The last words drop them too.
	if err := o.CopyFixed(h, text('f', 10), nil, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := o.CopyLast(h, text('g', 10), nil, true); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	if got := sendAll(p, s, 4, 1000); !bytes.Equal(got, text('g', 10)) {
		t.Errorf("left %q", got)
	}
}
