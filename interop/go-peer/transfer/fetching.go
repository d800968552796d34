package transfer

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"shoal.example/go-peer/exchange"
)

// Tries of a peer that is lost without being at fault, and the pause between them.
const (
	maxTries = 5
	pause    = 300 * time.Millisecond
)

// ErrNoPeers is the end of a download that nobody can finish.
var ErrNoPeers = errors.New("no peer is left to fetch from")

// Fetch fetches the share from the peers that the channel brings, until all of it is here and verified.
func (w *Swarm) Fetch(ctx context.Context, peers <-chan peer.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	exhausted := make(chan struct{})
	go func() {
		defer close(exhausted)
		w.talkToAll(ctx, peers)
	}()
	select {
	case <-w.done:
	case <-exhausted:
		select {
		case <-w.done:
		default:
			return ErrNoPeers
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.failure != nil {
		return w.failure
	}
	return w.share.Verify()
}

// Path is where the fetched share is.
func (w *Swarm) Path() string { return w.share.Path }

// From is how many chunks each peer gave.
func (w *Swarm) From() map[string]int {
	w.lock.Lock()
	defer w.lock.Unlock()
	from := map[string]int{}
	for id, chunks := range w.from {
		from[id.String()] = chunks
	}
	return from
}

// Close tells every peer that it is over, and gives it time to hear.
func (w *Swarm) Close(reason exchange.Reason) {
	deadline := time.After(farewell)
	for _, s := range w.close(reason) {
		select {
		case <-s.ended:
		case <-deadline:
			return
		}
	}
}

// talkToAll talks to each peer once, those that the channel brings and those that others tell of, until none is left.
func (w *Swarm) talkToAll(ctx context.Context, peers <-chan peer.ID) {
	known := map[peer.ID]bool{w.node.host.ID(): true}
	ended := make(chan struct{})
	for talks := 0; peers != nil || talks > 0; {
		var id peer.ID
		open := true
		select {
		case id, open = <-peers:
		case id = <-w.hints:
		case <-ended:
			talks--
			continue
		}
		if !open {
			peers = nil
			continue
		}
		if !known[id] {
			known[id] = true
			talks++
			go func() {
				w.talkTo(ctx, id)
				ended <- struct{}{}
			}()
		}
	}
}

// talkTo has conversations with one peer until one of them was the last.
func (w *Swarm) talkTo(ctx context.Context, id peer.ID) {
	for range maxTries {
		end := w.node.open(ctx, w, id)
		if isFinal(end) || ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// isFinal says whether a peer isn't to be tried again.
func isFinal(end outcome) bool {
	if end.by == "" {
		return errors.Is(end.err, exchange.ErrProtocol)
	}
	switch end.reason {
	case exchange.ByeBusy, exchange.ByeStopping, exchange.ByeOther:
		return false
	}
	return true
}
