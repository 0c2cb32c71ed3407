package bobtail_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// TestValidate wants each wrong field to be named as the program wrote it.
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		field string
		wrong []func(c *bobtail.Config)
	}{
		{"Sockets", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Sockets = -1 }, func(c *bobtail.Config) { c.Sockets = 1<<24 + 1 }}},
		{"Workers", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Workers = -1 }, func(c *bobtail.Config) { c.Workers = 4097 }}},
		{"WorkerMemory", []func(c *bobtail.Config){func(c *bobtail.Config) { c.WorkerMemory = -1 }, func(c *bobtail.Config) { c.WorkerMemory = 100 }, func(c *bobtail.Config) { c.WorkerMemory = 1<<24 + 1 }}},
		{"Stash", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Stash = -1 }, func(c *bobtail.Config) { c.Stash = 65536 }}},
		{"OutputBlocks", []func(c *bobtail.Config){func(c *bobtail.Config) { c.OutputBlocks = -1 }, func(c *bobtail.Config) { c.OutputBlocks = 1<<20 + 1 }}},
		{"OutputBlockSize", []func(c *bobtail.Config){func(c *bobtail.Config) { c.OutputBlockSize = -1 }, func(c *bobtail.Config) { c.OutputBlockSize = 63 }}},
		{"Sources", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Sources = -2 }, func(c *bobtail.Config) { c.Sources = 65536 }}},
		{"PerAddress", []func(c *bobtail.Config){func(c *bobtail.Config) { c.PerAddress = -1 }, func(c *bobtail.Config) { c.PerAddress = 65536 }}},
		{"Admission", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Admission = 3 }}},
		{"Lanes", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Lanes = -1 }, func(c *bobtail.Config) { c.Lanes = 65 }}},
		{"Timeouts.Open", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Open = -1 }}},
		{"Timeouts.Head", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Head = -1 }}},
		{"Timeouts.Idle", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Idle = -1 }}},
		{"Timeouts.Handler", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Handler = -1 }}},
		{"Timeouts.Held", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Held = -1 }}},
		{"Timeouts.Drain", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Drain = -1 }}},
		{"Timeouts.Body", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Body = -1 }}},
		{"Timeouts.Write", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Write = -1 }}},
		{"Timeouts.Rate", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Timeouts.Rate = -1 }}},
		{"Limits.Head", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Limits.Head = -1 }, func(c *bobtail.Config) { c.Limits.Head = http1.MaxHead + 1 }}},
		{"Limits.Fields", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Limits.Fields = -1 }}},
		{"Limits.Target", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Limits.Target = -1 }}},
		{"Limits.Trailer", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Limits.Trailer = -1 }}},
		{"Limits.ChunkOverhead", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Limits.ChunkOverhead = -1 }}},
		{"Limits.Body", []func(c *bobtail.Config){func(c *bobtail.Config) { c.Limits.Body = 1 << 63 }}},
	} {
		for _, wrong := range c.wrong {
			var cfg bobtail.Config
			wrong(&cfg)
			for what, validate := range map[string]func() error{
				"Validate": cfg.Validate,
				"New":      func() error { _, err := bobtail.New(cfg); return err },
			} {
				err := validate()
				var e *bobtail.ConfigError
				if !errors.As(err, &e) || e.Field != c.field || e.Rule == "" || !strings.Contains(err.Error(), c.field) {
					t.Errorf("%s of a wrong %s: %v", what, c.field, err)
				}
			}
		}
	}
	for _, cfg := range []bobtail.Config{
		{},
		{Sockets: 1, Workers: 1, WorkerMemory: 1024, Stash: 1, OutputBlocks: 1, OutputBlockSize: 64, PerAddress: 1},
		{Sockets: 5, Workers: 1, Admission: bobtail.AdmitRefuse},
	} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// TestTooManySockets compares the sockets with the descriptors there are.
func TestTooManySockets(t *testing.T) {
	n := memory.New(memory.Config{})
	defer n.Close()
	_, err := bobtail.New(bobtail.Config{Sockets: 1000, Backend: limited{n}})
	var e *bobtail.ConfigError
	if !errors.As(err, &e) || e.Field != "Sockets" {
		t.Errorf("1000 sockets of 100 descriptors: %v", err)
	}
}

type limited struct{ *memory.Network }

func (limited) Limit() int { return 100 }

// smallest is the configuration of a small server.
var smallest = bobtail.Config{Sockets: 5, Workers: 2, Spare: 1, WorkerMemory: 1024, Stash: 4, OutputBlocks: 4, OutputBlockSize: 256}

// TestMemory wants Config.Memory to say what New holds, to 5 in 100. It leaves
// out the backend, the stacks of goroutines, and what is the same for every
// server: a few kilobytes for the router, the parser's table of fields and the
// channels.
func TestMemory(t *testing.T) {
	const fixed = 4 << 10
	for name, cfg := range map[string]bobtail.Config{
		"smallest":      smallest,
		"default":       {},
		"many sockets":  {Sockets: 15000, Workers: 8, PerAddress: 10},
		"refusing":      {Sockets: 500, Admission: bobtail.AdmitRefuse},
		"rich workers":  {Sockets: 10, Workers: 50, WorkerMemory: 1 << 17},
		"many files":    {Sockets: 10, Workers: 2, Sources: 10_000},
		"no files":      {Sockets: 10_000, Workers: 2, Sources: -1},
		"none to spare": {Sockets: 10, Workers: 2, Spare: -1},
	} {
		n := memory.New(memory.Config{})
		cfg.Backend = n
		var held []*bobtail.Server
		const servers = 8
		held = make([]*bobtail.Server, 0, servers)
		before := heap()
		for range servers {
			srv, err := bobtail.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, srv)
		}
		got := (heap() - before) / servers
		want := cfg.Memory().Total()
		if m := held[0].Memory().Total(); m != want {
			t.Errorf("%s: the server says %d bytes, its configuration %d", name, m, want)
		}
		if got < want*95/100 || got > want*105/100+fixed {
			t.Errorf("%s: holds %d bytes, Memory says %d: %+v", name, got, want, cfg.Memory())
		}
		runtime.KeepAlive(held)
		n.Close()
	}
}

// heap is what the program holds.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
