package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"shoal.example/go-peer/network"
)

const (
	probeSize = 100_000
	heldSize  = 32 << 20               // twice the largest window
	stall     = 500 * time.Millisecond // without a byte taken: the other side's window is full
)

// probes are what somebody who answers is asked to show.
var probes = map[string]func(*prober, context.Context) error{
	"echo":    (*prober).echo,
	"early":   (*prober).early,
	"reset":   (*prober).reset,
	"abandon": (*prober).abandon,
	"held":    (*prober).held,
	"leave":   (*prober).leave,
	"goaway":  (*prober).goAway,
}

// prober has a host that is connected to somebody who answers.
type prober struct {
	*process
	host host.Host
	id   peer.ID
}

func probe(ctx context.Context, p *process) error {
	do, known := probes[p.arguments[0]]
	if !known {
		return fmt.Errorf("no probe %q", p.arguments[0])
	}
	p.settings.Unlimited = true
	h, err := p.host(nil)
	if err != nil {
		return err
	}
	defer h.Close()
	id, err := network.Connect(ctx, h, p.arguments[1])
	if err != nil {
		return err
	}
	if err := do(&prober{p, h, id}, ctx); err != nil {
		return err
	}
	p.emit("probed", map[string]any{"what": p.arguments[0]})
	return nil
}

func (p *prober) open(ctx context.Context, id protocol.ID) (libp2pnet.Stream, error) {
	return p.host.NewStream(ctx, p.id, id)
}

// pattern is bytes that no other stream has.
func pattern(number int) []byte {
	return bytes.Repeat(binary.BigEndian.AppendUint32(nil, uint32(number)), probeSize/4)
}

// echo sends on --count streams at once, ends each and has everything back.
func (p *prober) echo(ctx context.Context) error {
	streams := make([]libp2pnet.Stream, p.count)
	for i := range streams {
		var err error
		if streams[i], err = p.open(ctx, echoProtocol); err != nil {
			return fmt.Errorf("stream %d: %w", i, err)
		}
	}
	failures := make(chan error, p.count)
	var talks sync.WaitGroup
	for i, stream := range streams {
		talks.Go(func() { failures <- echoed(stream, pattern(i)) })
	}
	talks.Wait()
	close(failures)
	var all []error
	for err := range failures {
		all = append(all, err)
	}
	return errors.Join(all...)
}

func echoed(stream io.ReadWriter, sent []byte) error {
	if _, err := stream.Write(sent); err != nil {
		return err
	}
	if err := stream.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	heard, err := io.ReadAll(stream)
	if err == nil && !bytes.Equal(heard, sent) {
		err = fmt.Errorf("%d bytes came back, and not the %d that were sent", len(heard), len(sent))
	}
	return err
}

// early hears the end first and sends then.
func (p *prober) early(ctx context.Context) error {
	stream, err := p.open(ctx, earlyProtocol)
	if err != nil {
		return err
	}
	if heard, err := io.ReadAll(stream); err != nil || len(heard) > 0 {
		return fmt.Errorf("%d bytes, %w", len(heard), err)
	}
	if _, err := stream.Write(pattern(0)); err != nil {
		return err
	}
	_ = stream.Close()
	return p.echo(ctx) // what was sent before has arrived then
}

// reset is reset by the other side, and can tell that from an end; the connection stays.
func (p *prober) reset(ctx context.Context) error {
	stream, err := p.open(ctx, resetProtocol)
	if err != nil {
		return err
	}
	if _, err := stream.Write([]byte("!")); err != nil {
		return err
	}
	if heard, err := io.ReadAll(stream); !errors.Is(err, libp2pnet.ErrReset) {
		return fmt.Errorf("%d bytes and %v instead of a reset", len(heard), err)
	}
	return p.echo(ctx)
}

// abandon resets a stream that the other side reads; the connection stays.
func (p *prober) abandon(ctx context.Context) error {
	stream, err := p.open(ctx, earlyProtocol)
	if err != nil {
		return err
	}
	if _, err := stream.Write(pattern(0)); err != nil {
		return err
	}
	if _, err := io.ReadAll(stream); err != nil {
		return err
	}
	_ = stream.Reset()
	return p.echo(ctx)
}

// held writes to somebody who doesn't read until its window is full; other streams go on meanwhile.
func (p *prober) held(ctx context.Context) error {
	stream, err := p.open(ctx, heldProtocol)
	if err != nil {
		return err
	}
	var taken atomic.Int64
	written := make(chan error, 1)
	go func() {
		written <- writeAll(stream, heldSize, &taken)
	}()
	for before := int64(-1); before != taken.Load() || before == 0; {
		before = taken.Load()
		time.Sleep(stall)
	}
	p.emit("held", map[string]any{"bytes": taken.Load()})
	if err := p.echo(ctx); err != nil {
		return err
	}
	if err := <-written; err != nil {
		return err
	}
	return p.echo(ctx) // what was sent before has arrived then
}

func writeAll(stream libp2pnet.Stream, size int, taken *atomic.Int64) error {
	buffer := make([]byte, 1<<14)
	for range size / len(buffer) {
		n, err := stream.Write(buffer)
		taken.Add(int64(n))
		if err != nil {
			return err
		}
	}
	return stream.Close()
}

// leave has the other side close the connection under an open stream, and connects again.
func (p *prober) leave(ctx context.Context) error {
	open, err := p.open(ctx, echoProtocol)
	if err != nil {
		return err
	}
	if _, err := open.Write(pattern(0)); err != nil {
		return err
	}
	stream, err := p.open(ctx, leaveProtocol)
	if err != nil {
		return err
	}
	if _, err := stream.Write([]byte("!")); err != nil {
		return err
	}
	if heard, err := io.ReadAll(open); err == nil {
		return fmt.Errorf("%d bytes and an end of a stream whose connection was closed", len(heard))
	}
	if _, err := network.Connect(ctx, p.host, p.arguments[1]); err != nil {
		return err
	}
	return p.echo(ctx)
}

// goAway says that it takes no more streams: those that exist go on, as yamux has it.
func (p *prober) goAway(ctx context.Context) error {
	session, err := network.DialYamux(ctx, p.arguments[1])
	if err != nil {
		return err
	}
	defer session.Close()
	stream, err := session.Open(ctx, echoProtocol)
	if err != nil {
		return err
	}
	if err := session.GoAway(); err != nil {
		return err
	}
	return echoed(stream, pattern(0))
}
