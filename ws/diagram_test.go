package ws_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/diagramtest"
	"github.com/bobtail-go/bobtail/ws"
)

// TestArchitectureDiagram keeps the picture of a connection's life as it is
// here; -update draws it again.
func TestArchitectureDiagram(t *testing.T) {
	diagramtest.Hold(t, "ws-states", diagramtest.Draw(ws.NumStates, ws.NumEvents, ws.StateConnecting, ws.StateClosed, ws.EventClose))
}
