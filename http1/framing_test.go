package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// withFields is a request of HTTP/1.1 with a Host and some field lines.
func withFields(lines string) string {
	return "POST / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n\r\n"
}

func TestFramingAccepted(t *testing.T) {
	const line = `POST HTTP/1.1 origin "/" path "/" host "x"`
	for _, c := range []struct{ name, lines, want string }{
		{"length", "Content-Length: 5", " length 5 keep-alive"},
		{"length 0", "Content-Length: 0", " length 0 keep-alive"},
		{"leading zeros", "Content-Length: 000000000000000000000005", " length 5 keep-alive"},
		{"white space around the length", "Content-Length: \t5\t ", " length 5 keep-alive"},
		{"name in other case", "cOnTeNt-LeNgTh: 5", " length 5 keep-alive"},
		{"2^31", "Content-Length: 2147483648", " length 2147483648 keep-alive"},
		{"2^32", "Content-Length: 4294967296", " length 4294967296 keep-alive"},
		{"2^63-1", "Content-Length: 9223372036854775807", " length 9223372036854775807 keep-alive"},
		{"chunked", "Transfer-Encoding: chunked", " chunked keep-alive"},
		{"chunked in other case", "TRANSFER-ENCODING:\tcHuNkEd", " chunked keep-alive"},

		{"close", "Connection: close", " close"},
		{"close in other case", "connection: CLOSE", " close"},
		{"close outdoes keep-alive", "Connection: keep-alive, close", " close"},
		{"close in a second line", "Connection: keep-alive\r\nConnection: close", " close"},
		{"keep-alive and Upgrade", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket", " keep-alive upgrade"},
		{"Upgrade before Connection, in two lines", "Upgrade: h2c\r\nConnection: a\r\nConnection:,, upgrade ,", " keep-alive upgrade"},
		{"Upgrade that Connection does not name", "Upgrade: websocket", " keep-alive"},
		{"Connection names an Upgrade that is not there", "Connection: upgrade", " keep-alive"},
		{"part of an option is none", "Connection: closed, not-close, close-not, clos", " keep-alive"},
		{"empty Connection", "Connection:", " keep-alive"},

		{"expectation", "Content-Length: 1\r\nExpect: 100-continue", " length 1 keep-alive expect"},
		{"expectation in other case", "Transfer-Encoding: chunked\r\nExpect: 100-Continue", " chunked keep-alive expect"},
		{"expectation without content", "Expect: 100-continue", " keep-alive"},
		{"expectation of length 0", "Content-Length: 0\r\nExpect: 100-continue", " length 0 keep-alive"},
		{"empty expectation", "Content-Length: 1\r\nExpect: ,", " length 1 keep-alive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			accept(t, &http1.Parser{}, withFields(c.lines), line+c.want+"|Host=x")
		})
	}
}

func TestFraming10(t *testing.T) {
	const line = `POST HTTP/1.0 origin "/" path "/"`
	for _, c := range []struct{ name, lines, want string }{
		{"does not persist", "A: b", ""},
		{"persists if asked to", "Connection: Keep-Alive", " keep-alive"},
		{"close outdoes keep-alive", "Connection: keep-alive\r\nConnection: close", " close"},
		{"Upgrade is ignored", "Connection: upgrade\r\nUpgrade: websocket", ""},
		{"expectation is ignored", "Expect: 100-continue\r\nContent-Length: 5", " length 5"},
		{"Host is not needed, but taken", "Host: y", ` host "y"|Host=y`},
	} {
		t.Run(c.name, func(t *testing.T) {
			accept(t, &http1.Parser{}, "POST / HTTP/1.0\r\n"+c.lines+"\r\n\r\n", line+c.want)
		})
	}
}

func TestFramingRefused(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        http1.Error
	}{
		{"empty length", "Content-Length:", http1.ErrLength},
		{"sign +", "Content-Length: +5", http1.ErrLength},
		{"sign -", "Content-Length: -5", http1.ErrLength},
		{"hexadecimal length", "Content-Length: 0x5", http1.ErrLength},
		{"fraction", "Content-Length: 5.0", http1.ErrLength},
		{"exponent", "Content-Length: 1e1", http1.ErrLength},
		{"separators", "Content-Length: 1_000", http1.ErrLength},
		{"two numbers", "Content-Length: 5 5", http1.ErrLength},
		{"parameter", "Content-Length: 5;a", http1.ErrLength},
		{"quoted length", `Content-Length: "5"`, http1.ErrLength},
		{"list that begins with a comma", "Content-Length: ,5", http1.ErrLength},
		{"digits of another script", "Content-Length: \xD9\xA5", http1.ErrLength},
		{"list of equal lengths", "Content-Length: 5, 5", http1.ErrLengthTwice},
		{"list of different lengths", "Content-Length: 5, 6", http1.ErrLengthTwice},
		{"list that ends with a comma", "Content-Length: 5,", http1.ErrLengthTwice},
		{"two equal lengths", "Content-Length: 5\r\nContent-Length: 5", http1.ErrLengthTwice},
		{"two different lengths", "Content-Length: 5\r\ncontent-length: 6", http1.ErrLengthTwice},
		{"2^63", "Content-Length: 9223372036854775808", http1.ErrLengthRange},
		{"2^64", "Content-Length: 18446744073709551616", http1.ErrLengthRange},
		{"2^64+5, which wraps to 5", "Content-Length: 18446744073709551621", http1.ErrLengthRange},
		{"many digits", "Content-Length: 99999999999999999999999999999999", http1.ErrLengthRange},
		{"many digits, and then no digit", "Content-Length: 9999999999999999999999999999999x", http1.ErrLength},

		{"empty coding", "Transfer-Encoding:", http1.ErrCodingSyntax},
		{"empty element before", "Transfer-Encoding: , chunked", http1.ErrCodingSyntax},
		{"empty element behind", "Transfer-Encoding: chunked,", http1.ErrCodingSyntax},
		{"parameter of chunked", "Transfer-Encoding: chunked;a=b", http1.ErrCodingSyntax},
		{"bare parameter of chunked", "Transfer-Encoding: chunked;", http1.ErrCodingSyntax},
		{"two words", "Transfer-Encoding: chunked chunked", http1.ErrCodingSyntax},
		{"two words, the last chunked", "Transfer-Encoding: x chunked", http1.ErrCodingSyntax},
		{"quoted chunked", `Transfer-Encoding: "chunked"`, http1.ErrCodingSyntax},
		{"brackets", "Transfer-Encoding: [chunked]", http1.ErrCodingSyntax},
		{"byte above ASCII before chunked", "Transfer-Encoding: \xA0chunked", http1.ErrCodingSyntax},
		{"equals sign", "Transfer-Encoding: chunked=1", http1.ErrCodingSyntax},
		{"unknown coding", "Transfer-Encoding: gzip", http1.ErrCoding},
		{"unknown coding before chunked", "Transfer-Encoding: gzip, chunked", http1.ErrCoding},
		{"unknown coding with parameter", "Transfer-Encoding: a;b=c, chunked", http1.ErrCoding},
		{"identity, which is no more", "Transfer-Encoding: identity", http1.ErrCoding},
		{"letter before chunked", "Transfer-Encoding: xchunked", http1.ErrCoding},
		{"letter behind chunked", "Transfer-Encoding: chunkedx", http1.ErrCoding},
		{"part of chunked", "Transfer-Encoding: chunke", http1.ErrCoding},
		{"hyphen in chunked", "Transfer-Encoding: chu-nked", http1.ErrCoding},
		{"chunked twice", "Transfer-Encoding: chunked, chunked", http1.ErrChunkedTwice},
		{"chunked twice in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", http1.ErrChunkedTwice},
		{"coding behind chunked", "Transfer-Encoding: chunked, gzip", http1.ErrChunkedNotFinal},
		{"coding behind chunked in another line", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", http1.ErrChunkedNotFinal},

		{"two Hosts", "Host: x", http1.ErrHostTwice},
		{"another expectation", "Expect: 200-ok", http1.ErrExpect},
		{"another expectation beside", "Expect: 100-continue, b", http1.ErrExpect},
		{"expectation with a value", "Expect: 100-continue=1", http1.ErrExpect},
	} {
		t.Run(c.name, func(t *testing.T) {
			refuse(t, &http1.Parser{}, "POST / HTTP/1.1\r\nHost: x\r\n"+c.lines+"\r", c.want)
		})
	}
}

// What is seen only when all fields are there.
func TestFieldsTogether(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       http1.Error
	}{
		{"no Host", "GET / HTTP/1.1\r\n", http1.ErrHostMissing},
		{"no Host beside an absolute target", "GET http://x/ HTTP/1.1\r\nA: b\r\n", http1.ErrHostMissing},
		{"no Host in a higher minor version", "GET / HTTP/1.2\r\n", http1.ErrHostMissing},
		{"a longer name is not Host", "GET / HTTP/1.1\r\nHosts: x\r\n", http1.ErrHostMissing},
		{"coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", http1.ErrCodingVersion},
		{"length and coding", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", http1.ErrLengthWithCoding},
		{"coding and length", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n", http1.ErrLengthWithCoding},
	} {
		t.Run(c.name, func(t *testing.T) { refuse(t, keepAll(), c.head+"\r\n", c.want) })
	}
}

func TestBodyOfHead(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		done, known bool
		n           uint64
	}{
		{"none", "A: b", true, true, 0},
		{"length 0", "Content-Length: 0", true, true, 0},
		{"length", "Content-Length: 9223372036854775807", false, true, 1<<63 - 1},
		{"chunked", "Transfer-Encoding: chunked", false, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h http1.Head
			if done, err := (&http1.Parser{}).Parse(&h, []byte(withFields(c.lines))); !done || err != nil {
				t.Fatal(done, err)
			}
			y := h.Body()
			n, known := y.Remaining()
			if y.Done() != c.done || n != c.n || known != c.known {
				t.Errorf("Body: done %v, remaining %d, %v", y.Done(), n, known)
			}
		})
	}
}
