package main_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/qemutest"
)

// TestInstructions counts the instructions of a GET /plaintext, by QEMU's own
// count: under -icount a nanosecond of the board's time is an instruction, or
// sleep, and the board knows how long it has slept. What it does each
// millisecond in which nothing comes is taken off.
func TestInstructions(t *testing.T) {
	ours := qemutest.Build(t, "./measure").ELF
	theirs := qemutest.Build(t, "../httphi").ELF
	const byDHCP = "10.0.2.15:0\n" // QEMU's own network gives this address
	kept := instructions(t, ours, byDHCP, true)
	closed := instructions(t, ours, byDHCP, false)
	httphi := instructions(t, theirs, "ready\n", false)
	t.Logf("a request: %d instructions on a connection that is kept, %d on one of its own; httphi: %d on one of its own", kept, closed, httphi)
	measured.kept, measured.closed, measured.httphi = kept, closed, httphi
	if closed > 2*httphi {
		t.Error("a request costs more than twice that of httphi")
	}
}

// instructions is those of one of many requests, one after the other.
func instructions(t *testing.T, kernel, ready string, keep bool) int64 {
	t.Helper()
	m := qemutest.Start(t, qemutest.Config{Kernel: kernel, Ports: []int{80}, Count: true})
	defer m.Stop()
	m.Await(ready, 1)
	url := "http://" + m.Addr(80)
	tr := &http.Transport{MaxConnsPerHost: 1, DisableKeepAlives: !keep}
	defer tr.CloseIdleConnections()
	c := &http.Client{Transport: tr, Timeout: 30 * time.Second}
	told := func() (worked, slept int64) {
		t.Helper()
		resp, err := c.Get(url + "/idled")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := fmt.Fscan(resp.Body, &worked, &slept); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		return worked - slept, slept
	}
	told()
	work0, sleep0 := told()
	<-time.After(500 * time.Millisecond) // what the board does then is what is measured
	work1, sleep1 := told()
	const n = 200
	for range n {
		resp, err := c.Get(url + "/plaintext")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body) // or the connection is not used again
		resp.Body.Close()
	}
	work2, sleep2 := told()
	perNap := float64(work1-work0) / float64(sleep1-sleep0)
	return int64((float64(work2-work1) - float64(sleep2-sleep1)*perNap) / (n + 1))
}
