package netstd_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/transport/netstd"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  netstd.Config
	}{
		{"as the system has it", netstd.Config{}},
		{"as the system has it, three lanes", netstd.Config{Lanes: 3}},
		{"buffered", netstd.Config{Buffered: true}},
		{"buffered, small buffers, three lanes", netstd.Config{Buffered: true, Buffer: 257, Lanes: 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) transporttest.Fixture {
				b, err := netstd.New(tt.cfg)
				if err != nil {
					t.Fatal(err)
				}
				f := transporttest.Host(b)
				if tt.cfg.Buffered {
					f.File = nil // what is buffered is read
				}
				return f
			})
		})
	}
}
