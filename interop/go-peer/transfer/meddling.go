package transfer

import (
	"maps"
	"os"
	"slices"

	"shoal.example/go-peer/exchange"
)

// Then is what happens after a frame has been written.
type Then int

// A misbehaving peer goes on, ends its direction of the stream, resets the stream, or ends as a process.
const (
	GoOn Then = iota
	EndStream
	ResetStream
	Exit
)

// exitCode is of a process that was told to die.
const exitCode = 9

// diesAfter is how many bulk messages are sent before the modes that break off: it is in the middle of a file then.
const diesAfter = 6

// A meddler says what is written instead of a frame. Bulk counts the DATAs and REQUESTs so far, this one included.
type meddler func(message exchange.Message, frame []byte, bulk int) ([]byte, Then)

// Misbehaviours have what a peer may do wrong, or may do though few do it; each changes what is written only.
var misbehaviours = map[string]meddler{
	"": func(_ exchange.Message, frame []byte, _ int) ([]byte, Then) { return frame, GoOn },
	"wrong-data": func(message exchange.Message, frame []byte, _ int) ([]byte, Then) {
		return flipped(message, frame, exchange.TypeData), GoOn
	},
	"wrong-manifest": func(message exchange.Message, frame []byte, _ int) ([]byte, Then) {
		return flipped(message, frame, exchange.TypeMeta), GoOn
	},
	"truncated": func(message exchange.Message, frame []byte, bulk int) ([]byte, Then) {
		if isBulk(message) && bulk == 1 {
			return frame[:len(frame)/2+1], EndStream
		}
		return frame, GoOn
	},
	"unknown-type":     afterHello([]byte{1, 0x7f}),
	"unknown-optional": afterHello([]byte{5, 0xf0, 'm', 'o', 'r', 'e'}),
	"two-hellos": func(message exchange.Message, frame []byte, _ int) ([]byte, Then) {
		if message.Type() == exchange.TypeHello {
			return slices.Concat(frame, frame), GoOn
		}
		return frame, GoOn
	},
	"newer-version": func(message exchange.Message, frame []byte, _ int) ([]byte, Then) {
		return helloOf(message, frame, exchange.Version+1, []byte("what version 2 adds")), GoOn
	},
	"version-0": func(message exchange.Message, frame []byte, _ int) ([]byte, Then) {
		return helloOf(message, frame, 0, nil), GoOn
	},
	"huge-length": func(message exchange.Message, frame []byte, bulk int) ([]byte, Then) {
		if isBulk(message) && bulk == 1 {
			return append([]byte{0xff, 0xff, 0xff, 0x7f}, frame...), GoOn
		}
		return frame, GoOn
	},
	"unasked-data": func(message exchange.Message, frame []byte, bulk int) ([]byte, Then) {
		if isBulk(message) && bulk == 1 {
			return slices.Concat(frame, exchange.Encode(exchange.Data{Chunk: 0, Offset: 1, Data: []byte("!")})), GoOn
		}
		return frame, GoOn
	},
	"silent": func(exchange.Message, []byte, int) ([]byte, Then) { return nil, GoOn },
	"no-data": func(message exchange.Message, frame []byte, _ int) ([]byte, Then) {
		if isBulk(message) || message.Type() == exchange.TypeReject {
			return nil, GoOn
		}
		return frame, GoOn
	},
	"resets": func(_ exchange.Message, frame []byte, bulk int) ([]byte, Then) {
		if bulk >= diesAfter {
			return nil, ResetStream
		}
		return frame, GoOn
	},
	"dies": func(_ exchange.Message, frame []byte, bulk int) ([]byte, Then) {
		if bulk >= diesAfter {
			return frame[:len(frame)/2], Exit
		}
		return frame, GoOn
	},
}

// Misbehaviours are the modes' names.
func Misbehaviours() []string { return slices.Sorted(maps.Keys(misbehaviours)) }

func isBulk(message exchange.Message) bool {
	return message.Type() == exchange.TypeData || message.Type() == exchange.TypeRequest
}

// flipped is the frame with its last byte changed if it is of this type.
func flipped(message exchange.Message, frame []byte, kind byte) []byte {
	if message.Type() == kind {
		frame[len(frame)-1] ^= 1
	}
	return frame
}

func afterHello(more []byte) meddler {
	return func(message exchange.Message, frame []byte, _ int) ([]byte, Then) {
		if message.Type() == exchange.TypeHello {
			return slices.Concat(frame, more), GoOn
		}
		return frame, GoOn
	}
}

// helloOf is HELLO with another version and more bytes behind it.
func helloOf(message exchange.Message, frame []byte, version uint64, extra []byte) []byte {
	hello, isHello := message.(exchange.Hello)
	if !isHello {
		return frame
	}
	hello.Version = version
	return exchange.EncodeWith(hello, extra)
}

func exit() { os.Exit(exitCode) }
