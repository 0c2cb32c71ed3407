package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

func TestBytesText(t *testing.T) {
	for n, want := range map[uint64]string{
		0:              "0 B",
		1023:           "1023 B",
		1024:           "1.0 KiB",
		1536:           "1.5 KiB",
		102_300:        "99.9 KiB",
		102_400:        "100 KiB",
		1<<20 - 1:      "1.0 MiB",
		5 << 30:        "5.0 GiB",
		math.MaxUint64: "16.0 EiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFarewellTellsAll(t *testing.T) {
	s := bobtail.Stats{Stats: engine.Stats{
		Accepted: 101, Refused: 2, OverAddress: 3, Evicted: 4, Stalled: 5, Reclaimed: 6,
		Received: 2048, Sent: 1 << 20, HandlerTimeout: 7, Panics: 8, Lost: 9,
	}}
	s.Timeouts[engine.PhaseHead] = 10
	s.Requests = [6]uint64{11, 12, 13, 14, 15, 16}
	var b strings.Builder
	farewell(&b, s, nil, 1500*time.Millisecond)
	const want = `served for 1.5s, received 2.0 KiB, sent 1.0 MiB
  requests            81  12 1xx, 13 2xx, 14 3xx, 15 4xx, 16 5xx, 11 other
  connections        101  2 refused, 3 over the share of their address, 4 evicted, 5 stalled, 6 reclaimed
  timeouts            17  10 head, 7 handler
  handlers            17  8 panicked, 9 did not return in time
`
	if b.String() != want {
		t.Errorf("farewell = \n%swant\n%s", b.String(), want)
	}
}
