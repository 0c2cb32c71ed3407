package house

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// floors says, from the ground up, what each package of ours may import of
// ours. A name that ends in /* stands for every package below; the first row
// that fits counts. A package without a row has no place in the house yet.
var floors = []struct {
	pkg string
	may []string
	why string
}{
	{"internal/house/small/*", []string{"*"}, "programs"},
	{"internal/memorytest", []string{"transport", "transport/*"}, "a fixture knows the suite and the backend that it is of"},
	{"internal/servertest", []string{".", "transport", "transport/*", "internal/*"}, "a fixture knows the server that it runs, and its backends"},
	{"internal/mill", []string{"transport", "transport/memory"}, "a network knows the contract, and the one that listens for it"},
	{"internal/netconn", []string{"transport"}, "it says in package net's words what the contract says in its own"},
	{"internal/*", []string{"internal/*"}, "helpers know nothing of those whom they help"},
	{"transport", nil, "the contract stands on nothing"},
	{"transport/lneto/lnetotest", []string{"transport", "transport/lneto", "internal/*"}, "a fixture knows the backend that it is of"},
	{"transport/uring", []string{"transport", "transport/epoll", "internal/*"}, "a ring replaces the waiting of another backend, whose plain calls it makes"},
	{"transport/*", []string{"transport", "internal/*"}, "a backend knows the contract alone"},
	{"pool", []string{"transport", "internal/*"}, "the pool knows no protocol"},
	{"http1", []string{"internal/*"}, "a protocol does no I/O"},
	{"ws", []string{"internal/*"}, "a protocol does no I/O"},
	{"ws/deflate", []string{"ws", "wsconn", "internal/*"}, "an extension knows the connections that it is for"},
	{"wsconn", []string{"ws", "internal/*"}, "a connection over any io.ReadWriter needs no server"},
	{"websocket", []string{"engine", "pool", "transport", "web", "http1", "ws", "wsconn", "internal/*"}, "a driver knows its protocol, and no backend"},
	{"coap", []string{"internal/*"}, "a protocol does no I/O"},
	{"resource", []string{"coap", "engine", "pool", "transport", "internal/*"}, "handlers know their protocol, and nothing that carries it"},
	{"coaptcp", []string{"engine", "pool", "transport", "coap", "resource", "internal/*"}, "a driver knows its protocol, and no backend"},
	{"coapconn", []string{"coap", "resource", "engine", "pool", "transport", "internal/*"}, "a connection over any io.ReadWriter needs no server"},
	{"form", []string{"internal/*"}, "a parser does no I/O"},
	{"json", []string{"internal/*"}, "a writer knows no server"},
	{"cookie", []string{"http1", "internal/*"}, "a parser does no I/O, and knows dates"},
	{"auth", []string{"web", "internal/*"}, "a guard stands around handlers"},
	{"engine", []string{"pool", "transport", "internal/*"}, "workers know no protocol and no backend"},
	{"http1conn", []string{"http1", "internal/*"}, "a connection over any io.ReadWriter needs no server"},
	{"static", []string{"web", "http1", "internal/*"}, "a tree is a handler"},
	{"sse", []string{"web", "engine", "pool", "http1", "internal/*"}, "events are content that is pushed"},
	{"cors", []string{"web", "http1", "internal/*"}, "a policy stands around handlers"},
	{"web", []string{"engine", "pool", "transport", "http1", "http1conn", "form", "cookie", "internal/*"}, "a driver knows its protocol, and no backend"},
	{".", []string{"transport", "transport/*", "pool", "http1", "ws", "coap", "engine", "http1conn", "web", "internal/*"}, "the front door knows no program"},
	{"host/coapdial", []string{"coap", "coapconn", "resource", "host/coapudp", "internal/*"}, "a client needs no server"},
	{"host/coapudp", []string{"coap", "resource", "engine", "pool", "transport", "internal/*"}, "datagrams need no connections"},
	{"host/pprof", []string{"web", "host/nethttp", "internal/*"}, "profiles are a mounted handler of net/http"},
	{"host/*", []string{".", "web", "engine", "pool", "http1", "http1conn", "ws", "wsconn", "transport", "transport/memory", "internal/*"}, "what only hosts have stands on all the rest"},
	{"metrics", []string{".", "engine", "internal/*"}, "metrics are read from the front door"},
	{"firmware/site", []string{".", "websocket", "coaptcp", "resource", "engine", "pool", "ws", "coap", "transport", "internal/*"}, "what a device serves knows neither the device nor its network"},
	{"tiny", []string{"http1", "ws", "coap", "internal/*"}, "a server of its own stands on the protocols alone"},
	{"cmd/*", []string{"*"}, "programs"},
	{"firmware/*", []string{"*"}, "programs"},
	{"examples", []string{"*"}, "programs"},
	{"examples/*", []string{"*"}, "programs"},
	{"bench/*", []string{"*"}, "programs"},
	{"bench", []string{"*"}, "programs"},
	{"conformance", []string{"*"}, "programs"},
}

func fits(pattern, pkg string) bool {
	if under, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(pkg, under)
	}
	return pattern == pkg
}

// TestArrowsPointDown holds every import of one of our packages by another to
// the table, on every system at once. Tests may look up: they run a package
// against what is built on it.
func TestArrowsPointDown(t *testing.T) {
	seen := 0
	for _, s := range sources(t) {
		if s.test() || slices.Contains(buildTags(s), "ignore") {
			continue
		}
		row := slices.IndexFunc(floors, func(f struct {
			pkg string
			may []string
			why string
		}) bool {
			return fits(f.pkg, s.dir())
		})
		if row < 0 {
			t.Errorf("%s: package %s has no row in the table of floors", s.name, s.dir())
			continue
		}
		floor := floors[row]
		for _, imported := range s.imports() {
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			seen++
			short := "."
			if imported != module {
				short = strings.TrimPrefix(imported, module+"/")
			}
			if !slices.ContainsFunc(floor.may, func(p string) bool { return fits(p, short) }) {
				t.Errorf("%s imports %s: %s", s.name, short, floor.why)
			}
		}
	}
	if seen == 0 && exists("engine") {
		t.Error("no package of ours imports another: the test sees nothing")
	}
}

// buildTags are the words of the file's build constraint.
func buildTags(s source) []string {
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if c.Pos() < s.file.Package && strings.HasPrefix(c.Text, "//go:build ") {
				return strings.FieldsFunc(c.Text, func(r rune) bool { return strings.ContainsRune(" ()!&|", r) })[1:]
			}
		}
	}
	return nil
}

// TestModules holds the modules to what DESIGN.md promises of them: the root
// has no dependencies, and go.work lists what a user runs.
func TestModules(t *testing.T) {
	for line := range strings.Lines(string(read(t, "go.mod"))) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "", "//", "module", "go":
		default:
			t.Errorf("go.mod: %s: the root module has no dependencies, replacements or tools", strings.TrimSpace(line))
		}
	}
	work := strings.Fields(string(read(t, "go.work")))
	for _, dir := range []string{".", "./cmd/bobtail", "./examples"} {
		if exists(path.Join(dir, "go.mod")) != slices.Contains(work, dir) {
			t.Errorf("go.work: %s is in the tree or in go.work, but not in both", dir)
		}
	}
}
