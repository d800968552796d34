// Package network opens hosts and Kademlia nodes that never leave this machine: no public bootstrap, no mDNS, no
// relay, no NAT traversal.
package network

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
)

// Agent is what identify and HELLO say this is.
const Agent = "go-peer/1.0.0"

// connectTimeout is long for loopback, so that it means something if it passes.
const connectTimeout = 10 * time.Second

// Settings is what a host is opened with.
type Settings struct {
	KeyFile  string   // empty: a new key
	Listen   string   // a multiaddr; empty: the host only dials
	Security []string // "noise", "tls", in the order they are offered
}

var securities = map[string]libp2p.Option{
	"noise": libp2p.Security(noise.ID, noise.New),
	"tls":   libp2p.Security(libp2ptls.ID, libp2ptls.New),
}

// OpenHost is a running host on loopback.
func OpenHost(settings Settings) (host.Host, error) {
	key, err := LoadKey(settings.KeyFile)
	if err != nil {
		return nil, err
	}
	listen := libp2p.NoListenAddrs
	if settings.Listen != "" {
		listen = libp2p.ListenAddrStrings(settings.Listen)
	}
	options := []libp2p.Option{
		libp2p.Identity(key),
		listen,
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.UserAgent(Agent),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
	}
	for _, name := range settings.Security {
		option, known := securities[name]
		if !known {
			return nil, fmt.Errorf("no security %q", name)
		}
		options = append(options, option)
	}
	return libp2p.New(options...)
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
