package catalog

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/frames"
)

// Types of messages, section 4.
const (
	typeAsk byte = iota + 1
	typeTell
	typeGetPage
	typePage
	typeNoPage
)

// Ask asks for heads and peers, at most so many.
type Ask struct{ Heads, Peers uint64 }

// Tell has sealed heads and peers.
type Tell struct {
	Heads [][]byte
	Peers []exchange.KnownPeer
}

// GetPage asks for a page.
type GetPage struct{ CID cid.Cid }

// Page is a page's block; without one there is none here.
type Page struct{ Block []byte }

// EncodeMessage is the frame of a message.
func EncodeMessage(message any) []byte {
	var body []byte
	switch m := message.(type) {
	case Ask:
		body = frames.AppendNumbers([]byte{typeAsk}, m.Heads, m.Peers)
	case Tell:
		body = frames.AppendNumbers([]byte{typeTell}, uint64(len(m.Heads)))
		for _, sealed := range m.Heads {
			body = frames.AppendBytes(body, sealed)
		}
		body = frames.AppendNumbers(body, uint64(len(m.Peers)))
		for _, known := range m.Peers {
			body = known.AppendTo(body)
		}
	case GetPage:
		body = frames.AppendBytes([]byte{typeGetPage}, m.CID.Bytes())
	case Page:
		body = []byte{typeNoPage}
		if m.Block != nil {
			body = append([]byte{typePage}, m.Block...)
		}
	}
	return frames.Append(nil, body)
}

var decoders = map[byte]func(*frames.Fields) any{
	typeAsk:     decodeAsk,
	typeTell:    decodeTell,
	typeGetPage: decodeGetPage,
	typePage:    decodePage,
	typeNoPage:  func(*frames.Fields) any { return Page{} },
}

// ReadMessage is the next message that is known, of payloads of so many bytes at most.
func ReadMessage(source *bufio.Reader, most uint64) (any, error) {
	for {
		payload, err := frames.Read(source, most)
		if err != nil {
			return nil, err
		}
		message, err := DecodeMessage(payload)
		if message != nil || err != nil {
			return message, err
		}
	}
}

// DecodeMessage reads one payload; nothing, if it is to be ignored.
func DecodeMessage(payload []byte) (any, error) {
	decode, known := decoders[payload[0]]
	switch {
	case payload[0] >= exchange.FirstOptionalType && len(payload) <= MaxOptional:
		return nil, nil
	case !known:
		return nil, fmt.Errorf("type %#x in %d bytes", payload[0], len(payload))
	}
	f := &frames.Fields{Rest: payload[1:]}
	message := decode(f)
	f.End()
	return message, f.Err
}

func decodeAsk(f *frames.Fields) any {
	ask := Ask{f.Uvarint(), f.Uvarint()}
	if ask.Heads > MaxHeads || ask.Peers > MaxPeers {
		f.Fail(fmt.Errorf("%d heads and %d peers wanted", ask.Heads, ask.Peers))
	}
	return ask
}

func decodeTell(f *frames.Fields) any {
	var tell Tell
	size := 0
	for range count(f, MaxHeads, "heads") {
		sealed := f.Bytes(MaxHeadSize, "a head")
		if size += len(sealed); f.Err == nil && (len(sealed) == 0 || size > MaxTellHeads) {
			f.Fail(errors.New("an empty head, or too many bytes of heads"))
		}
		tell.Heads = append(tell.Heads, sealed)
	}
	for range count(f, MaxPeers, "peers") {
		tell.Peers = append(tell.Peers, exchange.ReadKnownPeer(f))
	}
	return tell
}

func count(f *frames.Fields, most uint64, what string) uint64 {
	number := f.Uvarint()
	if number > most {
		f.Fail(fmt.Errorf("%d %s", number, what))
		return 0
	}
	return number
}

func decodeGetPage(f *frames.Fields) any {
	id, err := content.ReadManifestCID(f.Bytes(36, "a CID"))
	if err != nil {
		f.Fail(err)
	}
	return GetPage{id}
}

func decodePage(f *frames.Fields) any {
	block := f.RestOfBytes()
	if len(block) == 0 {
		f.Fail(errors.New("an empty page"))
	}
	return Page{block}
}
