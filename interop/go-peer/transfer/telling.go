package transfer

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"shoal.example/go-peer/exchange"
)

// Times and bounds of PEERS, section 7.
const (
	tellInterval = 60 * time.Second // between two of this side
	hearInterval = 30 * time.Second // between two of the other side
	maxHints     = 100              // kept of all senders together
)

// told is the books of PEERS in one conversation.
type told struct {
	peers map[peer.ID]bool // told to the other side
	at    time.Time        // of this side's last PEERS
	heard time.Time        // of the other side's
}

// tell sends PEERS if there is somebody new to tell of, and it is time.
func (s *session) tell() {
	isReady := s.conv.Me.State == exchange.Ready && s.conv.Peer.State == exchange.Ready
	if !isReady || !s.told.at.IsZero() && time.Since(s.told.at) < tellInterval || s.hasAll() {
		return
	}
	var news exchange.Peers
	for id, other := range s.swarm.sessions {
		isKnown := s.told.peers[id] || other == s || other.conv.Peer.State != exchange.Ready
		if isKnown || len(news.Peers) == exchange.MaxPeers {
			continue
		}
		if addresses := other.addressesFor(s.stream.Conn()); len(addresses) > 0 {
			s.told.peers[id] = true
			news.Peers = append(news.Peers, exchange.KnownPeer{ID: []byte(id), Addresses: addresses})
		}
	}
	if len(news.Peers) > 0 {
		s.told.at = time.Now()
		s.send(news)
		s.node.report("told", map[string]any{"peer": s.peer.String(), "peers": len(news.Peers)})
	}
}

// hasAll says whether the other side has every chunk.
func (s *session) hasAll() bool {
	for chunk := range s.swarm.share.Layout.Chunks() {
		if !s.conv.Peer.Has(chunk) {
			return false
		}
	}
	return true
}

// addressesFor are where this session's peer may be dialled by the one at the other end of another connection.
func (s *session) addressesFor(listener network.Conn) [][]byte {
	conn := s.stream.Conn()
	dialled := []multiaddr.Multiaddr{conn.RemoteMultiaddr()}
	if conn.Stat().Direction == network.DirInbound {
		dialled = slices.DeleteFunc(s.node.host.Peerstore().Addrs(s.peer), func(address multiaddr.Multiaddr) bool {
			return !sameIP(address, conn.RemoteMultiaddr())
		})
	}
	var addresses [][]byte
	for _, address := range dialled {
		isFit := len(address.Bytes()) <= exchange.MaxAddress && width(address) >= width(listener.RemoteMultiaddr())
		if isFit && len(addresses) < exchange.MaxPeerAddresses {
			addresses = append(addresses, address.Bytes())
		}
	}
	return addresses
}

// hear keeps who the other side tells of as somebody to ask, if this is a download and there is room.
func (s *session) hear(m exchange.Peers) {
	names := []string{}
	for _, known := range m.Peers {
		if id, err := peer.IDFromBytes(known.ID); err == nil {
			names = append(names, id.String())
		}
	}
	s.node.report("peers", map[string]any{"peer": s.peer.String(), "peers": names})
	if s.swarm.hints == nil || !s.told.heard.IsZero() && time.Since(s.told.heard) < hearInterval {
		return
	}
	s.told.heard = time.Now()
	for _, known := range m.Peers {
		s.swarm.hint(s.candidate(known))
	}
}

// candidate is a peer that was told of, with those of its addresses that the teller may tell of.
func (s *session) candidate(known exchange.KnownPeer) peer.AddrInfo {
	id, err := peer.IDFromBytes(known.ID)
	if err != nil {
		return peer.AddrInfo{}
	}
	one := peer.AddrInfo{ID: id}
	for _, data := range known.Addresses {
		address, err := multiaddr.NewMultiaddrBytes(data)
		if err == nil && width(address) >= width(s.stream.Conn().RemoteMultiaddr()) {
			one.Addrs = append(one.Addrs, address)
		}
	}
	return one
}

// hint hands a candidate to who fetches; one too many is forgotten.
func (w *Swarm) hint(one peer.AddrInfo) {
	if len(one.Addrs) == 0 {
		return
	}
	w.node.host.Peerstore().AddAddrs(one.ID, one.Addrs, peerstore.TempAddrTTL)
	select {
	case w.hints <- one.ID:
	default:
	}
}

func sameIP(a, b multiaddr.Multiaddr) bool {
	first, err1 := manet.ToIP(a)
	second, err2 := manet.ToIP(b)
	return err1 == nil && err2 == nil && first.Equal(second)
}

// width orders addresses by who can reach them: loopback, private, public. A name in the DNS is public.
func width(address multiaddr.Multiaddr) int {
	switch {
	case manet.IsIPLoopback(address):
		return 0
	case manet.IsPrivateAddr(address):
		return 1
	default:
		return 2
	}
}
