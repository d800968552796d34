package transfer

import (
	"fmt"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/share"
)

// metadata is the manifest and its pages on their way, from one session at a time.
type metadata struct {
	by       *session
	blocks   [][]byte // verified: the manifest, then pages
	manifest *content.Manifest
	layout   *content.Layout
	block    []byte // of the next part, as far as it has arrived
	asked    uint64 // how far it has been asked for
}

// askMetadata has some session ask for the next part, if nobody does.
func (w *Swarm) askMetadata() {
	if w.share != nil || w.meta.by != nil {
		return
	}
	for _, s := range w.sessions {
		live := s.conv.Me.State == exchange.Greeted && s.conv.Peer.Hello != nil && s.conv.Peer.State != exchange.Done
		if live && !s.noMeta {
			w.meta.by = s
			s.progressed()
			w.askPart(s)
			return
		}
	}
}

func (w *Swarm) askPart(s *session) {
	w.meta.block, w.meta.asked = nil, exchange.MaxMeta
	s.send(exchange.GetMeta{Part: uint64(len(w.meta.blocks))})
}

// metaArrived takes a piece of the current part. Pieces come in order, as they were asked for.
func (w *Swarm) metaArrived(s *session, m exchange.Meta) error {
	meta := w.meta
	if meta == nil || meta.by != s {
		return nil
	}
	meta.block = append(meta.block, m.Data...)
	if uint64(len(meta.block)) < m.Total {
		// After the first piece the size is known: keep as many under way as may be.
		for meta.asked < m.Total && meta.asked < uint64(len(meta.block))+exchange.MaxMetaRequests*exchange.MaxMeta {
			s.send(exchange.GetMeta{Part: m.Part, Offset: meta.asked})
			meta.asked += exchange.MaxMeta
		}
		return nil
	}
	if err := w.partArrived(meta.block); err != nil {
		meta.by = nil
		return fmt.Errorf("part %d: %w: %w", m.Part, share.ErrBadHash, err)
	}
	if len(meta.blocks) <= len(meta.manifest.Pages) {
		w.askPart(s)
		return nil
	}
	created, err := share.Create(w.dir, w.id, meta.blocks)
	if err != nil {
		w.fail(err)
		return nil
	}
	w.node.report("manifest", map[string]any{
		"name": meta.manifest.Name, "chunks": meta.layout.Chunks(), "pages": len(meta.manifest.Pages),
		"from": s.peer.String(),
	})
	w.shareIsHere(created)
	return nil
}

// partArrived believes a block if it is what its CID names.
func (w *Swarm) partArrived(block []byte) error {
	meta := w.meta
	if page := len(meta.blocks) - 1; page >= 0 {
		if err := meta.manifest.CheckPage(meta.layout, page, block); err != nil {
			return err
		}
		meta.blocks = append(meta.blocks, block)
		return nil
	}
	if !content.IsBlock(w.id, block) {
		return fmt.Errorf("the manifest isn't %s", w.id)
	}
	manifest, err := content.DecodeManifest(block)
	if err != nil {
		return err
	}
	meta.manifest = manifest
	if meta.layout, err = manifest.Layout(); err != nil {
		return err
	}
	meta.blocks = append(meta.blocks, block)
	return nil
}
