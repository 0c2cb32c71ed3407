package json_test

import (
	"fmt"

	"github.com/bobtail-go/bobtail/json"
)

func ExampleWriter() {
	buf := make([]byte, 100)

	var j json.Writer
	j.Reset(buf[:0], nil)
	j.Object()
	j.Name("temperature")
	j.Float(21.5)
	j.Name("on")
	j.Bool(true)
	j.EndObject()
	b, err := j.Bytes()

	fmt.Printf("%s %v\n", b, err)
	// Output: {"temperature":21.5,"on":true} <nil>
}
