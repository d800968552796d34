package main

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"

	"shoal.example/go-peer/network"
)

func key(_ context.Context, p *process) error {
	loaded, err := network.LoadKey(p.arguments[0])
	if err != nil {
		return err
	}
	id, err := peer.IDFromPrivateKey(loaded)
	if err != nil {
		return err
	}
	p.emit("key", map[string]any{"peer": id.String(), "type": loaded.Type().String()})
	return nil
}

func identifyPeer(ctx context.Context, p *process) error {
	return p.withPeer(ctx, func(h host.Host, id peer.ID) error {
		identifier, can := h.(interface{ IDService() identify.IDService })
		if !can {
			return errors.New("this host has no identify")
		}
		conn := h.Network().ConnsToPeer(id)[0]
		select {
		case <-identifier.IDService().IdentifyWait(conn):
		case <-ctx.Done():
			return ctx.Err()
		}
		agent, err := h.Peerstore().Get(id, "AgentVersion")
		if err != nil {
			return err
		}
		protocols, err := h.Peerstore().GetProtocols(id)
		if err != nil {
			return err
		}
		addresses := []string{}
		for _, address := range h.Peerstore().Addrs(id) {
			addresses = append(addresses, address.String())
		}
		state := conn.ConnState()
		p.emit("identified", map[string]any{
			"peer": id.String(), "agent": agent, "protocols": protocols, "addresses": addresses,
			"security": state.Security, "muxer": state.StreamMultiplexer, "early_muxer": state.UsedEarlyMuxerNegotiation,
		})
		return nil
	})
}

func pingPeer(ctx context.Context, p *process) error {
	return p.withPeer(ctx, func(h host.Host, id peer.ID) error {
		results := ping.Ping(ctx, h, id)
		for range p.count {
			result := <-results
			if result.Error != nil {
				return result.Error
			}
			p.emit("pong", map[string]any{"milliseconds": float64(result.RTT.Microseconds()) / 1000})
		}
		return nil
	})
}

func (p *process) withPeer(ctx context.Context, do func(host.Host, peer.ID) error) error {
	h, err := p.host(nil)
	if err != nil {
		return err
	}
	defer h.Close()
	id, err := network.Connect(ctx, h, p.arguments[0])
	if err != nil {
		return err
	}
	return do(h, id)
}
