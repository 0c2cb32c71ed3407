package wsconn_test

import (
	"io"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// pair is a server and a client that are connected.
type pair struct {
	server, client             *wsconn.Conn
	serverStream, clientStream io.ReadWriteCloser
}

func newPair(t testing.TB, a, b io.ReadWriteCloser, in, out int, change ...func(*wsconn.Config)) pair {
	p := pair{newConn(t, ws.RoleServer, in, out, change...), newConn(t, ws.RoleClient, in, out, change...), a, b}
	must(t, p.server.Reset(a, nil))
	must(t, p.client.Reset(b, nil))
	t.Cleanup(p.close)
	return p
}

func (p pair) close() { p.serverStream.Close(); p.clientStream.Close() }

// ends are both, with the peer of each.
func (p pair) ends() [2][2]*wsconn.Conn {
	return [2][2]*wsconn.Conn{{p.server, p.client}, {p.client, p.server}}
}
