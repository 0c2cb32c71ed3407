package engine_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// greeter is a driver that speaks first, in as many bytes as it likes.
type greeter struct {
	lines
	greeting []byte
	blocks   int
	kept     chan bool
}

func (d *greeter) Eager() bool { return true }

func (d *greeter) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict {
	if st := pool.StateOf[lineState](s); !st.used {
		st.used = true
		kept := false
		if !d.e.Pool().Outputs.Reserve(d.blocks, 0) {
			return engine.Abort
		}
		kept, err := w.SendReserved(s, d.greeting, d.blocks)
		if !kept {
			d.e.Pool().Outputs.Unreserve(d.blocks)
		}
		d.kept <- kept
		if err != nil {
			return engine.Abort
		}
	}
	return engine.Park
}

// greets has the fixture's listener be one of a greeter.
func greets(f *fixture, greeting string, blocks int) *greeter {
	f.t.Helper()
	d := &greeter{lines: lines{e: f.e}, greeting: []byte(greeting), blocks: blocks, kept: make(chan bool, 100)}
	d.number = f.e.AddDriver(d)
	a, err := f.e.Listen(f.addr.WithPort(0), d.number)
	if err != nil {
		f.t.Fatal(err)
	}
	f.dial = func() (conn, error) { return f.net.Connect(a) }
	return d
}

// TestEager has a connection served as soon as it is accepted, where its driver
// wants that.
func TestEager(t *testing.T) {
	c := usual()
	bubble(t, c, func(f *fixture) {
		greets(f, "hello\n", 1)
		for range 7 {
			f.connect().want("hello\n")
		}
	})
	f := polls(t, c)
	greets(f, "hello\n", 1)
	f.connect().want("hello\n")
}

// TestSendReserved has what the peer does not take at once kept in the blocks that
// were set aside, whoever else wants some, and they be free when it is sent.
func TestSendReserved(t *testing.T) {
	c := usual()
	c.mem.Pipe = 100
	f := polls(t, c)
	long := string(static[:1000])
	d := greets(f, long, 4)
	outs := &f.e.Pool().Outputs
	var others []pool.Block
	for range 4 {
		b, err := outs.Get()
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, b)
	}
	k := f.connect()
	f.settle()
	if !<-d.kept {
		t.Error("1000 bytes were sent into a pipe of 100")
	}
	k.want(long)
	for _, b := range others {
		outs.Put(b)
	}
	d.greeting = []byte("short")
	k = f.connect()
	k.want("short")
	if <-d.kept {
		t.Error("what was sent was kept")
	}
	if !outs.Reserve(8, 0) {
		blocks, nodes := outs.Used()
		t.Errorf("%d blocks and %d nodes are left, or set aside", blocks, nodes)
	}
	outs.Unreserve(8)
}

// other is a driver that serves URI schemes.
type other struct {
	engine.Driver
	schemes []engine.Scheme
}

func (d other) Schemes() []engine.Scheme { return d.schemes }

// TestScheme has a scheme find its driver, the first of several.
func TestScheme(t *testing.T) {
	f := polls(t, usual())
	a := f.e.AddDriver(other{nil, []engine.Scheme{{Name: "a", Port: 1}, {Name: "as", Port: 2, Secure: true}}})
	b := f.e.AddDriver(other{nil, []engine.Scheme{{Name: "b", Port: 3}, {Name: "a", Port: 4}}})
	for _, x := range []struct {
		name   string
		driver int
		s      engine.Scheme
		ok     bool
	}{
		{"a", a, engine.Scheme{Name: "a", Port: 1}, true},
		{"as", a, engine.Scheme{Name: "as", Port: 2, Secure: true}, true},
		{"b", b, engine.Scheme{Name: "b", Port: 3}, true},
		{"c", 0, engine.Scheme{}, false},
	} {
		if d, s, ok := f.e.Scheme(x.name); d != x.driver || s != x.s || ok != x.ok {
			t.Errorf("%s: driver %d, %+v, %v", x.name, d, s, ok)
		}
	}
}
