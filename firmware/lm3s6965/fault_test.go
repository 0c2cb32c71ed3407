package main_test

import (
	"debug/elf"
	"regexp"
	"strconv"
	"testing"

	"github.com/bobtail-go/bobtail/firmware/qemutest"
)

// TestFault has a program fail. The board must say where, and start again.
func TestFault(t *testing.T) {
	kernel := qemutest.Build(t, "./fault").ELF
	m := qemutest.Start(t, qemutest.Config{Kernel: kernel})
	said := m.Await("started\n", 2)
	f := regexp.MustCompile(`fault 3: cfsr=0x([0-9a-f]+) .* pc=0x([0-9a-f]+) `).FindStringSubmatch(said)
	if f == nil {
		t.Fatalf("the board does not say why: %q", said)
	}
	// UNDEFINSTR of the usage faults (ARMv7-M Architecture Reference Manual,
	// B3.2.15).
	if f[1] != "00010000" {
		t.Errorf("cfsr = %s", f[1])
	}
	pc, _ := strconv.ParseUint(f[2], 16, 32)
	if got := symbolAt(t, kernel, pc); got != "main.culprit" {
		t.Errorf("%s is in %s, want main.culprit", f[2], got)
	}
}

// symbolAt is the name of the function at an address.
func symbolAt(t *testing.T, file string, a uint64) string {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value&^1 <= a && a < s.Value&^1+s.Size {
			return s.Name
		}
	}
	return ""
}
