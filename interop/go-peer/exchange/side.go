package exchange

import (
	"errors"
	"fmt"

	"shoal.example/go-peer/content"
)

// Side is the books of one side: what it has said, and what it has asked for that isn't answered yet.
type Side struct {
	State    State
	Hello    *Hello
	bits     []byte // announced chunks; nil before BITFIELD
	metas    []GetMeta
	totals   map[uint64]uint64 // of each part, as this side has told it
	requests map[rangeStart]*pending
	bytes    uint64 // of all requests
	ended    int    // requests that ended without a CANCEL, less the late CANCELs that were ignored
}

type rangeStart struct{ chunk, offset uint64 }

func newSide(state State) *Side {
	return &Side{State: state, totals: map[uint64]uint64{}, requests: map[rangeStart]*pending{}}
}

// Has says whether the side has announced a chunk.
func (s *Side) Has(chunk int) bool {
	return chunk/8 < len(s.bits) && s.bits[chunk/8]&(0x80>>(chunk%8)) != 0
}

func (s *Side) greet(to *Side, hello Hello) error {
	if to.Hello != nil && to.Hello.CID != hello.CID {
		return fmt.Errorf("HELLO about %s instead of %s", hello.CID, to.Hello.CID)
	}
	s.Hello = &hello
	return nil
}

// maxTotal is section 5's limit of a part.
func maxTotal(part uint64) uint64 {
	if part == 0 {
		return content.MaxManifest
	}
	return content.MaxPage
}

func (s *Side) askMeta(ask GetMeta) error {
	if len(s.metas) == MaxMetaRequests {
		return fmt.Errorf("more than %d unanswered GET_METAs", MaxMetaRequests)
	}
	s.metas = append(s.metas, ask)
	return nil
}

func (s *Side) metaAnswered(by *Side, meta Meta) error {
	if len(s.metas) == 0 || s.metas[0] != (GetMeta{meta.Part, meta.Offset}) {
		return fmt.Errorf("META of part %d at %d isn't the next answer", meta.Part, meta.Offset)
	}
	if meta.Total > maxTotal(meta.Part) {
		return fmt.Errorf("part %d has %d bytes", meta.Part, meta.Total)
	}
	if total, told := by.totals[meta.Part]; told && total != meta.Total {
		return fmt.Errorf("part %d had %d bytes and now has %d", meta.Part, total, meta.Total)
	}
	by.totals[meta.Part] = meta.Total
	s.metas = s.metas[1:]
	return nil
}

func (s *Side) metaRejected(reject RejectMeta) error {
	if len(s.metas) == 0 || s.metas[0].Part != reject.Part {
		return fmt.Errorf("REJECT_META of part %d isn't the next answer", reject.Part)
	}
	s.metas = s.metas[1:]
	return nil
}

func (s *Side) setBits(data []byte, layout *content.Layout) error {
	if layout != nil {
		if err := checkBits(data, layout.Chunks()); err != nil {
			return err
		}
	}
	s.bits = append([]byte{}, data...)
	return nil
}

func checkBits(bits []byte, chunks int) error {
	if len(bits) != (chunks+7)/8 {
		return fmt.Errorf("a bitfield of %d bytes for %d chunks", len(bits), chunks)
	}
	if spare := len(bits)*8 - chunks; spare > 0 && bits[len(bits)-1]&(1<<spare-1) != 0 {
		return errors.New("a bitfield with spare bits set")
	}
	return nil
}

func (s *Side) announce(chunks []uint64, layout *content.Layout) error {
	limit := uint64(len(s.bits)) * 8
	if layout != nil {
		limit = uint64(layout.Chunks())
	}
	for _, chunk := range chunks {
		if chunk >= limit {
			return fmt.Errorf("HAVE of chunk %d of %d", chunk, limit)
		}
		if s.Has(int(chunk)) {
			return fmt.Errorf("chunk %d is announced again", chunk)
		}
		s.bits[chunk/8] |= 0x80 >> (chunk % 8)
	}
	return nil
}
