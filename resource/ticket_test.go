package resource_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// TestTicketsCut has the answer of a ticket cut to what there would have been
// room for at once, whatever the peer takes: output has to keep it whole.
func TestTicketsCut(t *testing.T) {
	for _, bert := range []bool{false, true} {
		var ticket resource.Ticket
		r := newRouter(t, resource.Route{Pattern: "/l", Handler: func(_ resource.Response, r *resource.Request) (err error) {
			ticket, err = r.Later(1e9)
			return err
		}})
		p := newPeer(t, r, 4096)
		p.terms.Max, p.terms.BERT = 1<<20, bert
		p.want(p.get("/l"), "later")
		if err := ticket.Answer(coap.CodeContent, nil, content(100_000)); err != nil {
			t.Fatal(err)
		}
		m := p.p.take()[0].m
		v, ok := rawOption(m.Options, coap.OptBlock2)
		if b, _ := coap.ParseBlock(v); !ok || !b.More || len(m.Payload) > 4096 || bert && len(m.Payload) < 2048 {
			t.Errorf("BERT %v: %d bytes of payload, %v", bert, len(m.Payload), b)
		}
	}
}

// TestTicketsAcknowledge has the late answer to an upload say which block it is
// for (RFC 7959 section 2.5), as that at once does.
func TestTicketsAcknowledge(t *testing.T) {
	var ticket resource.Ticket
	r := newRouter(t, resource.Route{Pattern: "/l", Handler: func(_ resource.Response, r *resource.Request) (err error) {
		ticket, err = r.Later(1e9)
		return err
	}})
	r.Gather = 5000
	p := newPeer(t, r, 2048)
	p.ask(request(coap.CodePOST, "/l", content(1024), block(coap.OptBlock1, 0, true, 6)))
	p.want(p.ask(request(coap.CodePOST, "/l", content(10), block(coap.OptBlock1, 1, false, 6))), "later")
	if err := ticket.Answer(coap.CodeChanged, nil, nil); err != nil {
		t.Fatal(err)
	}
	p.wantPushed("1 tok 2.04 Block1=1/0/6")
}
