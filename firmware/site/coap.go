package site

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/resource"
)

// textOptions are those of a notification with text, whose format is 0 and has
// no byte (RFC 7252 sections 3.2 and 5.10.3).
var textOptions = coap.Options{byte(coap.OptContentFormat) << 4}

// AddCoAP adds the resources of CoAP over TCP. It fails as coaptcp.New does.
func (s *Site) AddCoAP() error {
	r := Resources(s.srv.Sockets())
	s.leds = r.NewTopic(resource.TopicOptions{})
	s.seconds = r.NewTopic(resource.TopicOptions{})
	text := []coap.Format{coap.FormatText}
	seen := []resource.Attribute{{Name: "obs"}}
	// The router keeps the first error, for coaptcp.New.
	r.Add(resource.Route{Pattern: "GET /hello", Handler: coapHello, Formats: text})
	r.Add(resource.Route{Pattern: "GET /time", Handler: s.coapTime, Formats: text, Attributes: seen})
	r.Add(resource.Route{Pattern: "GET /led", Handler: s.coapLED, Formats: text, Attributes: seen})
	r.Add(resource.Route{Pattern: "PUT /led", Handler: s.coapSetLED, Accepts: text})
	d, err := coaptcp.New(s.srv, CoAP(r))
	if err != nil {
		return err
	}
	s.letters[d.Number()&7] = 'c'
	s.requests = func() uint64 { return d.Stats().Requests.Total() }
	s.tellLED = s.publishLED
	s.tellSecond = s.publishSecond
	return nil
}

func coapHello(w resource.Response, _ *resource.Request) error { return w.Text(hello) }

// mostDigits is the longest number in bytes.
const mostDigits = 20

func (s *Site) coapTime(w resource.Response, r *resource.Request) error {
	r.Observe(s.seconds) // before the clock is looked at, lest a second is missed
	b, err := r.Alloc(mostDigits)
	if err != nil {
		return err
	}
	return w.Bytes(coap.FormatText, ascii.AppendUint(b[:0], uint64(s.uptime())))
}

func (s *Site) coapLED(w resource.Response, r *resource.Request) error {
	r.Observe(s.leds)
	return w.Text(word(s.LED()))
}

func (s *Site) coapSetLED(w resource.Response, r *resource.Request) error {
	if !s.setText(r.Payload()) {
		return w.Code(coap.CodeBadRequest).Text(wrong)
	}
	return w.Code(coap.CodeChanged).Empty()
}

func (s *Site) publishLED() {
	s.leds.Publish(resource.Notification{Options: textOptions, Payload: ascii.Bytes(word(s.on))})
}

func (s *Site) publishSecond() {
	if s.seconds.Len() == 0 {
		return
	}
	s.mu.Lock()
	s.seconds.Publish(resource.Notification{Options: textOptions, Payload: ascii.AppendUint(s.text[:0], uint64(s.second))})
	s.mu.Unlock()
}
