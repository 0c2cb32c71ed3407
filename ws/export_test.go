package ws

// What the tests of this package see of its inside.

const (
	NumErrors  = numErrors
	NumStates  = numStates
	NumEvents  = numEvents
	AcceptGUID = acceptGUID
)

func MaskAligned(b []byte, k Key) Key { return maskAligned(b, k) }
func EncodeBase64(dst, src []byte)    { encodeBase64(dst, src) }
func IsKey(b []byte) bool             { return isKey(b) }

func SHA1(b []byte) [20]byte {
	var h sha1
	for _, c := range b {
		h.write(c)
	}
	return h.sum()
}
