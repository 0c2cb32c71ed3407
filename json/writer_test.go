package json_test

import (
	"bytes"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/json"
)

// write is what a function writes, in memory and through an io.Writer, by all
// sizes of memory up to the text's.
func write(t testing.TB, f func(w *json.Writer)) (string, error) {
	t.Helper()
	var w json.Writer
	w.Reset(append(make([]byte, 0, 4096), '>'), nil)
	f(&w)
	b, err := w.Bytes()
	if e := w.Close(); e != err {
		t.Errorf("Bytes = %v, and Close = %v", err, e)
	}
	if err != nil {
		if b != nil {
			t.Errorf("Bytes = %q and %v", b, err)
		}
		return "", err
	}
	if b[0] != '>' {
		t.Errorf("what was there is lost: %q", b)
	}
	b = b[1:]
	for size := json.MinBuffer; size < len(b)+json.MinBuffer; size += 1 + size/8 {
		var out bytes.Buffer
		w.Reset(make([]byte, 0, size), &out)
		f(&w)
		if err := w.Close(); err != nil || out.String() != string(b) {
			t.Fatalf("by %d bytes: %q, %v, want %q", size, out.String(), err, b)
		}
	}
	for _, size := range []int{0, len(b) / 2, len(b) - 1} {
		w.Reset(make([]byte, 0, size), nil)
		f(&w)
		if _, err := w.Bytes(); err != json.ErrFull {
			t.Fatalf("into %d bytes: %v, want ErrFull", size, err)
		}
	}
	w.Reset(make([]byte, 0, len(b)), nil)
	f(&w)
	if got, err := w.Bytes(); err != nil || !bytes.Equal(got, b) {
		t.Fatalf("into %d bytes: %q, %v", len(b), got, err)
	}
	return string(b), nil
}

// standard is a value by encoding/json, with or without what is for scripts.
func standard(t testing.TB, v any, script bool) string {
	t.Helper()
	var b bytes.Buffer
	e := stdjson.NewEncoder(&b)
	e.SetEscapeHTML(script)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestWriter(t *testing.T) {
	type nested struct {
		A []any          `json:"a"`
		B map[string]int `json:"b"`
	}
	for _, v := range []struct {
		name string
		f    func(w *json.Writer)
		std  any
	}{
		{"null", (*json.Writer).Null, nil},
		{"true", func(w *json.Writer) { w.Bool(true) }, true},
		{"false", func(w *json.Writer) { w.Bool(false) }, false},
		{"zero", func(w *json.Writer) { w.Int(0) }, 0},
		{"least", func(w *json.Writer) { w.Int(math.MinInt64) }, int64(math.MinInt64)},
		{"most", func(w *json.Writer) { w.Uint(math.MaxUint64) }, uint64(math.MaxUint64)},
		{"string", func(w *json.Writer) { w.String("squid") }, "squid"},
		{"bytes", func(w *json.Writer) { w.StringBytes([]byte("squid")) }, "squid"},
		{"no bytes", func(w *json.Writer) { w.StringBytes(nil) }, ""},
		{"base64", func(w *json.Writer) { w.Base64([]byte{0, 255, 1, 254}) }, []byte{0, 255, 1, 254}},
		{"raw", func(w *json.Writer) { w.Raw([]byte(`{"a":[1,2]}`)) }, stdjson.RawMessage(`{"a":[1,2]}`)},
		{"empty object", func(w *json.Writer) { w.Object(); w.EndObject() }, struct{}{}},
		{"empty array", func(w *json.Writer) { w.Array(); w.EndArray() }, []int{}},
		{"array", func(w *json.Writer) { w.Array(); w.Int(1); w.Int(-2); w.Null(); w.EndArray() }, []any{1, -2, nil}},
		{"nested", func(w *json.Writer) {
			w.Object()
			w.Name("a")
			w.Array()
			w.Array()
			w.EndArray()
			w.Object()
			w.EndObject()
			w.String("x")
			w.EndArray()
			w.Name("b")
			w.Object()
			w.Name("c")
			w.Int(1)
			w.Name("d\n")
			w.Int(2)
			w.EndObject()
			w.EndObject()
		}, nested{[]any{[]any{}, struct{}{}, "x"}, map[string]int{"c": 1, "d\n": 2}}},
	} {
		if got, err := write(t, v.f); err != nil || got != standard(t, v.std, false) {
			t.Errorf("%s: %q, %v, by encoding/json %q", v.name, got, err, standard(t, v.std, false))
		}
	}
}

func TestStrings(t *testing.T) {
	var all strings.Builder
	for c := range 256 {
		all.WriteString(" " + string(rune(c)))
	}
	for _, s := range []string{
		"", all.String(), "\"\\/\b\f\n\r\t\x00\x1F\x7F", "é日🦑", "<script>&</script>", "\u2027\u2028\u2029\u202A",
		"\xFF", "a\xC3", "\xC3(", "\xED\xA0\x80", "\xF0\x9F\xA6", "\uFFFD", "\xF8\x88\x80\x80\x80", "x\xE2\x80", strings.Repeat("\xFF", 100),
	} {
		for _, script := range []bool{false, true} {
			got, err := write(t, func(w *json.Writer) { w.Script = script; w.String(s) })
			if want := standard(t, s, script); err != nil || got != want {
				t.Errorf("%q, script %v: %s, %v, by encoding/json %s", s, script, got, err, want)
			}
		}
	}
}

func TestFloats(t *testing.T) {
	numbers := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 0.3, 1.5, 10, 100, 123456789, 1e20, 1e21, 1e-6, 9.9e-7, 1e-7, 1e100, 1e-100, 1e22, 1e23,
		5e-324, 1e-323, 2.2250738585072014e-308, 2.225073858507201e-308, math.MaxFloat64, math.Nextafter(math.MaxFloat64, 0), 1 << 53, 1<<53 + 2, 9007199254740993,
		4.35, 2.0 / 3, 1e-5, 123456789012345680000, 999999999999999900000, 1.7976931348623157e308, 8.41e21, 9.5367431640625e-07, -0.0000012345678901234567}
	for e := range 2047 {
		numbers = append(numbers, math.Float64frombits(uint64(e)<<52), math.Float64frombits(uint64(e)<<52-1), math.Float64frombits(uint64(e)<<52|1))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		numbers = append(numbers, math.Float64frombits(random.Uint64()), math.Round(random.Float64()*1e6)/1e3)
	}
	buf := make([]byte, 0, 64)
	for _, f := range numbers {
		var w json.Writer
		w.Reset(buf, nil)
		w.Float(f)
		b, err := w.Bytes()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			if err != json.ErrNumber {
				t.Errorf("%v: %q, %v, want ErrNumber", f, b, err)
			}
			continue
		}
		if want := standard(t, f, false); err != nil || string(b) != want {
			t.Errorf("%v is written %s, %v, by encoding/json %s", f, b, err, want)
		} else if small := json.SmallFloat(f); small != want {
			t.Errorf("%v is written %s in small programs, by encoding/json %s", f, small, want)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := write(t, func(w *json.Writer) { w.Float(f) }); err != json.ErrNumber {
			t.Errorf("%v: %v, want ErrNumber", f, err)
		}
	}
}

func TestMisuse(t *testing.T) {
	deep := func(n int) func(w *json.Writer) {
		return func(w *json.Writer) {
			for range n {
				w.Array()
			}
			for range n {
				w.EndArray()
			}
		}
	}
	for _, v := range []struct {
		name string
		f    func(w *json.Writer)
		err  error
	}{
		{"nothing", func(w *json.Writer) {}, json.ErrOpen},
		{"open array", (*json.Writer).Array, json.ErrOpen},
		{"open object", (*json.Writer).Object, json.ErrOpen},
		{"two values", func(w *json.Writer) { w.Int(1); w.Int(2) }, json.ErrValue},
		{"value without a name", func(w *json.Writer) { w.Object(); w.Int(1) }, json.ErrValue},
		{"second value without a name", func(w *json.Writer) { w.Object(); w.Name("a"); w.Int(1); w.Int(2) }, json.ErrValue},
		{"array without a name", func(w *json.Writer) { w.Object(); w.Array() }, json.ErrValue},
		{"something behind the whole", func(w *json.Writer) { w.Array(); w.EndArray(); w.Object() }, json.ErrValue},
		{"name of nothing", func(w *json.Writer) { w.Name("a") }, json.ErrName},
		{"name in an array", func(w *json.Writer) { w.Array(); w.Name("a") }, json.ErrName},
		{"two names", func(w *json.Writer) { w.Object(); w.Name("a"); w.Name("b") }, json.ErrName},
		{"end of nothing", (*json.Writer).EndArray, json.ErrEnd},
		{"end of the wrong kind", func(w *json.Writer) { w.Array(); w.EndObject() }, json.ErrEnd},
		{"end of the other wrong kind", func(w *json.Writer) { w.Object(); w.EndArray() }, json.ErrEnd},
		{"end behind a name", func(w *json.Writer) { w.Object(); w.Name("a"); w.EndObject() }, json.ErrEnd},
		{"end behind the whole", func(w *json.Writer) { w.Int(1); w.EndArray() }, json.ErrEnd},
		{"as deep as may be", deep(json.MaxDepth), nil},
		{"too deep", deep(json.MaxDepth + 1), json.ErrDepth},
		{"raw is malformed", func(w *json.Writer) { w.Raw([]byte("{")) }, json.ErrRaw},
		{"raw is nothing", func(w *json.Writer) { w.Raw(nil) }, json.ErrRaw},
		{"raw is too deep", func(w *json.Writer) { w.Raw([]byte(strings.Repeat("[", 65) + strings.Repeat("]", 65))) }, json.ErrRaw},
		{"number in the wrong place", func(w *json.Writer) { w.Object(); w.Float(1) }, json.ErrValue},
		{"base64 in the wrong place", func(w *json.Writer) { w.Object(); w.Base64(nil) }, json.ErrValue},
		{"raw in the wrong place", func(w *json.Writer) { w.Object(); w.Raw([]byte("1")) }, json.ErrValue},
		{"raw makes it too deep", func(w *json.Writer) { w.Array(); w.Raw([]byte(strings.Repeat("[", 64) + strings.Repeat("]", 64))) }, json.ErrDepth},
		{"raw makes it as deep as may be", func(w *json.Writer) {
			w.Array()
			w.Raw([]byte(strings.Repeat("[", 63) + strings.Repeat("]", 63)))
			w.EndArray()
		}, nil},
		{"the first mistake counts", func(w *json.Writer) {
			w.EndArray()
			w.Int(1)
			w.Int(2)
			w.Name("a")
			w.Float(math.NaN())
			w.Raw(nil)
		}, json.ErrEnd},
	} {
		if _, err := write(t, v.f); err != v.err {
			t.Errorf("%s: %v, want %v", v.name, err, v.err)
		}
	}
	var unset json.Writer
	unset.Int(1)
	if unset.Err() != json.ErrValue {
		t.Errorf("without Reset: %v", unset.Err())
	}
	unset.Reset(make([]byte, 0, json.MinBuffer-1), io.Discard)
	if unset.Err() != json.ErrMemory {
		t.Errorf("with little memory: %v", unset.Err())
	}
}

// failing is an io.Writer that fails after some bytes.
type failing struct {
	left int
	err  error
}

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return f.left, f.err
	}
	f.left -= len(p)
	return len(p), nil
}

func TestWriterFails(t *testing.T) {
	errMine := errors.New("mine")
	for _, v := range []struct {
		name      string
		err, want error
	}{{"with an error", errMine, errMine}, {"without an error", nil, io.ErrShortWrite}} {
		var w json.Writer
		w.Reset(make([]byte, 0, json.MinBuffer), &failing{100, v.err})
		w.Array()
		for range 100 {
			w.Int(1)
		}
		w.EndArray()
		if w.Err() != v.want || w.Close() != v.want || w.Flush() != v.want {
			t.Errorf("%s: %v, %v, want %v", v.name, w.Err(), w.Close(), v.want)
		}
	}
	var out bytes.Buffer
	var w json.Writer
	w.Reset(make([]byte, 0, json.MinBuffer), &out)
	w.Array()
	if err := w.Flush(); err != nil || out.String() != "[" {
		t.Errorf("Flush sends %q, %v", out.String(), err)
	}
}

func TestErrors(t *testing.T) {
	for e := json.Error(1); e <= json.ErrRaw; e++ {
		if !strings.HasPrefix(e.Error(), "json: ") || e.Error() == "json: unknown error" {
			t.Errorf("error %d is %q", e, e)
		}
	}
	if json.Error(200).Error() != "json: unknown error" {
		t.Errorf("an unknown error is %q", json.Error(200))
	}
}

var raws = []string{
	"", " ", "null", " true ", "false", "nul", "nulll", "truefalse", "0", "-0", "00", "-", "+1", "1.", ".1", "1.5", "1e5", "1E+5", "1e-", "1e", "0e1", "-a", "0x1",
	`""`, `"a`, `"\"`, `"\q"`, `"\/\b\f\n\r\t\\\""`, `"\u00e9"`, `"\u00g9"`, `"\u00`, "\"\n\"", "\"\x7f\xff\"", `"a"b`,
	"[", "]", "[]", "[ ]", "[1]", "[1,2]", "[1,]", "[,1]", "[1 2]", "[1}", "[[],[[]]]", "[]]", "[\"a\"",
	"{", "}", "{}", "{ }", `{"a":1}`, `{"a" : [ ] , "b":{}}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":1]`, `{1:2}`, `{"a":{"b":[{}]}}`, `{"a`, `{"a":[`, "\"\\", "1 2", "[1]x",
}

func checkRaw(t *testing.T, in string) {
	var w json.Writer
	w.Reset(make([]byte, 0, len(in)), nil)
	w.Raw([]byte(in))
	b, err := w.Bytes()
	valid := stdjson.Valid([]byte(in))
	if strings.Count(in, "[")+strings.Count(in, "{") > json.MaxDepth {
		return // perhaps deeper
	}
	if valid != (err == nil) || err != nil && err != json.ErrRaw || valid && string(b) != in {
		t.Errorf("%q: %v, by encoding/json valid is %v", in, err, valid)
	}
}

func TestRaw(t *testing.T) {
	for _, in := range raws {
		checkRaw(t, in)
	}
}

// FuzzWriter writes a string, a number and bytes as encoding/json does, and
// calls methods in any order: what is accepted is JSON.
func FuzzWriter(f *testing.F) {
	for _, s := range raws {
		f.Add(s, 1.5, []byte(s))
	}
	f.Add("<\xFF\u2028>", 5e-324, []byte{0, 2, 3, 1})
	f.Fuzz(func(t *testing.T, s string, number float64, calls []byte) {
		checkRaw(t, s)
		script := len(calls)&1 == 1
		got, err := write(t, func(w *json.Writer) { w.Script = script; w.String(s) })
		if want := standard(t, s, script); len(want) < 4000 && (err != nil || got != want) {
			t.Errorf("%q is %s, %v, by encoding/json %s", s, got, err, want)
		}
		if number-number == 0 {
			got, err := write(t, func(w *json.Writer) { w.Float(number) })
			if want := standard(t, number, false); err != nil || got != want {
				t.Errorf("%v is %s, %v, by encoding/json %s", number, got, err, want)
			} else if small := json.SmallFloat(number); small != want {
				t.Errorf("%v is %s in small programs, by encoding/json %s", number, small, want)
			}
		}
		if len(calls) > 500 {
			return
		}
		got, err = write(t, func(w *json.Writer) { w.Base64(calls) })
		if want := `"` + base64.StdEncoding.EncodeToString(calls) + `"`; err != nil || got != want {
			t.Errorf("%x is %s, %v, want %s", calls, got, err, want)
		}
		var w json.Writer
		w.Reset(make([]byte, 0, 4096), nil)
		for _, c := range calls {
			switch c % 8 {
			case 0:
				w.Object()
			case 1:
				w.EndObject()
			case 2:
				w.Array()
			case 3:
				w.EndArray()
			case 4:
				w.Name("a")
			case 5:
				w.Int(int64(c))
			case 6:
				w.Raw([]byte("[ ]"))
			case 7:
				w.Null()
			}
		}
		if b, err := w.Bytes(); err == nil && !stdjson.Valid(b) {
			t.Errorf("%x writes %q", calls, b)
		}
	})
}

func BenchmarkFloat(b *testing.B) {
	buf := make([]byte, 0, 64)
	for name, f := range map[string]float64{"21.5": 21.5, "third": 1.0 / 3, "largest": math.MaxFloat64, "least": 5e-324} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var w json.Writer
				w.Reset(buf, nil)
				w.Float(f)
				if w.Err() != nil {
					b.Fatal(w.Err())
				}
			}
		})
	}
}
