// Package dagcbor reads and writes DAG-CBOR in its strict form: MANIFEST.md, section 6.
package dagcbor

import (
	"errors"
	"fmt"
	"unicode/utf8"
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

// NewReader reads a block.
func NewReader(block []byte) *Reader { return &Reader{rest: block} }

var errShort = errors.New("the block is cut short")

// Reader reads strict DAG-CBOR item by item, as the caller knows what must come. It never recurses
// and never allocates by a claim. The first error stays; everything read after it is a zero value.
type Reader struct {
	rest []byte
	Err  error
}

// Fail keeps the first error, and reads nothing more.
func (r *Reader) Fail(format string, args ...any) {
	if r.Err == nil {
		r.Err = fmt.Errorf(format, args...)
	}
	r.rest = nil
}

func (r *Reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		if r.Err == nil {
			r.Err = errShort
		}
		r.rest = nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// Head reads the argument of an item that must have this major type, in its shortest form.
func (r *Reader) Head(major byte, what string) uint64 {
	first := r.take(1)
	if first == nil {
		return 0
	}
	if first[0]>>5 != major {
		r.Fail("%s has the wrong type (%#x)", what, first[0])
		return 0
	}
	info := first[0] & 0x1f
	if info < 24 {
		return uint64(info)
	}
	if info > 27 {
		r.Fail("%s has an indefinite or reserved length", what)
		return 0
	}
	size := uint64(1) << (info - 24)
	var value uint64
	for _, b := range r.take(size) {
		value = value<<8 | uint64(b)
	}
	least := map[uint64]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size]
	if r.Err == nil && value < least {
		r.Fail("%s is not in its shortest form", what)
	}
	return value
}

// Uint reads a number; so with the others of these names.
func (r *Reader) Uint(what string) uint64 { return r.Head(majorUint, what) }

func (r *Reader) Bytes(what string) []byte { return r.take(r.Head(majorBytes, what)) }

func (r *Reader) Text(what string) string {
	data := r.take(r.Head(majorText, what))
	if !utf8.Valid(data) {
		r.Fail("%s is not UTF-8", what)
		return ""
	}
	return string(data)
}

func (r *Reader) Bool(what string) bool {
	first := r.take(1)
	if first != nil && first[0] != headTrue && first[0] != headFalse {
		r.Fail("%s is neither true nor false", what)
		return false
	}
	return first != nil && first[0] == headTrue
}

// List reads the number of a list's items; one byte an item is the least there can be.
func (r *Reader) List(what string, most int) int {
	count := r.Head(majorList, what)
	if count > uint64(most) {
		r.Fail("%s has more than %d items", what, most)
	} else if count > uint64(len(r.rest)) {
		r.Fail("%s claims more items than there are bytes", what)
	}
	if r.Err != nil {
		return 0
	}
	return int(count)
}

// Map reads the head of a map: how many keys it has.
func (r *Reader) Map(what string) uint64 { return r.Head(majorMap, what) }

// Fields reads the head of a map that must have so many keys.
func (r *Reader) Fields(what string, count uint64) {
	if got := r.Map(what); r.Err == nil && got != count {
		r.Fail("%s has %d keys instead of %d", what, got, count)
	}
}

// Key reads the next key of a map, which can be no other.
func (r *Reader) Key(name string) {
	if got := r.Text("a key"); r.Err == nil && got != name {
		r.Fail("key %q where %q must be", got, name)
	}
}

// Link reads a link: the bytes of a CID, which are the caller's to judge.
func (r *Reader) Link(what string) []byte {
	if tag := r.Head(majorTag, what); r.Err == nil && tag != tagLink {
		r.Fail("%s has tag %d", what, tag)
	}
	data := r.Bytes(what)
	if r.Err == nil && (len(data) == 0 || data[0] != 0) {
		r.Fail("%s does not begin with 00", what)
	}
	if r.Err != nil {
		return nil
	}
	return data[1:]
}

// End fails if anything follows.
func (r *Reader) End(what string) {
	if r.Err == nil && len(r.rest) != 0 {
		r.Fail("%d bytes follow %s", len(r.rest), what)
	}
}
