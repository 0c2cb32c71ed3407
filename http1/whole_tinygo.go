//go:build tinygo

package http1

// Small programs leave every line to the states, and every answer to its steps.

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

// Ending is for other compilers.
type Ending struct{}

// Set reports false.
func (e *Ending) Set(_ []byte) bool { return false }

// AppendRest leaves the response as it is.
func (r *Response) AppendRest(dst []byte, _ *Ending, _ ...string) (rest []byte, ok bool) {
	return dst, false
}

func appendType(dst, _ []byte) (line []byte, ok bool) { return dst, false }
