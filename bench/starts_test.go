package main

import (
	"strconv"
	"strings"
	"testing"
)

func TestStarts(t *testing.T) {
	program := compiled(t, "servers", "floor")
	for _, tt := range []struct {
		name  string
		start starter
		want  string // of the error
	}{
		{"good", func(t task) ([]string, error) { return []string{program, "-p", strconv.Itoa(t.port)}, nil }, ""},
		{"it answers something else", func(t task) ([]string, error) {
			return []string{program, "-p", strconv.Itoa(t.port), "-f", "go.mod"}, nil
		}, "it answers 200"},
		{"it ends at once", func(task) ([]string, error) { return []string{"sh", "-c", "exit 1"}, nil }, "ended at once"},
		{"it is not there", func(task) ([]string, error) { return []string{"./no-such-program"}, nil }, "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var x sample
			err := measureStart(t.Context(), options{starts: 3}, built{start: tt.start}, task{}, &x)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want an error with %q", err, tt.want)
				}
				return
			}
			if err != nil || x.Starts != 3 || !(0 < x.CPU && x.CPU < x.MostStart) || !(0 < x.LeastStart && x.LeastStart <= x.Start && x.Start <= x.MostStart) {
				t.Errorf("%+v, %v", x, err)
			}
		})
	}
}
