package exchange

import (
	"errors"
	"fmt"

	"shoal.example/go-peer/frames"
)

// KnownPeer is somebody that the sender of PEERS is in conversation with.
type KnownPeer struct {
	ID        []byte   // the multihash
	Addresses [][]byte // multiaddrs in their binary form, without /p2p
}

// Peers tells of others who have the manifest: hints, and never more than hints.
type Peers struct{ Peers []KnownPeer }

// Type is PEERS'.
func (Peers) Type() byte { return TypePeers }

func (m Peers) appendBody(body []byte) []byte {
	for _, known := range m.Peers {
		body = known.AppendTo(body)
	}
	return body
}

// AppendTo appends one peer, as PEERS and catalogues have it.
func (k KnownPeer) AppendTo(body []byte) []byte {
	body = frames.AppendNumbers(frames.AppendBytes(body, k.ID), uint64(len(k.Addresses)))
	for _, address := range k.Addresses {
		body = frames.AppendBytes(body, address)
	}
	return body
}

func decodePeers(f *frames.Fields) Message {
	var peers Peers
	known := map[string]bool{}
	for len(f.Rest) > 0 && len(peers.Peers) <= MaxPeers {
		one := ReadKnownPeer(f)
		if known[string(one.ID)] {
			f.Fail(errors.New("PEERS of one peer twice"))
		}
		known[string(one.ID)] = true
		peers.Peers = append(peers.Peers, one)
	}
	if f.Err == nil && (len(peers.Peers) == 0 || len(peers.Peers) > MaxPeers) {
		f.Fail(fmt.Errorf("PEERS of nobody or of more than %d", MaxPeers))
	}
	return peers
}

// ReadKnownPeer reads one peer.
func ReadKnownPeer(f *frames.Fields) KnownPeer {
	one := KnownPeer{ID: f.Bytes(MaxPeerID, "a peer id")}
	if f.Err == nil && len(one.ID) < MinPeerID {
		f.Fail(fmt.Errorf("a peer id of %d bytes", len(one.ID)))
	}
	count := f.Uvarint()
	if f.Err == nil && (count == 0 || count > MaxPeerAddresses) {
		f.Fail(fmt.Errorf("a peer at %d addresses", count))
	}
	for i := uint64(0); i < count && f.Err == nil; i++ {
		address := f.Bytes(MaxAddress, "an address")
		if f.Err == nil && len(address) == 0 {
			f.Fail(errors.New("an empty address"))
		}
		one.Addresses = append(one.Addresses, address)
	}
	return one
}
