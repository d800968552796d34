package content

import "github.com/ipfs/go-cid"

// cborWriter appends strict DAG-CBOR.
type cborWriter struct{ block []byte }

func (w *cborWriter) head(major byte, value uint64) {
	first := major << 5
	switch {
	case value < 24:
		w.block = append(w.block, first|byte(value))
	case value < 1<<8:
		w.number(first|24, value, 1)
	case value < 1<<16:
		w.number(first|25, value, 2)
	case value < 1<<32:
		w.number(first|26, value, 4)
	default:
		w.number(first|27, value, 8)
	}
}

func (w *cborWriter) number(first byte, value uint64, size int) {
	w.block = append(w.block, first)
	for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
		w.block = append(w.block, byte(value>>shift))
	}
}

func (w *cborWriter) uint(value uint64) { w.head(majorUint, value) }
func (w *cborWriter) list(count int)    { w.head(majorList, uint64(count)) }
func (w *cborWriter) fields(count int)  { w.head(majorMap, uint64(count)) }

func (w *cborWriter) text(text string) {
	w.head(majorText, uint64(len(text)))
	w.block = append(w.block, text...)
}

func (w *cborWriter) bytes(data []byte) {
	w.head(majorBytes, uint64(len(data)))
	w.block = append(w.block, data...)
}

func (w *cborWriter) bool(value bool) {
	if value {
		w.block = append(w.block, headTrue)
	} else {
		w.block = append(w.block, headFalse)
	}
}

func (w *cborWriter) link(id cid.Cid) {
	w.head(majorTag, tagLink)
	w.bytes(append([]byte{0}, id.Bytes()...))
}

func (w *cborWriter) paths(paths []Path) {
	w.list(len(paths))
	for _, path := range paths {
		w.path(path)
	}
}

func (w *cborWriter) path(path Path) {
	w.list(len(path))
	for _, component := range path {
		w.text(component)
	}
}
