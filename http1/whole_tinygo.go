//go:build tinygo

package http1

// Small programs leave every line to the states, and every answer to its steps.

const small = true

func (p *Parser) wholeRequestLine(_ *Head, _ []byte, i int) int { return i }
func (p *Parser) wholeFieldLines(_ *Head, _ []byte, i int) int  { return i }

// Repeat is for other compilers.
type Repeat struct{}

// Forget does nothing.
func (r *Repeat) Forget() {}

// Same reports false.
func (r *Repeat) Same() bool { return false }

// ParseNext is Reset and Parse.
func (p *Parser) ParseNext(h *Head, _ *Repeat, b []byte) (done bool, err error) {
	h.Reset()
	return p.Parse(h, b)
}
