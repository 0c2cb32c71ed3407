package coap

import "math/bits"

// Block1 and Block2 (RFC 7959), and BERT (RFC 8323 section 6).

// BERT is the SZX that stands for several blocks of 1024 bytes in one message,
// over reliable transports only (RFC 8323 section 6). Over UDP it is reserved,
// and an error of the request (RFC 7959 section 2.2).
const BERT = 7

// MaxBlock is the highest number that a block can have (RFC 7959 section 2.2).
const MaxBlock = 1<<20 - 1

// Block is the value of a Block1 or Block2 option (RFC 7959 section 2.2).
type Block struct {
	Num  uint32 // the number of the block, in units of Size, MaxBlock at most
	More bool   // more blocks follow
	SZX  uint8  // the size is 2^(SZX+4) bytes; 7 is BERT
}

// ParseBlock reads the value of a Block1 or Block2 option. It is an error if it
// is longer than three bytes.
func ParseBlock(value []byte) (Block, error) {
	v := uint32(0)
	switch len(value) {
	case 0:
	case 1:
		v = uint32(value[0])
	case 2:
		v = uint32(value[0])<<8 | uint32(value[1])
	case 3:
		v = uint32(value[0])<<16 | uint32(value[1])<<8 | uint32(value[2])
	default:
		return Block{}, ErrBlock
	}
	return Block{v >> 4, v&8 != 0, uint8(v & 7)}, nil
}

// Uint is the value of the option, for AppendUintOption. Of a number above
// MaxBlock the upper bits are lost.
func (b Block) Uint() uint32 {
	v := b.Num&MaxBlock<<4 | uint32(b.SZX&7)
	if b.More {
		v |= 8
	}
	return v
}

// Size is the size of the block in bytes, 16 to 1024; with BERT 1024, a
// multiple of which is in the message.
func (b Block) Size() int { return 16 << min(b.SZX&7, 6) }

// Offset is where the block begins in the whole, in bytes.
func (b Block) Offset() uint64 { return uint64(b.Num) << (4 + min(b.SZX&7, 6)) }

// SZXOf is the SZX, 0 to 6, of the largest block that is no longer than size
// bytes; 0, which is 16 bytes, if none is.
func SZXOf(size int) uint8 {
	return uint8(bits.Len32(uint32(min(max(size, 16), 1024))) - 5)
}
