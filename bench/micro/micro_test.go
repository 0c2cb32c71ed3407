package micro

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// comparison is one piece of work and those who do it.
type comparison struct {
	name  string // as key=value, by which benchstat tells what differs
	bytes int    // that the work is about, once
	sides []side
}

// side is one of those who are compared.
type side struct {
	by   string
	loop func(n int) error      // does the work n times
	gave func() (string, error) // what the last time gave, in words that are the same for all

	// part says that this one gives only some lines of what the first gave.
	part bool
}

var errDiffers = errors.New("they differ")

// check has each side do the work, the first of them as the one that is right.
// Twice, so that it finds what one time leaves behind for the next.
func (c comparison) check() error {
	want := ""
	for i, s := range c.sides {
		for _, n := range []int{1, 2} {
			if err := s.loop(n); err != nil {
				return fmt.Errorf("%s: %w", s.by, err)
			}
			got, err := s.gave()
			if err != nil {
				return fmt.Errorf("%s: %w", s.by, err)
			}
			if i == 0 && n == 1 {
				want = got
			}
			if got == "" || got != want && !(s.part && isPart(got, want)) {
				return fmt.Errorf("%w: %s gives %q, and %s %q", errDiffers, s.by, got, c.sides[0].by, want)
			}
		}
	}
	return nil
}

// isPart reports whether all lines of a text are lines of the whole.
func isPart(part, whole string) bool {
	all := strings.Split(whole, "\n")
	for line := range strings.SplitSeq(part, "\n") {
		if !slices.Contains(all, line) {
			return false
		}
	}
	return true
}

// same checks comparisons.
func same(t *testing.T, all []comparison) {
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			if err := c.check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// measure checks comparisons, and then measures them.
func measure(b *testing.B, all []comparison) {
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			if err := c.check(); err != nil {
				b.Fatal(err)
			}
			for _, s := range c.sides {
				b.Run("by="+s.by, func(b *testing.B) {
					b.SetBytes(int64(c.bytes))
					b.ReportAllocs()
					if err := s.loop(b.N); err != nil {
						b.Fatal(err)
					}
				})
			}
		})
	}
}

func gives(s string) func() (string, error) { return func() (string, error) { return s, nil } }

// TestCheck is about check itself: it must find what it is there for.
func TestCheck(t *testing.T) {
	right := side{by: "right", loop: func(int) error { return nil }, gave: gives("a\nb")}
	broken := errors.New("broken")
	left, count := 0, 0
	for _, c := range []struct {
		name string
		side side
		want error
	}{
		{"the same", side{loop: right.loop, gave: right.gave}, nil},
		{"another result", side{loop: right.loop, gave: gives("a\nc")}, errDiffers},
		{"no result", side{loop: right.loop, gave: gives(""), part: true}, errDiffers},
		{"a part that is told to be one", side{loop: right.loop, gave: gives("b"), part: true}, nil},
		{"a part that is not", side{loop: right.loop, gave: gives("b")}, errDiffers},
		{"a part with a line more", side{loop: right.loop, gave: gives("b\nc"), part: true}, errDiffers},
		{"work that fails", side{loop: func(int) error { return broken }, gave: right.gave}, broken},
		{"a result that is not to be had", side{loop: right.loop, gave: func() (string, error) { return "", broken }}, broken},
		{"work that fails the second time", side{loop: func(n int) error {
			if left += n; left > 1 {
				return broken
			}
			return nil
		}, gave: right.gave}, broken},
		{"another result the second time", side{loop: func(n int) error { count += n; return nil }, gave: func() (string, error) {
			if count > 1 {
				return "c", nil
			}
			return right.gave()
		}}, errDiffers},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := (comparison{"", 0, []side{right, c.side}}).check(); !errors.Is(err, c.want) {
				t.Errorf("check = %v, want %v", err, c.want)
			}
		})
	}
}
