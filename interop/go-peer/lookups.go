package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/network"
)

func serve(ctx context.Context, p *process) error {
	return p.withDHT(ctx, func(*dht.IpfsDHT) error {
		<-ctx.Done()
		return nil
	})
}

func provide(ctx context.Context, p *process) error {
	return p.withKeys(ctx, p.put)
}

func find(ctx context.Context, p *process) error {
	return p.withKeys(ctx, p.look)
}

// trade looks for each key right after it has provided another, of its own: questions that are answered and records
// that are not, in turn on the streams that kad-dht holds.
func trade(ctx context.Context, p *process) error {
	return p.withKeys(ctx, func(ctx context.Context, node *dht.IpfsDHT, key cid.Cid) error {
		if err := p.put(ctx, node, content.SumCID(content.CodecRaw, key.Bytes())); err != nil {
			return err
		}
		return p.look(ctx, node, key)
	})
}

func (p *process) withDHT(ctx context.Context, do func(*dht.IpfsDHT) error) error {
	h, err := p.host(nil)
	if err != nil {
		return err
	}
	defer h.Close()
	start := time.Now()
	node, err := p.kademlia(ctx, h)
	if err != nil {
		return err
	}
	defer node.Close()
	p.emit("joined", map[string]any{"table": node.RoutingTable().Size(), "milliseconds": milliseconds(start)})
	return do(node)
}

// withKeys does something for each key of the command line.
func (p *process) withKeys(ctx context.Context, do func(context.Context, *dht.IpfsDHT, cid.Cid) error) error {
	return p.withDHT(ctx, func(node *dht.IpfsDHT) error {
		for _, text := range p.arguments {
			key, err := network.ParseKey(text)
			if err != nil {
				return fmt.Errorf("key %q: %w", text, err)
			}
			if err := do(ctx, node, key); err != nil {
				return err
			}
		}
		if p.stay {
			<-ctx.Done()
		}
		return nil
	})
}

// put puts a provider record; who takes it doesn't say so, as kad-dht speaks.
func (p *process) put(ctx context.Context, node *dht.IpfsDHT, key cid.Cid) error {
	start := time.Now()
	if err := node.Provide(ctx, key, true); err != nil {
		return fmt.Errorf("provide: %w", err)
	}
	p.emit("provided", map[string]any{"key": key.String(), "milliseconds": milliseconds(start)})
	return nil
}

func (p *process) look(ctx context.Context, node *dht.IpfsDHT, key cid.Cid) error {
	start := time.Now()
	providers := map[string][]string{}
	first := 0.0
	for provider := range node.FindProvidersAsync(ctx, key, p.count) {
		if len(providers) == 0 {
			first = milliseconds(start)
		}
		addresses := []string{}
		for _, address := range provider.Addrs {
			addresses = append(addresses, address.String())
		}
		providers[provider.ID.String()] = addresses
	}
	p.emit("found", map[string]any{
		"key": key.String(), "providers": providers, "first_milliseconds": first, "milliseconds": milliseconds(start),
	})
	return ctx.Err()
}
