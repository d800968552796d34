package transfer

import (
	"time"

	"shoal.example/go-peer/exchange"
)

// maxTick is how long news may wait.
const maxTick = 250 * time.Millisecond

// watch tells of other peers, and loses patience with a peer that owes something and says nothing: first its requests
// go to others, then BYE.
func (s *session) watch() {
	patience := s.node.config.Patience
	tick := time.NewTicker(min(patience/4, maxTick))
	defer tick.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-tick.C:
			s.swarm.lock.Lock()
			if s.owes() && time.Since(s.progress) > patience {
				s.lose()
			}
			s.tell()
			s.swarm.lock.Unlock()
		}
	}
}

func (s *session) owes() bool {
	if s.conv.Me.State == exchange.Done {
		return false
	}
	return s.conv.Peer.Hello == nil || len(s.chunks) > 0 || s.warned || s.swarm.meta != nil && s.swarm.meta.by == s
}

func (s *session) lose() {
	if !s.warned && len(s.chunks) > 0 {
		for chunk, a := range s.chunks {
			for _, asked := range a.ranges(chunk) {
				if waits, cancelled := s.conv.Me.Waits(asked); waits && !cancelled {
					s.send(exchange.Cancel{Range: asked})
				}
			}
			delete(s.swarm.assigned, chunk)
		}
		s.progress, s.warned = time.Now(), true
		s.swarm.fillAll()
		return
	}
	s.say(exchange.ByeTimeout, "nothing came for "+s.node.config.Patience.String())
	go func() {
		time.Sleep(farewell)
		_ = s.stream.Reset()
	}()
}
