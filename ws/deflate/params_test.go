package deflate_test

import (
	"compress/flate"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

const none = "" // the answer of a server that takes no offer

// Answers of a server that wants no takeover.
const (
	plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	both  = "permessage-deflate"
)

var (
	stateless = deflate.Config{}
	stateful  = deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 1}
	narrow    = deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 1, ServerWindowBits: 13, ClientWindowBits: 12}
)

func TestAccept(t *testing.T) {
	for _, test := range []struct {
		name   string
		config deflate.Config
		offer  string
		want   string
	}{
		// RFC 7692 section 7.1.3.
		{"the simplest offer", stateful, "permessage-deflate", both},
		{"a limited window of the server", stateful, "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
			"permessage-deflate; server_no_context_takeover; server_max_window_bits=10"},
		{"the same with a fallback", stateful, "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits",
			"permessage-deflate; server_no_context_takeover; server_max_window_bits=10"},

		// RFC 6455 section 9.1.
		{"no offer", stateless, "", none},
		{"empty elements alone", stateless, " , ,", none},
		{"empty elements around", stateless, ", ,permessage-deflate,,", plain},
		{"an extension that nobody knows", stateless, "permessage-foo; x=10", none},
		{"unknown extensions around", stateless, `bbf-compression; a="b", permessage-deflate , x-webkit-deflate-frame`, plain},
		{"malformed list", stateless, "permessage-deflate;", none},
		{"malformed after a good offer", stateless, "permessage-deflate, permessage-deflate; =", none},
		{"malformed before a good offer", stateless, "a b, permessage-deflate", none},
		{"quoted value that is no token", stateless, `permessage-deflate; server_max_window_bits="1 0"`, none},
		{"open quote", stateless, `permessage-deflate; server_max_window_bits="10`, none},
		{"name in upper case", stateless, "Permessage-Deflate", none},
		{"longer name", stateless, "permessage-deflate2", none},
		{"without white space", stateless, "permessage-deflate;server_no_context_takeover;client_max_window_bits", plain},
		{"with much white space", stateless, " \tpermessage-deflate\t; server_max_window_bits\t= 9\t", plain + "; server_max_window_bits=9"},

		// RFC 7692 section 7.1: what declines an offer.
		{"unknown parameter", stateless, "permessage-deflate; mem_level=4", none},
		{"unknown parameter, fallback", stateless, "permessage-deflate; mem_level=4, permessage-deflate", plain},
		{"parameter in upper case", stateless, "permessage-deflate; Server_No_Context_Takeover", none},
		{"parameter twice", stateless, "permessage-deflate; client_max_window_bits; client_max_window_bits", none},
		{"parameter twice with different values", stateless, "permessage-deflate; server_max_window_bits=9; server_max_window_bits=10", none},
		{"flag twice", stateless, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", none},
		{"server_no_context_takeover with a value", stateless, "permessage-deflate; server_no_context_takeover=true", none},
		{"client_no_context_takeover with a value", stateless, "permessage-deflate; client_no_context_takeover=1", none},
		{"server_max_window_bits without a value", stateless, "permessage-deflate; server_max_window_bits", none},
		{"7", stateless, "permessage-deflate; server_max_window_bits=7", none},
		{"16", stateless, "permessage-deflate; server_max_window_bits=16", none},
		{"leading zero", stateless, "permessage-deflate; server_max_window_bits=08", none},
		{"leading zeros", stateless, "permessage-deflate; server_max_window_bits=010", none},
		{"no number", stateless, "permessage-deflate; server_max_window_bits=ten", none},
		{"sign", stateless, "permessage-deflate; server_max_window_bits=+9", none},
		{"number and more", stateless, "permessage-deflate; server_max_window_bits=10a", none},
		{"number of 33 bits", stateless, "permessage-deflate; server_max_window_bits=4294967304", none},
		{"the client's 7", stateless, "permessage-deflate; client_max_window_bits=7", none},
		{"the client's 16", stateless, "permessage-deflate; client_max_window_bits=16", none},
		{"the client's leading zero", stateless, "permessage-deflate; client_max_window_bits=09", none},
		{"the second fallback", stateless, "permessage-deflate; x, permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=12", plain + "; server_max_window_bits=12"},
		{"the first that can be taken", stateful, "permessage-deflate; server_no_context_takeover, permessage-deflate", "permessage-deflate; server_no_context_takeover"},

		// Section 7.1.1.
		{"no takeover wished", stateless, "permessage-deflate", plain},
		{"the client wants no context of the server", stateful, "permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
		{"the client hints that it will not use takeover", stateful, "permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"},
		{"neither", stateful, "permessage-deflate; client_no_context_takeover; server_no_context_takeover", plain},
		{"the server's takeover only", deflate.Config{ServerTakeover: true, Contexts: 1}, "permessage-deflate", "permessage-deflate; client_no_context_takeover"},
		{"the client's takeover only", deflate.Config{ClientTakeover: true, Contexts: 1}, "permessage-deflate", "permessage-deflate; server_no_context_takeover"},
		{"a compressor that refers to nothing", deflate.Config{Level: flate.HuffmanOnly, ServerTakeover: true, ClientTakeover: true, Contexts: 1}, "permessage-deflate", "permessage-deflate; server_no_context_takeover"},

		// Section 7.1.2.
		{"8 to 15: 8", stateless, "permessage-deflate; server_max_window_bits=8", plain + "; server_max_window_bits=8"},
		{"8 to 15: 11 is too small to be carried", stateful, "permessage-deflate; server_max_window_bits=11", "permessage-deflate; server_no_context_takeover; server_max_window_bits=11"},
		{"8 to 15: 12", stateful, "permessage-deflate; server_max_window_bits=12", "permessage-deflate; server_max_window_bits=12"},
		{"8 to 15: 15 is answered, too", stateless, "permessage-deflate; server_max_window_bits=15", plain + "; server_max_window_bits=15"},
		{"quoted", stateless, `permessage-deflate; server_max_window_bits="10"`, plain + "; server_max_window_bits=10"},
		{"the client's window without a value", stateless, "permessage-deflate; client_max_window_bits", plain},
		{"the client's window with one, taken as it is", stateless, "permessage-deflate; client_max_window_bits=10", plain + "; client_max_window_bits=10"},
		{"the client's window of 15", stateless, "permessage-deflate; client_max_window_bits=15", plain},
		{"our window is smaller than asked for", narrow, "permessage-deflate; server_max_window_bits=14; client_max_window_bits", "permessage-deflate; server_max_window_bits=13; client_max_window_bits=12"},
		{"our window is larger than asked for", narrow, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=11", "permessage-deflate; server_max_window_bits=12; client_max_window_bits=11"},
		{"our window, which nobody asked for", narrow, "permessage-deflate; client_max_window_bits", "permessage-deflate; server_max_window_bits=13; client_max_window_bits=12"},
		{"a client that cannot have a smaller window gets no takeover", narrow, "permessage-deflate", "permessage-deflate; client_no_context_takeover; server_max_window_bits=13"},

		{"what Chromium offers", stateless, "permessage-deflate; client_max_window_bits", plain},
		{"what Firefox offers", stateful, "permessage-deflate", both},
		{"what Safari once offered", stateless, "x-webkit-deflate-frame", none},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := extension(t, test.config)
			p := e.Accept([]byte(test.offer))
			if got := string(e.AppendAccept(nil, p)); got != test.want {
				t.Fatalf("Accept(%q) answers %q, want %q", test.offer, got, test.want)
			}
			if (p == 0) != (test.want == none) {
				t.Errorf("Accept(%q) = %#x", test.offer, p)
			}
			e.Release(p)
		})
	}
}

func TestOffer(t *testing.T) {
	for _, test := range []struct {
		name   string
		config deflate.Config
		want   string
	}{
		{"no takeover", stateless, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"},
		{"takeover", stateful, "permessage-deflate; client_max_window_bits"},
		{"the server's takeover", deflate.Config{ServerTakeover: true, Contexts: 1}, "permessage-deflate; client_no_context_takeover; client_max_window_bits"},
		{"the client's takeover", deflate.Config{ClientTakeover: true, Contexts: 1}, "permessage-deflate; server_no_context_takeover; client_max_window_bits"},
		{"smaller windows", narrow, "permessage-deflate; server_max_window_bits=13; client_max_window_bits=12, " +
			"permessage-deflate; server_no_context_takeover; client_max_window_bits=12"},
		{"a window too small to be carried", deflate.Config{ClientTakeover: true, Contexts: 1, ClientWindowBits: 9},
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := extension(t, test.config)
			if got := string(e.AppendOffer(nil)); got != test.want {
				t.Fatalf("the offer is %q, want %q", got, test.want)
			}
			// Every offer is one that we take ourselves, and whose answer is one to it.
			p := e.Accept(e.AppendOffer(nil))
			answer := e.AppendAccept(nil, p)
			e.Release(p)
			q, err := e.Agree(answer)
			if err != nil {
				t.Errorf("%q is answered by %q: %v", test.want, answer, err)
			}
			e.Release(q)
		})
	}
}

func TestAgree(t *testing.T) {
	const takes, no = "takeover", "none"
	for _, test := range []struct {
		name     string
		config   deflate.Config
		answer   string
		err      error
		takeover string // of either, if there is no error
	}{
		{"no extension", stateless, "", nil, ""},
		{"what we answer", stateless, plain, nil, no},
		{"takeover of both", stateful, both, nil, takes},
		{"less than offered: the server's", stateful, "permessage-deflate; server_no_context_takeover", nil, takes},
		{"less than offered: the client's", stateful, "permessage-deflate; client_no_context_takeover", nil, takes},
		{"less than offered", stateful, plain, nil, no},
		{"a hint that is not answered", stateless, "permessage-deflate; server_no_context_takeover", nil, no},
		{"window of the server that nobody asked for", stateless, plain + "; server_max_window_bits=8", nil, no},
		{"window of the client", stateless, plain + "; client_max_window_bits=8", nil, no},
		{"quoted", stateless, plain + `; client_max_window_bits="12"`, nil, no},
		{"our windows", narrow, "permessage-deflate; server_max_window_bits=13; client_max_window_bits=12", nil, takes},
		{"smaller windows", narrow, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8", nil, takes},
		{"the client's window is not mentioned", narrow, "permessage-deflate; server_max_window_bits=8", nil, takes},
		{"the second offer", narrow, "permessage-deflate; server_no_context_takeover", nil, takes},
		{"the second offer, and a window", narrow, "permessage-deflate; server_no_context_takeover; server_max_window_bits=14", nil, takes},

		{"empty list", stateless, " , ", deflate.ErrAnswer, ""},
		{"malformed", stateless, "permessage-deflate;;", deflate.ErrAnswer, ""},
		{"malformed behind", stateless, plain + ", =", deflate.ErrAnswer, ""},
		{"two of the offers", stateless, plain + ", " + plain, deflate.ErrAnswer, ""},
		{"another extension beside", stateless, plain + ", permessage-foo", deflate.ErrAnswer, ""},
		{"another extension", stateless, "permessage-foo", deflate.ErrAnswerExtension, ""},
		{"unknown parameter", stateless, plain + "; x", deflate.ErrAnswerParameter, ""},
		{"parameter twice", stateless, plain + "; client_no_context_takeover", deflate.ErrAnswerTwice, ""},
		{"flag with a value", stateless, "permessage-deflate; server_no_context_takeover=1", deflate.ErrAnswerValue, ""},
		{"window of the server without a value", stateless, plain + "; server_max_window_bits", deflate.ErrAnswerValue, ""},
		{"window of the client without a value", stateless, plain + "; client_max_window_bits", deflate.ErrAnswerValue, ""},
		{"window of 7", stateless, plain + "; server_max_window_bits=7", deflate.ErrAnswerValue, ""},
		{"window of 16", stateless, plain + "; client_max_window_bits=16", deflate.ErrAnswerValue, ""},
		{"takeover that was not offered", stateless, "permessage-deflate; client_no_context_takeover", deflate.ErrAnswerTakeover, ""},
		{"larger window of the client", narrow, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=13", deflate.ErrAnswerWindowBits, ""},
		{"larger window of the server", narrow, "permessage-deflate; server_max_window_bits=14", deflate.ErrAnswerWindowBits, ""},
		{"no window of the server", narrow, "permessage-deflate", deflate.ErrAnswerWindowBits, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := extension(t, test.config)
			p, err := e.Agree([]byte(test.answer))
			if err != test.err {
				t.Fatalf("Agree(%q) = %#x, %v, want %v", test.answer, p, err, test.err)
			}
			if (p == 0) != (test.takeover == "") || e.Stateful(ws.RoleClient, p) != (test.takeover == takes) {
				t.Errorf("Agree(%q) = %#x, stateful %v", test.answer, p, e.Stateful(ws.RoleClient, p))
			}
			e.Release(p)
			if err != nil { // nothing may stay reserved
				if p, err := e.Agree([]byte(plain)); err != nil {
					t.Errorf("afterwards %#x, %v", p, err)
				}
			}
		})
	}
}

// TestContexts has more connections than contexts, in both roles.
func TestContexts(t *testing.T) {
	e := extension(t, deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 2})
	offer := []byte("permessage-deflate")
	first, second, third := e.Accept(offer), e.Accept(offer), e.Accept(offer)
	if !e.Stateful(ws.RoleServer, first) || !e.Stateful(ws.RoleServer, second) || e.Stateful(ws.RoleServer, third) {
		t.Errorf("%#x, %#x, %#x: want takeover twice", first, second, third)
	}
	if got := string(e.AppendAccept(nil, third)); got != plain {
		t.Errorf("without a context the answer is %q", got)
	}
	if got := string(e.AppendOffer(nil)); got != "permessage-deflate; server_no_context_takeover; client_max_window_bits" {
		t.Errorf("without a context the offer is %q", got)
	}
	if p, err := e.Agree([]byte(both)); err != deflate.ErrNoContext {
		t.Errorf("without a context the server's takeover is agreed on: %#x, %v", p, err)
	}
	if p, err := e.Agree([]byte("permessage-deflate; server_no_context_takeover")); err != nil || e.Stateful(ws.RoleClient, p) {
		t.Errorf("without a context the client's takeover is made use of: %#x, %v", p, err)
	}
	e.Release(third) // it has none
	if p := e.Accept(offer); e.Stateful(ws.RoleServer, p) {
		t.Error("a context too many is free")
	}
	e.Release(first)
	if p, err := e.Agree([]byte(both)); err != nil || !e.Stateful(ws.RoleClient, p) {
		t.Errorf("a context that was released is not free: %#x, %v", p, err)
	}
	e.Release(second)
	e.Release(second)
	defer func() {
		if recover() == nil {
			t.Error("more is released than was reserved")
		}
	}()
	e.Release(second)
}

// TestShared wants equal keys for equal bytes: without takeover, of one window.
func TestShared(t *testing.T) {
	e := extension(t, deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 100})
	keys := map[string]any{}
	for _, test := range []struct {
		offer          string
		server, client any // equal names have equal keys; nil: not shared
	}{
		{"permessage-deflate", nil, nil},
		{"permessage-deflate; server_no_context_takeover", "15", nil},
		{"permessage-deflate; client_no_context_takeover", nil, "client 15"},
		{"permessage-deflate; server_no_context_takeover; client_max_window_bits=10", "15", nil},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15", "15", "client 15"},
		{"permessage-deflate; server_no_context_takeover; server_max_window_bits=10", "10", nil},
		{"permessage-deflate; server_max_window_bits=10; client_no_context_takeover; client_max_window_bits=9", "10", "client 9"},
	} {
		p := e.Accept([]byte(test.offer))
		for i, want := range []any{test.server, test.client} {
			role := ws.Role(i)
			key, ok := e.Shared(role, p)
			if ok != (want != nil) || ok == (key == 0) {
				t.Errorf("%s: role %d: %#x, %v", test.offer, role, key, ok)
			}
			if !ok {
				continue
			}
			if was, known := keys[want.(string)]; known && was != key {
				t.Errorf("%s: role %d: key %#x, want %#x", test.offer, role, key, was)
			}
			keys[want.(string)] = key
			if again, ok := e.Shared(role, key); !ok || again != key || e.Stateful(role, key) {
				t.Errorf("%s: role %d: key %#x is none of itself: %#x", test.offer, role, key, again)
			}
		}
	}
	if keys["15"] == keys["10"] || keys["client 15"] == keys["client 9"] {
		t.Error("different windows have the same key")
	}
	if key, ok := e.Shared(ws.RoleServer, 0); ok {
		t.Errorf("without an agreement there is a key: %#x", key)
	}
}
