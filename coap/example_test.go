package coap_test

import (
	"fmt"

	"github.com/bobtail-go/bobtail/coap"
)

// A server takes what comes in two reads, the first of which ends within a
// request, and answers.
func ExampleParseTCP() {
	var (
		buffer [512]byte
		out    [512]byte
	)
	reads := []string{"\xC1\x01\x20\xBBtemp", "erature\x00\x00"}
	n := 0
	answer := out[:0]
	for _, read := range reads {
		n += copy(buffer[n:], read)
		at := 0
		for {
			m, size, err := coap.ParseTCP(buffer[at:n])
			if err != nil {
				panic(err) // send an Abort, and close
			}
			if size == 0 {
				break // more is needed
			}
			at += size
			if !m.Code.IsRequest() {
				fmt.Println(m.Code.Name(), "message")
				continue
			}
			fmt.Printf("%s %s\n", m.Code.Name(), m.Options.AppendPath(nil))
			options := coap.AppendUintOption(nil, 0, coap.OptContentFormat, uint64(coap.FormatText))
			answer = coap.AppendTCP(answer, coap.Message{Code: coap.CodeContent, Token: m.Token, Options: options, Payload: []byte("22.3 C")})
		}
		n = copy(buffer[:], buffer[at:n])
	}
	fmt.Printf("%q\n", answer)
	// Output:
	// GET /temperature
	// Empty message
	// "\x81E \xc0\xff22.3 C"
}

func ExampleParseUDP() {
	d, err := coap.ParseUDP([]byte("\x41\x01\x7D\x35\x20\xBBtemperature"))
	if err != nil {
		panic(err) // a Reset, if d.Type is Confirmable
	}
	fmt.Printf("%v %#x %s %s, token %x\n", d.Type, d.ID, d.Code.Name(), d.Options.AppendPath(nil), d.Token)
	answer := coap.AppendUDP(nil, coap.Datagram{
		Message: coap.Message{Code: coap.CodeContent, Token: d.Token, Payload: []byte("22.3 C")},
		Type:    coap.Acknowledgement, ID: d.ID,
	})
	fmt.Printf("%x\n", answer)
	// Output:
	// CON 0x7d35 GET /temperature, token 20
	// 61457d3520ff32322e332043
}

func ExampleOptions_Iter() {
	options := coap.Options("\xB3abc\x02de\x60\x39unit=K..x")
	it := options.Iter()
	for it.Next() {
		fmt.Printf("%v %q, critical %v\n", it.Number, it.Value, it.Number.IsCritical())
	}
	// Output:
	// Uri-Path "abc", critical true
	// Uri-Path "de", critical true
	// Accept "", critical true
	// Location-Query "unit=K..x", critical false
}

// Options may come in any order.
func ExampleInsertOption() {
	var options []byte
	options = coap.InsertOption(options, coap.OptMaxAge, []byte{60})
	options = coap.InsertOption(options, coap.OptETag, []byte("v1"))
	options = coap.InsertOption(options, coap.OptContentFormat, nil)
	fmt.Printf("%x\n", options)
	// Output:
	// 42763180213c
}

func ExampleURI() {
	u, err := coap.ParseURI("coap+tcp://Example.com/sensors/a%20b?unit=K")
	if err != nil {
		panic(err)
	}
	options, err := u.AppendOptions(nil)
	if err != nil {
		panic(err)
	}
	fmt.Printf("connect to %s by TCP %v\n", u.AppendAddress(nil), u.IsTCP())
	it := coap.Options(options).Iter()
	for it.Next() {
		fmt.Printf("%v %q\n", it.Number, it.Value)
	}
	// Output:
	// connect to Example.com:5683 by TCP true
	// Uri-Host "example.com"
	// Uri-Path "sensors"
	// Uri-Path "a b"
	// Uri-Query "unit=K"
}

// The third block of 256 bytes of an answer, of which there are more.
func ExampleBlock() {
	b := coap.Block{Num: 2, More: true, SZX: coap.SZXOf(256)}
	options := coap.AppendUintOption(nil, 0, coap.OptBlock2, uint64(b.Uint()))
	value, _ := coap.Options(options).Get(coap.OptBlock2)
	b, err := coap.ParseBlock(value)
	if err != nil {
		panic(err) // 4.02
	}
	fmt.Printf("%x: %d bytes at %d\n", value, b.Size(), b.Offset())
	// Output:
	// 2c: 256 bytes at 512
}
