package bobtail_test

import (
	"math/rand/v2"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// repeats are requests of which some differ in little, with what is told of each.
var repeats = []struct {
	in  string
	end bool // nothing can follow
}{
	{in: get("/a")}, {in: get("/b")}, {in: get("/x/1/y/2")}, {in: get("/x/2/y/1")}, {in: get("/x/12/y/")}, {in: get("/a?query")},
	{in: get("/x%2F/%31/y/2")}, {in: get("/none")}, {in: get("/x/../a")}, {in: get("/dir")}, {in: get("/dir/below")},
	{in: "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"}, {in: "PUT /a HTTP/1.1\r\nHost: a\r\n\r\n"}, {in: "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n"},
	{in: "GET /a HTTP/1.1\r\nHost: b\r\n\r\n"}, {in: "GET /a HTTP/1.1\r\nHost: c\r\n\r\n"}, {in: "GET /x/1/y/2 HTTP/1.1\r\nHost: b\r\n\r\n"},
	{in: "GET /a HTTP/1.1\r\nHost: a\r\nOrigin: o\r\n\r\n"}, {in: "GET /a HTTP/1.1\r\nHost: a\r\nOrigin: p\r\n\r\n"},
	{in: "\r\nGET /a HTTP/1.1\r\nHost: a\r\nOrigin: p\r\n\r\n"}, {in: "GET http://b/a HTTP/1.1\r\nHost: b\r\n\r\n"},
	{in: post("/a", "one")}, {in: post("/a", "two")}, {in: post("/sink", "one")}, {in: chunks("/a", "a/b", "x", "yz")}, {in: post("/few", "too many")},
	{in: closeAt("/a"), end: true}, {in: "GET /a HTTP/1.0\r\nHost: a\r\n\r\n", end: true}, {in: "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", end: true},
	{in: "GET /a HTTP/1.1\r\n\r\n", end: true}, {in: post("/body", "more than all may be"), end: true},
}

// TestRepeats has one worker answer the same requests in changing order, of one
// connection and of several, whole and in pieces: each answer is what the first
// worker gives who has seen nothing else.
func TestRepeats(t *testing.T) {
	site := func(f *fixture) {
		tell := func(w bobtail.Response, r *bobtail.Request) error {
			n := 0
			for {
				p, err := r.NextPiece()
				if n += len(p); err != nil {
					break
				}
			}
			return w.Text(r.Pattern(), " ", string(r.MethodName()), " ", string(r.Path()), " ", string(r.Query()), " ", string(r.Host()), " ",
				string(r.Header("Origin")), " ", string(r.PathValue("one")), " ", string(r.PathValue("two")), " ", string(r.PathValue("rest")), " ", string(rune('0'+n)))
		}
		for _, p := range []string{"GET /a", "POST /a", "b/a", "/b", "/x/{one}/y/{two}", "b/x/{two}/y/{one}", "/x/{one}/y/", "/dir/{rest...}", "POST /body"} {
			f.Handle(p, tell)
		}
		f.add(bobtail.Route{Pattern: "POST /few", Handler: tell, MaxBody: 4})
		f.add(bobtail.Route{Pattern: "POST /sink", Sink: &sink{}})
	}
	cfg := bobtail.Config{WorkerMemory: 4096, Workers: 1, Spare: -1}
	cfg.Limits.Body = 16
	want := make([]string, len(repeats))
	for i, q := range repeats {
		runLoop(t, memory.Config{}, cfg, func(t *testing.T, f *fixture) {
			site(f)
			in := q.in
			if !q.end {
				in += closeAt("/none")
			}
			want[i] = f.exchange(in, []int{len(in)})
		})
	}
	const last = len("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: close\r\n\r\nNot Found\n")
	runLoop(t, memory.Config{}, cfg, func(t *testing.T, f *fixture) {
		site(f)
		rng := rand.New(rand.NewPCG(1, 2))
		for range 1500 {
			var ends []int
			in, answer := "", ""
			kind := rng.IntN(len(repeats))
			for n := rng.IntN(5); ; n-- {
				if rng.IntN(2) == 0 {
					kind = rng.IntN(len(repeats))
				}
				q, a := repeats[kind], want[kind]
				if !q.end && n > 0 {
					a = a[:len(a)-last]
				} else if !q.end {
					q.in += closeAt("/none")
				}
				if in += q.in; rng.IntN(3) == 0 {
					ends = append(ends, len(in)-rng.IntN(len(q.in)))
				}
				if answer += a; q.end || n <= 0 {
					break
				}
			}
			if got := f.exchange(in, append(ends, len(in))); got != answer {
				t.Fatalf("%q in pieces to %v: got %q, want %q", in, ends, got, answer)
			}
		}
	})
}
