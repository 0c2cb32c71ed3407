package coapudp

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// slowAck takes its time to acknowledge.
type slowAck struct {
	net.Conn
	acked atomic.Bool
}

func (s *slowAck) Write(b []byte) (int, error) {
	if coap.Type(b[0]>>4&3) != coap.Acknowledgement {
		return s.Conn.Write(b)
	}
	for range 1000 {
		runtime.Gosched()
	}
	n, err := s.Conn.Write(b)
	s.acked.Store(true)
	return n, err
}

// TestAcknowledgedBeforeItIsGiven: who has an answer may end his program at once.
func TestAcknowledgedBeforeItIsGiven(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	plain, err := net.Dial("udp", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn := &slowAck{Conn: plain}
	c, err := NewConn(conn, ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			d, err := coap.ParseUDP(b[:n])
			if err != nil || !d.Code.IsRequest() {
				continue
			}
			server.WriteTo(coap.AppendUDP(nil, reply(d, coap.Confirmable, d.ID+1000, coap.CodeContent, "late")), from)
		}
	}()
	for range 10 {
		conn.acked.Store(false)
		a, err := c.Do(t.Context(), coap.Message{Code: coap.CodeGET}, make([]byte, 100))
		if err != nil || string(a.Payload) != "late" {
			t.Fatalf("%q, %v", a.Payload, err)
		}
		if !conn.acked.Load() {
			t.Fatal("the answer is given before it is acknowledged")
		}
	}
}
