package main

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// serveCoAP adds the reading by GET, which may observe it, and PUT.
func (s *sensor) serveCoAP(r *resource.Router) error {
	s.observers = r.NewTopic(resource.TopicOptions{})
	s.options = coap.AppendUintOption(nil, 0, coap.OptContentFormat, uint64(coap.FormatText))
	text := []coap.Format{coap.FormatText}
	if err := r.Add(resource.Route{
		Pattern: "GET /temperature",
		Handler: s.read,
		Formats: text,
		Attributes: []resource.Attribute{
			{Name: "title", Value: "degrees Celsius"},
			{Name: "rt", Value: "temperature"},
			{Name: "obs"},
		},
	}); err != nil {
		return err
	}
	return r.Add(resource.Route{Pattern: "PUT /temperature", Handler: s.write, Accepts: text})
}

func (s *sensor) read(w resource.Response, r *resource.Request) error {
	r.Observe(s.observers) // before the reading is looked at, lest a change is missed
	b, err := r.Alloc(longest)
	if err != nil {
		return err
	}
	return w.Bytes(coap.FormatText, s.append(b[:0]))
}

func (s *sensor) write(w resource.Response, r *resource.Request) error {
	n, ok := parseTenths(r.Payload())
	if !ok {
		return w.Code(coap.CodeBadRequest).Text(wrong)
	}
	s.set(n)
	return w.Code(coap.CodeChanged).Empty()
}
