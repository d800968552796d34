package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"

	"shoal.example/go-peer/content"
)

// decoders have a row for each type; what a row doesn't check follows from the state of the conversation.
var decoders = map[byte]func(*fields) Message{
	TypeHello:      decodeHello,
	TypeGetMeta:    func(f *fields) Message { return GetMeta{f.uvarint(), f.uvarint()} },
	TypeMeta:       decodeMeta,
	TypeRejectMeta: decodeRejectMeta,
	TypeBitfield:   decodeBitfield,
	TypeHave:       decodeHave,
	TypeRequest:    func(f *fields) Message { return Request{decodeRange(f)} },
	TypeData:       decodeData,
	TypeCancel:     func(f *fields) Message { return Cancel{decodeRange(f)} },
	TypeReject:     func(f *fields) Message { return Rejected{decodeRange(f), rejectOf(f.uvarint())} },
	TypeBye:        func(f *fields) Message { return Bye{reasonOf(f.uvarint()), f.restOfText(MaxByeText, "the text")} },
	TypePeers:      decodePeers,
}

// Decode reads one payload; the message's bytes are those of the payload.
func Decode(payload []byte) (Message, error) {
	if len(payload) == 0 {
		return nil, errors.New("an empty message")
	}
	kind := payload[0]
	decode, known := decoders[kind]
	switch {
	case kind >= FirstOptionalType && len(payload) > MaxOptional:
		return nil, fmt.Errorf("an optional message of %d bytes", len(payload))
	case kind >= FirstOptionalType && !known:
		return Optional{kind, payload[1:]}, nil
	case !known:
		return nil, fmt.Errorf("unknown message type %#x", kind)
	}
	f := &fields{rest: payload[1:]}
	message := decode(f)
	f.end()
	return message, f.err
}

// Encode is the whole frame of a message.
func Encode(message Message) []byte { return EncodeWith(message, nil) }

// EncodeWith is the frame of a message with more bytes behind its last field, as a newer revision may have them.
func EncodeWith(message Message, extra []byte) []byte {
	payload := append(message.appendBody([]byte{message.Type()}), extra...)
	return append(binary.AppendUvarint(nil, uint64(len(payload))), payload...)
}

func decodeHello(f *fields) Message {
	hello := Hello{Version: f.uvarint()}
	id, err := content.ReadManifestCID(f.bytes(36, "the CID"))
	if err != nil {
		f.fail(err)
	}
	hello.CID = id
	hello.RequestLimit = f.uvarint()
	hello.Agent = f.text(MaxAgent, "the agent")
	if f.err == nil && hello.RequestLimit < MinRequestLimit {
		f.fail(fmt.Errorf("a request limit of %d bytes", hello.RequestLimit))
	}
	if extra := f.restOfBytes(); len(extra) > MaxHelloExtra {
		f.fail(fmt.Errorf("%d bytes behind HELLO", len(extra)))
	}
	return hello
}

func decodeMeta(f *fields) Message {
	meta := Meta{f.uvarint(), f.uvarint(), f.uvarint(), f.restOfBytes()}
	if f.err == nil && (meta.Offset >= meta.Total || uint64(len(meta.Data)) != min(MaxData, meta.Total-meta.Offset)) {
		f.fail(fmt.Errorf("%d bytes at %d of %d", len(meta.Data), meta.Offset, meta.Total))
	}
	return meta
}

func decodeRejectMeta(f *fields) Message {
	reject := RejectMeta{f.uvarint(), rejectOf(f.uvarint())}
	if reject.Reason == RejectCancelled {
		f.fail(errors.New("REJECT_META as cancelled"))
	}
	return reject
}

func decodeBitfield(f *fields) Message {
	data := f.restOfBytes()
	if len(data) > MaxBitfield {
		f.fail(fmt.Errorf("a bitfield of %d bytes", len(data)))
	}
	return Bitfield{data}
}

func decodeHave(f *fields) Message {
	var have Have
	for len(f.rest) > 0 && len(have.Chunks) <= MaxHave {
		have.Chunks = append(have.Chunks, f.uvarint())
	}
	if f.err == nil && (len(have.Chunks) == 0 || len(have.Chunks) > MaxHave) {
		f.fail(fmt.Errorf("HAVE of no chunk or of more than %d", MaxHave))
	}
	return have
}

func decodeRange(f *fields) Range {
	r := Range{f.uvarint(), f.uvarint(), f.uvarint()}
	if f.err == nil && r.Length == 0 {
		f.fail(errors.New("a range of nothing"))
	}
	return r
}

func decodeData(f *fields) Message {
	data := Data{f.uvarint(), f.uvarint(), f.restOfBytes()}
	if f.err == nil && (len(data.Data) == 0 || len(data.Data) > MaxData) {
		f.fail(fmt.Errorf("DATA of %d bytes", len(data.Data)))
	}
	return data
}

func rejectOf(number uint64) Reject {
	if number >= uint64(len(rejectNames)) {
		return RejectOther
	}
	return Reject(number)
}

func reasonOf(number uint64) Reason {
	if number >= uint64(len(reasonNames)) {
		return ByeOther
	}
	return Reason(number)
}
