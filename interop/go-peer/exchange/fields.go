package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/multiformats/go-varint"
)

var errCutShort = errors.New("the message is cut short")

// fields reads a payload's fields in order. The first error stays; whatever is read after it is a zero value.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
	f.rest = nil
}

// uvarint reads a number below 2^63 in its shortest form.
func (f *fields) uvarint() uint64 {
	if f.err != nil {
		return 0
	}
	value, size, err := varint.FromUvarint(f.rest)
	if err != nil {
		f.fail(fmt.Errorf("a number: %w", err))
		return 0
	}
	f.rest = f.rest[size:]
	return value
}

func (f *fields) bytes(most uint64, what string) []byte {
	size := f.uvarint()
	if f.err == nil && size > most {
		f.fail(fmt.Errorf("%s has %d bytes, more than %d", what, size, most))
	}
	if f.err == nil && size > uint64(len(f.rest)) {
		f.fail(errCutShort)
	}
	if f.err != nil {
		return nil
	}
	data := f.rest[:size]
	f.rest = f.rest[size:]
	return data
}

func (f *fields) text(most uint64, what string) string {
	return f.utf8(f.bytes(most, what), what)
}

func (f *fields) restOfText(most int, what string) string {
	data := f.restOfBytes()
	if len(data) > most {
		f.fail(fmt.Errorf("%s has %d bytes, more than %d", what, len(data), most))
	}
	return f.utf8(data, what)
}

func (f *fields) utf8(data []byte, what string) string {
	if !utf8.Valid(data) {
		f.fail(fmt.Errorf("%s is not UTF-8", what))
	}
	return string(data)
}

func (f *fields) restOfBytes() []byte {
	data := f.rest
	f.rest = nil
	return data
}

// end fails if anything follows the last field.
func (f *fields) end() {
	if len(f.rest) > 0 {
		f.fail(fmt.Errorf("%d bytes follow the last field", len(f.rest)))
	}
}

// appendNumbers appends the numbers as uvarints.
func appendNumbers(body []byte, numbers ...uint64) []byte {
	for _, number := range numbers {
		body = binary.AppendUvarint(body, number)
	}
	return body
}

func appendBytes(body, data []byte) []byte {
	return append(appendNumbers(body, uint64(len(data))), data...)
}
