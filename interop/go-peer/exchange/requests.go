package exchange

import (
	"errors"
	"fmt"

	"shoal.example/go-peer/content"
)

// pending is one unanswered request (section 6).
type pending struct {
	Range
	arrived   uint64 // bytes of it
	cancelled bool
}

// request notes that this side asks the other one for a range.
func (s *Side) request(of *Side, asked Range, layout *content.Layout) error {
	if of.State != Ready || layout == nil {
		return errors.New("REQUEST before both BITFIELDs")
	}
	if asked.Chunk >= uint64(layout.Chunks()) || !of.Has(int(asked.Chunk)) {
		return fmt.Errorf("REQUEST of chunk %d, which was never announced", asked.Chunk)
	}
	_, _, size := layout.Chunk(int(asked.Chunk))
	if asked.Offset > uint64(size) || asked.Length > uint64(size)-asked.Offset {
		return fmt.Errorf("REQUEST of %d bytes at %d of a chunk of %d", asked.Length, asked.Offset, size)
	}
	for _, other := range s.requests {
		if other.Chunk == asked.Chunk && other.Offset < asked.Offset+asked.Length &&
			asked.Offset < other.Offset+other.Length {
			return fmt.Errorf("REQUEST of chunk %d at %d overlaps another", asked.Chunk, asked.Offset)
		}
	}
	if len(s.requests) == MaxRequests {
		return fmt.Errorf("more than %d unanswered REQUESTs", MaxRequests)
	}
	if s.bytes+asked.Length > of.Hello.RequestLimit {
		return fmt.Errorf("REQUESTs of more than %d bytes", of.Hello.RequestLimit)
	}
	s.bytes += asked.Length
	s.requests[rangeStart{asked.Chunk, asked.Offset}] = &pending{Range: asked}
	return nil
}

// dataArrived notes data for one of this side's requests.
func (s *Side) dataArrived(data Data) error {
	length := uint64(len(data.Data))
	for _, asked := range s.requests {
		if asked.Chunk != data.Chunk || asked.Offset+asked.arrived != data.Offset {
			continue
		}
		asked.arrived += length
		if asked.arrived > asked.Length {
			return fmt.Errorf("DATA of chunk %d goes %d bytes too far", data.Chunk, asked.arrived-asked.Length)
		}
		if asked.arrived == asked.Length {
			s.end(asked)
		} else if length < MinData {
			return fmt.Errorf("DATA of %d bytes in the middle of a request", length)
		}
		return nil
	}
	return fmt.Errorf("DATA of chunk %d at %d isn't the next of any request", data.Chunk, data.Offset)
}

// cancel notes that this side withdraws a request. One that has just ended is forgiven as often as requests have.
func (s *Side) cancel(asked Range) error {
	pending := s.requests[rangeStart{asked.Chunk, asked.Offset}]
	switch {
	case pending != nil && pending.Range == asked && !pending.cancelled:
		pending.cancelled = true
	case pending != nil && pending.Range == asked:
		return fmt.Errorf("CANCEL of chunk %d at %d again", asked.Chunk, asked.Offset)
	case s.ended == 0:
		return fmt.Errorf("CANCEL of chunk %d at %d, which isn't requested", asked.Chunk, asked.Offset)
	default:
		s.ended--
	}
	return nil
}

// rejected notes the end of one of this side's requests.
func (s *Side) rejected(reject Rejected) error {
	asked := s.requests[rangeStart{reject.Chunk, reject.Offset}]
	if asked == nil || asked.Range != reject.Range {
		return fmt.Errorf("REJECT of chunk %d at %d, which isn't requested", reject.Chunk, reject.Offset)
	}
	if reject.Reason == RejectCancelled && !asked.cancelled {
		return fmt.Errorf("REJECT of chunk %d as cancelled, which it isn't", reject.Chunk)
	}
	s.end(asked)
	return nil
}

func (s *Side) end(asked *pending) {
	delete(s.requests, rangeStart{asked.Chunk, asked.Offset})
	s.bytes -= asked.Length
	if !asked.cancelled {
		s.ended = min(s.ended+1, MaxRequests)
	}
}

// Waits says whether a request of this side is unanswered, and whether it has been cancelled.
func (s *Side) Waits(asked Range) (waits, cancelled bool) {
	pending := s.requests[rangeStart{asked.Chunk, asked.Offset}]
	waits = pending != nil && pending.Range == asked
	return waits, waits && pending.cancelled
}

// Room is how many more bytes this side may ask the other one for.
func (s *Side) Room(of *Side) uint64 { return of.Hello.RequestLimit - s.bytes }
