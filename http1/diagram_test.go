package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/diagramtest"
)

// TestArchitectureDiagram keeps the picture of a connection's life as it is
// here; -update draws it again.
func TestArchitectureDiagram(t *testing.T) {
	diagramtest.Hold(t, "http1-states", diagramtest.Draw(http1.NumStates, http1.NumEvents, http1.StateIdle, http1.StateClosed, http1.EventClose))
}
