package conformance

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// startDevice runs the example that serves what the firmware does, and returns
// its URL, when it serves, and what ends it.
func startDevice(t *testing.T, program, addr string) (url string, stop func()) {
	t.Helper()
	cmd := exec.Command(program, "-addr", addr, "-coap", "127.0.0.1:0")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(stop)
	url = "http://" + addr + "/"
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for began := time.Now(); ; <-look.C {
		r, err := http.Get(url)
		if err == nil {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			return url, stop
		}
		if time.Since(began) > patient {
			t.Fatal(err)
		}
	}
}

// TestBrowserDevice has two pages of a device of five sockets show its state and
// switch its LED, and come back by themselves when it does.
func TestBrowserDevice(t *testing.T) {
	program := filepath.Join(t.TempDir(), "device")
	build := exec.Command("go", "build", "-o", program, "./device")
	build.Dir = filepath.Join("..", "examples")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	// The example does not tell where it serves: a port that was just free.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	url, stop := startDevice(t, program, addr)

	one, other := open(t, url), open(t, url)
	for _, b := range []*tab{one, other} {
		b.until(`document.body.className === "" && document.getElementById("board").textContent === "Desktop"`)
		b.until(`document.querySelectorAll("#sockets i").length === 5 && document.querySelectorAll("#workers i").length === 2`)
		b.until(`document.getElementById("led").textContent === "LED is off"`)
	}
	js[bool](one, `document.getElementById("led").click(), true`)
	for _, b := range []*tab{one, other} {
		b.until(`document.getElementById("led").textContent === "LED is on"`)
	}
	js[bool](other, `document.getElementById("led").click(), true`)
	one.until(`document.getElementById("led").textContent === "LED is off"`)
	if text := js[string](one, `document.body.innerText`); len(text) < 100 {
		t.Errorf("the page says %q", text)
	}
	// What a browser opens besides finds a socket, however many are open.
	if got := js[int](one, `Promise.all(Array.from({ length: 12 }, (_, i) => fetch("/plaintext?" + i).then(r => r.ok))).then(all => all.filter(ok => ok).length)`); got != 12 {
		t.Errorf("%d of 12 requests at once are answered", got)
	}
	if file := os.Getenv("BOBTAIL_SCREENSHOT"); file != "" {
		png, err := chromedp.Run(one.ctx, chromedp.FullScreenshot(90))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	one.until(`document.body.className === "off"`)
	startDevice(t, program, addr)
	one.until(`document.body.className === ""`)
}
