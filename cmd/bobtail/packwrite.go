package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bobtail-go/bobtail/static"
)

// write writes the Go file and, unless the bytes are in it, the archive beside
// it. size is that of the archive.
func (p *packing) write(f *found) (size int, err error) {
	archive, err := static.AppendArchive(nil, f.files)
	if err != nil {
		return 0, err
	}
	if _, err := static.Open(archive, static.Options{}); err != nil {
		return 0, fmt.Errorf("the archive cannot be opened again: %w", err)
	}
	beside := p.archive()
	if p.inGo {
		// One from before would be taken for this one's.
		if err := os.Remove(beside); err != nil && !os.IsNotExist(err) {
			return 0, err
		}
	} else if err := replace(beside, archive); err != nil {
		return 0, err
	}
	return len(archive), replace(p.out, p.source(archive, len(f.files)))
}

// archive is the name of the archive beside the Go file.
func (p *packing) archive() string { return strings.TrimSuffix(p.out, ".go") + ".pack" }

// source is the Go file.
func (p *packing) source(archive []byte, files int) []byte {
	var b bytes.Buffer
	data := dataName(p.function)
	b.WriteString(generated)
	fmt.Fprintf(&b, "\npackage %s\n\n", p.pkg)
	if p.inGo {
		b.WriteString("import \"github.com/bobtail-go/bobtail/static\"\n")
	} else {
		b.WriteString("import (\n\t_ \"embed\"\n\n\t\"github.com/bobtail-go/bobtail/static\"\n)\n")
	}
	fmt.Fprintf(&b, "\n// %s opens the packed folder: %s, %d bytes. Nothing of it is copied.\n", p.function, plural(uint64(files), "file"), len(archive))
	fmt.Fprintf(&b, "func %s(o static.Options) (*static.Table, error) { return static.OpenString(%s, o) }\n\n", p.function, data)
	if p.inGo {
		fmt.Fprintf(&b, "const %s = \"", data)
		quote(&b, archive)
		b.WriteString("\"\n")
	} else {
		fmt.Fprintf(&b, "//go:embed %s\nvar %s string\n", filepath.Base(p.archive()), data)
	}
	return b.Bytes()
}

// quote writes bytes as the inside of a string of Go. They are one long line,
// which the compiler reads faster than a sum of many.
func quote(b *bytes.Buffer, s []byte) {
	const hex = "0123456789abcdef"
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case ' ' <= c && c < 0x7f:
			b.WriteByte(c)
		default:
			b.WriteString(`\x`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}

// replace writes a file whole or not at all. A file that has the same bytes
// stays as it is, and so does its time.
func replace(name string, content []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, content) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // which fails when all went well
	_, err = f.Write(content)
	if e := f.Chmod(0o644); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
