package exchange

import (
	"errors"
	"fmt"
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
		body = appendNumbers(appendBytes(body, known.ID), uint64(len(known.Addresses)))
		for _, address := range known.Addresses {
			body = appendBytes(body, address)
		}
	}
	return body
}

func decodePeers(f *fields) Message {
	var peers Peers
	known := map[string]bool{}
	for len(f.rest) > 0 && len(peers.Peers) <= MaxPeers {
		one := decodeKnownPeer(f)
		if known[string(one.ID)] {
			f.fail(errors.New("PEERS of one peer twice"))
		}
		known[string(one.ID)] = true
		peers.Peers = append(peers.Peers, one)
	}
	if f.err == nil && (len(peers.Peers) == 0 || len(peers.Peers) > MaxPeers) {
		f.fail(fmt.Errorf("PEERS of nobody or of more than %d", MaxPeers))
	}
	return peers
}

func decodeKnownPeer(f *fields) KnownPeer {
	one := KnownPeer{ID: f.bytes(MaxPeerID, "a peer id")}
	if f.err == nil && len(one.ID) < MinPeerID {
		f.fail(fmt.Errorf("a peer id of %d bytes", len(one.ID)))
	}
	count := f.uvarint()
	if f.err == nil && (count == 0 || count > MaxPeerAddresses) {
		f.fail(fmt.Errorf("a peer at %d addresses", count))
	}
	for i := uint64(0); i < count && f.err == nil; i++ {
		address := f.bytes(MaxAddress, "an address")
		if f.err == nil && len(address) == 0 {
			f.fail(errors.New("an empty address"))
		}
		one.Addresses = append(one.Addresses, address)
	}
	return one
}
