//go:build amd64 || arm64

package main

import "github.com/bobtail-go/bobtail/internal/ascii"

// line is a line of text under way to a descriptor. What does not fit is left
// out.
type line struct {
	n int
	b [200]byte
}

//go:noinline
func (l *line) text(s string) *line {
	l.n += copy(l.b[l.n:len(l.b)-1], s)
	return l
}

//go:noinline
func (l *line) num(v int) *line {
	if len(l.b)-l.n > 20 {
		l.n = len(ascii.AppendUint(l.b[:l.n], uint64(v)))
	}
	return l
}

func (l *line) end(fd uintptr) {
	l.b[l.n] = '\n'
	call3(sysWrite, fd, pointer(&l.b[0]), uintptr(l.n+1))
	l.n = 0
}

// number is a decimal number up to most.
func number(s string, most int) (n int, ok bool) {
	for i := 0; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		if n = n*10 + int(d); n > most {
			return 0, false
		}
	}
	return n, len(s) != 0
}

// write writes a text of any length as a line.
func write(fd uintptr, s string) {
	call3(sysWrite, fd, pointer(&ascii.Bytes(s)[0]), uintptr(len(s)))
	told.end(fd)
}
