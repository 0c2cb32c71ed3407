package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInsert(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(name, []byte("a\n<!-- run -->\nold\n<!-- end of run -->\nb\n<!-- other -->\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := insert(name, "run", "\nnew\n")
	if want := "a\n<!-- run -->\n\nnew\n\n<!-- end of run -->\nb\n<!-- other -->\n"; err != nil || got != want {
		t.Errorf("insert = %q, %v, want %q", got, err, want)
	}
	for _, place := range []string{"other", "none", ""} {
		if got, err := insert(name, place, "new"); err == nil {
			t.Errorf("insert into %q = %q", place, got)
		}
	}
	var out, errs strings.Builder
	if got := run([]string{"-into", "nowhere"}, &out, &errs); got != 2 || !strings.Contains(errs.String(), "nowhere") {
		t.Errorf("-into nowhere: status %d, %q", got, errs.String())
	}
}

func TestTold(t *testing.T) {
	o := options{line: []string{"-markdown", "-into", "run", "-rounds", "3", "-json=a.json", "--plots", "x", "-work", "plain,json"}}
	if got, want := strings.Join(o.told(), " "), "-rounds 3 -work plain,json"; got != want {
		t.Errorf("told: %q, want %q", got, want)
	}
}
