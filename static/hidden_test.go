//go:build !tinygo

package static

import "testing"

func TestHidden(t *testing.T) {
	for path, want := range map[string]bool{
		"": false, "a": false, "a.b": false, "a./b": false, ".a": true, "a/.b": true, "a/.b/c": true, ".well-known": false, ".well-known/a": false, ".well-known/": false,
		"a/.well-known/b": false, ".well-knownx": true, ".well-known/.a": true, ".git/config": true,
	} {
		if got := hidden([]byte(path)); got != want {
			t.Errorf("hidden(%q) = %v", path, got)
		}
	}
}
