package main

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
)

// Protocols that show what a stream does, each a way to treat what the other side sends.
const (
	echoProtocol  = "/shoal/interop/echo/1.0.0"  // to the end, then back
	earlyProtocol = "/shoal/interop/early/1.0.0" // ends its own direction at once, and reads on
	resetProtocol = "/shoal/interop/reset/1.0.0" // resets the stream after the first byte
	heldProtocol  = "/shoal/interop/held/1.0.0"  // reads nothing until something has been echoed
	leaveProtocol = "/shoal/interop/leave/1.0.0" // closes the connection after the first byte
)

// answer treats streams as their protocols say, until the deadline.
func answer(ctx context.Context, p *process) error {
	p.settings.Unlimited = true // go-libp2p takes 64 streams of one protocol from one peer
	a := &answerer{process: p, echoed: make(chan struct{})}
	h, err := p.host(nil, a.handle)
	if err != nil {
		return err
	}
	defer h.Close()
	<-ctx.Done()
	return nil
}

type answerer struct {
	*process
	once   sync.Once
	echoed chan struct{} // closed when something has been echoed
}

func (a *answerer) handle(h host.Host) {
	h.SetStreamHandler(echoProtocol, a.echo)
	h.SetStreamHandler(earlyProtocol, func(stream libp2pnet.Stream) {
		_ = stream.CloseWrite()
		a.swallow(stream)
	})
	h.SetStreamHandler(resetProtocol, func(stream libp2pnet.Stream) {
		_, _ = io.ReadFull(stream, make([]byte, 1))
		_ = stream.Reset()
	})
	h.SetStreamHandler(heldProtocol, func(stream libp2pnet.Stream) {
		<-a.echoed
		a.swallow(stream)
	})
	h.SetStreamHandler(leaveProtocol, func(stream libp2pnet.Stream) {
		_, _ = io.ReadFull(stream, make([]byte, 1))
		_ = stream.Conn().Close()
	})
}

func (a *answerer) echo(stream libp2pnet.Stream) {
	data, err := io.ReadAll(stream)
	if err != nil {
		a.emit("broken", map[string]any{"error": err.Error(), "bytes": len(data)})
		return
	}
	_, _ = stream.Write(data)
	_ = stream.Close()
	a.once.Do(func() { close(a.echoed) })
}

func (a *answerer) swallow(stream libp2pnet.Stream) {
	start := time.Now()
	count, err := io.Copy(io.Discard, stream)
	if err != nil {
		a.emit("broken", map[string]any{"error": err.Error(), "bytes": count})
		return
	}
	a.emit("swallowed", map[string]any{"bytes": count, "milliseconds": milliseconds(start)})
	_ = stream.Close()
}
