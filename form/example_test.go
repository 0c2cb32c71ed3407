package form_test

import (
	"fmt"

	"github.com/bobtail-go/bobtail/form"
)

func ExampleQuery() {
	buf := make([]byte, 100)

	q := form.NewQuery([]byte("page=2&sort=up&page=%33+1"))
	for q.Next() {
		if q.NameIs("page") {
			page, err := q.Value(buf)
			fmt.Printf("%s %v\n", page, err)
		}
	}
	// Output:
	// 2 <nil>
	// 3 1 <nil>
}

func ExampleParse() {
	content := []byte("user=%C3%A9va&note=a+b%26c")
	v, err := form.Parse(content)
	fmt.Printf("%s, %s, %v, %v\n", v.Get("user"), v.Get("note"), v.Has("more"), err)
	// Output: éva, a b&c, false, <nil>
}

func ExampleMultipart() {
	var m form.Multipart
	err := m.Init([]byte("multipart/form-data; boundary=b"), make([]byte, form.MinMemory), form.Limits{Parts: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The bytes come as the network has cut them.
	for _, piece := range []string{
		"--b\r\nContent-Disposition: form-data; name=\"file\"; file",
		"name=\"a.txt\"\r\n\r\nfirst ",
		"and last\r\n--b",
		"--\r\n",
	} {
		for b := []byte(piece); len(b) > 0; {
			event, data, n, err := m.Next(b)
			if err != nil {
				fmt.Println(err) // with a Status to answer
				return
			}
			b = b[n:]
			switch event {
			case form.EventPart:
				fmt.Printf("%s, of %s:\n", m.Name(), m.Filename())
			case form.EventData:
				fmt.Printf("%q\n", data)
			case form.EventPartEnd:
				fmt.Println("complete")
			}
		}
	}
	fmt.Println(m.Finish())
	// Output:
	// file, of a.txt:
	// "first "
	// "and last"
	// complete
	// <nil>
}
