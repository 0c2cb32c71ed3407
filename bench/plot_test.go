package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plotted are figures for every drawing, of two runs of a program: one of three
// rounds, and a short one which has other numbers of connections.
func plotted() []*result {
	curve := func(times ...float64) (all []point) {
		for i, part := range []float64{0, 0.5, 0.99, 1} {
			all = append(all, point{part, times[i]})
		}
		return all
	}
	a := &result{Machine: machine{Date: "2026-11-21 18:30 UTC", Kernel: "6.18.44", CPU: "AMD EPYC", Go: "go1.26.8", Cores: 2}, Settings: settings{Conns: 64}}
	for round, slow := range []float64{4, 1, 1.25} {
		a.Samples = append(a.Samples,
			sample{Work: "plain", Server: "floor", Round: round, CPU: 4 * slow}, // as older programs wrote it
			sample{Work: "plain1k", Server: "floor", Round: round, Conns: 1000, CPU: 6 * slow},
			sample{Work: "plain10k", Server: "floor", Round: round, Conns: 10000, Busy: 64, CPU: 8 * slow},
			sample{Work: "pipelined", Server: "floor", Round: round, Conns: 64, CPU: 0.5 * slow},
			sample{Work: "plain", Server: "bobtail-epoll", Round: round, Conns: 64, CPU: 5 * slow},
			sample{Work: "plain1k", Server: "bobtail-epoll", Round: round, Conns: 1000, CPU: 7 * slow},
			sample{Work: "parked", Server: "floor", Round: round, Conns: 10000, Parked: 10000, PerParked: 8 * slow},
			sample{Work: "parked", Server: "nethttp", Round: round, Conns: 10000, Parked: 10000, PerParked: 16000 * slow},
			sample{Work: "wsidle", Server: "gws", Round: round, Conns: 10000, Parked: 10000, PerParked: 12000 * slow},
			sample{Work: latencyWork, Server: "gnet", Round: round, Conns: 64, Curve: curve(80*slow, 200*slow, 4000*slow, 9000)},
			sample{Work: sleepersWork, Server: "bobtail-epoll", Round: round, Conns: 64, Curve: curve(0, 100*slow, 2000*slow, 9000)},
		)
	}
	b := &result{Machine: a.Machine, Samples: []sample{
		{Work: "parked1k", Server: "floor", Conns: 1000, Parked: 1000, PerParked: -4},
		{Work: "parked15k", Server: "nethttp", Conns: 15000, Parked: 15000, PerParked: 17000},
		{Work: "wsidle15k", Server: "bobtail-net", Conns: 15000, Parked: 15000, PerParked: 5000},
		{Work: "coapidle", Server: "libcoap", Conns: 10000, Parked: 10000, PerParked: 500},
		{Work: startWork, Server: "nginx", Start: 2500},
	}}
	return []*result{a, b}
}

// plottedData is what the drawings are of: medians, by server in the order of the
// tables, and by what is on the X axis.
const plottedData = `cost.svg: connections; user and system time of the server's process, µs
	floor (64 5 µs) (1k 7.5 µs)
	bobtail-epoll (64 6.25 µs) (1k 8.75 µs)
memory.svg: connections; resident memory by which the process grew, per connection
	floor (1k 1 B) (10k 10 B)
	nethttp (10k 20 kB) (15k 17 kB)
memory-ws.svg: connections; resident memory by which the process grew, per connection
	bobtail-net (15k 5 kB)
	gws (10k 15 kB)
latency.svg: percentile; from when a request was due until it was answered
	gnet (0 % 100 µs) (50 % 250 µs) (99 % 5 ms)
sleepers.svg: percentile; from when a request was due until it was answered
	bobtail-epoll (50 % 125 µs) (99 % 2.5 ms)
`

func dataOf(charts []chart) string {
	var b strings.Builder
	for _, c := range charts {
		fmt.Fprintf(&b, "%s: %s; %s\n", c.File, c.X.Label, c.Y.Label)
		for _, s := range c.Series {
			b.WriteString("\t" + s.Server)
			for _, p := range s.Points {
				y := c.Y.text(p.Y)
				if strings.HasSuffix(c.Y.Label, "µs") {
					y += " µs"
				}
				fmt.Fprintf(&b, " (%s %s)", c.X.text(p.X), y)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestChartsOf(t *testing.T) {
	charts := chartsOf(plotted()...)
	if got := dataOf(charts); got != plottedData {
		t.Errorf("the drawings are of\n%s\nwant\n%s", got, plottedData)
	}
	for _, c := range charts {
		if c.Title == "" || c.Desc == "" || c.Source != "Linux 6.18.44, 2 cores, AMD EPYC, go1.26.8" {
			t.Errorf("%s: title %q, text %q, source %q", c.File, c.Title, c.Desc, c.Source)
		}
	}
}

// drawing is what is looked for in the file of one.
type drawing struct {
	texts  []string       // of text elements, in their order
	styles map[string]int // how many elements have a style
	title  string
	desc   string
	css    string
}

func readDrawing(t *testing.T, name string) drawing {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := drawing{styles: make(map[string]int)}
	var within string
	for dec := xml.NewDecoder(f); ; {
		tok, err := dec.Token()
		if err == io.EOF {
			return d
		}
		if err != nil {
			t.Fatalf("%s: %v", filepath.Base(name), err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			within = tok.Name.Local
			for _, a := range tok.Attr {
				if a.Name.Local == "style" {
					for rule := range strings.SplitSeq(a.Value, ";") {
						d.styles[rule]++
					}
				}
			}
		case xml.EndElement:
			within = ""
		case xml.CharData:
			switch within {
			case "text":
				d.texts = append(d.texts, strings.TrimSpace(string(tok)))
			case "title":
				d.title += string(tok)
			case "desc":
				d.desc += string(tok)
			case "style":
				d.css += string(tok)
			}
		}
	}
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// TestPlotResults has every drawing be well-formed, small and complete: its
// titles, units, where it is from, and a line and a name for each server.
func TestPlotResults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plots")
	results := plotted()
	if err := plotResults(dir, results...); err != nil {
		t.Fatal(err)
	}
	charts := chartsOf(results...)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(charts) {
		t.Fatalf("%d files for %d charts: %v", len(entries), len(charts), err)
	}
	units := map[string][]string{
		"cost.svg": {"64", "1k", "0", "8"}, "memory.svg": {"1k", "10k", "15k", "1 B", "10 kB"}, "memory-ws.svg": {"10k", "15k", "5 kB", "20 kB"},
		"latency.svg": {"0 %", "50 %", "99 %", "100 µs", "5 ms"}, "sleepers.svg": {"0 %", "50 %", "99 %", "100 µs", "5 ms"},
	}
	for _, c := range charts {
		t.Run(c.File, func(t *testing.T) {
			name := filepath.Join(dir, c.File)
			if info, err := os.Stat(name); err != nil || info.Size() > 24<<10 {
				t.Errorf("%v bytes: %v", info, err)
			}
			d := readDrawing(t, name)
			if d.title != c.Title || d.desc != c.Desc+". "+c.Source {
				t.Errorf("title %q, description %q", d.title, d.desc)
			}
			want := append([]string{c.Title, c.X.Label, c.Y.Label, c.Source}, units[c.File]...)
			for _, s := range c.Series {
				want = append(want, s.Server)
				// A line in the plot, if it has more than one point, and one in the legend.
				lines := min(len(s.Points), 2)
				if got := d.styles["stroke:"+hex(colourOf(s.Server))]; got < lines {
					t.Errorf("%d lines have the colour of %s, want %d", got, s.Server, lines)
				}
			}
			for _, s := range want {
				if !slices.Contains(d.texts, s) {
					t.Errorf("%q is not in the drawing; there are %q", s, d.texts)
				}
			}
			// What is made dark must be there under the colours that the style names.
			for _, rule := range []string{"fill:" + hex(paper), "stroke:" + hex(ink), "stroke:" + hex(faint)} {
				if d.styles[rule] == 0 || !strings.Contains(d.css, `[style*="`+rule+`"]`) {
					t.Errorf("%s is on %d elements, and the style is %s", rule, d.styles[rule], d.css)
				}
			}
			if !strings.Contains(d.css, "prefers-color-scheme:dark") {
				t.Errorf("there is no style for dark: %s", d.css)
			}
		})
	}
}

// TestPlotEnds has the drawings of few figures, and of odd ones.
func TestPlotEnds(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples []sample
	}{
		{"one point", []sample{{Work: "plain", Server: "floor", Conns: 64, CPU: 5}}},
		{"one point, of a power of ten", []sample{{Work: "parked", Server: "floor", Parked: 10000, PerParked: 100}}},
		{"no cost at all", []sample{{Work: "plain", Server: "floor", Conns: 64}}},
		{"no growth", []sample{{Work: "parked", Server: "floor", Parked: 10000}}},
		{"a curve of one point", []sample{{Work: latencyWork, Server: "floor", Curve: []point{{0.5, 100}}}}},
		{"from nanoseconds to hours", []sample{{Work: latencyWork, Server: "floor", Curve: []point{{0, 1e-3}, {0.999999, 1e10}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := plotResults(dir, &result{Samples: tt.samples}); err != nil {
				t.Fatal(err)
			}
			names, _ := filepath.Glob(filepath.Join(dir, "*.svg"))
			if len(names) != 1 {
				t.Fatalf("there are %q", names)
			}
			d := readDrawing(t, names[0])
			if !slices.Contains(d.texts, "floor") {
				t.Errorf("there are %q", d.texts)
			}
			b, _ := os.ReadFile(names[0])
			for _, odd := range []string{"NaN", "Inf"} {
				if strings.Contains(string(b), odd) {
					t.Errorf("%s is in the drawing", odd)
				}
			}
		})
	}
}

func TestPlotNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plots")
	r := &result{Samples: []sample{{Work: "pipelined", Server: "floor", Conns: 64, CPU: 1}, {Work: latencyWork, Server: "floor", Curve: []point{{1, 5}}}}}
	if err := plotResults(dir, r); !errors.Is(err, errNothingToPlot) {
		t.Errorf("plotResults = %v, want %v", err, errNothingToPlot)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("there is a folder without drawings")
	}
}

// TestReadResults reads what was written, and draws the same of it.
func TestReadResults(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i, r := range plotted() {
		names = append(names, filepath.Join(dir, fmt.Sprint(i, ".json")))
		if err := r.writeJSON(names[i]); err != nil {
			t.Fatal(err)
		}
	}
	all, err := readResults(names)
	if err != nil {
		t.Fatal(err)
	}
	if got := dataOf(chartsOf(all...)); got != plottedData {
		t.Errorf("the drawings are of\n%s\nwant\n%s", got, plottedData)
	}
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte(`{"Samples": 1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{broken, filepath.Join(dir, "none.json")} {
		if _, err := readResults([]string{names[0], name}); err == nil || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("readResults(%s) = %v, want an error that names it", filepath.Base(name), err)
		}
	}
}

func TestDecades(t *testing.T) {
	for _, tt := range []struct {
		least, most float64
		want        string
	}{
		{87, 19262, "[10 100 1000 10000 100000]"},
		{1, 1000, "[1 10 100 1000]"},
		{3, 4, "[2 5]"},
		{100, 100, "[100 200]"},
		{150, 6000, "[100 200 500 1000 2000 5000 10000]"},
		{0.04, 0.3, "[0.02 0.05 0.1 0.2 0.5]"},
	} {
		if got := fmt.Sprint(rounded(decades(tt.least, tt.most))); got != tt.want {
			t.Errorf("decades(%v, %v) = %s, want %s", tt.least, tt.most, got, tt.want)
		}
	}
}

// rounded takes away what a power of ten is off by.
func rounded(x []float64) (all []float64) {
	for _, x := range x {
		all = append(all, math.Round(x*1e6)/1e6)
	}
	return all
}

// luminance is that of WCAG 2.2.
func luminance(c color.RGBA) float64 {
	part := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
}

// TestColours has all servers in a drawing differ in their colour, and each stand
// out from light and dark as graphical objects must (WCAG 2.2, 1.4.11).
func TestColours(t *testing.T) {
	dark := color.RGBA{0x14, 0x18, 0x1d, 0xff}
	if !strings.Contains(darkStyle, strings.ToLower(hex(dark))) {
		t.Errorf("%s is not the dark of %s", hex(dark), darkStyle)
	}
	contrast := func(a, b color.RGBA) float64 {
		x, y := luminance(a), luminance(b)
		return (max(x, y) + 0.05) / (min(x, y) + 0.05)
	}
	for i, s := range servers {
		c, ok := colours[s.name]
		if !ok {
			t.Errorf("%s has no colour", s.name)
			continue
		}
		for _, behind := range []color.RGBA{paper, dark} {
			if k := contrast(c, behind); k < 3 {
				t.Errorf("%s: the contrast of %s and %s is %.1f to 1", s.name, hex(c), hex(behind), k)
			}
		}
		for _, o := range servers[:i] {
			if colours[o.name] == c && s.does&o.does&(short|messages|streams) != 0 {
				t.Errorf("%s and %s have the same colour, and may be in one drawing", s.name, o.name)
			}
		}
	}
}

func TestEven(t *testing.T) {
	for _, tt := range []struct{ most, want float64 }{
		{1, 0.2}, {1.9, 0.2}, {2, 0.5}, {4.9, 0.5}, {5, 1}, {9.9, 1}, {10, 2}, {16.8, 2}, {42, 5}, {160, 20},
	} {
		if got := even(tt.most); got != tt.want || tt.most/got < 4 || tt.most/got >= 10 {
			t.Errorf("even(%g) = %g, want %g", tt.most, got, tt.want)
		}
	}
}
