package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"

	"shoal.example/go-peer/network"
)

const (
	kadSuffix     = "/kad/1.0.0"
	maxKadMessage = 4 << 20
	answerTimeout = 10 * time.Second
)

// kadStream is one stream to a DHT server, with questions on it one after the other.
type kadStream struct {
	host   host.Host
	stream libp2pnet.Stream
	in     pbio.ReadCloser
	out    pbio.WriteCloser
}

func (p *process) openKad(ctx context.Context, h host.Host, address string) (*kadStream, error) {
	id, err := network.Connect(ctx, h, address)
	if err != nil {
		return nil, err
	}
	stream, err := h.NewStream(ctx, id, protocol.ID(p.prefix+kadSuffix))
	if err != nil {
		return nil, err
	}
	return &kadStream{h, stream, pbio.NewDelimitedReader(stream, maxKadMessage), pbio.NewDelimitedWriter(stream)}, nil
}

func (k *kadStream) ask(kind pb.Message_MessageType, key []byte) (*pb.Message, error) {
	if err := k.out.WriteMsg(pb.NewMessage(kind, key, 0)); err != nil {
		return nil, err
	}
	_ = k.stream.SetReadDeadline(time.Now().Add(answerTimeout))
	var answer pb.Message
	err := k.in.ReadMsg(&answer)
	return &answer, err
}

func (k *kadStream) provide(key []byte) error {
	record := pb.NewMessage(pb.Message_ADD_PROVIDER, key, 0)
	self := peer.AddrInfo{ID: k.host.ID(), Addrs: k.host.Addrs()}
	record.ProviderPeers = pb.RawPeerInfosToPBPeers([]peer.AddrInfo{self})
	return k.out.WriteMsg(record)
}

// ask asks for the providers of each key on one stream; with --provide each question follows a record of its key.
func ask(ctx context.Context, p *process) error {
	h, err := p.host(nil)
	if err != nil {
		return err
	}
	defer h.Close()
	kad, err := p.openKad(ctx, h, p.arguments[0])
	if err != nil {
		return err
	}
	for _, text := range p.arguments[1:] {
		key, err := network.ParseKey(text)
		if err != nil {
			return err
		}
		if p.announce {
			if err := kad.provide(key.Hash()); err != nil {
				return err
			}
		}
		answer, err := kad.ask(pb.Message_GET_PROVIDERS, key.Hash())
		if err != nil {
			return fmt.Errorf("after asking for %s: %w", key, err)
		}
		providers := []string{}
		for _, provider := range pb.PBPeersToPeerInfos(answer.GetProviderPeers()) {
			providers = append(providers, provider.ID.String())
		}
		p.emit("answer", map[string]any{
			"key": key.String(), "type": answer.GetType().String(), "providers": providers,
			"closer": len(answer.GetCloserPeers()),
		})
	}
	return nil
}

// hold opens --count streams from each of --nodes nodes, asks on each, and asks again for each line of stdin.
func hold(ctx context.Context, p *process) error {
	var streams []*kadStream
	for range p.nodes {
		h, err := network.OpenHost(p.settings)
		if err != nil {
			return err
		}
		defer h.Close()
		for range p.count {
			kad, err := p.openKad(ctx, h, p.arguments[0])
			if err != nil {
				return fmt.Errorf("stream %d: %w", len(streams), err)
			}
			streams = append(streams, kad)
		}
	}
	if err := p.askAll(streams); err != nil {
		return err
	}
	for again := lines(os.Stdin); ; {
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-again:
			if !open {
				return nil
			}
			if err := p.askAll(streams); err != nil {
				return err
			}
		}
	}
}

// lines has a value for each line until the end of the input.
func lines(input io.Reader) <-chan struct{} {
	again := make(chan struct{})
	go func() {
		defer close(again)
		for scanner := bufio.NewScanner(input); scanner.Scan(); {
			again <- struct{}{}
		}
	}()
	return again
}

func (p *process) askAll(streams []*kadStream) error {
	for i, kad := range streams {
		answer, err := kad.ask(pb.Message_FIND_NODE, []byte(kad.host.ID()))
		if err != nil || answer.GetType() != pb.Message_FIND_NODE {
			return fmt.Errorf("stream %d: %v, %w", i, answer.GetType(), err)
		}
	}
	p.emit("held", map[string]any{"streams": len(streams)})
	return nil
}
