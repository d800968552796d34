package exchange

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// ErrProtocol is the other side's fault: it broke a rule of the page.
var ErrProtocol = errors.New("protocol error")

// firstBuffer is how much is allocated at first: a length is a claim until its bytes are there.
const firstBuffer = 16 << 10

// FrameReader reads the frames of one direction of a stream.
type FrameReader struct {
	source *bufio.Reader
	buffer []byte // of the latest payload; grows as bytes arrive and is used again
}

// NewFrameReader reads frames from a stream.
func NewFrameReader(source io.Reader) *FrameReader {
	return &FrameReader{bufio.NewReaderSize(source, firstBuffer), make([]byte, firstBuffer)}
}

// Next is the next payload, valid until the next call. It returns io.EOF at the end of the stream between frames,
// io.ErrUnexpectedEOF inside one, and ErrProtocol for a length that nobody may send.
func (r *FrameReader) Next() ([]byte, error) {
	length, err := r.length()
	if err != nil {
		return nil, err
	}
	for filled := 0; filled < length; {
		if filled == len(r.buffer) {
			r.buffer = append(r.buffer, make([]byte, len(r.buffer))...)
		}
		n, err := io.ReadFull(r.source, r.buffer[filled:min(length, len(r.buffer))])
		filled += n
		if err != nil {
			return nil, unexpected(err)
		}
	}
	return r.buffer[:length], nil
}

func (r *FrameReader) length() (int, error) {
	length := 0
	for shift := 0; ; shift += 7 {
		b, err := r.source.ReadByte()
		if err != nil {
			if shift > 0 {
				err = unexpected(err)
			}
			return 0, err
		}
		length |= int(b&0x7f) << shift
		if length > MaxPayload {
			return 0, fmt.Errorf("%w: a frame of more than %d bytes", ErrProtocol, MaxPayload)
		}
		if b < 0x80 {
			if length == 0 || shift > 0 && b == 0 {
				return 0, fmt.Errorf("%w: an empty frame, or a length not in its shortest form", ErrProtocol)
			}
			return length, nil
		}
		if shift == 21 {
			return 0, fmt.Errorf("%w: a length of more than four bytes", ErrProtocol)
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
