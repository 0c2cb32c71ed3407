package coap_test

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

func TestAppendOptionPanics(t *testing.T) {
	long := make([]byte, coap.MaxOptionValue+1)
	for name, f := range map[string]func(){
		"AppendOption out of order":        func() { coap.AppendOption(nil, 2, 1, nil) },
		"AppendOption too long":            func() { coap.AppendOption(nil, 1, 1, long) },
		"AppendUintOption out of order":    func() { coap.AppendUintOption(nil, 2, 1, 0) },
		"InsertOption too long":            func() { coap.InsertOption(nil, 1, long) },
		"AppendPathOptions out of order":   func() { coap.AppendPathOptions(nil, 12, 11, "a") },
		"AppendQueryOptions out of order":  func() { coap.AppendQueryOptions(nil, 16, 15, "a") },
		"InsertOption in front, too long":  func() { coap.InsertOption([]byte{0x20}, 1, long) },
		"AppendOption of the highest, low": func() { coap.AppendOption(nil, 65535, 0, nil) },
	} {
		wantPanic(t, name, f)
	}
}

// Options put in one by one, in any order, are those appended in order.
func TestInsertOption(t *testing.T) {
	numbers := []coap.Option{0, 1, 12, 13, 14, 25, 268, 269, 270, 537, 65535}
	lengths := []int{0, 1, 12, 13, 268, 269, 300}
	r := rand.New(rand.NewSource(1))
	for range 2000 {
		var all []option
		var got []byte
		for i := range 1 + r.Intn(6) {
			n := numbers[r.Intn(len(numbers))]
			value := rep(byte('a'+i), lengths[r.Intn(len(lengths))])
			before := len(got)
			if r.Intn(2) == 0 {
				got = append(make([]byte, 0, before+len(value)+coap.MaxOptionHeader), got...) // room as documented
				got = got[:before]
			}
			room := cap(got)
			got = coap.InsertOption(got, n, []byte(value))
			if len(got) > before+len(value)+coap.MaxOptionHeader || room >= before+len(value)+coap.MaxOptionHeader && cap(got) != room {
				t.Fatalf("%d bytes in a room of %d become %d", before, room, len(got))
			}
			all = append(all, option{n, value})
			slices.SortStableFunc(all, func(a, b option) int { return int(a.n) - int(b.n) })
			if want := options(all...); !bytes.Equal(got, want) {
				t.Fatalf("%v are written %x, want %x", all, got, want)
			}
		}
	}
}

// TestSizes holds the sizes to what is appended.
func TestSizes(t *testing.T) {
	for _, length := range []int{0, 1, 12, 13, 268, 269, 1034} {
		value := make([]byte, length)
		for _, delta := range []coap.Option{0, 1, 12, 13, 268, 269, 60000} {
			const prev = 5
			if got, want := coap.SizeOption(prev, prev+delta, length), len(coap.AppendOption(nil, prev, prev+delta, value)); got != want {
				t.Errorf("SizeOption of a delta of %d and %d bytes is %d, want %d", delta, length, got, want)
			}
		}
		for _, o := range []coap.Options{nil, {0x10}} {
			if got, want := coap.SizeBody(o, value), uint64(len(coap.AppendPayload(append(coap.Options(nil), o...), value))); got != want {
				t.Errorf("SizeBody of %d and %d bytes is %d, want %d", len(o), length, got, want)
			}
		}
	}
}
