package micro

import (
	"container/heap"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/pool"
)

// slots are connections with a deadline each.
const slots = 10000

// deadlines are something that keeps them. Times are in the pool's ticks of
// 2^24 ns.
type deadlines interface {
	set(slot int, at uint32)
	// passed appends all slots whose deadline has come by then, and gives them
	// another one.
	passed(dst []int, now, next uint32) []int
}

type poolDeadlines struct{ *pool.Deadlines }

func (d poolDeadlines) set(slot int, at uint32) { d.Set(slot, at) }

func (d poolDeadlines) passed(dst []int, now, next uint32) []int {
	d.Sweep(now, func(i int) {
		dst = append(dst, i)
		d.Set(i, next)
	})
	return dst
}

// queue is a heap of slots by their deadlines, the usual way to keep them.
type queue struct {
	at    []uint32 // of each slot
	order []int    // slots
	place []int    // of each slot in order
}

func (q *queue) Len() int           { return len(q.order) }
func (q *queue) Less(i, j int) bool { return q.at[q.order[i]] < q.at[q.order[j]] }
func (q *queue) Push(any)           {}
func (q *queue) Pop() any           { return nil }
func (q *queue) Swap(i, j int) {
	q.order[i], q.order[j] = q.order[j], q.order[i]
	q.place[q.order[i]], q.place[q.order[j]] = i, j
}

func (q *queue) set(slot int, at uint32) {
	q.at[slot] = at
	heap.Fix(q, q.place[slot])
}

func (q *queue) passed(dst []int, now, next uint32) []int {
	for q.at[q.order[0]] <= now {
		dst = append(dst, q.order[0])
		q.set(q.order[0], next)
	}
	return dst
}

// timers are those of the runtime, which stand behind each SetReadDeadline of
// package net. Real time passes for them: now is a deadline of the past.
type timers struct {
	timer []*time.Timer
	fired chan int
	due   int // how many of them have a deadline that is past
}

const start = 100000 // the tick at which the comparison begins

func (t *timers) set(slot int, at uint32) {
	d := time.Duration(at-start)<<24 + time.Hour
	if at <= start {
		d = 0
		t.due++
	}
	t.timer[slot].Reset(d)
}

func (t *timers) passed(dst []int, _, next uint32) []int {
	for ; t.due > 0; t.due-- {
		slot := <-t.fired
		dst = append(dst, slot)
		t.set(slot, next)
	}
	return dst
}

func keepers(tb testing.TB) (names []string, all []deadlines) {
	tb.Helper()
	p := pool.New(pool.Config{Slots: slots, Stash: 1, StashSize: 64, Blocks: 1, BlockSize: 64, Nodes: 1})
	q := &queue{at: make([]uint32, slots), order: make([]int, slots), place: make([]int, slots)}
	t := &timers{fired: make(chan int, slots)}
	for i := range slots {
		if p.Acquire() == nil {
			tb.Fatal("the pool is full")
		}
		q.order[i], q.place[i] = i, i
		t.timer = append(t.timer, time.AfterFunc(time.Hour, func() { t.fired <- i }))
	}
	tb.Cleanup(func() {
		for _, x := range t.timer {
			x.Stop()
		}
	})
	all = []deadlines{poolDeadlines{&p.Deadlines}, q, t}
	for _, d := range all {
		for i := range slots {
			d.set(i, start+1000)
		}
	}
	return []string{"bobtail", "heap", "timers"}, all
}

// expiring are the slots of which passed tells, out of deadlines that are
// spread over the time before and after.
func expiring(d deadlines) (string, error) {
	for i := range slots {
		d.set(i, start+uint32(i*7919%100)-3)
	}
	got := d.passed(nil, start, start+1000)
	slices.Sort(got)
	if more := d.passed(nil, start, start+1000); len(more) > 0 {
		return "", fmt.Errorf("%d slots are told of again", len(more))
	}
	return fmt.Sprint(got), nil
}

// moved are deadlines that requests move, of connections by turns, while the time
// goes on by a tick for each thousand requests, which is what a busy server has.
func moved(tb testing.TB) []comparison {
	c := comparison{name: "connections=10000"}
	names, all := keepers(tb)
	for k, d := range all {
		c.sides = append(c.sides, side{by: names[k], loop: func(n int) error {
			for i := range n {
				d.set(i%slots, start+1000+uint32(i/1000))
			}
			return nil
		}, gave: func() (string, error) { return expiring(d) }})
	}
	return []comparison{c}
}

func TestDeadlinesMoved(t *testing.T)      { same(t, moved(t)) }
func BenchmarkDeadlinesMoved(b *testing.B) { measure(b, moved(b)) }

// cameDue are deadlines that come, of one connection at a time: the pool looks
// through all of them then.
func cameDue(tb testing.TB) []comparison {
	c := comparison{name: "connections=10000"}
	names, all := keepers(tb)
	for k, d := range all {
		c.sides = append(c.sides, side{by: names[k], loop: func(n int) error {
			var got []int
			for i := range n {
				d.set(i%slots, start)
				if got = d.passed(got[:0], start, start+1000); len(got) != 1 || got[0] != i%slots {
					return fmt.Errorf("%v are told of, not %d", got, i%slots)
				}
			}
			return nil
		}, gave: func() (string, error) { return expiring(d) }})
	}
	return []comparison{c}
}

func TestDeadlinesCameDue(t *testing.T)      { same(t, cameDue(t)) }
func BenchmarkDeadlinesCameDue(b *testing.B) { measure(b, cameDue(b)) }
