package dagcbor

import (
	"encoding/binary"
	"math"
)

// Link is what a value that is a link names: the bytes of a CID.
type Link []byte

// Limits of a value that may be anything.
type Limits struct{ Depth, Items int } // keys are items too

const (
	headNull     = 0xf6
	headFloat    = 0xfb
	majorNegInt  = 1
	majorOfFirst = 5 // bits to shift
)

// Value reads whatever comes next: uint64, int64, []byte, string, []any, map[string]any, Link, bool, nil or float64.
func (r *Reader) Value(limits Limits) any {
	items := limits.Items
	return r.value(limits.Depth, &items)
}

func (r *Reader) value(depth int, items *int) any {
	if len(r.rest) == 0 {
		r.take(1)
		return nil
	}
	major := r.rest[0] >> majorOfFirst
	isContainer := major == majorList || major == majorMap
	if *items--; *items < 0 || depth == 0 && isContainer {
		r.Fail("it is nested too deep, or has too many values")
		return nil
	}
	switch major {
	case majorUint:
		return r.Uint("a number")
	case majorNegInt:
		number := r.Head(majorNegInt, "a number")
		return -1 - int64(number&math.MaxInt64)
	case majorBytes:
		return r.Bytes("bytes")
	case majorText:
		return r.Text("a text")
	case majorList:
		list := []any{}
		for range r.List("a list", *items) {
			list = append(list, r.value(depth-1, items))
		}
		return list
	case majorMap:
		return r.mapValue(depth, items)
	case majorTag:
		return Link(r.Link("a link"))
	default:
		return r.simple()
	}
}

// mapValue reads a map whose keys ascend by length, then by their bytes.
func (r *Reader) mapValue(depth int, items *int) any {
	values, last := map[string]any{}, ""
	for i := range r.Head(majorMap, "a map") {
		key := r.Text("a key")
		*items--
		if r.Err == nil && i > 0 && (len(key) < len(last) || len(key) == len(last) && key <= last) {
			r.Fail("key %q stands behind %q", key, last)
		}
		if r.Err != nil {
			break
		}
		values[key] = r.value(depth-1, items)
		last = key
	}
	return values
}

func (r *Reader) simple() any {
	switch first := r.take(1)[0]; first {
	case headFalse, headTrue:
		return first == headTrue
	case headNull:
		return nil
	case headFloat:
		bits := r.take(8)
		if bits == nil {
			return nil
		}
		number := math.Float64frombits(binary.BigEndian.Uint64(bits))
		if math.IsNaN(number) || math.IsInf(number, 0) {
			r.Fail("a float that is no number")
		}
		return number
	default:
		r.Fail("%#x begins no value", first)
		return nil
	}
}
