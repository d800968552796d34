package transfer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/share"
)

var errVersion = errors.New("version 0 has never been spoken")

// handle does what a legal message asks for. The swarm's lock is held.
func (s *session) handle(message exchange.Message) error {
	switch m := message.(type) {
	case exchange.Hello:
		return s.greeted(m)
	case exchange.GetMeta:
		s.metas = append(s.metas, m)
		s.poke()
	case exchange.Meta:
		s.progressed()
		return s.swarm.metaArrived(s, m)
	case exchange.RejectMeta:
		s.metaRejected(m.Reason)
	case exchange.Bitfield, exchange.Have:
		s.swarm.fill(s)
	case exchange.Request:
		s.ranges = append(s.ranges, &serving{Range: m.Range})
		s.poke()
	case exchange.Data:
		s.progressed()
		return s.dataArrived(m)
	case exchange.Cancel:
		s.cancelled(m.Range)
	case exchange.Rejected:
		s.rejected(m)
	case exchange.Bye:
		if s.partedBy == "" {
			s.parting, s.partedBy = m, "peer"
		}
	case exchange.Peers:
		s.hear(m)
	case exchange.Optional:
		s.node.report("ignored", map[string]any{"peer": s.peer.String(), "type": m.Kind})
	}
	return nil
}

// metaRejected turns to others for the manifest; one that is busy is asked again later.
func (s *session) metaRejected(reason exchange.Reject) {
	s.noMeta = true
	if s.swarm.meta.by == s {
		s.swarm.meta.by = nil
	}
	s.swarm.askMetadata()
	if reason == exchange.RejectBusy {
		time.AfterFunc(pause, func() {
			s.swarm.lock.Lock()
			defer s.swarm.lock.Unlock()
			s.noMeta = false
			s.swarm.askMetadata()
		})
	}
}

func (s *session) progressed() { s.progress, s.warned = time.Now(), false }

func (s *session) greeted(hello exchange.Hello) error {
	s.progressed()
	s.node.report("hello", map[string]any{
		"peer": s.peer.String(), "agent": hello.Agent, "version": hello.Version, "opened": s.opens,
	})
	if hello.Version == 0 {
		return errVersion
	}
	s.swarm.askMetadata()
	return nil
}

// learn is called when the manifest is known and HELLO has been sent.
func (s *session) learn() {
	if s.conv.Me.State != exchange.Greeted {
		return
	}
	if err := s.conv.Learn(s.swarm.share.Layout); err != nil {
		s.say(exchange.ByeProtocolError, words(err))
		return
	}
	s.send(exchange.Bitfield{Data: s.swarm.share.Bits()})
}

// dataArrived puts data into its chunk; a whole chunk is judged without the lock, since that takes time.
func (s *session) dataArrived(m exchange.Data) error {
	w, chunk := s.swarm, int(m.Chunk)
	assembly := s.chunks[chunk]
	copy(assembly.data[m.Offset:], m.Data)
	if !s.isOver(chunk) {
		w.fill(s)
		return nil
	}
	delete(s.chunks, chunk)
	if assembly.failed {
		s.giveBack(chunk)
		return nil
	}
	w.lock.Unlock()
	isNew, err := w.share.Write(chunk, assembly.data)
	w.lock.Lock()
	switch {
	case errors.Is(err, share.ErrBadHash):
		return err
	case err != nil:
		w.fail(err)
	case isNew:
		w.chunkIsHere(chunk, s)
	}
	w.fill(s)
	return nil
}

func (s *session) cancelled(asked exchange.Range) {
	served := slices.IndexFunc(s.ranges, func(r *serving) bool { return r.Range == asked })
	if served < 0 {
		return // it crossed the end of its request
	}
	s.ranges = slices.Delete(s.ranges, served, served+1)
	s.send(exchange.Rejected{Range: asked, Reason: exchange.RejectCancelled})
}

func (s *session) rejected(m exchange.Rejected) {
	chunk := int(m.Chunk)
	if m.Reason != exchange.RejectCancelled {
		s.refused[chunk] = true
	}
	s.node.report("rejected", map[string]any{"peer": s.peer.String(), "chunk": chunk, "reason": m.Reason.String()})
	s.chunks[chunk].failed = true
	if s.isOver(chunk) {
		delete(s.chunks, chunk)
		s.giveBack(chunk)
	}
}

// giveBack lets others bring a chunk that this peer didn't.
func (s *session) giveBack(chunk int) {
	if s.swarm.assigned[chunk] == s {
		delete(s.swarm.assigned, chunk)
	}
	s.swarm.fillAll()
}

// say ends the conversation from this side, if that hasn't happened.
func (s *session) say(reason exchange.Reason, text string) {
	if s.conv.Me.State == exchange.Done {
		return
	}
	if s.conv.Me.State == exchange.Parting {
		s.out = nil
	}
	bye := exchange.Bye{Reason: reason, Text: text}
	if s.partedBy == "" {
		s.parting, s.partedBy = bye, "me"
	}
	s.send(bye)
	_ = s.stream.SetReadDeadline(time.Now().Add(farewell))
}

// send enters a message in the books and has it written. What this side says is legal, or this program is wrong.
func (s *session) send(message exchange.Message) {
	if err := s.conv.Sent(message); err != nil {
		panic(fmt.Sprintf("%T to %s: %v", message, s.peer, err))
	}
	s.out = append(s.out, message)
	s.poke()
}

func (s *session) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
