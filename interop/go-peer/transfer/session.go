package transfer

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/share"
)

// farewell is how long a conversation's end may take.
const farewell = 2 * time.Second

// session is one conversation. What isn't fixed at its start is under the swarm's lock.
type session struct {
	node   *Node
	swarm  *Swarm
	stream network.Stream
	peer   peer.ID
	opens  bool
	frames *exchange.FrameReader

	conv     *exchange.Conversation
	out      []exchange.Message // said in the books, not yet written
	metas    []exchange.GetMeta // of the peer, to be answered in order
	ranges   []*serving         // of the peer
	chunks   map[int]*assembly  // asked of the peer
	refused  map[int]bool       // chunks that the peer can't give
	noMeta   bool               // the peer can't give the manifest
	bulk     int                // DATAs and REQUESTs written
	progress time.Time          // when the peer last did what it owes
	warned   bool               // its requests have been cancelled for that
	parting  exchange.Bye       // the peer's last word, or this side's
	partedBy string
	told     told

	wake    chan struct{} // there may be something to write
	written chan struct{} // closed when nothing will be written any more
	ended   chan struct{} // closed when it is over
}

// outcome is how a conversation ended.
type outcome struct {
	by     string // "me", "peer" or "" for who said BYE first
	reason exchange.Reason
	err    error
}

func newSession(n *Node, stream network.Stream, opens bool) *session {
	return &session{
		node: n, stream: stream, peer: stream.Conn().RemotePeer(), opens: opens,
		frames:  exchange.NewFrameReader(stream),
		conv:    exchange.NewConversation(opens),
		chunks:  map[int]*assembly{},
		refused: map[int]bool{}, progress: time.Now(), told: told{peers: map[peer.ID]bool{}},
		wake: make(chan struct{}, 1), written: make(chan struct{}), ended: make(chan struct{}),
	}
}

// openerID is the peer id, as text, of who opened the stream.
func (s *session) openerID() string {
	if s.opens {
		return s.node.host.ID().String()
	}
	return s.peer.String()
}

// run is the whole conversation, from this side's HELLO on; begin is what comes after it.
func (s *session) run(begin func() error) outcome {
	w := s.swarm
	w.lock.Lock()
	loser := w.join(s)
	s.send(exchange.Hello{Version: exchange.Version, CID: w.id, RequestLimit: requestLimit, Agent: s.node.config.Agent})
	if w.share != nil && loser != s {
		s.learn()
	}
	err := begin()
	if loser != nil {
		loser.say(exchange.ByeDuplicate, "")
	}
	w.lock.Unlock()
	go s.write()
	go s.watch()
	if err == nil {
		err = s.read()
	}
	s.finish(err)
	return s.outcome(err)
}

// read takes the peer's messages until its last one; an error is the reason why there isn't one.
func (s *session) read() error {
	for {
		message, err := s.receiveLocked()
		if err != nil {
			return err
		}
		if _, isBye := message.(exchange.Bye); isBye {
			return nil
		}
	}
}

func (s *session) receiveLocked() (exchange.Message, error) {
	payload, err := s.frames.Next()
	s.swarm.lock.Lock()
	defer s.swarm.lock.Unlock()
	message, err := s.judge(payload, err)
	if err == nil && message != nil {
		err = s.handle(message)
	}
	return message, err
}

// receive is the next message, before anybody else knows of the session.
func (s *session) receive() (exchange.Message, error) {
	payload, err := s.frames.Next()
	return s.judge(payload, err)
}

// judge is the message of a payload if it is legal here, or nil if it is to be ignored.
func (s *session) judge(payload []byte, err error) (exchange.Message, error) {
	if s.conv.Me.State == exchange.Done {
		if errors.Is(err, io.EOF) {
			return exchange.Bye{}, nil // who has said BYE needs none
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	message, err := exchange.Decode(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", exchange.ErrProtocol, err)
	}
	heard, err := s.conv.Received(message)
	if err != nil || !heard {
		return nil, err
	}
	return message, nil
}

// reasonFor is what the peer is told about an error, if anything.
func reasonFor(err error) exchange.Reason {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return exchange.ByeFinished
	case errors.Is(err, errVersion):
		return exchange.ByeUnsupportedVersion
	case errors.Is(err, share.ErrBadHash):
		return exchange.ByeBadData
	case errors.Is(err, exchange.ErrProtocol):
		return exchange.ByeProtocolError
	case errors.As(err, &timeout) && timeout.Timeout():
		return exchange.ByeTimeout
	default:
		return exchange.ByeOther
	}
}

// turnAway is the end of a conversation that has no swarm.
func (s *session) turnAway(reason exchange.Reason, err error) {
	s.parting, s.partedBy = exchange.Bye{Reason: reason, Text: words(err)}, "me"
	_ = s.stream.SetWriteDeadline(time.Now().Add(farewell))
	_, _ = s.stream.Write(exchange.Encode(s.parting))
	_ = s.stream.Close()
	s.reportEnd(err)
}

// finish says the last word, gives it time to arrive, and lets go.
func (s *session) finish(err error) {
	w := s.swarm
	if reason := reasonFor(err); reason == exchange.ByeOther {
		_ = s.stream.Reset() // nobody hears anything any more
	} else {
		w.lock.Lock()
		s.say(reason, words(err))
		w.lock.Unlock()
		select {
		case <-s.written:
			_ = s.stream.Close()
		case <-time.After(farewell):
			_ = s.stream.Reset()
		}
	}
	close(s.ended)
	w.lock.Lock()
	w.leave(s)
	w.lock.Unlock()
	s.reportEnd(err)
}

func (s *session) outcome(err error) outcome {
	return outcome{s.partedBy, s.parting.Reason, err}
}

func (s *session) reportEnd(err error) {
	s.node.report("ended", map[string]any{
		"peer": s.peer.String(), "by": s.partedBy, "reason": s.parting.Reason.String(), "text": s.parting.Text,
		"error": words(err),
	})
}

func words(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), exchange.MaxByeText)], "")
}
