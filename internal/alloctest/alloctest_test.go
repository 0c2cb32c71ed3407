package alloctest

import "testing"

var sink []byte

type recorder struct{ failed bool }

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestBytes(t *testing.T) {
	if n := Bytes(func() { sink = make([]byte, 1024) }); n < 1024 {
		t.Errorf("1024 bytes are seen as %d", n)
	}
	if n := Bytes(func() { sink = sink[:0] }); n != 0 {
		t.Errorf("nothing is seen as %d bytes", n)
	}
}

func TestZero(t *testing.T) {
	var r recorder
	Zero(&r, "nothing", func() {})
	if r.failed {
		t.Error("a call that allocates nothing fails")
	}
	Zero(&r, "a byte", func() { sink = make([]byte, 1) })
	if !r.failed {
		t.Error("a call that allocates does not fail")
	}
}
