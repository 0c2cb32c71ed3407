package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPartOf(t *testing.T) {
	call := []string{"do_syscall_64", "entry_SYSCALL_64_after_hwframe"}
	for _, tt := range []struct {
		name  string
		stack stack
		want  string
	}{
		{"user mode", stack{user: "main.main"}, partUser},
		{"a send", stack{kernel: []string{"tcp_write_xmit", "tcp_sendmsg", "__x64_sys_sendto"}}, partSend},
		{"a gathered send", stack{kernel: []string{"sock_write_iter", "__x64_sys_writev"}}, partSend},
		{"delivery in the midst of a send", stack{kernel: []string{"tcp_ack", "handle_softirqs", "tcp_sendmsg", "__x64_sys_sendto"}}, partDeliver},
		{"a write", stack{kernel: []string{"vfs_write", "ksys_write"}}, partSend},
		{"a read", stack{kernel: []string{"fdget_pos", "ksys_read"}}, partReceive},
		{"a receive", stack{kernel: []string{"tcp_recvmsg", "__x64_sys_recvfrom"}}, partReceive},
		{"a wait that looks", stack{kernel: []string{"ep_poll", "__x64_sys_epoll_pwait"}}, partWait},
		{"a wait that sleeps", stack{kernel: []string{"finish_task_switch", "__schedule", "schedule", "__x64_sys_epoll_pwait"}}, partSwitch},
		{"a send of a ring", stack{kernel: []string{"tcp_sendmsg", "io_send", "io_submit_sqes", "__x64_sys_io_uring_enter"}}, partSend},
		{"a receive of a ring", stack{kernel: []string{"io_recv", "io_poll_check_events", "tctx_task_work", "exit_to_user_mode_loop"}}, partReceive},
		{"a ring itself", stack{kernel: []string{"io_submit_sqes", "__x64_sys_io_uring_enter"}}, partRing},
		{"a ring itself, in a function that was inlined", stack{kernel: []string{"io_submit_sqes", "__do_sys_io_uring_enter"}}, partRing},
		{"a futex", stack{kernel: []string{"futex_wake", "__x64_sys_futex"}}, partOther},
		{"the way into a call", stack{kernel: call}, partBoundary},
		{"the end of a time slice", stack{kernel: append([]string{"__schedule", "schedule", "exit_to_user_mode_loop"}, call...)}, partSwitch},
		{"an interrupt", stack{kernel: []string{"hrtimer_interrupt", "asm_sysvec_apic_timer_interrupt"}}, partStopped},
	} {
		if got := partOf(tt.stack); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	for _, rule := range partRules {
		if !slices.Contains(parts, rule.part) {
			t.Errorf("%s is no column", rule.part)
		}
	}
}

func TestProfileOf(t *testing.T) {
	p := profileOf([]stack{
		{kernel: []string{"__x64_sys_sendto"}}, {kernel: []string{"__x64_sys_sendto"}},
		{user: module + "/web.(*Exchange).send", object: "/tmp/bobtail"}, {user: "clock_gettime", object: "[vdso]"},
	}, 8*time.Millisecond, 1000)
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{partSend, p.Parts[partSend], 4},
		{partUser, p.Parts[partUser], 4},
		{"web", p.Packages["web"], 2},
		{"vdso", p.Packages["vdso"], 2},
		{"web.(*Exchange).send", p.Functions["web.(*Exchange).send"], 2},
	} {
		if math.Abs(tt.got-tt.want) > 1e-9 {
			t.Errorf("%s: %g us, want %g", tt.name, tt.got, tt.want)
		}
	}
}

func TestProfileTables(t *testing.T) {
	of := func(round int, server string, send, web float64) sample {
		return sample{Work: "plain", Server: server, Round: round, CPU: send + web, Profile: &profile{
			Parts:    map[string]float64{partSend: send, partUser: web},
			Packages: map[string]float64{"web": web}, Functions: map[string]float64{"web.(*Exchange).send": web},
		}}
	}
	r := &result{
		Settings: settings{Rounds: 2, Parked: 1},
		Samples:  []sample{of(0, "floor", 4, 0.1), of(1, "floor", 5, 0.1), of(0, "bobtail-epoll", 4, 1), of(1, "bobtail-epoll", 4, 2)},
		Counts:   []*count{{"plain", map[string]float64{"web": 700}, map[string]float64{"web.(*Exchange).send": 70}}},
	}
	var out strings.Builder
	r.print(&out, true)
	for _, want := range []string{
		"| server        | send | user mode |  all |\n",
		"| floor         | 4.50 |      0.10 | 4.60 |\n",
		"| bobtail-epoll | 4.00 |      1.50 | 5.50 |\n",
		"| web     |            1.500 |          700 |\n",
		"| web.(*Exchange).send |            1.500 |           70 |\n",
		"| all     |   700 |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
}

// TestProfileSmoke has a server profiled, or told why it is not.
func TestProfileSmoke(t *testing.T) {
	var out, errs strings.Builder
	if got := run([]string{"-profile", "-smoke", "-servers", "floor", "-work", "plain"}, &out, &errs); got != 0 {
		t.Fatalf("status %d: %s", got, errs.String())
	}
	for _, want := range []string{"where the time goes|nothing is recorded", "instructions of a request|instructions are not counted"} {
		if a, b, _ := strings.Cut(want, "|"); !strings.Contains(out.String(), a) && !strings.Contains(out.String(), b) {
			t.Errorf("neither %q nor %q in\n%s", a, b, out.String())
		}
	}
}
