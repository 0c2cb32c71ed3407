package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// profile is where the time of a request goes, in microseconds of the server's CPU
// time: its samples, scaled to the time that the kernel has counted.
type profile struct {
	Parts     map[string]float64 // by the names of parts
	Packages  map[string]float64 // of the user mode, those of packageOf
	Functions map[string]float64 // of the user mode, of Go programs
	Samples   int
}

// Those that are profiled unless others are named.
var (
	profileServers = slices.DeleteFunc([]string{baseline, "bobtail-epoll", "bobtail-uring", "gnet"}, func(name string) bool {
		return !slices.Contains(serverNames(), name)
	})
	profileWorks = []string{"plain", "pipelined"}
)

// recorded reports whether a work is one whose requests are watched from a warm start
// to their end.
func recorded(work string) bool {
	return !idle(work) && work != liveWork && work != startWork && work != sleepersWork
}

// The parts: each sample belongs to one.
const (
	partSend     = "send"
	partDeliver  = "delivery"
	partReceive  = "receive"
	partWait     = "wait"
	partRing     = "io_uring"
	partOther    = "other calls"
	partSwitch   = "switches"
	partBoundary = "entry, exit"
	partStopped  = "interrupts"
	partUser     = "user mode"
)

// parts are all of them, in the order of the table.
var parts = []string{partSend, partDeliver, partReceive, partWait, partRing, partOther, partSwitch, partBoundary, partStopped, partUser}

// partRules say by a function of the kernel what a sample is about. The first rule of
// which a function is in the stack counts: a packet is delivered in the midst of a send.
var partRules = []struct {
	part  string
	names []string // the beginnings of their names
}{
	{partSwitch, []string{"__schedule", "schedule"}},
	{partDeliver, []string{"handle_softirqs", "__do_softirq"}},
	{partSend, []string{"sys_send", "sys_write", "io_send", "do_writev", "tcp_sendmsg", "sock_sendmsg", "sock_write_iter"}},
	{partReceive, []string{"sys_recv", "sys_read", "io_recv", "do_readv", "tcp_recvmsg", "sock_recvmsg", "sock_read_iter"}},
	{partWait, []string{"sys_epoll_wait", "sys_epoll_pwait", "do_epoll_wait", "do_epoll_pwait"}},
	{partRing, []string{"sys_io_uring", "tctx_task_work", "io_run_local_work"}},
	{partOther, []string{"sys_", "do_futex"}},
	{partStopped, []string{"asm_sysvec", "asm_common_interrupt", "asm_exc"}},
}

// calls are how the names of system calls begin in the kernel, as far as the compiler
// has left these functions there.
var calls = []string{"__x64_", "__arm64_", "__do_", "__se_", "k"}

// callName is the name of a function, with sys_ before that of a system call.
func callName(function string) string {
	for _, prefix := range calls {
		if rest, ok := strings.CutPrefix(function, prefix); ok && strings.HasPrefix(rest, "sys_") {
			return rest
		}
	}
	return function
}

// partOf is the part that a sample belongs to.
func partOf(s stack) string {
	if s.user != "" {
		return partUser
	}
	for _, rule := range partRules {
		for _, function := range s.kernel {
			for _, name := range rule.names {
				if strings.HasPrefix(callName(function), name) {
					return rule.part
				}
			}
		}
	}
	return partBoundary
}

// profileOf is that of n requests, which took so much CPU time.
func profileOf(stacks []stack, used time.Duration, n int) *profile {
	p := &profile{make(map[string]float64), make(map[string]float64), make(map[string]float64), len(stacks)}
	each := float64(used) / 1e3 / float64(n) / float64(max(len(stacks), 1))
	for _, s := range stacks {
		p.Parts[partOf(s)] += each
		if s.user != "" {
			p.Packages[objectPackage(s)] += each
			p.Functions[shortName(s.user)] += each
		}
	}
	return p
}

// objectPackage is packageOf, but for the code that the kernel lends to processes,
// which tells the time.
func objectPackage(s stack) string {
	if s.object == "[vdso]" {
		return "vdso"
	}
	return packageOf(s.user)
}

// mean is a figure of a server's profiles, the mean over the rounds.
func (r *result) mean(work, server string, f func(*profile) float64) (float64, bool) {
	sum, n := 0.0, 0
	for _, x := range r.Samples {
		if x.Work == work && x.Server == server && x.Profile != nil {
			sum += f(x.Profile)
			n++
		}
	}
	return sum / float64(max(n, 1)), n > 0
}

// profiled are the servers that have profiles of a work.
func (r *result) profiled(work string) (names []string) {
	for _, name := range serverNames() {
		if _, ok := r.mean(work, name, func(*profile) float64 { return 0 }); ok {
			names = append(names, name)
		}
	}
	return names
}

// least is what a row of a profile must have to be there, in microseconds.
const least = 0.005

// partTable has a row for each server and a column for each part that one has.
func (r *result) partTable(work string) table {
	t := table{head: []string{"server"}}
	servers := r.profiled(work)
	var columns []string
	for _, part := range parts {
		if slices.ContainsFunc(servers, func(name string) bool {
			v, _ := r.mean(work, name, func(p *profile) float64 { return p.Parts[part] })
			return v >= least
		}) {
			columns = append(columns, part)
		}
	}
	t.head = append(append(t.head, columns...), "all")
	for _, name := range servers {
		row, sum := []string{name}, 0.0
		for _, part := range parts {
			v, _ := r.mean(work, name, func(p *profile) float64 { return p.Parts[part] })
			sum += v
			if slices.Contains(columns, part) {
				row = append(row, dash(v, 2))
			}
		}
		t.rows = append(t.rows, append(row, number(sum, 2)))
	}
	return t
}

// hottest is how many functions a table has.
const hottest = 24

// userTable has the time in user mode of the servers that are Bobtail's, by what of
// tells of a profile, and the instructions, by what counted tells of a count. It has at
// most so many rows.
func (r *result) userTable(work, what string, of func(*profile) map[string]float64, counted func(*count) map[string]float64, rows int) table {
	t := table{head: []string{what}}
	var servers []string
	all := make(map[string]float64)
	for _, name := range r.profiled(work) {
		if !strings.HasPrefix(name, "bobtail") {
			continue
		}
		servers = append(servers, name)
		t.head = append(t.head, name+" us")
		for _, x := range r.Samples {
			if x.Work == work && x.Server == name && x.Profile != nil {
				for key := range of(x.Profile) {
					v, _ := r.mean(work, name, func(p *profile) float64 { return of(p)[key] })
					all[key] = max(all[key], v)
				}
			}
		}
	}
	var instructions map[string]float64
	if i := slices.IndexFunc(r.Counts, func(c *count) bool { return c.Work == work }); i >= 0 {
		instructions = counted(r.Counts[i])
		t.head = append(t.head, "instructions")
	}
	keys := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b))
	})
	for _, key := range keys[:min(len(keys), rows)] {
		if all[key] < least {
			break
		}
		row := []string{key}
		for _, name := range servers {
			v, _ := r.mean(work, name, func(p *profile) float64 { return of(p)[key] })
			row = append(row, dash(v, 3))
		}
		if instructions != nil {
			row = append(row, dash(instructions[key], 0))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// printProfile writes the tables of a work's profiles, and says what they are.
func (r *result) printProfile(w io.Writer, work string, markdown bool) {
	if len(r.profiled(work)) == 0 {
		return
	}
	print := func(t table, title string) {
		if len(t.rows) > 0 {
			fmt.Fprintf(w, "\n%s: %s\n\n", work, title)
			t.print(w, markdown)
		}
	}
	print(r.partTable(work), fmt.Sprintf("where the time goes; us of CPU a %s by %d samples a second, scaled to the CPU time; "+
		"delivery is what interrupts do meanwhile, on the loopback the client's end of TCP", unit(work), recordRate))
	print(r.userTable(work, "package", func(p *profile) map[string]float64 { return p.Packages }, func(c *count) map[string]float64 { return c.Packages }, hottest),
		fmt.Sprintf("user mode by package, in us a %s%s", unit(work), r.alsoCounted(work)))
	print(r.userTable(work, "function", func(p *profile) map[string]float64 { return p.Functions }, func(c *count) map[string]float64 { return c.Functions }, hottest),
		fmt.Sprintf("user mode by function, the first %d, in us a %s%s", hottest, unit(work), r.alsoCounted(work)))
}

// alsoCounted says what the last column of a table is, if it is there.
func (r *result) alsoCounted(work string) string {
	if !slices.ContainsFunc(r.Counts, func(c *count) bool { return c.Work == work }) {
		return ""
	}
	return ", and instructions by callgrind, without a network"
}

// countAll counts what can be counted, of all works, and leaves the result in r. The
// smoke test counts one.
func countAll(ctx context.Context, o options, b *builder, r *result, w io.Writer) error {
	c, err := newCounter(ctx, b)
	works := counted
	if o.smoke {
		works = works[:1]
	}
	for _, work := range works {
		if err != nil {
			break
		}
		var x *count
		fmt.Fprintf(w, "counting the instructions of %s\n", work)
		if x, err = c.count(ctx, work); err == nil {
			r.Counts = append(r.Counts, x)
		}
	}
	if err != nil && ctx.Err() == nil {
		line := fmt.Sprintf("instructions are not counted: %v", err)
		fmt.Fprintln(w, line)
		r.LeftOut = append(r.LeftOut, line)
		return nil
	}
	return ctx.Err()
}
