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
)

// TestBrowserChat has two pages of the example talk to each other.
func TestBrowserChat(t *testing.T) {
	chat := filepath.Join(t.TempDir(), "chat")
	build := exec.Command("go", "build", "-o", chat, "./chat")
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
	cmd := exec.Command(chat, "-addr", addr)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	url := "http://" + addr + "/"
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for began := time.Now(); ; <-look.C {
		r, err := http.Get(url)
		if err == nil {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			break
		}
		if time.Since(began) > patient {
			t.Fatal(err)
		}
	}

	one, other := open(t, url+"#squids"), open(t, url+"#squids")
	const said = `[...document.querySelectorAll("#said li")].map(li => li.textContent)`
	const in = said + `.includes("You have come in.")`
	one.until(in)
	other.until(in)
	say := func(b *tab, words string) {
		js[bool](b, `document.getElementById("words").value = "`+words+`", document.forms[0].requestSubmit(), true`)
	}
	say(one, "<b>hello</b>")
	other.until(said + `.includes("<b>hello</b>")`)
	say(other, "hello yourself")
	one.until(said + `.includes("hello yourself")`)
	if n := js[int](one, said+`.length`); n != 3 {
		t.Errorf("the first page shows %d lines, want 3", n)
	}
}
