package main

import (
	"math"
	"slices"
)

// spread is the middle and the ends of some figures.
type spread struct {
	Median, Min, Max float64
}

// spreadOf is NaN throughout where there are no figures.
func spreadOf(x []float64) spread {
	if len(x) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	return spread{median(x), slices.Min(x), slices.Max(x)}
}

// none reports whether the spread is of no figures.
func (s spread) none() bool { return math.IsNaN(s.Median) }

// median is the middle one of the figures, or the mean of the middle two. It
// leaves their order as it is.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(x))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// ratios are those of the figures to the ones of the same round. What slowed a
// round slowed both, so that the ratios vary less than the figures.
func ratios(x, base map[int]float64) []float64 {
	var r []float64
	for round, v := range x {
		if b := base[round]; b > 0 {
			r = append(r, v/b)
		}
	}
	return r
}

// rotated is the order of a round: each begins one further than the last, so
// that none is always the first or the last.
func rotated[T any](x []T, round int) []T {
	if len(x) == 0 {
		return nil
	}
	k := round % len(x)
	return slices.Concat(x[k:], x[:k])
}
