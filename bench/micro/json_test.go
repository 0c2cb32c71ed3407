package micro

import (
	"bytes"
	stdjson "encoding/json"
	"testing"

	"github.com/bobtail-go/bobtail/json"
)

// reading is an answer of an API.
type reading struct {
	Name    string    `json:"name"`
	At      int64     `json:"at"`
	Valid   bool      `json:"valid"`
	Values  []float64 `json:"values"`
	Comment string    `json:"comment"`
}

func readings(tb testing.TB) []comparison {
	tb.Helper()
	v := reading{"temperature/outside", 1793275200, true, []float64{21.5, 21.25, 19.875, -3.5, 0.1}, "measured in the \"shade\", 2 m above ground"}
	buf := make([]byte, 1024)
	var out []byte
	var w json.Writer
	var b bytes.Buffer
	e := stdjson.NewEncoder(&b)
	text, err := stdjson.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	// An Encoder ends what it writes with a line feed.
	return []comparison{{"value=reading", len(text), []side{{
		by: "bobtail",
		loop: func(n int) (err error) {
			for range n {
				w.Reset(buf[:0], nil)
				w.Object()
				w.Name("name")
				w.String(v.Name)
				w.Name("at")
				w.Int(v.At)
				w.Name("valid")
				w.Bool(v.Valid)
				w.Name("values")
				w.Array()
				for _, f := range v.Values {
					w.Float(f)
				}
				w.EndArray()
				w.Name("comment")
				w.String(v.Comment)
				w.EndObject()
				if out, err = w.Bytes(); err != nil {
					return err
				}
			}
			return nil
		},
		gave: func() (string, error) { return string(out), nil },
	}, {
		by: "encoding-json",
		loop: func(n int) error {
			for range n {
				b.Reset()
				if err := e.Encode(&v); err != nil {
					return err
				}
			}
			return nil
		},
		gave: func() (string, error) { return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil },
	}}}}
}

func TestReadings(t *testing.T)      { same(t, readings(t)) }
func BenchmarkReadings(b *testing.B) { measure(b, readings(b)) }
