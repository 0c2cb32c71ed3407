package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// chart is what one drawing shows.
type chart struct {
	File, Title  string
	X, Y         axis
	Series       []series // in the order of the tables, none of them empty
	Source, Desc string   // where the figures are from, and what they are
}

// axis is one of a chart.
type axis struct {
	Label string
	log   bool
	text  func(float64) string // of a value, at a tick
	ticks []float64            // 0 for those that fit
}

// series is one server, in the order of X.
type series struct {
	Server string
	Points plotter.XYs
}

// readResults reads what -json wrote.
func readResults(names []string) ([]*result, error) {
	var all []*result
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r := new(result)
		if err := json.Unmarshal(b, r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

var errNothingToPlot = errors.New("there is nothing to plot: no work of -work has curves")

// plotResults draws what there is in results, each drawing into a file of the
// folder. Samples of all results count as those of one.
func plotResults(dir string, results ...*result) error {
	charts := chartsOf(results...)
	if len(charts) == 0 {
		return errNothingToPlot
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, c := range charts {
		var b bytes.Buffer
		if err := c.draw(&b); err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		if err := os.WriteFile(filepath.Join(dir, c.File), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// chartsOf are the charts for which there are figures.
func chartsOf(results ...*result) []chart {
	var samples []sample
	var sources []string
	for _, r := range results {
		for _, x := range r.Samples {
			if x.Conns == 0 {
				x.Conns = r.Settings.Conns
			}
			samples = append(samples, x)
		}
		m := r.Machine
		// Without the date, which would make another drawing of the same figures.
		s := fmt.Sprintf("Linux %s, %d cores, %s, %s", m.Kernel, m.Cores, m.CPU, m.Go)
		if !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	conns := axis{Label: "connections", log: true, text: countText}
	all := []chart{{
		File: "cost.svg", Title: "CPU time per request",
		X: conns, Y: axis{Label: "user and system time of the server's process, µs", text: decimalText},
		Desc: "GET of 13 bytes, a request at a time on each connection, all of them busy",
		Series: seriesOf(samples, func(x sample) plotter.XYs {
			if kindOf(x.Work) != "plain" || x.Busy != 0 && x.Busy != x.Conns {
				return nil
			}
			return plotter.XYs{{X: float64(x.Conns), Y: x.CPU}}
		}),
	}}
	for _, idle := range []struct{ kind, file, title, after string }{
		{"parked", "memory.svg", "Memory of a parked connection", "a request each"},
		{"wsidle", "memory-ws.svg", "Memory of an idle WebSocket", "the echo of a message each"},
	} {
		all = append(all, chart{
			File: idle.file, Title: idle.title,
			X: conns, Y: axis{Label: "resident memory by which the process grew, per connection", log: true, text: bytesText},
			Desc: "idle connections after " + idle.after + "; memory of the kernel is not in it",
			Series: seriesOf(samples, func(x sample) plotter.XYs {
				if kindOf(x.Work) != idle.kind || x.Parked == 0 {
					return nil
				}
				// A growth of nothing, which a few connections may show, has no
				// logarithm.
				return plotter.XYs{{X: float64(x.Parked), Y: max(x.PerParked, 1)}}
			}),
		})
	}
	for _, paced := range []struct{ work, title string }{
		{latencyWork, "Latency at a fixed rate"},
		{sleepersWork, "Latency at a fixed rate, with handlers asleep"},
	} {
		all = append(all, chart{
			File: paced.work + ".svg", Title: paced.title,
			X:    axis{Label: "percentile", log: true, text: percentileText, ticks: percentiles},
			Y:    axis{Label: "from when a request was due until it was answered", log: true, text: microsText},
			Desc: "requests at a fixed rate, whatever the server does; what part of them was answered within which time",
			Series: seriesOf(samples, func(x sample) (p plotter.XYs) {
				if x.Work != paced.work {
					return nil
				}
				for _, q := range x.Curve {
					// The last of all is at no percentile of a logarithmic axis.
					if q.Part >= 0 && q.Part < 1 && q.Time > 0 {
						p = append(p, plotter.XY{X: 1 / (1 - q.Part), Y: q.Time})
					}
				}
				return p
			}),
		})
	}
	all = slices.DeleteFunc(all, func(c chart) bool { return len(c.Series) == 0 })
	for i := range all {
		all[i].Source = strings.Join(sources, "; ")
	}
	return all
}

// seriesOf are the lines that f makes of samples: where several samples of a
// server have the same X, the median.
func seriesOf(samples []sample, f func(sample) plotter.XYs) (lines []series) {
	for _, server := range serverNames() {
		at := make(map[float64][]float64)
		for _, x := range samples {
			if x.Server != server {
				continue
			}
			for _, p := range f(x) {
				at[p.X] = append(at[p.X], p.Y)
			}
		}
		l := series{Server: server}
		for x, ys := range at {
			l.Points = append(l.Points, plotter.XY{X: x, Y: median(ys)})
		}
		if len(l.Points) > 0 {
			slices.SortFunc(l.Points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
			lines = append(lines, l)
		}
	}
	return lines
}

// percentiles are 0, 50, 90, 99 and so on, where an axis has them that is
// logarithmic in what is left to 100.
var percentiles = []float64{1, 2, 10, 100, 1000, 10000, 100000}

func percentileText(x float64) string { return strconv.FormatFloat(100-100/x, 'g', 6, 64) + " %" }

func decimalText(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// countText is a number with k for thousands.
func countText(x float64) string {
	if x >= 1000 {
		return decimalText(x/1000) + "k"
	}
	return decimalText(x)
}

func bytesText(x float64) string {
	if x >= 1000 {
		return decimalText(x/1000) + " kB"
	}
	return decimalText(x) + " B"
}

func microsText(x float64) string {
	if x >= 1000 {
		return decimalText(x/1000) + " ms"
	}
	return decimalText(x) + " µs"
}

// The drawing, in points, which a browser takes for 4/3 pixels.
const (
	width       = 520
	height      = 300
	legendWidth = 92
	headHeight  = 40
	footHeight  = 14
)

// What is not a line of a server has colours for light, and, by the style
// below, for dark.
var (
	paper = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink   = color.RGBA{0x24, 0x29, 0x2f, 0xff}
	faint = color.RGBA{0xdd, 0xdd, 0xde, 0xff}
)

// Those of servers stand out from light and dark alike, and are the same in every
// drawing. Servers of which one serves HTTP and the other does not may share one.
var colours = map[string]color.RGBA{
	"floor":          {0x82, 0x82, 0x82, 0xff},
	"bobtail-epoll":  {0x1f, 0x7f, 0xe0, 0xff},
	"bobtail-uring":  {0xd6, 0x45, 0x50, 0xff},
	"bobtail-net":    {0xd9, 0x73, 0x0d, 0xff},
	"bobtail-memory": {0x5f, 0x6f, 0xd8, 0xff},
	"tiny":           {0x2e, 0x93, 0x57, 0xff},
	"gnet":           purple, "gws": purple, "libcoap": purple,
	"fasthttp": teal, "gobwas": teal, "gocoap": teal,
	"nethttp": pink, "gorilla": pink,
	"nginx": olive, "coder": olive,
	"nbio": {0xa0, 0x70, 0x58, 0xff},
}

var (
	purple = color.RGBA{0x94, 0x66, 0xd6, 0xff}
	teal   = color.RGBA{0x0c, 0x93, 0x9d, 0xff}
	pink   = color.RGBA{0xcf, 0x4b, 0x9a, 0xff}
	olive  = color.RGBA{0x9a, 0x80, 0x1e, 0xff}
)

// colourOf is the colour of a server; one that has none yet is drawn like text.
func colourOf(server string) color.RGBA {
	if c, ok := colours[server]; ok {
		return c
	}
	return ink
}

const darkStyle = `text{font-family:"Liberation Sans",Arial,Helvetica,sans-serif!important}` +
	`@media(prefers-color-scheme:dark){text{fill:#d5dae0!important}` +
	`[style*="fill:#FFFFFF"]{fill:#14181d!important}` +
	`[style*="stroke:#24292F"]{stroke:#98a0a8!important}` +
	`[style*="stroke:#DDDDDE"]{stroke:#343a41!important}}`

// sans is a font as wide as Arial, which stands in for it where it is not.
func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// draw writes the chart as SVG.
func (c chart) draw(w io.Writer) error {
	p := plot.New()
	p.BackgroundColor = paper
	for _, a := range []struct {
		of *plot.Axis
		is axis
	}{{&p.X, c.X}, {&p.Y, c.Y}} {
		a.of.Label.TextStyle.Font = sans(9)
		a.of.Tick.Label.Font = sans(8)
		for _, s := range []*color.Color{&a.of.Color, &a.of.Tick.Color, &a.of.Label.TextStyle.Color, &a.of.Tick.Label.Color} {
			*s = ink
		}
	}
	// Its labels would touch the ticks.
	inner := c.Y.text
	c.Y.text = func(y float64) string { return inner(y) + " " }
	// That of the other axis lies above it, where it can be read.
	p.X.Label.Text = c.X.Label
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)

	legend := plot.NewLegend()
	legend.Top = true
	legend.Left = true
	legend.ThumbnailWidth = 14
	legend.Padding = 3
	legend.TextStyle.Font = sans(9)
	legend.TextStyle.Color = ink
	// The legend has the series in the order in which they end.
	ordered := slices.Clone(c.Series)
	slices.SortStableFunc(ordered, func(a, b series) int {
		return cmp.Compare(b.Points[len(b.Points)-1].Y, a.Points[len(a.Points)-1].Y)
	})
	var xs []float64
	var thick, thin []plot.Plotter // the thick ones lie below, and hide none
	for _, l := range ordered {
		drawn, err := plotter.NewLine(l.Points)
		if err != nil {
			return err
		}
		drawn.Color = colourOf(l.Server)
		drawn.Width = 1.2
		to := &thin
		if strings.HasPrefix(l.Server, "bobtail") {
			drawn.Width = 2.4
			to = &thick
		}
		*to = append(*to, drawn)
		legend.Add(l.Server, drawn)
		for _, q := range l.Points {
			xs = append(xs, q.X)
		}
		if len(c.X.ticks) > 0 {
			continue
		}
		// These are figures that were measured, and no curve.
		dots, err := plotter.NewScatter(l.Points)
		if err != nil {
			return err
		}
		dots.Color, dots.Shape, dots.Radius = drawn.Color, draw.CircleGlyph{}, 2.2
		*to = append(*to, dots)
	}
	p.Add(thick...)
	p.Add(thin...)
	ticks := c.X.ticks
	if len(ticks) == 0 {
		slices.Sort(xs)
		ticks = slices.Compact(xs)
	}
	c.X.scale(&p.X, ticks)
	c.Y.scale(&p.Y, nil)

	page := vgsvg.New(width, height)
	canvas := draw.New(page)
	canvas.FillPolygon(paper, []vg.Point{{}, {X: width}, {X: width, Y: height}, {Y: height}})
	p.Draw(draw.Crop(canvas, 8, -legendWidth, footHeight, -headHeight))
	legend.Draw(draw.Crop(canvas, width-legendWidth+6, 0, 0, -headHeight))
	words := p.X.Tick.Label
	words.XAlign, words.YAlign = draw.XLeft, draw.YBottom
	for _, t := range []struct {
		size, y vg.Length
		text    string
	}{{12, height - 18, c.Title}, {9, height - 31, c.Y.Label}, {6.5, 4, c.Source}} {
		words.Font = sans(t.size)
		canvas.FillText(words, vg.Point{X: 8, Y: t.y}, t.text)
	}

	var b bytes.Buffer
	if _, err := page.WriteTo(&b); err != nil {
		return err
	}
	// The library knows nothing of styles, titles and descriptions.
	head, body, ok := strings.Cut(b.String(), "<g transform")
	if !ok {
		return errors.New("the drawing does not begin as it should")
	}
	_, err := fmt.Fprintf(w, "%s<title>%s</title>\n<desc>%s</desc>\n<style>%s</style>\n<g transform%s",
		head, html.EscapeString(c.Title), html.EscapeString(c.Desc+". "+c.Source), darkStyle, body)
	return err
}

// scale sets the ends and the ticks of an axis, whose values the library has
// seen. Without ticks they are made.
func (a axis) scale(to *plot.Axis, at []float64) {
	if !a.log {
		to.Min, to.Max = 0, max(1.05*to.Max, 1)
		var ticks plot.ConstantTicks
		step := even(to.Max)
		for x := 0.0; x <= to.Max; x += step {
			ticks = append(ticks, plot.Tick{Value: x, Label: a.text(x)})
		}
		to.Tick.Marker = ticks
		return
	}
	to.Scale = plot.LogScale{}
	switch {
	case len(a.ticks) > 0:
		to.Min = 1
	case len(at) > 0:
		to.Min, to.Max = to.Min/1.15, to.Max*1.15
	default:
		at = decades(to.Min, to.Max)
		if wide(to.Min, to.Max) {
			to.Min, to.Max = to.Min/1.15, to.Max*1.15
		} else {
			to.Min, to.Max = min(to.Min, at[0]), max(to.Max, at[len(at)-1])
		}
	}
	var ticks plot.ConstantTicks
	last, whole := math.Inf(-1), math.Log(to.Max/to.Min)
	for _, x := range at {
		if x < to.Min*0.999 || x > to.Max*1.001 {
			continue
		}
		t := plot.Tick{Value: x}
		// Labels closer than this stand in each other.
		if math.Log(x)-last >= 0.045*whole {
			t.Label = a.text(x)
			last = math.Log(x)
		}
		ticks = append(ticks, t)
	}
	to.Tick.Marker = ticks
}

// even is a round step that goes into most at least four times and fewer than ten.
func even(most float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(most)))
	switch {
	case most >= 5*step:
		return step
	case most >= 2*step:
		return step / 2
	}
	return step / 5
}

// decades are round values from least or below to most or above, two at least: one,
// two and five of each decade, or, over more than two decades, one alone.
func decades(least, most float64) (at []float64) {
	steps := []float64{1, 2, 5}
	if wide(least, most) {
		steps = steps[:1]
	}
	for e := math.Floor(math.Log10(least)); ; e++ {
		for _, s := range steps {
			x := s * math.Pow(10, e)
			if x <= least {
				at = at[:0]
			}
			if at = append(at, x); x >= most && len(at) > 1 {
				return at
			}
		}
	}
}

// wide reports whether an axis has at least two powers of ten between its ends.
func wide(least, most float64) bool { return most/least > 100 }
