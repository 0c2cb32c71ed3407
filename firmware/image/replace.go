package image

import (
	"fmt"
	"os"
	"strings"
)

// Replace puts a text between the lines <!-- NAME --> and <!-- /NAME --> of a
// file.
func Replace(file, name, text string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := Between(string(b), name)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	s := strings.Replace(string(b), begin+old+end, begin+text+end, 1)
	return os.WriteFile(file, []byte(s), 0o644)
}

// Between is the text between the lines <!-- NAME --> and <!-- /NAME -->.
func Between(s, name string) (string, error) {
	_, rest, ok := strings.Cut(s, "<!-- "+name+" -->\n")
	text, _, end := strings.Cut(rest, "<!-- /"+name+" -->\n")
	if !ok || !end {
		return "", fmt.Errorf("there are no lines <!-- %s --> and <!-- /%s -->", name, name)
	}
	return text, nil
}
