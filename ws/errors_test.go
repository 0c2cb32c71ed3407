package ws_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := ws.Error(1); e < ws.NumErrors; e++ {
		text := e.Error()
		if !strings.HasPrefix(text, "ws: ") || len(text) < 10 || seen[text] {
			t.Errorf("error %d has the text %q", e, text)
		}
		seen[text] = true
		// Frames fail with a code, handshakes of clients with a status, and the
		// rest is nobody's business but ours.
		frame, offer := e < ws.ErrMethod, e >= ws.ErrMethod && e < ws.ErrAnswerLine
		if !e.Code().MayBeSent() || frame == (e.Code() == ws.CodeInternalError) {
			t.Errorf("%v has the code %d", e, e.Code())
		}
		if offer == (e.Status() == 500) || offer && (e.Status() < 400 || e.Status() > 499) {
			t.Errorf("%v has the status %d", e, e.Status())
		}
	}
	for _, e := range []ws.Error{0, ws.NumErrors, 255} {
		if e.Error() != "ws: unknown error" || e.Code() != ws.CodeInternalError || e.Status() != 500 {
			t.Errorf("error %d is %q, %d, %d", e, e.Error(), e.Code(), e.Status())
		}
	}
}

func TestCodeOfErrors(t *testing.T) {
	for e, want := range map[ws.Error]ws.Code{
		ws.ErrReservedBits: 1002, ws.ErrOpcode: 1002, ws.ErrUnmasked: 1002, ws.ErrMasked: 1002, ws.ErrLengthForm: 1002,
		ws.ErrContinuation: 1002, ws.ErrInterrupted: 1002, ws.ErrControlLong: 1002, ws.ErrControlFragmented: 1002,
		ws.ErrUTF8: 1007, ws.ErrCloseReason: 1007, ws.ErrCompressed: 1007, ws.ErrCloseLength: 1002, ws.ErrCloseCode: 1002,
		ws.ErrFrameTooBig: 1009, ws.ErrMessageTooBig: 1009, ws.ErrInflatedTooBig: 1009,
	} {
		if e.Code() != want {
			t.Errorf("%v has the code %d, want %d", e, e.Code(), want)
		}
	}
}

func TestStatusOfErrors(t *testing.T) {
	for e, want := range map[ws.Error]int{
		ws.ErrMethod: 405, ws.ErrUpgrade: 426, ws.ErrConnection: 426, ws.ErrHTTPVersion: 426, ws.ErrVersion: 426,
		ws.ErrKeyMissing: 400, ws.ErrKey: 400, ws.ErrKeyTwice: 400, ws.ErrProtocolSyntax: 400, ws.ErrExtension: 400,
		ws.ErrOrigin: 403, ws.ErrHostMissing: 400, ws.ErrHostTwice: 400,
	} {
		if e.Status() != want {
			t.Errorf("%v has the status %d, want %d", e, e.Status(), want)
		}
	}
}
