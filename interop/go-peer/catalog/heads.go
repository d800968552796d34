package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"

	"shoal.example/go-peer/dagcbor"
)

const headVersion = 1

// Head is what a publisher signs. It is a libp2p record.
type Head struct {
	Publisher       peer.ID // of the envelope's key
	Seq             uint64
	Count           uint64
	Pages           []cid.Cid
	Issued, Expires uint64 // unix time
}

// Domain is that of the signature.
func (*Head) Domain() string { return "shoal-catalog-head" }

// Codec is the payload's type.
func (*Head) Codec() []byte { return []byte("/shoal/catalog/head") }

// MarshalRecord is the payload.
func (h *Head) MarshalRecord() ([]byte, error) {
	var w dagcbor.Writer
	w.Fields(6)
	w.Text("v")
	w.Uint(headVersion)
	w.Text("seq")
	w.Uint(h.Seq)
	w.Text("count")
	w.Uint(h.Count)
	w.Text("pages")
	w.List(len(h.Pages))
	for _, page := range h.Pages {
		w.Link(page.Bytes())
	}
	w.Text("issued")
	w.Uint(h.Issued)
	w.Text("expires")
	w.Uint(h.Expires)
	return w.Block, nil
}

// UnmarshalRecord reads a payload.
func (h *Head) UnmarshalRecord(payload []byte) error {
	r := dagcbor.NewReader(payload)
	count := r.Map("the head")
	r.Key("v")
	if version := r.Uint("v"); r.Err == nil && version != headVersion {
		return fmt.Errorf("version %d of the head is not known", version)
	}
	if r.Err == nil && count != 6 {
		return fmt.Errorf("the head has %d keys", count)
	}
	r.Key("seq")
	h.Seq = r.Uint("seq")
	r.Key("count")
	h.Count = r.Uint("count")
	r.Key("pages")
	for range r.List("pages", MaxPages) {
		h.Pages = append(h.Pages, readManifestLink(r))
	}
	r.Key("issued")
	h.Issued = r.Uint("issued")
	r.Key("expires")
	h.Expires = r.Uint("expires")
	r.End("the head")
	if r.Err != nil {
		return r.Err
	}
	return h.check()
}

func (h *Head) check() error {
	pages := uint64(len(h.Pages))
	unique := map[cid.Cid]bool{}
	for _, page := range h.Pages {
		unique[page] = true
	}
	switch {
	case h.Seq == 0 || h.Seq > math.MaxInt64:
		return fmt.Errorf("seq %d", h.Seq)
	case h.Count > MaxEntries || pages > h.Count || (pages == 0) != (h.Count == 0):
		return fmt.Errorf("%d entries on %d pages", h.Count, pages)
	case len(unique) != len(h.Pages):
		return errors.New("a page twice")
	case h.Expires <= h.Issued || h.Expires-h.Issued > MaxLifetime:
		return fmt.Errorf("issued at %d, expires at %d", h.Issued, h.Expires)
	}
	return nil
}

// IsCurrent says whether the head is to be believed at a time.
func (h *Head) IsCurrent(now time.Time) bool {
	at := now.Unix()
	return at >= int64(h.Issued)-MaxClockSkew && at < int64(h.Expires)
}

// Seal is the signed envelope of a head.
func (h *Head) Seal(key crypto.PrivKey) ([]byte, error) {
	envelope, err := record.Seal(h, key)
	if err != nil {
		return nil, err
	}
	return envelope.Marshal()
}

// OpenHead reads a sealed head and verifies it, but for its time.
func OpenHead(sealed []byte) (*Head, error) {
	if len(sealed) > MaxHeadSize {
		return nil, fmt.Errorf("a head of %d bytes", len(sealed))
	}
	var head Head
	envelope, err := record.ConsumeTypedEnvelope(sealed, &head)
	if err != nil {
		return nil, err
	}
	again, err := envelope.Marshal()
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(again, sealed):
		return nil, errors.New("an envelope with other fields than it must have, or in another order")
	case !bytes.Equal(envelope.PayloadType, head.Codec()):
		return nil, fmt.Errorf("payload type %q", envelope.PayloadType)
	case envelope.PublicKey.Type() != pb.KeyType_Ed25519:
		return nil, fmt.Errorf("a key of type %s", envelope.PublicKey.Type())
	}
	head.Publisher, err = peer.IDFromPublicKey(envelope.PublicKey)
	return &head, err
}

// Publish makes a catalogue of entries: its head, sealed now, and the blocks of its pages.
func Publish(key crypto.PrivKey, entries []Entry, now time.Time) (*Held, error) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int { return bytes.Compare(a.CID.Bytes(), b.CID.Bytes()) })
	held := &Held{Entries: entries}
	head := &Head{
		Seq: uint64(now.Unix()), Count: uint64(len(entries)),
		Issued: uint64(now.Unix()), Expires: uint64(now.Add(lifetime).Unix()),
	}
	for _, page := range Cut(entries) {
		head.Pages = append(head.Pages, held.add(EncodePage(page)))
	}
	sealed, err := head.Seal(key)
	if err != nil {
		return nil, err
	}
	held.Sealed = sealed
	held.Head, err = OpenHead(sealed)
	return held, err
}
