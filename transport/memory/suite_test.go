package memory_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/memorytest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

func TestConformance(t *testing.T) {
	faults := memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 300}
	for _, tt := range []struct {
		name string
		cfg  memory.Config
	}{
		{"one lane", memory.Config{}},
		{"three lanes", memory.Config{Lanes: 3}},
		{"small pipes", memory.Config{Lanes: 2, Pipe: 100}},
		{"holds", memory.Config{Holds: 512}},
		{"holds, small pipes", memory.Config{Lanes: 2, Holds: 64, Pipe: 64}},
		{"faults", memory.Config{Seed: 1, Lanes: 2, Faults: faults}},
		{"holds and faults", memory.Config{Seed: 2, Holds: 512, Faults: faults}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transporttest.Run(t, func(*testing.T) transporttest.Fixture {
				f := memorytest.Fixture(memory.New(tt.cfg))
				f.Faulty = tt.cfg.Faults != memory.Faults{}
				return f
			})
		})
	}
}
