package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// talk is a conversation with a server.
type talk struct {
	*calling
	conn *wsdial.Conn
	show *screen
	news chan struct{} // has a value when something of a message was received

	sent, received atomic.Int64 // messages
}

// answerTime is how long answers are waited for by default, while nothing comes.
const answerTime = 2 * time.Second

// asked is the error for a line that asks for the end.
type asked struct {
	code   ws.Code
	reason string
}

func (asked) Error() string { return "the end was asked for" }

// errBad is the error for input that cannot be sent, and was complained about.
var errBad = errors.New("bad input")

// run talks until the end, and returns the status to end with.
func (t *talk) run(signals <-chan os.Signal) int {
	t.show.note("connected%s; Ctrl-C ends it", t.about())
	t.show.begin()
	heard, said, closed := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() { heard <- t.listen() }()
	go func() { said <- t.speak() }()
	var (
		silent  <-chan time.Time // when not to wait for messages any longer
		news    <-chan struct{}  // nil while nobody waits for them
		closing bool
		failed  bool
	)
	end := func() {
		if !closing {
			closing = true
			silent, news = nil, nil
			go func() { closed <- t.conn.CloseWith(t.code, t.reason) }()
		}
	}
	for {
		select {
		case err := <-said:
			t.show.restore()
			now, isAsked := err.(asked)
			switch {
			case isAsked:
				t.code, t.reason = now.code, now.reason
				end()
			case err == errBad:
				failed = true
				end()
			case err != io.EOF:
				// The connection has failed: whoever listens knows why, and soon.
				silent = time.After(answerTime)
			case t.show.typed || t.waits && t.wait == 0:
				end()
			case t.waits:
				silent = time.After(t.wait)
			default:
				silent, news = time.After(answerTime), t.news
				if t.answered() {
					end()
				}
			}
		case <-news:
			silent = time.After(answerTime)
			if t.answered() {
				end()
			}
		case <-silent:
			end()
		case <-signals:
			if closing {
				t.show.restore()
				fmt.Fprintln(os.Stderr, "bobtail: cut off")
				return exitFailed
			}
			end()
		case err := <-heard:
			if closing {
				break // CloseWith tells how it ends
			}
			t.show.restore()
			return t.over(err, failed)
		case err := <-closed:
			t.show.restore()
			if err != nil {
				return fail(fmt.Errorf("the end was not in order: %s", plain(err)))
			}
			if failed {
				return exitFailed
			}
			return exitOK
		}
	}
}

// about is what was agreed on.
func (t *talk) about() string {
	text := ""
	if p := t.conn.Protocol(); p != "" {
		text += ", subprotocol " + visible(p)
	}
	if e := t.conn.Header().Get("Sec-WebSocket-Extensions"); e != "" {
		text += ", " + visible(e)
	}
	return text
}

// answered reports whether there are as many messages of the server as of ours.
func (t *talk) answered() bool { return t.received.Load() >= t.sent.Load() }

// over says how the server has ended the connection, and returns the status to
// end with.
func (t *talk) over(err error, failed bool) int {
	var closed *wsconn.CloseError
	if !errors.As(err, &closed) {
		return fail(errors.New(plain(err)))
	}
	said := ""
	if closed.Code != ws.CodeNoStatus {
		said = fmt.Sprintf(" with %d, %v", closed.Code, closed.Code)
	}
	if len(closed.Reason) > 0 {
		said += ": " + visible(string(closed.Reason))
	}
	switch closed.Code {
	case ws.CodeNormal, ws.CodeGoingAway, ws.CodeNoStatus:
		t.show.note("the server closes%s", said)
		if failed {
			return exitFailed
		}
		return exitOK
	}
	return fail(errors.New("the server closes" + said))
}

// plain is what is wrong with a connection, in words for its user.
func plain(err error) string {
	var rule ws.Error
	switch {
	case errors.Is(err, wsconn.ErrAbnormal):
		return "the server has gone without a close frame"
	case errors.As(err, &rule):
		return "the server breaks the protocol: " + strings.TrimPrefix(rule.Error(), "ws: ")
	}
	text := err.Error()
	for _, prefix := range []string{"wsdial: ", "wsconn: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// listen shows messages until the connection ends.
func (t *talk) listen() error {
	for {
		op, err := t.conn.Next()
		if err != nil {
			return err
		}
		if err := t.show.message(op, incoming{t}); err != nil {
			return err
		}
		t.received.Add(1)
		t.tell()
	}
}

// tell tells that something was received.
func (t *talk) tell() {
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// incoming is the message at hand.
type incoming struct{ *talk }

func (i incoming) Read(p []byte) (int, error) {
	n, err := i.conn.Read(p)
	i.tell()
	return n, err
}

// speak sends messages until the input ends: with io.EOF, or errBad, or why
// the connection does not take them.
func (t *talk) speak() error {
	op := ws.OpText
	if t.binary {
		op = ws.OpBinary
	}
	if t.whole {
		if err := t.stream(op); err != nil {
			return err
		}
		return io.EOF
	}
	for number := 1; ; number++ {
		line, err := t.show.line()
		if err == io.EOF {
			return err
		}
		if err != nil {
			t.show.complain(fmt.Errorf("the input cannot be read: %w", err))
			return errBad
		}
		if t.slash && strings.HasPrefix(line, "/") {
			err = t.command(line[1:])
		} else if op == ws.OpText && !utf8.ValidString(line) {
			err = fmt.Errorf("line %d is not UTF-8; -binary sends it", number)
		} else {
			if err := t.conn.WriteMessage(op, []byte(line)); err != nil {
				return err
			}
			t.sent.Add(1)
			continue
		}
		if _, ok := err.(asked); ok {
			return err
		}
		if err != nil {
			t.show.complain(err)
			if !t.show.typed {
				return errBad // nobody is there to do better
			}
		}
	}
}

// stream sends all of the input as one message.
func (t *talk) stream(op ws.Opcode) error {
	w, err := t.conn.Begin(op)
	if err != nil {
		return err
	}
	in := &inspected{r: t.show.in, text: op == ws.OpText}
	if _, err := io.Copy(w, in); err != nil {
		if in.err == nil {
			w.Close()
			return err
		}
		t.show.complain(in.err)
		// Half a message must not look like a whole one.
		t.conn.StartClose(ws.CodeInternalError, "the message cannot be finished")
		w.Close()
		return errBad
	}
	t.sent.Add(1)
	return w.Close()
}

// inspected is an input that fails if it should be UTF-8 and is not.
type inspected struct {
	r    io.Reader
	text bool
	seen ws.UTF8
	err  error // of the input, not of who takes it
}

func (i *inspected) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	if i.text && (!i.seen.Check(p[:n]) || err == io.EOF && !i.seen.Whole()) {
		i.err = errors.New("the input is not UTF-8; -binary sends it")
		return 0, i.err
	}
	if err != nil && err != io.EOF {
		i.err = fmt.Errorf("the input cannot be read: %w", err)
	}
	return n, err
}

// command does what a line says that began with a slash.
func (t *talk) command(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch name {
	case "ping":
		return t.conn.Ping([]byte(rest))
	case "close":
		if rest == "" {
			return asked{t.code, t.reason}
		}
		code, reason, _ := strings.Cut(rest, " ")
		c, reason, err := closeWith(code, strings.TrimSpace(reason))
		if err != nil {
			return err
		}
		return asked{c, reason}
	}
	return fmt.Errorf("there is no command /%s%s", visible(name), and(meant(name, []string{"ping", "close"}, "/"), "the commands are /ping [DATA] and /close [CODE [REASON]]"))
}
