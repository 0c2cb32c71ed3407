package http1_test

import (
	"math"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// Heads count their fields in 16 bits, and their offsets.
func TestBounds(t *testing.T) {
	if http1.MaxFields > math.MaxUint16 || http1.MaxTarget > math.MaxUint16 || http1.MaxHeadBuffer > math.MaxUint16 {
		t.Error("a bound does not fit its counter")
	}
}

func TestLimitsValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		l    http1.Limits
		want error
	}{
		{"zero", http1.Limits{}, nil},
		{"greatest", http1.Limits{Head: http1.MaxHead, Fields: http1.MaxFields, Target: http1.MaxTarget, Trailer: http1.MaxHead, ChunkOverhead: http1.MaxHead, Body: 1<<63 - 1}, nil},
		{"Head below", http1.Limits{Head: -1}, http1.ErrLimitHead},
		{"Head above", http1.Limits{Head: http1.MaxHead + 1}, http1.ErrLimitHead},
		{"Fields below", http1.Limits{Fields: -1}, http1.ErrLimitFields},
		{"Fields above", http1.Limits{Fields: http1.MaxFields + 1}, http1.ErrLimitFields},
		{"Target below", http1.Limits{Target: -1}, http1.ErrLimitTarget},
		{"Target above", http1.Limits{Target: http1.MaxTarget + 1}, http1.ErrLimitTarget},
		{"Trailer below", http1.Limits{Trailer: -1}, http1.ErrLimitTrailer},
		{"Trailer above", http1.Limits{Trailer: http1.MaxHead + 1}, http1.ErrLimitTrailer},
		{"ChunkOverhead below", http1.Limits{ChunkOverhead: -1}, http1.ErrLimitChunk},
		{"ChunkOverhead above", http1.Limits{ChunkOverhead: http1.MaxHead + 1}, http1.ErrLimitChunk},
		{"Body above", http1.Limits{Body: 1 << 63}, http1.ErrLimitBody},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.l.Validate(); err != c.want {
				t.Errorf("Validate = %v, want %v", err, c.want)
			}
		})
	}
}
