package ws_test

import (
	"fmt"

	"github.com/bobtail-go/bobtail/ws"
)

// A server takes what comes in two reads, the first of which ends within a
// ping, and answers.
func ExampleDecoder() {
	rules := &ws.Rules{Role: ws.RoleServer, MaxMessage: 1 << 20}
	var (
		decoder ws.Decoder
		encoder ws.Encoder
		buffer  [512]byte
		out     [512]byte
	)
	reads := []string{"\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d\x89\x81\x00\x00", "\x00\x00?\x80\x82\x37\xfa\x21\x3d\x5b\x95"}
	n := 0
	answer := out[:0]
	for _, read := range reads {
		n += copy(buffer[n:], read)
		at := 0
		for more := true; more; {
			part, consumed, err := decoder.Next(buffer[at:n], rules)
			if err != nil {
				panic(err) // send a close frame with err.(ws.Error).Code(), and close
			}
			at += consumed
			switch part.Kind {
			case ws.NeedMore:
				n = copy(buffer[:], buffer[at:n])
				more = false
			case ws.Data:
				fmt.Printf("%v %q, last %v\n", part.Op, part.Payload, part.Last)
				header, err := encoder.Data(part.Op, part.Last, false)
				if err != nil {
					panic(err)
				}
				answer = ws.AppendFrame(answer, header, part.Payload)
			case ws.Ping:
				answer = ws.AppendFrame(answer, ws.Header{Op: ws.OpPong, Fin: true}, part.Payload)
			case ws.Close:
				payload := ws.AppendClose(nil, part.Code, "")
				answer = ws.AppendFrame(answer, ws.Header{Op: ws.OpClose, Fin: true}, payload)
			}
		}
	}
	fmt.Printf("%q\n", answer)
	// Output:
	// text "Hel", last false
	// text "lo", last true
	// "\x01\x03Hel\x8a\x01?\x80\x02lo"
}

func ExampleOffer() {
	offer := ws.Offer{Get: true, HTTP11: true}
	for _, f := range [][2]string{
		{"Host", "example.com"}, {"Origin", "https://example.com"}, {"Upgrade", "websocket"}, {"Connection", "keep-alive, Upgrade"},
		{"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Protocol", "soap, chat"},
	} {
		offer.Field([]byte(f[0]), []byte(f[1]))
	}
	if err := offer.Check(); err != nil {
		panic(err) // answer err.(ws.Error).Status()
	}
	protocols := []string{"chat", "soap"}
	fmt.Println(ws.SameOrigin(offer.Origin, offer.Host), protocols[offer.Protocol(protocols)])
	fmt.Printf("%s\n", ws.AppendAccept(nil, offer.Key))
	// Output:
	// true chat
	// s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
}

func ExampleAppendRequest() {
	nonce := [16]byte([]byte("the sample nonce")) // 16 bytes of crypto/rand
	request := ws.ClientRequest{Host: "example.com", Target: "/chat", Key: ws.AppendKey(nil, nonce), Protocols: []string{"chat"}}
	b, err := ws.AppendRequest(nil, &request)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.20q... of %d bytes\n", b, len(b))

	received := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05Hello")
	answer, n, err := ws.ParseAnswer(received)
	if err != nil || n == 0 {
		panic("malformed, or more to come")
	}
	protocol, err := answer.Check(&request)
	fmt.Printf("protocol %d, %v, and then %q\n", protocol, err, received[n:])
	// Output:
	// "GET /chat HTTP/1.1\r\n"... of 184 bytes
	// protocol -1, <nil>, and then "\x81\x05Hello"
}
