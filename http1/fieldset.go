package http1

type fieldID uint8

// FieldSet is a set of names of fields to keep.
type FieldSet struct {
	known uint64
	all   bool
	n     uint8
	other [16]string
}

// DefaultFields is the default set.
func DefaultFields() FieldSet { return FieldSet{} }

// AllFields keeps every field.
func AllFields() FieldSet { return FieldSet{all: true} }

// Add adds names to the set.
func (s *FieldSet) Add(names ...string) error { panic("not yet") }

func equalFold(b []byte, s string) bool { panic("not yet") }
