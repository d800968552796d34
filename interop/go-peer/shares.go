package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/judge"
	"shoal.example/go-peer/network"
	"shoal.example/go-peer/share"
	"shoal.example/go-peer/transfer"
)

// findPause is how long the DHT is left alone between two searches for providers.
const findPause = 500 * time.Millisecond

func (p *process) node(h host.Host) *transfer.Node {
	return transfer.NewNode(h, transfer.Config{
		Agent: network.Agent, Patience: p.patience, Pace: p.pace, Misbehave: p.misbehave,
	}, p.emit)
}

// needsDHT says whether there is anything to do in a DHT.
func (p *process) needsDHT() bool { return p.announce || p.findPeers || len(p.bootstrap) > 0 }

func describe(ctx context.Context, p *process) error {
	s, err := share.Import(p.arguments[0], p.chunkSize)
	if err != nil {
		return err
	}
	values := p.description(s)
	if root, err := s.Manifest.IPFSRoot(s.Digests); err == nil {
		values["ipfs_root"] = root.String()
	}
	if root, err := judge.Root(ctx, p.arguments[0]); err == nil {
		values["judged_root"] = root.String()
	}
	p.emit("described", values)
	return nil
}

func (p *process) description(s *share.Share) map[string]any {
	size := sizeOf(s)
	link := content.Link{CID: s.CID, Name: s.Manifest.Name, Size: &size}
	return map[string]any{
		"cid": s.CID.String(), "link": link.String(), "size": size, "chunks": s.Layout.Chunks(),
		"pages": len(s.Manifest.Pages),
	}
}

func sizeOf(s *share.Share) uint64 {
	size := uint64(0)
	for _, file := range s.Manifest.Files {
		size += file.Size
	}
	return size
}

func seed(ctx context.Context, p *process) error {
	path, err := filepath.Abs(p.arguments[0])
	if err != nil {
		return err
	}
	s, err := share.Import(path, p.chunkSize)
	if err != nil {
		return err
	}
	var swarm *transfer.Swarm
	var l *librarian
	h, err := p.host(p.description(s), func(h host.Host) {
		swarm = p.node(h).Seed(s)
		p.answerSearches(h, s)
		l = p.answerCatalogues(ctx, h)
		l.publish(s)
	})
	if err != nil {
		return err
	}
	defer h.Close()
	for _, address := range p.peers {
		if err := l.meet(ctx, address); err != nil {
			return err
		}
	}
	if p.needsDHT() {
		node, err := p.kademlia(ctx, h)
		if err != nil {
			return err
		}
		defer node.Close()
		if err := errors.Join(p.put(ctx, node, s.CID), p.putKeywords(ctx, node, s.Manifest.Name)); err != nil {
			return err
		}
	}
	<-ctx.Done()
	swarm.Close(exchange.ByeStopping)
	return nil
}

func fetch(ctx context.Context, p *process) error {
	id, peers, err := p.target()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.output, 0o755); err != nil {
		return err
	}
	var swarm *transfer.Swarm
	h, err := p.host(nil, func(h host.Host) { swarm = p.node(h).Download(id, p.output) })
	if err != nil {
		return err
	}
	defer h.Close()
	var node *dht.IpfsDHT
	if p.needsDHT() {
		if node, err = p.kademlia(ctx, h); err != nil {
			return err
		}
		defer node.Close()
	}
	start := time.Now()
	if err := swarm.Fetch(ctx, p.sources(ctx, h, node, id, peers)); err != nil {
		return err
	}
	p.emit("fetched", map[string]any{"path": swarm.Path(), "from": swarm.From(), "milliseconds": milliseconds(start)})
	if p.stay {
		<-ctx.Done()
	}
	swarm.Close(exchange.ByeFinished)
	return nil
}

// target is the CID to fetch and the peers to fetch it from, by the argument and --peer.
func (p *process) target() (cid.Cid, []string, error) {
	text := p.arguments[0]
	if strings.Contains(text, ":") {
		link, err := content.ParseLink(text)
		if err != nil {
			return cid.Undef, nil, err
		}
		return link.CID, append(p.peers, link.Peers...), nil
	}
	id, err := content.ParseManifestCID(text)
	return id, p.peers, err
}

// sources brings the peers to fetch from: those that were named, and those that the DHT names as long as it is asked.
func (p *process) sources(
	ctx context.Context, h host.Host, node *dht.IpfsDHT, id cid.Cid, addresses []string,
) <-chan peer.ID {
	found := make(chan peer.ID)
	go func() {
		defer close(found)
		for _, address := range addresses {
			source, err := network.Connect(ctx, h, address)
			if err != nil {
				p.emit("unreachable", map[string]any{"address": address, "error": err.Error()})
				continue
			}
			found <- source
		}
		for p.findPeers && ctx.Err() == nil {
			for provider := range node.FindProvidersAsync(ctx, id, 0) {
				h.Peerstore().AddAddrs(provider.ID, provider.Addrs, time.Hour)
				found <- provider.ID
			}
			select {
			case <-ctx.Done():
			case <-time.After(findPause):
			}
		}
	}()
	return found
}
