package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// things is a run of bobtail serve -coap.
type things struct {
	*program
	tcp, udp string // URLs, which end with a slash
}

// startCoAP runs bobtail serve at free ports.
func startCoAP(t *testing.T, args ...string) *things {
	t.Helper()
	p := start(t, append([]string{"-coap", "127.0.0.1:0"}, args...)...)
	m := regexp.MustCompile(` (coap\+tcp://\S+/) (coap://\S+/)`).FindStringSubmatch(p.greets)
	if m == nil {
		t.Fatalf("it greets with %q", p.greets)
	}
	return &things{p, m[1], m[2]}
}

// onBoth runs a test over TCP and over UDP.
func (p *things) onBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("TCP", func(t *testing.T) { test(t, p.tcp) })
	t.Run("UDP", func(t *testing.T) { test(t, p.udp) })
}

// runCoAP runs bobtail coap with an input to its end.
func runCoAP(t *testing.T, input string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary, append([]string{"coap"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	overdue := time.AfterFunc(patient, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// sumOf is what /sum answers.
func sumOf(content string) string {
	return fmt.Sprintf("%d %x", len(content), sha256.Sum256([]byte(content)))
}

// TestCoAPRequests asks for all that there is, as a user does.
func TestCoAPRequests(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 5000) // 80,000 bytes
	file := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(file, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	large := new(bytes.Buffer)
	for i := range largeSize / lineSize {
		fmt.Fprintf(large, "%07d %-55s\n", i, "a bobtail squid, lit from below, casts no shadow")
	}
	onBackends(t, func(t *testing.T, backend string) {
		p := startCoAP(t, "-backend", backend)
		p.onBoth(t, func(t *testing.T, url string) {
			for _, v := range []struct {
				name, input string
				args        string // @ is the URL of the server
				status      int
				out         string // a regular expression, with (?s)
				err         string // the same
			}{
				{"a greeting", "", "get @hello", 0, `Hello, World!`, ``},
				{"one by name", "", "get @hello/squid", 0, `Hello, squid!`, ``},
				{"a name with a space", "", "get @hello/bobtail%20squid", 0, `Hello, bobtail squid!`, ``},
				{"a name that is no text", "", "get @hello/%ff", 1, ``, `.* answers 4\.00 Bad Request.*\n`},
				{"the root", "", "get @", 0, `This is bobtail serve.*\n`, ``},
				{"the time", "", "get @time", 0, `\d\d:\d\d:\d\d`, ``},
				{"the verb in capitals", "", "GET @hello", 0, `Hello, World!`, ``},
				{"a megabyte", "", "get @large", 0, regexp.QuoteMeta(large.String()), ``},
				{"a megabyte in small blocks", "", "get -block 512 @large", 0, regexp.QuoteMeta(large.String()), ``},
				{"an echo", "", "post -payload squid @echo", 0, `squid`, ``},
				{"an echo of nothing", "", "post @echo", 0, ``, ``},
				{"an echo in blocks", "", "post -file " + file + " @echo", 0, long, ``},
				{"an echo in small blocks", "", "post -block 64 -file " + file + " @echo", 0, long, ``},
				{"an echo of the input", long, "post -file - @echo", 0, long, ``},
				{"a sum of the input", long, "post -file - @sum", 0, sumOf(long), ``},
				{"a sum of blocks", long, "post -block 128 -file - @sum", 0, sumOf(long), ``},
				{"a sum of nothing", "", "post @sum", 0, sumOf(""), ``},
				{"statistics", "", "get @stats", 0, `\{"backend":"` + backend + `",.*"coap":\{"tcp":\{.*\}\n`, ``},
				{"statistics in blocks", "", "get -block 64 @stats", 0, `\{"backend":"` + backend + `",.*"coap":\{"tcp":\{.*\}\n`, ``},
				{"an answer that comes later", "", "get @sleep?ms=50", 0, `Slept\.`, ``},
				{"what is not there", "", "get @nothing", 1, ``, `bobtail: \S+/nothing answers 4\.04 Not Found\n`},
				{"what cannot be done", "", "delete @hello", 1, ``, `bobtail: \S+/hello answers 4\.05 Method Not Allowed; it does not take DELETE\n`},
				{"put", "", "put -payload x @hello", 1, ``, `.* 4\.05 .*not take PUT\n`},
				{"fetch", "", "fetch -payload x @hello", 1, ``, `.* 4\.05 .*not take FETCH\n`},
				{"patch", "", "patch -payload x @hello", 1, ``, `.* 4\.05 .*not take PATCH\n`},
				{"ipatch", "", "ipatch -payload x @hello", 1, ``, `.* 4\.05 .*not take iPATCH\n`},
				{"with a diagnostic", "", "get @sleep", 1, ``, `.* answers 4\.00 Bad Request: Want /sleep\?ms=N, N from 0 to 60000\.\n`},
				{"a form that it does not have", "", "get -accept cbor @hello", 1, ``, `.* 4\.06 Not Acceptable; it has no such form as -accept asks for\n`},
				{"a critical option that is not known", "", "get -option 65001=x @hello", 1, ``, `.* 4\.02 Bad Option.*\n`},
				{"an elective option that is not known", "", "get -option 65002=x @hello", 0, `Hello, World!`, ``},
				{"verbose", "", "get -v @hello", 0, `Hello, World!`, `> GET \S+/hello\n< 2\.05 Content\n< Content-Format=0 \(text/plain;charset=utf-8\)\n< 13 bytes\n`},
				{"verbose with options", "", "post -v -format json -payload {} @echo", 0, `\{\}`, `> POST \S+/echo\n> Content-Format=50 \(application/json\)\n< 2\.04 Changed\n(< .*\n)*< Content-Format=50 \(application/json\)\n(< .*\n)*< 2 bytes\n`},
				{"observe", "", "observe -count 2 @time", 0, `\d\d:\d\d:\d\d\n\d\d:\d\d:\d\d\n`, ``},
				{"observe what cannot be", "", "observe @hello", 1, `Hello, World!\n`, `bobtail: \S+ cannot be observed; this is its present state\n`},
				{"observe what is not there", "", "observe @nothing", 1, ``, `.* answers 4\.04 Not Found\n`},
				{"ping", "", "ping @", 0, `127\.0\.0\.1:\d+ is there, and answers within .*s\n`, ``},
				{"discover", "", "discover @", 0, `(?s).*/time +the time, every second +.*rt=time, obs.*`, ``},
				{"discover some", "", "discover @?rt=time", 0, `/time .*\n`, ``},
				{"links as they are", "", "get @.well-known/core", 0, `(?s)</.*>.*;obs.*`, ``},
				{"flags behind", "", "get @hello -quiet", 0, `Hello, World!`, ``},
			} {
				t.Run(v.name, func(t *testing.T) {
					args := strings.Fields(v.args)
					for i, a := range args {
						args[i] = strings.Replace(a, "@", url, 1)
					}
					got := runCoAP(t, v.input, args...)
					if got.status != v.status || !fits(v.out, got.stdout) || !fits(v.err, got.stderr) {
						t.Errorf("bobtail coap %.200s\n= %d, %d bytes %.300q, %q,\nwant %d, %.300q, %q", v.args, got.status, len(got.stdout), got.stdout, got.stderr, v.status, v.out, v.err)
					}
				})
			}
		})
		if got := p.stop(); got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, "coap+tcp") {
			t.Errorf("the end = %+v, want status 0", got)
		}
	})
}

// fits reports whether all of a text fits an expression.
func fits(want, text string) bool {
	if len(want) > 1000 { // which is no expression
		return text == want || regexp.QuoteMeta(text) == want
	}
	return regexp.MustCompile(`^(?:` + want + `)$`).MatchString(text)
}

// TestCoAPFiles writes answers to files.
func TestCoAPFiles(t *testing.T) {
	p := startCoAP(t)
	p.onBoth(t, func(t *testing.T, url string) {
		name := filepath.Join(t.TempDir(), "out")
		holds := func(want string) {
			t.Helper()
			if b, err := os.ReadFile(name); err != nil || string(b) != want {
				t.Errorf("the file has %d bytes %.40q, %v, want %d", len(b), b, err, len(want))
			}
			if all, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".*")); len(all) > 0 {
				t.Errorf("there is also %q", all)
			}
		}
		does := func(status int, args ...string) {
			t.Helper()
			if got := runCoAP(t, "", append(args, "-o", name)...); got.status != status || got.stdout != "" {
				t.Errorf("bobtail coap %q = %+v, want status %d", args, got, status)
			}
		}
		does(1, "get", url+"nothing")
		if _, err := os.Stat(name); err == nil {
			t.Error("a refusal makes a file")
		}
		does(0, "get", url+"hello")
		holds("Hello, World!")
		does(1, "get", url+"nothing")
		holds("Hello, World!")
		does(0, "get", url+"large")
		if info, err := os.Stat(name); err != nil || info.Size() != largeSize {
			t.Errorf("/large is %v, %v", info, err)
		}
		does(0, "observe", "-count", "1", url+"time")
		if info, err := os.Stat(name); err != nil || info.Size() != 8 {
			t.Errorf("/time is %v, %v", info, err)
		}
		does(0, "get", url+"hello", "-o", os.DevNull)
	})
}

// TestCoAPETag asks whether what is known is still good.
func TestCoAPETag(t *testing.T) {
	p := startCoAP(t)
	p.onBoth(t, func(t *testing.T, url string) {
		name := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(name, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		got := runCoAP(t, "", "get", "-v", "-o", name, "-option", fmt.Sprintf("ETag=0x%x", largeTag), url+"large")
		if got.status != 0 || !strings.Contains(got.stderr, "< 2.03 Valid\n") {
			t.Errorf("the answer is %+v, want 2.03", got)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != "kept" {
			t.Errorf("what is still good becomes %q, %v", b, err)
		}
	})
}

// TestCoAPNothingThere asks where nobody is.
func TestCoAPNothingThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody speaks UDP here
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, v := range []struct{ name, args, want string }{
		{"a server that says nothing", "get -timeout 200ms coap+tcp://" + at + "/x", "no answer within 200ms; -timeout waits longer; over UDP it would be coap://" + at + "/x"},
		{"silence over UDP", "get -timeout 200ms coap://" + silent.LocalAddr().String() + "/x", "no answer within 200ms; -timeout waits longer; over TCP it would be coap+tcp://"},
		{"silence to a ping", "ping -timeout 200ms coap://" + silent.LocalAddr().String(), "no answer within 200ms"},
		{"silence to a message that needs no acknowledgement", "get -non -timeout 200ms coap://" + silent.LocalAddr().String() + "/x", "no answer within 200ms"},
		{"nobody over UDP", "get coap://" + at + "/x", "nobody serves there; over TCP it would be coap+tcp://" + at + "/x"},
		{"no host", "get coap://nowhere.invalid/x", "there is no host nowhere.invalid"},
		{"a query that stays secret", "get coap://" + at + "/x?secret", "/x: nobody"},
	} {
		t.Run(v.name, func(t *testing.T) {
			got := runCoAP(t, "", strings.Fields(v.args)...)
			if got.status != 1 || got.stdout != "" || !strings.Contains(got.stderr, v.want) || strings.Count(got.stderr, "\n") != 1 || strings.Contains(got.stderr, "secret") {
				t.Errorf("bobtail coap %s = %+v, want status 1 and %q", v.args, got, v.want)
			}
		})
	}
	l.Close()
	if got := runCoAP(t, "", "get", "coap+tcp://"+at+"/x"); got.status != 1 || !strings.Contains(got.stderr, "nobody serves there; over UDP") {
		t.Errorf("where nobody serves = %+v", got)
	}
}

func TestCoAPWrongUse(t *testing.T) {
	for _, v := range []struct{ name, args, want string }{
		{"no word", "", "bobtail coap get coap://127.0.0.1/hello"},
		{"unknown word", "gte coap://127.0.0.1/", "did you mean get?"},
		{"unknown word like no other", "xyzzyxyzzy coap://127.0.0.1/", "bobtail coap -h lists them"},
		{"no URI", "get", "takes one URI, and there is none"},
		{"two URIs", "get coap://a coap://b", "takes one URI, and there are 2"},
		{"unknown flag", "get -playload x coap://a", "did you mean -payload?"},
		{"another scheme", "get http://127.0.0.1/", "want coap+tcp://HOST/PATH"},
		{"DTLS", "get coaps://127.0.0.1/", "DTLS is not here"},
		{"no host in it", "get coap:///x", "no URI of CoAP"},
		{"a fragment", "get coap://a/x#y", "no URI of CoAP"},
		{"two payloads", "put -payload x -file y coap://a", "do not go together"},
		{"a payload for get", "get -payload x coap://a", "get sends no payload"},
		{"a format for get", "get -format json coap://a", "-accept asks for a format"},
		{"no such format", "put -format x/y coap://a", "such as text, json, cbor"},
		{"no such file", "put -file there/is/none coap://a", "there/is/none"},
		{"a folder for a file", "put -file . coap://a", "a folder"},
		{"no such option", "get -option ETagg=x coap://a", "did you mean ETag?"},
		{"an option without its value", "get -option ETag coap://a", "want ETag=VALUE"},
		{"an option with a value", "put -option If-None-Match=x coap://a", "has no value"},
		{"an option that wants a number", "get -option Accept=x coap://a", "want Accept=NUMBER"},
		{"odd digits", "get -option ETag=0x123 coap://a", "pairs of hexadecimal digits"},
		{"an option that is too long", "get -option ETag=123456789 coap://a", "1 to 8 bytes"},
		{"an option of the client's", "get -option Block2=0 coap://127.0.0.1:1/", "for the client to set"},
		{"a size that no block has", "get -block 100 coap://a", "16, 32, 64"},
		{"count for get", "get -count 2 coap://a", "for observe and ping"},
		{"an option for ping", "ping -accept json coap://a", "sends no request"},
		{"a time without a unit", "get -timeout 5 coap://a", "such as 30s"},
		{"no folder for the answer", "get -o there/is/none coap://127.0.0.1:1/", "there/is/none"},
		{"conform behind flags", "-v conform coap+tcp://a", "comes before its flags"},
	} {
		t.Run(v.name, func(t *testing.T) {
			got := runCoAP(t, "", strings.Fields(v.args)...)
			if got.status != 2 || got.stdout != "" || !strings.Contains(got.stderr, v.want) {
				t.Errorf("bobtail coap %s = %+v, want status 2 and %q", v.args, got, v.want)
			}
			if !strings.HasPrefix(got.stderr, "bobtail: ") || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("bobtail coap %s says %q, want one line", v.args, got.stderr)
			}
		})
	}
}

func TestCoAPHelp(t *testing.T) {
	for _, args := range [][]string{{"coap", "-h"}, {"help", "coap"}, {"coap", "get", "-h"}} {
		got := runToEnd(t, args...)
		if got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, "-payload TEXT") || !strings.Contains(got.stdout, "  observe   ") {
			t.Errorf("bobtail %q = %+v", args, got)
		}
	}
	if got := runToEnd(t, "help", "coap", "conform"); got.status != 0 || !strings.Contains(got.stdout, "-run PATTERN") {
		t.Errorf("bobtail help coap conform = %+v", got)
	}
}
