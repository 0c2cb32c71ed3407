package ws

// What the tests of this package see of its inside.

const (
	NumErrors  = numErrors
	NumStates  = numStates
	NumEvents  = numEvents
	AcceptGUID = acceptGUID

	LeastBlocks = leastBlocks
)

func EncodeBase64(dst, src []byte) { encodeBase64(dst, src) }
func IsKey(b []byte) bool          { return isKey(b) }

func SHA1(b []byte) [20]byte {
	var h sha1
	for _, c := range b {
		h.write(c)
	}
	return h.sum()
}

// Settled is the Decoder without what it has no use for between two messages, and
// which says how the last one came.
func (d *Decoder) Settled() Decoder {
	if d.op != 0 {
		return *d
	}
	return Decoder{flags: d.flags & (flagFrame | flagExtension), text: d.text}
}

// MaskAligned is Mask of other processors.
func MaskAligned(b []byte, k Key) Key { return maskAligned(b, k) }

// MaskShort is maskShort, which panics if what it says is not so.
func MaskShort(b []byte, k Key) Key {
	next, ascii := maskShort(b, k)
	for _, c := range b {
		if c >= 0x80 {
			if ascii {
				panic("maskShort does not see what is not ASCII")
			}
			return next
		}
	}
	if !ascii {
		panic("maskShort does not see what is ASCII")
	}
	return next
}
