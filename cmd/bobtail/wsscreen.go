package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/bobtail-go/bobtail/ws"
)

// screen is where lines come from, and where messages are shown: a terminal
// with a prompt that stays below what is printed, or plain files.
type screen struct {
	in       *bufio.Reader
	out      io.Writer
	edit     *term.Terminal // nil for plain files
	typed    bool           // the input is a terminal
	seen     bool           // the output is a terminal
	coloured bool
	quiet    bool

	before *term.State // of the terminal, nil if it is as it was

	mu sync.Mutex // guards out and before: who restores is not who shows
}

// typedBehind is what lines are typed behind.
const typedBehind = "> "

func newScreen(quiet bool) *screen {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	s := &screen{in: bufio.NewReaderSize(os.Stdin, 64<<10), out: os.Stdout, quiet: quiet}
	s.typed, s.seen = term.IsTerminal(in), term.IsTerminal(out)
	s.coloured = s.seen && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
	return s
}

// begin puts a prompt on the terminal, if there is one that can be edited on,
// until restore.
func (s *screen) begin() {
	in := int(os.Stdin.Fd())
	// The editor's sequences are not for every console of Windows.
	if !s.typed || !s.seen || os.Getenv("TERM") == "dumb" || runtime.GOOS == "windows" {
		return
	}
	before, err := term.MakeRaw(in)
	if err != nil {
		return
	}
	s.before = before
	s.edit = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}, typedBehind)
	s.fit()
	s.edit.SetBracketedPasteMode(true)
	s.out = s.edit
}

// restore gives the terminal back as it was.
func (s *screen) restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		s.edit.SetBracketedPasteMode(false)
		fmt.Fprint(os.Stdout, "\r\x1b[K") // the prompt
		term.Restore(int(os.Stdin.Fd()), s.before)
		s.before, s.out = nil, os.Stdout
	}
}

// print shows a text on a terminal.
func (s *screen) print(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		s.fit()
	}
	_, err := io.WriteString(s.out, text)
	return err
}

// fit tells the editor how wide the terminal is now.
func (s *screen) fit() {
	if w, h, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 && h > 0 { // 0 is unknown
		s.edit.SetSize(w, h)
	}
}

// line is the next line of the input, without its end. The error is io.EOF at
// the end, for Ctrl-C and Ctrl-D too.
func (s *screen) line() (string, error) {
	if s.edit != nil {
		line, err := s.edit.ReadLine()
		if errors.Is(err, term.ErrPasteIndicator) {
			err = nil
		}
		return line, err
	}
	line, err := s.in.ReadString('\n')
	if line != "" && err == io.EOF {
		err = nil // the last one has no end
	}
	line = strings.TrimSuffix(line, "\n")
	return strings.TrimSuffix(line, "\r"), err
}

// note says what happens beside messages, to people only.
func (s *screen) note(format string, args ...any) {
	if !s.quiet && s.seen {
		s.print(s.colour("2", fmt.Sprintf(format, args...)) + "\n")
	}
}

// complain says what is wrong with a line.
func (s *screen) complain(err error) {
	if s.edit != nil {
		s.print(s.colour("31", "bobtail: "+err.Error()) + "\n")
		return
	}
	fmt.Fprintln(os.Stderr, "bobtail:", err)
}

// colour is a text in a colour of the terminal, or as it is.
func (s *screen) colour(c, text string) string {
	if !s.coloured {
		return text
	}
	return "\x1b[" + c + "m" + text + "\x1b[0m"
}

// mostShown is how many bytes of a message are shown on a terminal.
const (
	mostShown  = 64 << 10
	mostDumped = 512 // of one that is binary
)

// message shows a message. To a file it goes as it is, a text with the end of
// its line.
func (s *screen) message(op ws.Opcode, r io.Reader) error {
	if !s.seen {
		out := bufio.NewWriterSize(s.out, 32<<10)
		if _, err := io.Copy(out, r); err != nil {
			out.Flush()
			return err
		}
		if op == ws.OpText {
			out.WriteByte('\n')
		}
		return out.Flush()
	}
	most := mostShown
	if op != ws.OpText {
		most = mostDumped
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(most)))
	if err != nil {
		return err
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil {
		return err
	}
	var shown string
	if op == ws.OpText {
		for n := 0; rest > 0 && n < utf8.UTFMax && !utf8.Valid(b); n++ {
			b, rest = b[:len(b)-1], rest+1
		}
		shown = visible(string(b)) + "\n"
	} else {
		shown = fmt.Sprintf("%s, binary\n", plural(uint64(int64(len(b))+rest), "byte")) + hex.Dump(b)
	}
	if rest > 0 {
		shown += s.colour("2", fmt.Sprintf("... and %s more", plural(uint64(rest), "byte"))) + "\n"
	}
	return s.print(s.colour("36", "< ") + shown)
}
