package main

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"shoal.example/go-peer/catalog"
	"shoal.example/go-peer/network"
	"shoal.example/go-peer/share"
)

// librarian holds catalogues and exchanges them.
type librarian struct {
	*process
	host  host.Host
	shelf *catalog.Shelf
}

// answerCatalogues answers whoever asks from now on, and learns what is told.
func (p *process) answerCatalogues(ctx context.Context, h host.Host) *librarian {
	l := &librarian{p, h, &catalog.Shelf{}}
	h.SetStreamHandler(catalog.Protocol, func(stream libp2pnet.Stream) {
		id := stream.Conn().RemotePeer()
		_ = stream.SetDeadline(time.Now().Add(p.patience))
		err := l.shelf.Answer(stream, func(heads [][]byte) {
			go l.learn(ctx, id, heads)
		})
		l.emit("browsed", map[string]any{"peer": id.String()})
		if err != nil {
			l.refuse(stream, err)
			return
		}
		_ = stream.Close()
	})
	return l
}

// publish seals a catalogue of what is shared here.
func (l *librarian) publish(s *share.Share) {
	entry := catalog.Entry{
		CID: s.CID, Name: s.Manifest.Name, Size: sizeOf(s), Files: uint64(len(s.Manifest.Files)),
	}
	held, err := catalog.Publish(l.host.Peerstore().PrivKey(l.host.ID()), []catalog.Entry{entry}, time.Now())
	if err != nil {
		panic(err) // one entry, right by its import, and a key of this process
	}
	switch l.cheat {
	case "forged-head":
		held.Sealed[len(held.Sealed)-1] ^= 1
	case "wrong-page":
		held.Spoil()
	}
	l.shelf.Put(held)
}

// meet asks a peer for what it holds, and tells it what is held here.
func (l *librarian) meet(ctx context.Context, address string) error {
	id, err := network.Connect(ctx, l.host, address)
	if err != nil {
		return err
	}
	return l.ask(ctx, id, func(asker *catalog.Asker) error {
		told, err := asker.Heads()
		if err != nil {
			return err
		}
		l.emit("met", map[string]any{
			"peer": id.String(), "heads": len(told.Heads), "peers": catalog.Named(told.Peers),
		})
		if err := l.shelf.Learn(told.Heads, asker, l.report); err != nil {
			return err
		}
		return asker.Tell(l.shelf)
	})
}

func (l *librarian) learn(ctx context.Context, id peer.ID, heads [][]byte) {
	err := l.ask(ctx, id, func(asker *catalog.Asker) error { return l.shelf.Learn(heads, asker, l.report) })
	if err != nil {
		l.emit("refused", map[string]any{"peer": id.String(), "error": err.Error()})
	}
}

// ask opens a stream, asks on it and ends it.
func (l *librarian) ask(ctx context.Context, id peer.ID, do func(*catalog.Asker) error) error {
	stream, err := l.host.NewStream(ctx, id, catalog.Protocol)
	if err != nil {
		return err
	}
	_ = stream.SetDeadline(time.Now().Add(l.patience))
	if err := do(catalog.NewAsker(stream)); err != nil {
		_ = stream.Reset()
		return err
	}
	return stream.Close()
}

func (l *librarian) refuse(stream libp2pnet.Stream, err error) {
	l.emit("refused", map[string]any{"peer": stream.Conn().RemotePeer().String(), "error": err.Error()})
	_ = stream.Reset()
}

// report says what a publisher offers.
func (l *librarian) report(held *catalog.Held) {
	entries := []map[string]any{}
	for _, entry := range held.Entries {
		entries = append(entries, map[string]any{
			"cid": entry.CID.String(), "name": entry.Name, "size": entry.Size, "files": entry.Files,
		})
	}
	l.emit("catalogue", map[string]any{
		"publisher": held.Head.Publisher.String(), "seq": held.Head.Seq, "pages": len(held.Head.Pages),
		"entries": entries,
	})
}

// catalogues asks --peer for the catalogues it holds; with --stay it goes on to listen and to answer.
func catalogues(ctx context.Context, p *process) error {
	var l *librarian
	h, err := p.host(nil, func(h host.Host) { l = p.answerCatalogues(ctx, h) })
	if err != nil {
		return err
	}
	defer h.Close()
	for _, address := range p.peers {
		if err := l.meet(ctx, address); err != nil {
			return err
		}
	}
	if p.stay {
		<-ctx.Done()
	}
	return nil
}
