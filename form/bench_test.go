package form_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"testing"

	"github.com/bobtail-go/bobtail/form"
)

// BenchmarkMultipart passes over a megabyte of data in pieces of 4 KB, beside
// the standard library's reader.
func BenchmarkMultipart(b *testing.B) {
	for name, unit := range map[string]string{"bytes": "0123456789abcdef", "lines": "a line of text, as they are\r\n"} {
		in := append([]byte(part("")), bytes.Repeat([]byte(unit), 1<<20/len(unit))...)
		in = append(in, end...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			mem, contentType := make([]byte, form.MinMemory), []byte(typeB)
			var m form.Multipart
			for b.Loop() {
				if err := m.Init(contentType, mem, form.Limits{}); err != nil {
					b.Fatal(err)
				}
				for at := 0; at < len(in); at += 4096 {
					for p := in[at:min(at+4096, len(in))]; len(p) > 0; {
						_, _, n, err := m.Next(p)
						if err != nil {
							b.Fatal(err)
						}
						p = p[n:]
					}
				}
				if err := m.Finish(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" by package multipart", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				p, err := multipart.NewReader(bytes.NewReader(in), "b").NextRawPart()
				if err == nil {
					_, err = io.Copy(io.Discard, p)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
