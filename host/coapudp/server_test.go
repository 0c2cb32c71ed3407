package coapudp

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// con and non are requests with an ID and a token of it.
func con(id uint16, m coap.Message) coap.Datagram {
	m.Token = []byte{byte(id), 1}
	return coap.Datagram{Type: coap.Confirmable, ID: id, Message: m}
}

func non(id uint16, m coap.Message) coap.Datagram {
	d := con(id, m)
	d.Type = coap.NonConfirmable
	return d
}

// post is a POST to a path of one segment.
func post(path string, payload string) coap.Message {
	m := get(path)
	m.Code = coap.CodePOST
	m.Payload = []byte(payload)
	return m
}

func ack(id uint16) coap.Datagram { return coap.Datagram{Type: coap.Acknowledgement, ID: id} }
func rst(id uint16) coap.Datagram { return coap.Datagram{Type: coap.Reset, ID: id} }

// TestServer has the rules of RFC 7252 section 4, and of 5.2, for who is asked, as
// scripts of the client.
func TestServer(t *testing.T) {
	free := ServerConfig{Amplification: -1}
	for _, v := range []struct {
		name   string
		config ServerConfig
		script func(s *site, p *script)
		want   Stats // those that are not zero, but Received and Endpoints
	}{
		{"piggybacked, 5.2.1", free, func(s *site, p *script) {
			p.send(con(1, get("hello")))
			if d := p.want(1, `ACK 2.05 Content-Format=0 "hi"`); string(d.Token) != "\x01\x01" {
				p.t.Errorf("token %x", d.Token)
			}
			p.idle(time.Hour)
		}, Stats{Requests: 1}},
		{"no such resource", free, func(s *site, p *script) {
			p.send(con(1, get("nothing")))
			p.want(1, "ACK 4.04")
		}, Stats{Requests: 1}},
		{"an option that is critical and unknown, 5.4.1", free, func(s *site, p *script) {
			p.send(con(1, get("hello", coap.Option(2049), "x")))
			p.want(1, `ACK 4.02 "option 2049"`)
		}, Stats{Requests: 1}},
		{"non-confirmable, 5.2.3", free, func(s *site, p *script) {
			p.send(non(1, get("hello")))
			p.want(-1, `NON 2.05 Content-Format=0 "hi"`)
			p.idle(time.Hour)
		}, Stats{Requests: 1}},
		{"a ping, 4.3", free, func(s *site, p *script) {
			p.send(con(0x1234, coap.Message{}))
			p.t.Log("a token makes an empty message malformed, 4.1")
			p.want(0x1234, "RST")
			p.send(coap.Datagram{ID: 0x1235})
			p.want(0x1235, "RST")
			p.idle(time.Hour)
		}, Stats{Malformed: 1}},
		{"an empty message that is non-confirmable, 4.3", free, func(s *site, p *script) {
			p.raw("\x50\x00\x00\x01")
			p.idle(time.Hour)
		}, Stats{Malformed: 1}},
		{"a duplicate is answered as before, and handled once, 4.5", free, func(s *site, p *script) {
			for range 3 {
				p.send(con(1, post("count", "")))
				p.want(1, `ACK 2.05 Content-Format=0 "call 1"`)
			}
			p.send(con(2, post("count", "")))
			p.want(2, `ACK 2.05 Content-Format=0 "call 2"`)
			p.send(con(1, post("count", "")))
			p.want(1, `ACK 2.05 Content-Format=0 "call 1"`)
		}, Stats{Requests: 2, Duplicates: 3}},
		{"a duplicate of a GET, 4.5", free, func(s *site, p *script) {
			for range 3 {
				p.send(con(1, get("count")))
				p.want(1, `ACK 2.05 Content-Format=0 "call 1"`)
			}
		}, Stats{Requests: 1, Duplicates: 2}},
		{"a duplicate that is non-confirmable is ignored, 4.5", free, func(s *site, p *script) {
			p.send(non(1, post("count", "")))
			p.want(-1, `NON 2.05 Content-Format=0 "call 1"`)
			p.send(non(1, post("count", "")))
			p.idle(144 * time.Second)
			p.send(non(1, post("count", "")))
			p.idle(2 * time.Second)
			p.send(non(1, post("count", ""))) // its ID may be used again, 4.8.2
			p.want(-1, `NON 2.05 Content-Format=0 "call 2"`)
		}, Stats{Requests: 2, Duplicates: 2}},
		{"an ID may be used again after EXCHANGE_LIFETIME, 4.4", free, func(s *site, p *script) {
			p.send(con(1, post("count", "")))
			p.want(1, `ACK 2.05 Content-Format=0 "call 1"`)
			p.idle(246 * time.Second)
			p.send(con(1, post("count", "")))
			p.want(1, `ACK 2.05 Content-Format=0 "call 1"`)
			p.idle(time.Second)
			p.send(con(1, post("count", "")))
			p.want(1, `ACK 2.05 Content-Format=0 "call 2"`)
		}, Stats{Requests: 2, Duplicates: 1}},
		{"another endpoint has IDs of its own, 4.4", free, func(s *site, p *script) {
			p.send(con(1, post("count", "")))
			p.want(1, `ACK 2.05 Content-Format=0 "call 1"`)
			o := s.guest(p.t, 2)
			o.send(con(1, post("count", "")))
			o.want(1, `ACK 2.05 Content-Format=0 "call 2"`)
		}, Stats{Requests: 2}},
		{"slow: acknowledged, and answered by itself, 5.2.2", free, func(s *site, p *script) {
			before := time.Now()
			p.send(con(1, get("slow")))
			p.want(1, "ACK")
			if took := time.Since(before); took < 500*time.Millisecond || took > 510*time.Millisecond {
				p.t.Errorf("acknowledged after %v", took)
			}
			d := p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			if string(d.Token) != "\x01\x01" {
				p.t.Errorf("token %x", d.Token)
			}
			p.send(ack(d.ID))
			p.idle(time.Hour)
		}, Stats{Requests: 1, Separate: 1}},
		{"slow, and asked again: acknowledged again, 4.5", free, func(s *site, p *script) {
			p.send(con(1, post("slow", "")))
			time.Sleep(100 * time.Millisecond)
			p.send(con(1, post("slow", ""))) // nothing is known yet
			p.want(1, "ACK")
			p.send(con(1, post("slow", "")))
			p.want(1, "ACK")
			d := p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			p.send(con(1, post("slow", "")))
			p.want(1, "ACK")
			p.send(ack(d.ID))
			p.idle(time.Minute)
		}, Stats{Requests: 1, Duplicates: 3, Separate: 1}},
		{"slow, and non-confirmable: no acknowledgement, 5.2.3", free, func(s *site, p *script) {
			p.send(non(1, get("slow")))
			p.want(-1, `NON 2.05 Content-Format=0 "call 1"`)
			p.idle(time.Hour)
		}, Stats{Requests: 1}},
		{"a separate answer is sent again until it is acknowledged, 4.2", free, func(s *site, p *script) {
			p.send(con(1, get("slow")))
			p.want(1, "ACK")
			d := p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			at := time.Now()
			for i := range 3 {
				p.want(int(d.ID), `CON 2.05 Content-Format=0 "call 1"`)
				if wait := time.Since(at); wait < 2*time.Second<<i || wait > 3*time.Second<<i+10*time.Millisecond {
					p.t.Errorf("attempt %d after %v", i+2, wait)
				}
				at = time.Now()
			}
			p.send(ack(d.ID + 1)) // of something else
			p.want(int(d.ID), `CON 2.05 Content-Format=0 "call 1"`)
			p.send(ack(d.ID))
			p.idle(time.Hour)
		}, Stats{Requests: 1, Separate: 1, Retransmits: 4}},
		{"a separate answer is given up, 4.2", free, func(s *site, p *script) {
			p.send(con(1, get("slow")))
			p.want(1, "ACK")
			for range 5 {
				p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			}
			p.idle(time.Hour)
		}, Stats{Requests: 1, Separate: 1, Retransmits: 4, Unanswered: 1}},
		{"a separate answer is rejected, 4.2", free, func(s *site, p *script) {
			p.send(con(1, get("slow")))
			p.want(1, "ACK")
			p.send(rst(p.want(-1, `CON 2.05 Content-Format=0 "call 1"`).ID))
			p.idle(time.Hour)
		}, Stats{Requests: 1, Separate: 1, Resets: 1}},
		{"an acknowledgement of another endpoint is none, 4.2", free, func(s *site, p *script) {
			p.send(con(1, get("slow")))
			p.want(1, "ACK")
			d := p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			o := s.guest(p.t, 2)
			o.send(ack(d.ID))
			o.send(rst(d.ID))
			p.want(int(d.ID), `CON 2.05 Content-Format=0 "call 1"`)
			p.send(ack(d.ID))
			p.idle(time.Hour)
		}, Stats{Requests: 1, Separate: 1, Retransmits: 1}},
		{"one separate answer is outstanding at a time, 4.7", free, func(s *site, p *script) {
			p.send(con(1, get("slow")))
			time.Sleep(100 * time.Millisecond)
			p.send(con(2, get("slow")))
			p.want(1, "ACK")
			p.want(2, "ACK")
			d := p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			p.idle(time.Second)
			p.send(ack(d.ID))
			d = p.want(-1, `CON 2.05 Content-Format=0 "call 2"`)
			p.send(ack(d.ID))
		}, Stats{Requests: 2, Separate: 2}},
		{"later, by a ticket, 5.2.2", free, func(s *site, p *script) {
			p.send(con(1, get("later")))
			p.want(1, "ACK")
			p.send(con(1, get("later")))
			p.want(1, "ACK")
			s.answerLate(p.t, "at last", nil)
			d := p.want(-1, `CON 2.05 "at last"`)
			if string(d.Token) != "\x01\x01" {
				p.t.Errorf("token %x", d.Token)
			}
			p.send(ack(d.ID))
			p.idle(time.Hour)
		}, Stats{Requests: 1, Duplicates: 1, Separate: 1}},
		{"later and non-confirmable, 5.2.3", free, func(s *site, p *script) {
			p.send(non(1, get("later")))
			p.idle(time.Second)
			s.answerLate(p.t, "at last", nil)
			p.want(-1, `NON 2.05 "at last"`)
			p.idle(time.Hour)
		}, Stats{Requests: 1}},
		{"a ticket at its limit", free, func(s *site, p *script) {
			p.send(con(1, get("later")))
			p.want(1, "ACK")
			before := time.Now()
			d, ok := p.take()
			if took := time.Since(before); !ok || d.Code != coap.CodeServiceUnavailable || took < 19*time.Second || took > 22*time.Second {
				p.t.Errorf("%s after %v", show(d), took)
			}
			p.send(ack(d.ID))
			p.idle(time.Second)
		}, Stats{Requests: 1, Separate: 1}},
		{"no answer wanted, RFC 7967 2.1", free, func(s *site, p *script) {
			p.send(con(1, get("hello", coap.OptNoResponse, 2)))
			p.want(1, "ACK")
			p.send(con(1, get("hello", coap.OptNoResponse, 2)))
			p.want(1, "ACK")
			p.send(non(2, get("hello", coap.OptNoResponse, 2)))
			p.idle(time.Hour)
		}, Stats{Requests: 2, Duplicates: 1}},
		{"a handler that panics", free, func(s *site, p *script) {
			p.send(con(1, get("panic")))
			if d, _ := p.take(); d.Code != coap.CodeInternalServerError || d.Type != coap.Acknowledgement {
				p.t.Errorf("%s, want 5.00", show(d))
			}
		}, Stats{Requests: 1}},
		{"a handler that takes too long", ServerConfig{Amplification: -1, Timeout: 5 * time.Second}, func(s *site, p *script) {
			before := time.Now()
			p.send(con(1, get("slow")))
			p.want(1, "ACK")
			d := p.want(-1, "CON 5.03")
			if took := time.Since(before); took < 5*time.Second || took > 6*time.Second {
				p.t.Errorf("after %v", took)
			}
			p.send(ack(d.ID))
			p.idle(time.Minute)
			p.send(non(2, get("slow")))
			p.want(-1, "NON 5.03")
			p.idle(time.Minute)
		}, Stats{Requests: 2, Separate: 1, Late: 2}},
		{"all workers busy, and the queue full", ServerConfig{Amplification: -1, Queue: 1, Busy: 7}, func(s *site, p *script) {
			for i := range 4 { // two run, and one waits
				p.send(con(uint16(i), get("held")))
			}
			p.want(3, "ACK 5.03 Max-Age=7")
			p.send(non(5, get("hello")))
			p.want(-1, "NON 5.03 Max-Age=7")
			p.send(coap.Datagram{ID: 9}) // it still hears
			p.want(9, "RST")
			close(s.hold)
			for range 3 {
				p.want(-1, `ACK 2.05 Content-Format=0 "held"`)
			}
			p.send(con(3, get("held"))) // what was refused is not a duplicate
			p.want(3, `ACK 2.05 Content-Format=0 "held"`)
		}, Stats{Requests: 4, Busy: 2}},
		{"malformed and confirmable: rejected, 4.2", free, func(s *site, p *script) {
			for i, b := range []string{
				"\x40\x01\x00\x00\xff",             // no payload behind the marker
				"\x4f\x01\x00\x01",                 // a reserved length of the token
				"\x48\x01\x00\x02\x01",             // the token is cut off
				"\x40\x01\x00\x03\xb9x",            // an option is cut off
				"\x40\x01\x00\x04\xf0",             // a reserved delta
				"\x40\x20\x00\x05",                 // class 1 is reserved
				"\x40\xc0\x00\x06",                 // class 6 is reserved
				"\x40\xe1\x00\x07",                 // a signal is none over UDP
				"\x41\x00\x00\x08x",                // an empty message with a token
				"\x40\x45\x00\x09",                 // an answer to no request
				"\x40\x01\x00\x0a\xe0\xff\xff\xe0", // a number above 65535
			} {
				p.raw(b)
				p.want(i, "RST")
			}
		}, Stats{Malformed: 10}},
		{"malformed and not confirmable: ignored, 4.3", free, func(s *site, p *script) {
			for _, b := range []string{
				"", "\x40", "\x40\x01\x00", // too short, 3
				"\x00\x01\x00\x01", "\x80\x01\x00\x01", "\xc0\x01\x00\x01", // other versions, 3
				"\x50\x01\x00\x00\xff", "\x60\x01\x00\x00", "\x70\x01\x00\x00", "\x60\x45\x00\x00\xff", "\x50\xe1\x00\x00",
			} {
				p.raw(b)
			}
			p.raw("\x60\x45\x00\x01") // answers to nobody
			p.raw("\x50\x45\x00\x01")
			p.send(ack(1))
			p.send(rst(1))
			p.idle(time.Hour)
		}, Stats{Malformed: 11}},
		{"longer than a datagram may be, RFC 7959 2.9.3", ServerConfig{Amplification: -1, MaxMessage: 100}, func(s *site, p *script) {
			p.send(con(1, post("count", strings.Repeat("x", 100))))
			p.want(1, "ACK 4.13 Size1=100")
			p.send(non(2, post("count", strings.Repeat("x", 100))))
			p.want(-1, "NON 4.13 Size1=100")
			p.send(coap.Datagram{ID: 3, Message: coap.Message{Code: coap.CodeContent, Payload: make([]byte, 100)}})
			p.want(3, "RST")
			p.send(con(1, post("count", strings.Repeat("x", 80))))
			p.want(1, `ACK 2.05 Content-Format=0 "call 1"`)
		}, Stats{Requests: 1, Malformed: 3}},
		{"a longer token, RFC 8974 2.2.2", free, func(s *site, p *script) {
			d := con(1, get("hello"))
			for _, n := range []int{0, 8, 12, 13, 64} {
				d.ID = uint16(n)
				d.Token = make([]byte, n)
				p.send(d)
				if a := p.want(n, `ACK 2.05 Content-Format=0 "hi"`); len(a.Token) != n {
					p.t.Errorf("token of %d bytes", len(a.Token))
				}
			}
			for _, n := range []int{65, 269, 1000} {
				d.ID = uint16(n)
				d.Token = make([]byte, n)
				p.send(d)
				if a := p.want(n, `ACK 4.00`); len(a.Token) != n {
					p.t.Errorf("token of %d bytes", len(a.Token))
				}
			}
		}, Stats{Requests: 5, Malformed: 3}},
		{"blocks, RFC 7959 2.4", free, func(s *site, p *script) {
			p.send(con(1, get("long", coap.OptBlock2, int(coap.Block{SZX: 2}.Uint()))))
			d, _ := p.take()
			if v, _ := d.Options.Uint(coap.OptBlock2); len(d.Payload) != 64 || v != 8+2 {
				p.t.Errorf("%s", show(d))
			}
		}, Stats{Requests: 1}},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := siteOf(t, newLAN(), v.config)
				v.script(s, s.guest(t, 1))
				synctest.Wait()
				got := s.Stats()
				got.Received, got.Endpoints, got.Answers = 0, 0, [6]uint64{}
				if got != v.want {
					t.Errorf("%+v, want %+v", got, v.want)
				}
			})
		})
	}
}
