package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"github.com/bobtail-go/bobtail/static"
)

// A compressed form is kept if it is shorter by at least a twentieth, and by
// what the fields that it needs take (Content-Encoding and Vary).
const (
	leastShare = 20
	leastSaved = 64 // bytes
)

// compress makes the compressed forms and the tags of all files, several at a
// time. progress is told of bytes that are done.
func (f *found) compress(progress io.WriteCloser) error {
	defer progress.Close()
	var next atomic.Int64
	var all sync.WaitGroup
	var mu sync.Mutex // guards progress and failed
	var failed error
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(f.files) {
					return
				}
				file := &f.files[i]
				err := compressFile(file)
				mu.Lock()
				if failed == nil {
					failed = err
				}
				io.WriteString(progress, file.Identity)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return failed
}

func compressFile(f *static.File) error {
	if compressible(f.Type) {
		var err error
		if f.Gzip, err = form(f.Identity, len(f.Identity), gzipWriter); err != nil {
			return err
		}
		// Brotli is for those who would take gzip too.
		if f.Brotli, err = form(f.Identity, shortest(f.Identity, f.Gzip), brotliWriter); err != nil {
			return err
		}
	}
	f.ETag = hashTag(f)
	return nil
}

func shortest(identity, gzip string) int {
	if gzip != "" {
		return len(gzip)
	}
	return len(identity)
}

// form is content compressed, and "" if that is not worth it. It is to be
// shorter than others that there are.
func form(content string, other int, writer func(io.Writer) (io.WriteCloser, error)) (string, error) {
	var b bytes.Buffer
	w, err := writer(&b)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(w, content); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	saved := len(content) - b.Len()
	if saved < leastSaved || saved*leastShare < len(content) || b.Len() >= other {
		return "", nil
	}
	return b.String(), nil
}

// gzipWriter writes no name and no time, so that the same bytes come out.
func gzipWriter(w io.Writer) (io.WriteCloser, error) {
	return gzip.NewWriterLevel(w, gzip.BestCompression)
}

func brotliWriter(w io.Writer) (io.WriteCloser, error) {
	return brotli.NewWriterLevel(w, brotli.BestCompression), nil
}

// compressible reports whether content of a type is worth a try: what is
// compressed already would take long, and be no shorter.
func compressible(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	switch mediaType {
	case "image/svg+xml", "image/bmp", "image/vnd.microsoft.icon", "audio/wav", "font/otf", "font/ttf":
		return true
	case "application/zip", "application/gzip", "application/zstd", "application/x-7z-compressed", "application/x-bzip2", "application/x-xz", "application/epub+zip":
		return false
	}
	kind, _, _ := strings.Cut(mediaType, "/")
	return kind != "image" && kind != "audio" && kind != "video" && kind != "font"
}

// hashTag is a strong entity-tag of all forms: 128 bits of their SHA-256.
func hashTag(f *static.File) string {
	h := sha256.New()
	for _, s := range []string{f.Identity, f.Gzip, f.Brotli} {
		fmt.Fprintf(h, "%d:", len(s))
		io.WriteString(h, s)
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16]) + `"`
}
