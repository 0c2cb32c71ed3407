package http1

// Compact moves what is kept to the front of b.
func (h *Head) Compact(b []byte) int { panic("not yet") }

// Overflow is the error when Compact leaves no room.
func (h *Head) Overflow() Error { panic("not yet") }

// SavedSize is the number of bytes that Save writes.
func (h *Head) SavedSize() int { panic("not yet") }

// Save writes h.
func (h *Head) Save(dst []byte) int { panic("not yet") }

// Load reads h.
func (h *Head) Load(src []byte) int { panic("not yet") }
