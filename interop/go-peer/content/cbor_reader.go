package content

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
)

// CBOR's major types, and the heads that have no argument.
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorList  = 4
	majorMap   = 5
	majorTag   = 6

	headFalse = 0xf4
	headTrue  = 0xf5
	tagLink   = 42
)

var errShort = errors.New("the block is cut short")

// cborReader reads strict DAG-CBOR (section 6) item by item, as the caller knows what must come. It never recurses
// and never allocates by a claim. The first error stays; everything read after it is a zero value.
type cborReader struct {
	rest []byte
	err  error
}

func (r *cborReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.rest = nil
}

func (r *cborReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		if r.err == nil {
			r.err = errShort
		}
		r.rest = nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// head reads the argument of an item that must have this major type, in its shortest form.
func (r *cborReader) head(major byte, what string) uint64 {
	first := r.take(1)
	if first == nil {
		return 0
	}
	if first[0]>>5 != major {
		r.fail("%s has the wrong type (%#x)", what, first[0])
		return 0
	}
	info := first[0] & 0x1f
	if info < 24 {
		return uint64(info)
	}
	if info > 27 {
		r.fail("%s has an indefinite or reserved length", what)
		return 0
	}
	size := uint64(1) << (info - 24)
	var value uint64
	for _, b := range r.take(size) {
		value = value<<8 | uint64(b)
	}
	least := map[uint64]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size]
	if r.err == nil && value < least {
		r.fail("%s is not in its shortest form", what)
	}
	return value
}

func (r *cborReader) uint(what string) uint64 { return r.head(majorUint, what) }

func (r *cborReader) bytes(what string) []byte { return r.take(r.head(majorBytes, what)) }

func (r *cborReader) text(what string) string {
	data := r.take(r.head(majorText, what))
	if !utf8.Valid(data) {
		r.fail("%s is not UTF-8", what)
		return ""
	}
	return string(data)
}

func (r *cborReader) bool(what string) bool {
	first := r.take(1)
	if first != nil && first[0] != headTrue && first[0] != headFalse {
		r.fail("%s is neither true nor false", what)
		return false
	}
	return first != nil && first[0] == headTrue
}

// list reads the number of a list's items; one byte an item is the least there can be.
func (r *cborReader) list(what string, most int) int {
	count := r.head(majorList, what)
	if count > uint64(most) {
		r.fail("%s has more than %d items", what, most)
	} else if count > uint64(len(r.rest)) {
		r.fail("%s claims more items than there are bytes", what)
	}
	if r.err != nil {
		return 0
	}
	return int(count)
}

// fields reads the head of a map that must have so many keys.
func (r *cborReader) fields(what string, count uint64) {
	if got := r.head(majorMap, what); r.err == nil && got != count {
		r.fail("%s has %d keys instead of %d", what, got, count)
	}
}

// key reads the next key of a map, which can be no other.
func (r *cborReader) key(name string) {
	if got := r.text("a key"); r.err == nil && got != name {
		r.fail("key %q where %q must be", got, name)
	}
}

func (r *cborReader) link(what string) cid.Cid {
	if tag := r.head(majorTag, what); r.err == nil && tag != tagLink {
		r.fail("%s has tag %d", what, tag)
	}
	data := r.bytes(what)
	if r.err != nil {
		return cid.Undef
	}
	if len(data) == 0 || data[0] != 0 {
		r.fail("%s does not begin with 00", what)
		return cid.Undef
	}
	id, err := ReadCID(data[1:])
	if err != nil {
		r.fail("%s: %w", what, err)
	}
	return id
}
