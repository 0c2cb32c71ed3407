package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/internal/childtest"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

// The Autobahn test suite itself is a program for Python 2.7:
//
//	python2.7 -m pip install virtualenv
//	python2.7 -m virtualenv suite
//	suite/bin/pip install autobahntestsuite
//	WSTEST=$PWD/suite/bin/wstest go test -run Autobahn -timeout 60m
//
// WSCASES has patterns of its cases with commas, such as 1.*,6.*, instead of
// all, of which groups 12 and 13 take most of the time. Where WSTEST is not
// set, the cases of the other tests, which are the same, must do.

// suite runs wstest in a mode, with a specification, in a folder that it
// returns. It is killed at the end of the test.
func suite(t *testing.T, mode string, spec map[string]any) (dir string, cmd *exec.Cmd) {
	t.Helper()
	program := os.Getenv("WSTEST")
	if program == "" {
		t.Skip("the Autobahn test suite is not here: WSTEST is not set")
	}
	dir = t.TempDir()
	spec["outdir"] = dir
	spec["cases"] = []string{"*"}
	if patterns := os.Getenv("WSCASES"); patterns != "" {
		spec["cases"] = strings.Split(patterns, ",")
	}
	spec["exclude-cases"], spec["exclude-agent-cases"] = []string{}, map[string]any{}
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, dir, "spec.json", string(b))
	cmd = exec.Command(program, "-m", mode, "-s", file, "-u", "0")
	cmd.Dir = dir
	var log childtest.Text
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return dir, cmd
}

// verdicts looks at the suite's report. What it calls not strict is a failure.
func verdicts(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report map[string]map[string]struct{ Behavior, BehaviorClose string }
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	n := 0
	good := func(s string) bool { return s == "OK" || s == "INFORMATIONAL" }
	for agent, cases := range report {
		for id, v := range cases {
			n++
			if !good(v.Behavior) || !good(v.BehaviorClose) {
				t.Errorf("%s, case %s: %s, its end %s", agent, id, v.Behavior, v.BehaviorClose)
			}
		}
	}
	if n == 0 {
		t.Error("no case was run")
	}
	t.Logf("%d cases", n)
}

func TestAutobahnServer(t *testing.T) {
	if os.Getenv("WSTEST") == "" {
		t.Skip("the Autobahn test suite is not here: WSTEST is not set")
	}
	onPaths(t, func(t *testing.T, url string) {
		dir, cmd := suite(t, "fuzzingclient", map[string]any{"servers": []map[string]string{{"agent": "bobtail", "url": url}}})
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		verdicts(t, dir)
	})
}

func TestAutobahnClient(t *testing.T) {
	for name, config := range map[string]*deflate.Config{
		"whole":    {MaxInflated: -1},
		"streamed": {MaxInflated: -1, ServerTakeover: true, ClientTakeover: true, Contexts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := l.Addr().String()
			l.Close()
			dir, _ := suite(t, "fuzzingserver", map[string]any{"url": "ws://" + addr})
			e, err := deflate.New(*config)
			if err != nil {
				t.Fatal(err)
			}
			for i := range autobahnCount(t, addr) {
				autobahnRun(t, fmt.Sprintf("ws://%s/runCase?case=%d&agent=%s", addr, i+1, name), e, clients[name])
			}
			autobahnRun(t, "ws://"+addr+"/updateReports?agent="+name, nil, clients[name])
			verdicts(t, dir)
		})
	}
}

// autobahnCount is how many cases there are, and waits until the suite serves.
func autobahnCount(t *testing.T, addr string) int {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for limit := time.Now().Add(patient); ; <-again.C {
		c, err := wsdial.Dial(context.Background(), "ws://"+addr+"/getCaseCount", wsdial.Config{})
		if err != nil {
			if time.Now().After(limit) {
				t.Fatal(err)
			}
			continue
		}
		defer c.Close()
		_, p, err := c.Receive()
		n, bad := strconv.Atoi(string(p))
		if err != nil || bad != nil {
			t.Fatalf("%q, %v", p, err)
		}
		return n
	}
}

func autobahnRun(t *testing.T, url string, e wsconn.Extension, echo func(c *wsdial.Conn) error) {
	t.Helper()
	c, err := wsdial.Dial(context.Background(), url, wsdial.Config{Extension: e})
	if err != nil {
		t.Fatal(err)
	}
	echo(c)
	c.Close()
}
