package dagcbor

// Writer appends strict DAG-CBOR.
type Writer struct{ Block []byte }

// Head appends an item's head.
func (w *Writer) Head(major byte, value uint64) {
	first := major << 5
	switch {
	case value < 24:
		w.Block = append(w.Block, first|byte(value))
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

func (w *Writer) number(first byte, value uint64, size int) {
	w.Block = append(w.Block, first)
	for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
		w.Block = append(w.Block, byte(value>>shift))
	}
}

// Uint appends a number; so with the others of these names.
func (w *Writer) Uint(value uint64) { w.Head(majorUint, value) }
func (w *Writer) List(count int)    { w.Head(majorList, uint64(count)) }
func (w *Writer) Fields(count int)  { w.Head(majorMap, uint64(count)) }

func (w *Writer) Text(text string) {
	w.Head(majorText, uint64(len(text)))
	w.Block = append(w.Block, text...)
}

func (w *Writer) Bytes(data []byte) {
	w.Head(majorBytes, uint64(len(data)))
	w.Block = append(w.Block, data...)
}

func (w *Writer) Bool(value bool) {
	if value {
		w.Block = append(w.Block, headTrue)
	} else {
		w.Block = append(w.Block, headFalse)
	}
}

// Link appends a link to a CID, given by its bytes.
func (w *Writer) Link(id []byte) {
	w.Head(majorTag, tagLink)
	w.Bytes(append([]byte{0}, id...))
}
