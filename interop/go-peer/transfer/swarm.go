package transfer

import (
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/share"
)

// Swarm is one manifest and the sessions about it. The lock guards everything below it, and the sessions' books.
type Swarm struct {
	node *Node
	id   cid.Cid
	dir  string // where it is fetched to

	lock     sync.Mutex
	share    *share.Share // nil until the manifest and its pages are here
	meta     *metadata    // of a download
	sessions map[peer.ID]*session
	assigned map[int]*session // chunks that are on their way
	from     map[peer.ID]int  // chunks that each peer gave
	hints    chan peer.ID     // of a download: peers that others told of
	failure  error            // of this side's disk
	done     chan struct{}    // closed when all is here, or by the failure
	isDone   bool
}

// join enters a session, or says which of two conversations with one peer has to go.
func (w *Swarm) join(s *session) (loser *session) {
	other := w.sessions[s.peer]
	if other == nil {
		w.sessions[s.peer] = s
		return nil
	}
	if other.opens == s.opens || s.openerID() < other.openerID() {
		w.sessions[s.peer] = s
		return other
	}
	return s
}

func (w *Swarm) leave(s *session) {
	if w.sessions[s.peer] == s {
		delete(w.sessions, s.peer)
	}
	for chunk, by := range w.assigned {
		if by == s {
			delete(w.assigned, chunk)
		}
	}
	if w.meta != nil && w.meta.by == s {
		w.meta.by = nil
	}
	w.fillAll()
}

// fillAll gives every session something to do, if there is.
func (w *Swarm) fillAll() {
	if w.share == nil {
		w.askMetadata()
		return
	}
	for _, s := range w.sessions {
		w.fill(s)
	}
}

// shareIsHere lets every session know the manifest, once it is here with its pages.
func (w *Swarm) shareIsHere(s *share.Share) {
	w.share = s
	for _, each := range w.sessions {
		each.learn()
	}
	w.checkDone()
	w.fillAll()
}

func (w *Swarm) chunkIsHere(chunk int, by *session) {
	delete(w.assigned, chunk)
	w.from[by.peer]++
	for _, s := range w.sessions {
		if s.conv.Me.State == exchange.Ready && !s.conv.Me.Has(chunk) {
			s.send(exchange.Have{Chunks: []uint64{uint64(chunk)}})
		}
	}
	w.checkDone()
}

func (w *Swarm) checkDone() {
	if !w.isDone && w.share.Missing() == 0 {
		w.isDone = true
		close(w.done)
	}
}

func (w *Swarm) fail(err error) {
	if !w.isDone {
		w.failure, w.isDone = err, true
		close(w.done)
	}
}

// close says BYE to everybody.
func (w *Swarm) close(reason exchange.Reason) []*session {
	w.lock.Lock()
	defer w.lock.Unlock()
	var closed []*session
	for _, s := range w.sessions {
		s.say(reason, "")
		closed = append(closed, s)
	}
	return closed
}
