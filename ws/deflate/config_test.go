package deflate_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/ws/deflate"
)

func TestNew(t *testing.T) {
	for _, test := range []struct {
		name   string
		config deflate.Config
		want   error
	}{
		{"zero", deflate.Config{}, nil},
		{"best compression", deflate.Config{Level: 9}, nil},
		{"level 10", deflate.Config{Level: 10}, deflate.ErrLevel},
		{"Huffman only", deflate.Config{Level: -2}, nil},
		{"level -3", deflate.Config{Level: -3}, deflate.ErrLevel},
		{"negative threshold", deflate.Config{Threshold: -1}, deflate.ErrThreshold},
		{"windows of 8", deflate.Config{ServerWindowBits: 8, ClientWindowBits: 8}, nil},
		{"window of the server of 7", deflate.Config{ServerWindowBits: 7}, deflate.ErrWindowBits},
		{"window of the client of 16", deflate.Config{ClientWindowBits: 16}, deflate.ErrWindowBits},
		{"negative window", deflate.Config{ClientWindowBits: -1}, deflate.ErrWindowBits},
		{"no limit", deflate.Config{MaxInflated: -1}, nil},
		{"negative limit", deflate.Config{MaxInflated: -2}, deflate.ErrMaxInflated},
		{"takeover without contexts", deflate.Config{ClientTakeover: true}, deflate.ErrContexts},
		{"negative contexts", deflate.Config{Contexts: -1}, deflate.ErrContexts},
		{"negative idle", deflate.Config{Idle: -1}, deflate.ErrIdle},
	} {
		e, err := deflate.New(test.config)
		if err != test.want || (e == nil) != (err != nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	if n := extension(t, deflate.Config{}).Threshold(); n != deflate.DefaultThreshold {
		t.Errorf("the threshold is %d", n)
	}
	if n := extension(t, deflate.Config{Threshold: 1}).Threshold(); n != 1 {
		t.Errorf("the threshold is %d, want 1", n)
	}
}

func TestErrorTexts(t *testing.T) {
	seen := map[string]bool{}
	for e := deflate.ErrLevel; e <= deflate.ErrUnfinished; e++ {
		text := e.Error()
		if len(text) < 12 || text[:9] != "deflate: " || seen[text] || text == deflate.Error(0).Error() {
			t.Errorf("error %d: %q", e, text)
		}
		seen[text] = true
	}
	if text := deflate.Error(255).Error(); text != "deflate: unknown error" {
		t.Errorf("%q", text)
	}
}
