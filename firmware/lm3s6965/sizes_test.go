package main_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/firmware/image"
	"github.com/bobtail-go/bobtail/firmware/qemutest"
)

// The chip has so much, of which a program may take so much.
const (
	flash           = 256 << 10
	ram, mostStatic = 64 << 10, 3 << 10
)

// TestSizes holds the programs to what they have reached. The aims are 24 KB of
// our own packages for HTTP, and 56 KB for all three protocols; README.md has
// the map of where the rest goes.
func TestSizes(t *testing.T) {
	for _, test := range []struct {
		name           string
		build          func(t *testing.T) image.Image
		aim, most, all int // of our own packages, and of the image
	}{
		{"HTTP", func(t *testing.T) image.Image { return qemutest.Build(t, "./measure") }, 24 << 10, 86 << 10, 130 << 10},
		{"HTTP, WebSocket and CoAP", whole, 56 << 10, 145 << 10, 198 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := test.build(t)
			total, ours := i.Total(), i.Part(image.Ours)
			t.Logf("flash: %d of %d bytes (limit %d), ours %d (limit %d, aim %d)", total.Flash, flash, test.all, ours.Flash, test.most, test.aim)
			t.Logf("static RAM: %d of %d bytes (limit %d)", total.RAM, ram, mostStatic)
			if total.Flash > test.all || ours.Flash > test.most || total.RAM > mostStatic {
				t.Error("past a limit")
				for _, p := range i.Packages {
					if p.Flash > 1000 {
						t.Logf("%8d %s", p.Flash, p.Name)
					}
				}
			}
		})
	}
}
