package frames

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/multiformats/go-varint"
)

var errCutShort = errors.New("the message is cut short")

// Fields reads a payload's fields in order. The first error stays; whatever is read after it is a zero value.
type Fields struct {
	Rest []byte
	Err  error
}

// Fail keeps the first error.
func (f *Fields) Fail(err error) {
	if f.Err == nil {
		f.Err = err
	}
	f.Rest = nil
}

// Uvarint reads a number below 2^63 in its shortest form.
func (f *Fields) Uvarint() uint64 {
	if f.Err != nil {
		return 0
	}
	value, size, err := varint.FromUvarint(f.Rest)
	if err != nil {
		f.Fail(fmt.Errorf("a number: %w", err))
		return 0
	}
	f.Rest = f.Rest[size:]
	return value
}

// Bytes reads bytes behind their length.
func (f *Fields) Bytes(most uint64, what string) []byte {
	size := f.Uvarint()
	if f.Err == nil && size > most {
		f.Fail(fmt.Errorf("%s has %d bytes, more than %d", what, size, most))
	}
	if f.Err == nil && size > uint64(len(f.Rest)) {
		f.Fail(errCutShort)
	}
	if f.Err != nil {
		return nil
	}
	data := f.Rest[:size]
	f.Rest = f.Rest[size:]
	return data
}

// Text reads UTF-8 behind its length.
func (f *Fields) Text(most uint64, what string) string {
	return f.utf8(f.Bytes(most, what), what)
}

// RestOfText reads UTF-8 to the end.
func (f *Fields) RestOfText(most int, what string) string {
	data := f.RestOfBytes()
	if len(data) > most {
		f.Fail(fmt.Errorf("%s has %d bytes, more than %d", what, len(data), most))
	}
	return f.utf8(data, what)
}

func (f *Fields) utf8(data []byte, what string) string {
	if !utf8.Valid(data) {
		f.Fail(fmt.Errorf("%s is not UTF-8", what))
	}
	return string(data)
}

// RestOfBytes reads to the end.
func (f *Fields) RestOfBytes() []byte {
	data := f.Rest
	f.Rest = nil
	return data
}

// End fails if anything follows the last field.
func (f *Fields) End() {
	if len(f.Rest) > 0 {
		f.Fail(fmt.Errorf("%d bytes follow the last field", len(f.Rest)))
	}
}

// AppendNumbers appends the numbers as uvarints.
func AppendNumbers(body []byte, numbers ...uint64) []byte {
	for _, number := range numbers {
		body = binary.AppendUvarint(body, number)
	}
	return body
}

// AppendBytes appends bytes behind their length.
func AppendBytes(body, data []byte) []byte {
	return append(AppendNumbers(body, uint64(len(data))), data...)
}
