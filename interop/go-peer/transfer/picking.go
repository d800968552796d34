package transfer

import (
	"shoal.example/go-peer/exchange"
)

// depth is how many chunks are asked of a peer at once.
const depth = 8

// assembly is a chunk on its way from one peer, asked for in ranges of at most MinRequestLimit.
type assembly struct {
	data   []byte
	asked  int
	failed bool // a range was rejected
}

// ranges are those that have been asked for.
func (a *assembly) ranges(chunk int) []exchange.Range {
	var ranges []exchange.Range
	for offset := 0; offset < a.asked; offset += exchange.MinRequestLimit {
		length := min(len(a.data)-offset, exchange.MinRequestLimit)
		ranges = append(ranges, exchange.Range{Chunk: uint64(chunk), Offset: uint64(offset), Length: uint64(length)})
	}
	return ranges
}

// isOver says whether nothing more is to come of a chunk: all of it has, or what was asked for has ended badly.
func (s *session) isOver(chunk int) bool {
	a := s.chunks[chunk]
	for _, asked := range a.ranges(chunk) {
		if waits, _ := s.conv.Me.Waits(asked); waits {
			return false
		}
	}
	return a.failed || a.asked == len(a.data)
}

// fill asks the peer for more, as long as there is something it has and nobody else brings.
func (w *Swarm) fill(s *session) {
	if w.share == nil || s.conv.Me.State != exchange.Ready || s.conv.Peer.State != exchange.Ready {
		return
	}
	for chunk, assembly := range s.chunks {
		if !w.askRest(s, chunk, assembly) {
			return
		}
	}
	if s.warned {
		return // what it owes is with others now
	}
	for chunk := range w.share.Layout.Chunks() {
		if len(s.chunks) == depth {
			return
		}
		if w.assigned[chunk] != nil || s.refused[chunk] || w.share.Has(chunk) || !s.conv.Peer.Has(chunk) {
			continue
		}
		_, _, size := w.share.Layout.Chunk(chunk)
		assembly := &assembly{data: make([]byte, size)}
		s.chunks[chunk], w.assigned[chunk] = assembly, s
		if len(s.chunks) == 1 {
			s.progressed()
		}
		if !w.askRest(s, chunk, assembly) {
			return
		}
	}
}

// askRest asks for what hasn't been asked of a chunk, in ranges that every peer accepts; false if there is no room.
func (w *Swarm) askRest(s *session, chunk int, a *assembly) bool {
	for a.asked < len(a.data) && !a.failed {
		length := uint64(min(len(a.data)-a.asked, exchange.MinRequestLimit))
		if length > s.conv.Me.Room(s.conv.Peer) {
			return false
		}
		s.send(exchange.Request{Range: exchange.Range{Chunk: uint64(chunk), Offset: uint64(a.asked), Length: length}})
		a.asked += int(length)
	}
	return true
}
