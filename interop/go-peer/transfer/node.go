// Package transfer moves chunks between this host and others: SPEC.md's conversations over libp2p streams.
//
// A Swarm is one manifest and the sessions about it, all under one lock. Each session has a goroutine that reads, one
// that writes and one that watches the time; package exchange says what is legal.
package transfer

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/share"
)

// Config is how a node behaves.
type Config struct {
	Agent     string
	Patience  time.Duration // with a peer that owes something and says nothing
	Pace      time.Duration // before each DATA, to be slower than others
	Misbehave string        // one of Misbehaviours
}

// requestLimit is how many unanswered bytes a peer may ask for.
const requestLimit = 16 << 20

// Report says what happened, to whoever drives this process.
type Report func(event string, values map[string]any)

// Node has the conversations of one host.
type Node struct {
	host   host.Host
	config Config
	report Report

	lock   sync.Mutex
	swarms map[cid.Cid]*Swarm
}

// NewNode answers the host's streams from now on.
func NewNode(h host.Host, config Config, report Report) *Node {
	n := &Node{host: h, config: config, report: report, swarms: map[cid.Cid]*Swarm{}}
	h.SetStreamHandler(protocol.ID(exchange.Protocol), n.accept)
	return n
}

// Seed serves a share that is here in full.
func (n *Node) Seed(s *share.Share) *Swarm {
	return n.add(&Swarm{node: n, id: s.CID, share: s})
}

// Download is a swarm whose share is fetched into dir, from the peers that it is told of.
func (n *Node) Download(id cid.Cid, dir string) *Swarm {
	return n.add(&Swarm{node: n, id: id, dir: dir, meta: &metadata{}, hints: make(chan peer.ID, maxHints)})
}

func (n *Node) add(w *Swarm) *Swarm {
	w.sessions = map[peer.ID]*session{}
	w.assigned = map[int]*session{}
	w.from = map[peer.ID]int{}
	w.done = make(chan struct{})
	n.lock.Lock()
	defer n.lock.Unlock()
	n.swarms[w.id] = w
	return w
}

func (n *Node) swarm(id cid.Cid) *Swarm {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.swarms[id]
}

// accept is the acceptor's beginning: which share is it about?
func (n *Node) accept(stream network.Stream) {
	s := newSession(n, stream, false)
	_ = stream.SetReadDeadline(time.Now().Add(n.config.Patience))
	message, err := s.receive()
	_ = stream.SetReadDeadline(time.Time{})
	hello, greets := message.(exchange.Hello)
	if err != nil || !greets {
		s.turnAway(reasonFor(err), err)
		return
	}
	w := n.swarm(hello.CID)
	if w == nil {
		s.turnAway(exchange.ByeNotFound, nil)
		return
	}
	s.swarm = w
	s.run(func() error { return s.greeted(hello) })
}

// open is the opener's beginning, and lasts as long as the conversation.
func (n *Node) open(ctx context.Context, w *Swarm, id peer.ID) outcome {
	stream, err := n.host.NewStream(ctx, id, protocol.ID(exchange.Protocol))
	if err != nil {
		n.report("unreachable", map[string]any{"peer": id.String(), "error": words(err)})
		return outcome{err: err}
	}
	s := newSession(n, stream, true)
	s.swarm = w
	return s.run(func() error { return nil })
}
