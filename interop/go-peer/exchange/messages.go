package exchange

import (
	"github.com/ipfs/go-cid"

	"shoal.example/go-peer/frames"
)

// Types of messages, section 3.
const (
	TypeHello byte = iota + 1
	TypeGetMeta
	TypeMeta
	TypeRejectMeta
	TypeBitfield
	TypeHave
	TypeRequest
	TypeData
	TypeCancel
	TypeReject
	TypeBye

	TypePeers = FirstOptionalType
)

// Message is one message of the page.
type Message interface {
	Type() byte
	appendBody([]byte) []byte
}

// Hello says who speaks, about which manifest.
type Hello struct {
	Version      uint64
	CID          cid.Cid
	RequestLimit uint64
	Agent        string
}

// GetMeta asks for a part of the manifest (part 0) or of digest page part - 1.
type GetMeta struct{ Part, Offset uint64 }

// Meta answers GetMeta.
type Meta struct {
	Part, Total, Offset uint64
	Data                []byte
}

// RejectMeta answers GetMeta: not here.
type RejectMeta struct {
	Part   uint64
	Reason Reject
}

// Bitfield has the chunks that the sender has, chunk 0 in the highest bit of the first byte.
type Bitfield struct{ Data []byte }

// Have has chunks that the sender has got since.
type Have struct{ Chunks []uint64 }

// Range is a range of a chunk.
type Range struct{ Chunk, Offset, Length uint64 }

// Request asks for a range.
type Request struct{ Range }

// Data has bytes of a requested range.
type Data struct {
	Chunk, Offset uint64
	Data          []byte
}

// Cancel says that the range is not needed any more.
type Cancel struct{ Range }

// Rejected ends a request without the rest of its data; the page calls it REJECT.
type Rejected struct {
	Range
	Reason Reject
}

// Bye ends the conversation.
type Bye struct {
	Reason Reason
	Text   string
}

// Optional is a message of an unknown type that may be ignored.
type Optional struct {
	Kind byte
	Body []byte
}

// Type is HELLO's; so with the others.
func (Hello) Type() byte      { return TypeHello }
func (GetMeta) Type() byte    { return TypeGetMeta }
func (Meta) Type() byte       { return TypeMeta }
func (RejectMeta) Type() byte { return TypeRejectMeta }
func (Bitfield) Type() byte   { return TypeBitfield }
func (Have) Type() byte       { return TypeHave }
func (Request) Type() byte    { return TypeRequest }
func (Data) Type() byte       { return TypeData }
func (Cancel) Type() byte     { return TypeCancel }
func (Rejected) Type() byte   { return TypeReject }
func (Bye) Type() byte        { return TypeBye }
func (o Optional) Type() byte { return o.Kind }

func (m Hello) appendBody(body []byte) []byte {
	body = frames.AppendBytes(frames.AppendNumbers(body, m.Version), m.CID.Bytes())
	return frames.AppendBytes(frames.AppendNumbers(body, m.RequestLimit), []byte(m.Agent))
}

func (m GetMeta) appendBody(body []byte) []byte { return frames.AppendNumbers(body, m.Part, m.Offset) }

func (m Meta) appendBody(body []byte) []byte {
	return append(frames.AppendNumbers(body, m.Part, m.Total, m.Offset), m.Data...)
}

func (m RejectMeta) appendBody(body []byte) []byte {
	return frames.AppendNumbers(body, m.Part, uint64(m.Reason))
}

func (m Bitfield) appendBody(body []byte) []byte { return append(body, m.Data...) }
func (m Have) appendBody(body []byte) []byte     { return frames.AppendNumbers(body, m.Chunks...) }

func (r Range) appendBody(body []byte) []byte {
	return frames.AppendNumbers(body, r.Chunk, r.Offset, r.Length)
}

func (m Data) appendBody(body []byte) []byte {
	return append(frames.AppendNumbers(body, m.Chunk, m.Offset), m.Data...)
}

func (m Rejected) appendBody(body []byte) []byte {
	return frames.AppendNumbers(m.Range.appendBody(body), uint64(m.Reason))
}

func (m Bye) appendBody(body []byte) []byte {
	return append(frames.AppendNumbers(body, uint64(m.Reason)), m.Text...)
}

func (o Optional) appendBody(body []byte) []byte { return append(body, o.Body...) }
