// Package network opens hosts and Kademlia nodes that never leave this machine: no public bootstrap, no mDNS, no
// relay, no NAT traversal.
//
// The hosts are put together from go-libp2p's own parts, as its constructor does it, since that would bring QUIC,
// WebRTC and WebTransport along: half as much again to compile, for nobody to speak.
package network

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
)

// Agent is what identify and HELLO say this is.
const Agent = "go-peer/1.0.0"

// connectTimeout is long for loopback, so that it means something if it passes.
const connectTimeout = 30 * time.Second

// Settings is what a host is opened with.
type Settings struct {
	KeyFile  string   // empty: a new key
	Listen   string   // a multiaddr; empty: the host only dials
	Security []string // "noise", "tls", in the order they are offered

	Unlimited bool // streams, where go-libp2p's usual limits are not the question
}

var muxers = []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}

var securities = map[string]func(crypto.PrivKey) (sec.SecureTransport, error){
	"noise": func(key crypto.PrivKey) (sec.SecureTransport, error) { return noise.New(noise.ID, key, muxers) },
	"tls":   func(key crypto.PrivKey) (sec.SecureTransport, error) { return libp2ptls.New(libp2ptls.ID, key, muxers) },
}

// OpenHost is a running host on loopback.
func OpenHost(settings Settings) (host.Host, error) {
	key, err := LoadKey(settings.KeyFile)
	if err != nil {
		return nil, err
	}
	bus := eventbus.NewBus()
	conns, err := openSwarm(key, settings, bus)
	if err != nil {
		return nil, err
	}
	h, err := basichost.NewHost(conns, &basichost.HostOpts{EventBus: bus, UserAgent: Agent, EnablePing: true})
	if err != nil {
		return nil, err
	}
	h.Start()
	if settings.Listen == "" {
		return h, nil
	}
	address, err := multiaddr.NewMultiaddr(settings.Listen)
	if err != nil {
		return nil, err
	}
	return h, conns.Listen(address)
}

// openSwarm has the host's connections: TCP, one of the securities, yamux, and limits.
func openSwarm(key crypto.PrivKey, settings Settings, bus event.Bus) (*swarm.Swarm, error) {
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(peers.AddPrivKey(id, key), peers.AddPubKey(id, key.GetPublic())); err != nil {
		return nil, err
	}
	most := rcmgr.DefaultLimits.AutoScale()
	if settings.Unlimited {
		most = rcmgr.InfiniteLimits
	}
	limits, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(most))
	if err != nil {
		return nil, err
	}
	conns, err := swarm.NewSwarm(id, peers, bus, swarm.WithResourceManager(limits))
	if err != nil {
		return nil, err
	}
	secured, err := secure(key, settings.Security)
	if err != nil {
		return nil, err
	}
	upgrades, err := upgrader.New(secured, muxers, nil, limits, nil)
	if err != nil {
		return nil, err
	}
	dials, err := tcp.NewTCPTransport(upgrades, limits, nil)
	if err != nil {
		return nil, err
	}
	return conns, conns.AddTransport(dials)
}

func secure(key crypto.PrivKey, offered []string) ([]sec.SecureTransport, error) {
	var secured []sec.SecureTransport
	for _, name := range offered {
		open, known := securities[name]
		if !known {
			return nil, fmt.Errorf("no security %q", name)
		}
		one, err := open(key)
		if err != nil {
			return nil, err
		}
		secured = append(secured, one)
	}
	return secured, nil
}

// Addresses are those of a host, with its peer id.
func Addresses(h host.Host) []string {
	addresses := []string{}
	for _, address := range h.Addrs() {
		addresses = append(addresses, fmt.Sprintf("%s/p2p/%s", address, h.ID()))
	}
	return addresses
}

// Connect dials a multiaddr with /p2p/.
func Connect(ctx context.Context, h host.Host, address string) (peer.ID, error) {
	parsed, err := multiaddr.NewMultiaddr(address)
	if err != nil {
		return "", err
	}
	info, err := peer.AddrInfoFromP2pAddr(parsed)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return info.ID, h.Connect(ctx, *info)
}
