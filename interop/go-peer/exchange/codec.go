package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/frames"
)

// decoders have a row for each type; what a row doesn't check follows from the state of the conversation.
var decoders = map[byte]func(*frames.Fields) Message{
	TypeHello:      decodeHello,
	TypeGetMeta:    func(f *frames.Fields) Message { return GetMeta{f.Uvarint(), f.Uvarint()} },
	TypeMeta:       decodeMeta,
	TypeRejectMeta: decodeRejectMeta,
	TypeBitfield:   decodeBitfield,
	TypeHave:       decodeHave,
	TypeRequest:    func(f *frames.Fields) Message { return Request{decodeRange(f)} },
	TypeData:       decodeData,
	TypeCancel:     func(f *frames.Fields) Message { return Cancel{decodeRange(f)} },
	TypeReject:     func(f *frames.Fields) Message { return Rejected{decodeRange(f), rejectOf(f.Uvarint())} },
	TypeBye: func(f *frames.Fields) Message {
		return Bye{reasonOf(f.Uvarint()), f.RestOfText(MaxByeText, "the text")}
	},
	TypePeers: decodePeers,
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
	f := &frames.Fields{Rest: payload[1:]}
	message := decode(f)
	f.End()
	return message, f.Err
}

// Encode is the whole frame of a message.
func Encode(message Message) []byte { return EncodeWith(message, nil) }

// EncodeWith is the frame of a message with more bytes behind its last field, as a newer revision may have them.
func EncodeWith(message Message, extra []byte) []byte {
	payload := append(message.appendBody([]byte{message.Type()}), extra...)
	return append(binary.AppendUvarint(nil, uint64(len(payload))), payload...)
}

func decodeHello(f *frames.Fields) Message {
	hello := Hello{Version: f.Uvarint()}
	id, err := content.ReadManifestCID(f.Bytes(36, "the CID"))
	if err != nil {
		f.Fail(err)
	}
	hello.CID = id
	hello.RequestLimit = f.Uvarint()
	hello.Agent = f.Text(MaxAgent, "the agent")
	if f.Err == nil && hello.RequestLimit < MinRequestLimit {
		f.Fail(fmt.Errorf("a request limit of %d bytes", hello.RequestLimit))
	}
	if extra := f.RestOfBytes(); len(extra) > MaxHelloExtra {
		f.Fail(fmt.Errorf("%d bytes behind HELLO", len(extra)))
	}
	return hello
}

func decodeMeta(f *frames.Fields) Message {
	meta := Meta{f.Uvarint(), f.Uvarint(), f.Uvarint(), f.RestOfBytes()}
	if f.Err == nil && (meta.Offset >= meta.Total || uint64(len(meta.Data)) != min(MaxMeta, meta.Total-meta.Offset)) {
		f.Fail(fmt.Errorf("%d bytes at %d of %d", len(meta.Data), meta.Offset, meta.Total))
	}
	return meta
}

func decodeRejectMeta(f *frames.Fields) Message {
	reject := RejectMeta{f.Uvarint(), rejectOf(f.Uvarint())}
	if reject.Reason == RejectCancelled {
		f.Fail(errors.New("REJECT_META as cancelled"))
	}
	return reject
}

func decodeBitfield(f *frames.Fields) Message {
	data := f.RestOfBytes()
	if len(data) > MaxBitfield {
		f.Fail(fmt.Errorf("a bitfield of %d bytes", len(data)))
	}
	return Bitfield{data}
}

func decodeHave(f *frames.Fields) Message {
	var have Have
	for len(f.Rest) > 0 && len(have.Chunks) <= MaxHave {
		have.Chunks = append(have.Chunks, f.Uvarint())
	}
	if f.Err == nil && (len(have.Chunks) == 0 || len(have.Chunks) > MaxHave) {
		f.Fail(fmt.Errorf("HAVE of no chunk or of more than %d", MaxHave))
	}
	return have
}

func decodeRange(f *frames.Fields) Range {
	r := Range{f.Uvarint(), f.Uvarint(), f.Uvarint()}
	if f.Err == nil && r.Length == 0 {
		f.Fail(errors.New("a range of nothing"))
	}
	return r
}

func decodeData(f *frames.Fields) Message {
	data := Data{f.Uvarint(), f.Uvarint(), f.RestOfBytes()}
	if f.Err == nil && (len(data.Data) == 0 || len(data.Data) > MaxData) {
		f.Fail(fmt.Errorf("DATA of %d bytes", len(data.Data)))
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
