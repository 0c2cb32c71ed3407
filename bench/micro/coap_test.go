package micro

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/plgd-dev/go-coap/v3/message"
	"github.com/plgd-dev/go-coap/v3/message/codes"
	tcpcoder "github.com/plgd-dev/go-coap/v3/tcp/coder"
	udpcoder "github.com/plgd-dev/go-coap/v3/udp/coder"
)

// exchanged are messages of CoAP: a request as clients send it, and a block of
// an answer.
func exchanged(tb testing.TB) []coap.Message {
	tb.Helper()
	path, err := coap.AppendPathOptions(coap.AppendOption(nil, 0, coap.OptURIHost, []byte("localhost")), coap.OptURIHost, coap.OptURIPath, "/sensors/temperature")
	if err != nil {
		tb.Fatal(err)
	}
	get := coap.AppendOption(path, coap.OptURIPath, coap.OptURIQuery, []byte("unit=K"))
	get = coap.AppendUintOption(get, coap.OptURIQuery, coap.OptAccept, 60)
	content := coap.AppendOption(nil, 0, coap.OptETag, []byte{1, 2, 3, 4})
	content = coap.AppendUintOption(content, coap.OptETag, coap.OptContentFormat, 42)
	content = coap.AppendUintOption(content, coap.OptContentFormat, coap.OptMaxAge, 60)
	content = coap.AppendUintOption(content, coap.OptMaxAge, coap.OptBlock2, 30)
	return []coap.Message{
		{Code: coap.CodeGET, Token: []byte{1, 2, 3, 4}, Options: get},
		{Code: coap.CodeContent, Token: []byte{1, 2, 3, 4}, Options: content, Payload: bytes.Repeat([]byte{'x'}, 1024)},
	}
}

func messageName(m coap.Message) string {
	return "message=" + strings.ReplaceAll(m.Code.String(), " ", "-")
}

// ours and theirs are messages in words.
func ours(m coap.Message) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %x %q", m.Code, m.Token, m.Payload)
	it := m.Options.Iter()
	for it.Next() {
		fmt.Fprintf(&b, " %d=%x", it.Number, it.Value)
	}
	return b.String(), nil
}

func theirs(m *message.Message) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %x %q", m.Code, []byte(m.Token), m.Payload)
	for _, o := range m.Options {
		fmt.Fprintf(&b, " %d=%x", o.ID, o.Value)
	}
	return b.String(), nil
}

var errLength = errors.New("the message has another length")

func read(tb testing.TB) (all []comparison) {
	for _, m := range exchanged(tb) {
		onTCP := coap.AppendTCP(nil, m)
		onUDP := coap.AppendUDP(nil, coap.Datagram{Message: m, ID: 7})
		var got coap.Message
		var datagram coap.Datagram
		theirTCP, theirUDP := message.Message{Options: make(message.Options, 0, 16)}, message.Message{Options: make(message.Options, 0, 16)}
		all = append(all, comparison{"over=tcp/" + messageName(m), len(onTCP), []side{{
			by: "bobtail",
			loop: func(n int) error {
				for range n {
					m, k, err := coap.ParseTCP(onTCP)
					if err != nil || k != len(onTCP) {
						return errors.Join(errLength, err)
					}
					got = m
				}
				return nil
			},
			gave: func() (string, error) { return ours(got) },
		}, {
			by: "go-coap",
			loop: func(n int) error {
				for range n {
					theirTCP.Options = theirTCP.Options[:0]
					if k, err := tcpcoder.DefaultCoder.Decode(onTCP, &theirTCP); err != nil || k != len(onTCP) {
						return errors.Join(errLength, err)
					}
				}
				return nil
			},
			gave: func() (string, error) { return theirs(&theirTCP) },
		}}}, comparison{"over=udp/" + messageName(m), len(onUDP), []side{{
			by: "bobtail",
			loop: func(n int) (err error) {
				for range n {
					if datagram, err = coap.ParseUDP(onUDP); err != nil {
						return err
					}
				}
				return nil
			},
			gave: func() (string, error) {
				s, err := ours(datagram.Message)
				return fmt.Sprint(datagram.ID, s), err
			},
		}, {
			by: "go-coap",
			loop: func(n int) error {
				for range n {
					theirUDP.Options = theirUDP.Options[:0]
					if k, err := udpcoder.DefaultCoder.Decode(onUDP, &theirUDP); err != nil || k != len(onUDP) {
						return errors.Join(errLength, err)
					}
				}
				return nil
			},
			gave: func() (string, error) {
				s, err := theirs(&theirUDP)
				return fmt.Sprint(theirUDP.MessageID, s), err
			},
		}}})
	}
	return all
}

func TestCoAPRead(t *testing.T)      { same(t, read(t)) }
func BenchmarkCoAPRead(b *testing.B) { measure(b, read(b)) }

func written(tb testing.TB) (all []comparison) {
	for _, m := range exchanged(tb) {
		given := message.Message{Token: m.Token, Code: codes.Code(m.Code), Payload: m.Payload, MessageID: 7, Type: message.Confirmable}
		it := m.Options.Iter()
		for it.Next() {
			given.Options = append(given.Options, message.Option{ID: message.OptionID(it.Number), Value: it.Value})
		}
		for _, over := range []struct {
			name   string
			append func(dst []byte) []byte
			encode func(m message.Message, buf []byte) (int, error)
		}{
			{"tcp", func(dst []byte) []byte { return coap.AppendTCP(dst, m) }, tcpcoder.DefaultCoder.Encode},
			{"udp", func(dst []byte) []byte { return coap.AppendUDP(dst, coap.Datagram{Message: m, ID: 7}) }, udpcoder.DefaultCoder.Encode},
		} {
			a, b := make([]byte, 0, 2048), make([]byte, 2048)
			length := 0
			all = append(all, comparison{"over=" + over.name + "/" + messageName(m), len(over.append(nil)), []side{{
				by: "bobtail",
				loop: func(n int) error {
					for range n {
						a = over.append(a[:0])
					}
					return nil
				},
				gave: func() (string, error) { return string(a), nil },
			}, {
				by: "go-coap",
				loop: func(n int) (err error) {
					for range n {
						if length, err = over.encode(given, b); err != nil {
							return err
						}
					}
					return nil
				},
				gave: func() (string, error) { return string(b[:length]), nil },
			}}})
		}
	}
	return all
}

func TestCoAPWritten(t *testing.T)      { same(t, written(t)) }
func BenchmarkCoAPWritten(b *testing.B) { measure(b, written(b)) }

// asked is what a server asks of the options of each request.
func asked(tb testing.TB) []comparison {
	m := exchanged(tb)[0]
	path := make([]byte, 0, 64)
	var format uint64
	wire := coap.AppendTCP(nil, m)
	got := message.Message{Options: make(message.Options, 0, 16)}
	if _, err := tcpcoder.DefaultCoder.Decode(wire, &got); err != nil {
		tb.Fatal(err)
	}
	var theirPath string
	var theirFormat message.MediaType
	return []comparison{{"what=path-and-accept", len(m.Options), []side{{
		by: "bobtail",
		loop: func(n int) error {
			for range n {
				path = m.Options.AppendPath(path[:0])
				v, ok := m.Options.Uint(coap.OptAccept)
				if !ok {
					return errors.New("no Accept")
				}
				format = v
			}
			return nil
		},
		gave: func() (string, error) { return fmt.Sprint(string(path), " ", format), nil },
	}, {
		by: "go-coap",
		loop: func(n int) (err error) {
			for range n {
				if theirPath, err = got.Options.Path(); err != nil {
					return err
				}
				if theirFormat, err = got.Options.Accept(); err != nil {
					return err
				}
			}
			return nil
		},
		gave: func() (string, error) { return fmt.Sprint(theirPath, " ", uint64(theirFormat)), nil },
	}}}}
}

func TestCoAPAsked(t *testing.T)      { same(t, asked(t)) }
func BenchmarkCoAPAsked(b *testing.B) { measure(b, asked(b)) }
