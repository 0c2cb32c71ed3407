package main_test

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

// TestLibcoap has Debian's client of CoAP ask over TCP.
func TestLibcoap(t *testing.T) {
	client, err := exec.LookPath("coap-client-notls")
	if err != nil {
		t.Skip(err)
	}
	m := board(t)
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"text", "Hello, World!\n", []string{"-m", "get", "/hello"}},
		{"set", "", []string{"-m", "put", "-e", "on", "/led"}},
		{"what was set", "on\n", []string{"-m", "get", "/led"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			last := len(test.args) - 1
			args := append(test.args[:last:last], "coap+tcp://"+m.Addr(5683)+test.args[last])
			out, err := exec.CommandContext(ctx, client, args...).CombinedOutput()
			if err != nil || string(out) != test.want {
				t.Errorf("the client says %q, and %v; want %q", out, err, test.want)
			}
		})
	}
}
