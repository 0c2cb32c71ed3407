package main

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		name string
		x    []float64
		want float64
	}{
		{"one", []float64{3}, 3},
		{"odd number, not in order", []float64{9, 1, 5}, 5},
		{"even number is the mean of the middle two", []float64{4, 1, 2, 100}, 3},
		{"outlier does not count", []float64{1, 1, 1, 1, 1e9}, 1},
	} {
		before := slices.Clone(tt.x)
		if got := median(tt.x); got != tt.want {
			t.Errorf("%s: median(%v) = %v, want %v", tt.name, tt.x, got, tt.want)
		}
		if !slices.Equal(tt.x, before) {
			t.Errorf("%s: median changed its argument to %v", tt.name, tt.x)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v, want NaN", got)
	}
}

func TestSpread(t *testing.T) {
	if got, want := spreadOf([]float64{2, 8, 4}), (spread{4, 2, 8}); got != want {
		t.Errorf("spreadOf = %v, want %v", got, want)
	}
	for _, tt := range []struct {
		s    spread
		want string
	}{
		{spread{1.234, 1, 2}, "1.23 (1.00..2.00)"},
		{spread{1, 1, 1}, "1.00"},
		{spreadOf(nil), "-"},
	} {
		if got := tt.s.text(2); got != tt.want {
			t.Errorf("%v.text(2) = %q, want %q", tt.s, got, tt.want)
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	// The second round was twice as slow for both: the ratio is the same.
	x := map[int]float64{0: 3, 1: 6, 2: 5}
	base := map[int]float64{0: 2, 1: 4}
	if got, want := ratios(x, base), []float64{1.5, 1.5}; !slices.Equal(got, want) {
		t.Errorf("ratios = %v, want %v", got, want)
	}
	if got := ratios(x, nil); len(got) != 0 {
		t.Errorf("ratios without a base = %v, want none", got)
	}
	if got := ratios(x, map[int]float64{0: 0}); len(got) != 0 {
		t.Errorf("ratios to zero = %v, want none", got)
	}
}

func TestRotated(t *testing.T) {
	x := []string{"a", "b", "c"}
	for round, want := range []string{"abc", "bca", "cab", "abc"} {
		got := ""
		for _, s := range rotated(x, round) {
			got += s
		}
		if got != want {
			t.Errorf("round %d: %s, want %s", round, got, want)
		}
	}
	if got := rotated([]string(nil), 5); len(got) != 0 {
		t.Errorf("rotated(nil) = %v", got)
	}
}
