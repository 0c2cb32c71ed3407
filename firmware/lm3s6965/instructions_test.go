package main_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/qemutest"
)

// TestInstructions counts the instructions of a GET /plaintext, by QEMU's own
// count: under -icount a nanosecond of the board's time is an instruction, or
// sleep, and the board knows how long it has slept. What it does while it waits,
// once a millisecond, is part of the figure: all from the arrival of the frames
// to the acknowledgement of the last one is.
func TestInstructions(t *testing.T) {
	ours := qemutest.Build(t, "./measure", fixed).ELF
	theirs := qemutest.Build(t, "../httphi").ELF
	kept := instructions(t, ours, true)
	closed := instructions(t, ours, false)
	httphi := instructions(t, theirs, false)
	t.Logf("a request: %d instructions on a connection that is kept, %d on one of its own; httphi: %d on one of its own", kept, closed, httphi)
	measured.kept, measured.closed, measured.httphi = kept, closed, httphi
	if closed > 2*httphi {
		t.Error("a request costs more than twice that of httphi")
	}
}

// instructions is those of one of many requests, one after the other.
func instructions(t *testing.T, kernel string, keep bool) int64 {
	t.Helper()
	m := qemutest.Start(t, qemutest.Config{Kernel: kernel, Ports: []int{80}, Count: true})
	defer m.Stop()
	url := "http://" + m.Addr(80)
	tr := &http.Transport{MaxConnsPerHost: 1, DisableKeepAlives: !keep}
	defer tr.CloseIdleConnections()
	c := &http.Client{Transport: tr, Timeout: 30 * time.Second}
	worked := func() int64 {
		t.Helper()
		resp, err := c.Get(url + "/idled")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var all, idle int64
		if _, err := fmt.Fscan(resp.Body, &all, &idle); err != nil {
			t.Fatal(err)
		}
		return all - idle
	}
	worked()
	const n = 300
	start := worked()
	for range n {
		resp, err := c.Get(url + "/plaintext")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	return (worked() - start) / (n + 1)
}
