package transfer

import (
	"slices"
	"time"

	"shoal.example/go-peer/exchange"
)

// serving is a request of the peer.
type serving struct {
	exchange.Range
	sent uint64
}

// write writes what there is to say until BYE, or until the stream is gone.
func (s *session) write() {
	defer close(s.written)
	meddle := misbehaviours[s.node.config.Misbehave]
	for {
		message := s.next()
		if message == nil {
			select {
			case <-s.wake:
				continue
			case <-s.ended:
				return
			}
		}
		if isBulk(message) {
			s.bulk++
		}
		if message.Type() == exchange.TypeData {
			time.Sleep(s.node.config.Pace)
		}
		frame, then := meddle(message, exchange.Encode(message), s.bulk)
		if _, err := s.stream.Write(frame); err != nil {
			return
		}
		switch then {
		case ResetStream:
			_ = s.stream.Reset()
			return
		case EndStream:
			_ = s.stream.CloseWrite()
			return
		case Exit:
			exit()
		}
		if message.Type() == exchange.TypeBye {
			_ = s.stream.CloseWrite()
			return
		}
	}
}

// next is what to write now: first what is short, then the manifest, then data.
func (s *session) next() exchange.Message {
	if s.swarm == nil {
		return nil
	}
	s.swarm.lock.Lock()
	defer s.swarm.lock.Unlock()
	if len(s.out) > 0 {
		message := s.out[0]
		s.out = s.out[1:]
		return message
	}
	if s.conv.Me.State == exchange.Parting || s.conv.Me.State == exchange.Done {
		return nil
	}
	var message exchange.Message
	switch {
	case len(s.metas) > 0:
		message = s.metaAnswer()
	case len(s.ranges) > 0:
		message = s.dataAnswer()
	default:
		return nil
	}
	if err := s.conv.Sent(message); err != nil {
		panic(err)
	}
	return message
}

func (s *session) metaAnswer() exchange.Message {
	ask := s.metas[0]
	s.metas = s.metas[1:]
	known := s.swarm.share
	if known == nil {
		return exchange.RejectMeta{Part: ask.Part, Reason: exchange.RejectBusy}
	}
	if ask.Part >= uint64(len(known.Blocks)) || ask.Offset >= uint64(len(known.Blocks[ask.Part])) {
		return exchange.RejectMeta{Part: ask.Part, Reason: exchange.RejectUnavailable}
	}
	block := known.Blocks[ask.Part]
	data := block[ask.Offset:min(uint64(len(block)), ask.Offset+exchange.MaxMeta)]
	return exchange.Meta{Part: ask.Part, Total: uint64(len(block)), Offset: ask.Offset, Data: slices.Clone(data)}
}

func (s *session) dataAnswer() exchange.Message {
	asked := s.ranges[0]
	data := make([]byte, min(asked.Length-asked.sent, exchange.MaxData))
	if err := s.swarm.share.Read(int(asked.Chunk), asked.Offset+asked.sent, data); err != nil {
		s.ranges = s.ranges[1:]
		return exchange.Rejected{Range: asked.Range, Reason: exchange.RejectUnavailable}
	}
	message := exchange.Data{Chunk: asked.Chunk, Offset: asked.Offset + asked.sent, Data: data}
	if asked.sent += uint64(len(data)); asked.sent == asked.Length {
		s.ranges = s.ranges[1:]
	}
	return message
}
