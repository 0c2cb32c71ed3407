// Package main_test holds the image of the Pico W to its sizes. What the
// program does is tested in package device.
package main_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/firmware/image"
)

// The chip has 2 MB of flash, of which nothing else needs any, and 264 KB of
// RAM. The radio's firmware is 230 KB of the image.
const (
	mostFlash = 544 << 10
	mostRAM   = 20 << 10 // before the heap; what New makes is there
)

var write = flag.Bool("write", false, "write the sizes into README.md")

// TestImage builds the program and looks at what it consists of. With WIFI_SSID
// in the environment it is one to flash, for that network, and the file that
// PICOW_UF2 names.
func TestImage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "picow.uf2")
	ssid := os.Getenv("WIFI_SSID")
	if out := os.Getenv("PICOW_UF2"); ssid != "" && out != "" {
		file = out
	}
	var set strings.Builder
	for name, value := range map[string]string{
		"ssid":     cmp.Or(ssid, "network"),
		"password": os.Getenv("WIFI_PASSWORD"),
		"hostname": os.Getenv("BOARD_NAME"),
	} {
		if strings.Contains(value, "'") {
			t.Fatalf("the %s cannot have an apostrophe", name)
		}
		fmt.Fprintf(&set, " -X 'main.%s=%s'", name, value)
	}
	i, err := image.Build("picow", ".", file, "-ldflags="+set.String())
	if errors.Is(err, image.ErrNoCompiler) {
		t.Skip("./test.sh picow runs this")
	}
	if err != nil {
		t.Fatal(err)
	}
	all, radio := i.Total(), 0
	for _, p := range i.Packages {
		if strings.Contains(p.Name, "cyw43439") {
			radio += p.Flash
		}
	}
	var table strings.Builder
	table.WriteString("| bytes | flash | static RAM |\n|---|---:|---:|\n")
	row := func(name string, p image.Package) { fmt.Fprintf(&table, "| %s | %d | %d |\n", name, p.Flash, p.RAM) }
	for _, g := range image.Groups {
		row(string(g), i.Part(g))
	}
	fmt.Fprintf(&table, "| of that the radio's driver and its firmware | %d | |\n", radio)
	row("**all**", all)
	fmt.Fprintf(&table, "| at most | %d | %d |\n", mostFlash, mostRAM)
	t.Logf("\n%s", &table)
	if *write {
		if err := image.Replace("README.md", "sizes", table.String()); err != nil {
			t.Error(err)
		}
	}
	if all.Flash > mostFlash || all.RAM > mostRAM {
		t.Errorf("the image has %d bytes of flash and %d of static RAM, want at most %d and %d", all.Flash, all.RAM, mostFlash, mostRAM)
	}
	uf2(t, file, all.Flash)
}

// uf2 looks at a file as the boot loader does
// (https://github.com/microsoft/uf2): blocks of 512 bytes with 256 bytes for
// the flash of an RP2040 each, from its beginning on.
func uf2(t *testing.T, file string, flash int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	blocks := len(b) / 512
	if len(b)%512 != 0 || blocks*256 < flash {
		t.Fatalf("%d bytes are not the blocks of an image of %d", len(b), flash)
	}
	for n := range blocks {
		var word [8]uint32
		for k := range word {
			word[k] = binary.LittleEndian.Uint32(b[n*512+4*k:])
		}
		const familyPresent, rp2040, start = 0x2000, 0xe48bff56, 0x10000000
		if want := [8]uint32{0x0a324655, 0x9e5d5157, familyPresent, start + uint32(n)*256, 256, uint32(n), uint32(blocks), rp2040}; word != want {
			t.Fatalf("block %d begins with %x, want %x", n, word, want)
		}
	}
}
