package lneto_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// tap is a device in a namespace, where tests of the kernel's TCP take place.
func tap(t *testing.T) *lnetotest.Tap {
	t.Helper()
	d, err := lnetotest.NewTap([4]byte{10, 9, 0, 2})
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("no TAP device: ", err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestKernel is TestServer with the kernel's TCP on the other side.
func TestKernel(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  lneto.Config
	}{
		{"whole segments", lneto.Config{}},
		{"small buffers", lneto.Config{RxSize: 600, TxSize: 600}},
		{"large buffers", lneto.Config{RxSize: 65535, TxSize: 65535}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tap(t)
			b := serve(t, d, tt.cfg)
			exercise(t, d.DialContext, b, 300_000)
		})
	}
}

// TestSixthClient has five clients take all streams. The sixth is not answered,
// tries again, and is served when one of them goes.
func TestSixthClient(t *testing.T) {
	d := tap(t)
	b := serve(t, d, lneto.Config{Streams: 5})
	var five []net.Conn
	for range 5 {
		c, err := d.DialContext(context.Background(), "tcp", "10.9.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		five = append(five, c)
		ask(t, c)
	}
	sixth := make(chan net.Conn)
	go func() {
		defer close(sixth)
		c, err := d.DialContext(context.Background(), "tcp", "10.9.0.1:80")
		if err != nil {
			t.Error(err)
			return
		}
		sixth <- c
	}()
	waitFor(t, "the sixth was left unanswered", func() bool { return b.Stats().Unanswered > 0 })
	select {
	case <-sixth:
		t.Fatal("the sixth client is connected")
	default:
	}
	ask(t, five[0]) // the others are served as ever
	five[0].Close()
	c := <-sixth
	if c == nil {
		return
	}
	defer c.Close()
	ask(t, c)
}

func ask(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "hello\n" || err != nil {
		t.Fatalf("%q, %v", body, err)
	}
}
