package main

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values of flags. Their texts are what help shows as the default; an
// empty one shows none. Zero is refused where the library would take it for
// its default, since whoever writes it means something else.

// count is a whole number.
type count struct {
	n    *int
	zero string // what 0 means, "" if it is refused
}

func (c count) String() string {
	if c.n == nil || *c.n == 0 {
		return c.zero
	}
	return strconv.Itoa(*c.n)
}

func (c count) Set(s string) error {
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		return errors.New("want a whole number")
	case n < 0, n == 0 && c.zero == "":
		return errors.New("want at least 1")
	}
	*c.n = n
	return nil
}

// size is a number of bytes.
type size[T int | uint64] struct {
	n    *T
	zero string // what 0 means, "" if it is refused
}

func (z size[T]) String() string {
	if z.n == nil || *z.n == 0 {
		return z.zero
	}
	return sizeText(uint64(*z.n))
}

func (z size[T]) Set(s string) error {
	n, ok := parseSize(s)
	switch {
	case !ok:
		return errors.New("want a number of bytes, such as 4096, 16k or 1m")
	case n == 0 && z.zero == "":
		return errors.New("want at least 1")
	case uint64(T(n)) != n || T(n) < 0 || n > math.MaxInt64:
		return errors.New("this is too much")
	}
	*z.n = T(n)
	return nil
}

// parseSize reads a number with k, m or g behind it, which are powers of 1024.
func parseSize(s string) (n uint64, ok bool) {
	s = strings.ToLower(s)
	for _, end := range []string{"ib", "b"} {
		if t, cut := strings.CutSuffix(s, end); cut {
			s = t
			break
		}
	}
	shift := 0
	if s != "" {
		if k := strings.IndexByte("kmg", s[len(s)-1]); k >= 0 {
			s, shift = s[:len(s)-1], 10*(k+1)
		}
	}
	n, err := strconv.ParseUint(s, 10, 63)
	return n << shift, err == nil && n<<shift>>shift == n
}

// sizeText is what parseSize reads, in its shortest form.
func sizeText(n uint64) string {
	unit := ""
	for _, u := range []string{"k", "m", "g"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, u
	}
	return strconv.FormatUint(n, 10) + unit
}

// patience is a time that has an end.
type patience struct{ d *time.Duration }

func (p patience) String() string {
	if p.d == nil {
		return ""
	}
	s := p.d.String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, end) {
			s = s[:len(s)-2]
		}
	}
	return s
}

func (p patience) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return errors.New("want a time with its unit, such as 30s or 500ms")
	}
	if d <= 0 {
		return errors.New("want more than 0: no phase may last for ever")
	}
	*p.d = d
	return nil
}

// choice is one of some words.
type choice struct {
	s    *string
	from []string
}

func (c choice) String() string {
	if c.s == nil {
		return ""
	}
	return *c.s
}

func (c choice) Set(s string) error {
	if !slices.Contains(c.from, s) {
		return errors.New("want " + strings.Join(c.from, " or "))
	}
	*c.s = s
	return nil
}

// text is any text.
type text struct{ s *string }

func (t text) String() string {
	if t.s == nil {
		return ""
	}
	return *t.s
}

func (t text) Set(s string) error {
	*t.s = s
	return nil
}

// on is a flag without a value.
type on struct{ b *bool }

func (o on) String() string { return "" }

func (o on) IsBoolFlag() bool { return true }

func (o on) Set(s string) (err error) {
	if *o.b, err = strconv.ParseBool(s); err != nil {
		return errors.New("takes no value")
	}
	return nil
}

// logLevel says what is logged.
type logLevel uint8

const (
	logNothing logLevel = iota
	logRequests
	logAll
)

func (l *logLevel) String() string { return "" }

func (l *logLevel) IsBoolFlag() bool { return true }

func (l *logLevel) Set(s string) error {
	switch s {
	case "false":
		*l = logNothing
	case "true", "requests":
		*l = logRequests
	case "all":
		*l = logAll
	default:
		return errors.New("want -log or -log=all")
	}
	return nil
}
