// Package frames reads and writes payloads behind their length as an unsigned varint.
package frames

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/multiformats/go-varint"
)

// ErrBad is said of a length that nobody may send.
var ErrBad = errors.New("a bad frame")

// Read is the next payload, of 1 to most bytes. It returns io.EOF between frames only.
func Read(source *bufio.Reader, most uint64) ([]byte, error) {
	length, err := varint.ReadUvarint(source)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBad, err)
	case length == 0 || length > most:
		return nil, fmt.Errorf("%w: %d bytes", ErrBad, length)
	}
	payload, err := io.ReadAll(io.LimitReader(source, int64(length)))
	if err == nil && uint64(len(payload)) < length {
		err = io.ErrUnexpectedEOF
	}
	return payload, err
}

// Append puts a payload behind its length.
func Append(buffer, payload []byte) []byte {
	return append(binary.AppendUvarint(buffer, uint64(len(payload))), payload...)
}
