package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// bareProtocol is a stream of bytes to its end, answered with their number in eight bytes, big-endian.
const bareProtocol = "/shoal/interop/bare/1.0.0"

const bareBuffer = 256 << 10

func sink(ctx context.Context, p *process) error {
	h, err := p.host(nil, func(h host.Host) {
		h.SetStreamHandler(bareProtocol, func(stream libp2pnet.Stream) {
			defer stream.Close()
			start := time.Now()
			count, err := io.CopyBuffer(writerOnly{io.Discard}, stream, make([]byte, bareBuffer))
			if err != nil {
				p.emit("broken", map[string]any{"error": err.Error(), "bytes": count})
				return
			}
			_, _ = stream.Write(binary.BigEndian.AppendUint64(nil, uint64(count)))
			p.emit("swallowed", map[string]any{"bytes": count, "milliseconds": milliseconds(start)})
		})
	})
	if err != nil {
		return err
	}
	defer h.Close()
	<-ctx.Done()
	return nil
}

// writerOnly hides io.Discard's own idea of how to be copied to.
type writerOnly struct{ io.Writer }

func pour(ctx context.Context, p *process) error {
	return p.withPeer(ctx, func(h host.Host, id peer.ID) error {
		stream, err := h.NewStream(ctx, id, bareProtocol)
		if err != nil {
			return err
		}
		start := time.Now()
		buffer := make([]byte, bareBuffer)
		for rest := p.bytes; rest > 0; {
			n, err := stream.Write(buffer[:min(rest, bareBuffer)])
			if err != nil {
				return err
			}
			rest -= int64(n)
		}
		if err := stream.CloseWrite(); err != nil {
			return err
		}
		var answer [8]byte
		if _, err := io.ReadFull(stream, answer[:]); err != nil {
			return err
		}
		if count := binary.BigEndian.Uint64(answer[:]); count != uint64(p.bytes) {
			return fmt.Errorf("%d of %d bytes arrived", count, p.bytes)
		}
		p.emit("poured", map[string]any{"bytes": p.bytes, "milliseconds": milliseconds(start)})
		return nil
	})
}
