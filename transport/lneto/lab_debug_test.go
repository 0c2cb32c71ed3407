package lneto_test

import (
	"testing"
	"fmt"

	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

func TestDebug(t *testing.T) {
	l := newLab(t, lneto.Config{}, lneto.Config{}, lnetotest.Faults{Seed: 1, Lose: 100, Double:100, Reorder: 500})
	l.trace()
	_, a := l.listen()
	l.dial(a)
	for range 6 {
	l.pass(second)
		fmt.Println(l.device.Stats(), l.peer.Stats(), l.device.Dump(), l.peer.Dump())
	}
}
