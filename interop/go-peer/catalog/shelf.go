package catalog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/exchange"
)

// Held is one publisher's catalogue, complete.
type Held struct {
	Head    *Head
	Sealed  []byte
	Entries []Entry
	blocks  map[cid.Cid][]byte
}

func (h *Held) add(block []byte) cid.Cid {
	id := content.SumCID(content.CodecManifest, block)
	if h.blocks == nil {
		h.blocks = map[cid.Cid][]byte{}
	}
	h.blocks[id] = block
	return id
}

// Spoil changes a byte of each page, as a cheat would.
func (h *Held) Spoil() {
	for _, block := range h.blocks {
		block[len(block)-1] ^= 1
	}
}

// Shelf is the catalogues that a node holds, its own first.
type Shelf struct {
	lock sync.Mutex
	held []*Held
}

// Put keeps a catalogue unless a newer one of its publisher is there; it says whether it was news.
func (s *Shelf) Put(held *Held) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	at := slices.IndexFunc(s.held, func(h *Held) bool { return h.Head.Publisher == held.Head.Publisher })
	switch {
	case at < 0:
		s.held = append(s.held, held)
	case s.held[at].Head.Seq >= held.Head.Seq:
		return false
	default:
		s.held[at] = held
	}
	return true
}

// isNews says whether a head is worth its pages.
func (s *Shelf) isNews(head *Head) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	return !slices.ContainsFunc(s.held, func(h *Held) bool {
		return h.Head.Publisher == head.Publisher && h.Head.Seq >= head.Seq
	})
}

func (s *Shelf) heads(most uint64) [][]byte {
	s.lock.Lock()
	defer s.lock.Unlock()
	var heads [][]byte
	for _, held := range s.held {
		if uint64(len(heads)) < most && held.Head.IsCurrent(time.Now()) {
			heads = append(heads, held.Sealed)
		}
	}
	return heads
}

func (s *Shelf) page(id cid.Cid) []byte {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, held := range s.held {
		if block := held.blocks[id]; block != nil {
			return block
		}
	}
	return nil
}

// Answer answers an asker to the end of its direction, and hands on the news it tells.
func (s *Shelf) Answer(stream io.ReadWriter, news func([][]byte)) error {
	for source := bufio.NewReader(stream); ; {
		message, err := ReadMessage(source, MaxRequest)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var answer any
		switch m := message.(type) {
		case Ask:
			answer = Tell{Heads: s.heads(m.Heads)}
		case GetPage:
			answer = Page{s.page(m.CID)}
		case Tell:
			news(m.Heads)
			continue
		default:
			return fmt.Errorf("%T of an asker", message)
		}
		if _, err := stream.Write(EncodeMessage(answer)); err != nil {
			return err
		}
	}
}

// Asker asks on one stream.
type Asker struct {
	stream io.ReadWriter
	source *bufio.Reader
}

// NewAsker asks on a stream.
func NewAsker(stream io.ReadWriter) *Asker { return &Asker{stream, bufio.NewReader(stream)} }

// Heads asks for heads and peers.
func (a *Asker) Heads() (Tell, error) {
	answer, err := a.ask(Ask{MaxHeads, MaxPeers})
	tell, isTell := answer.(Tell)
	if err == nil && !isTell {
		err = fmt.Errorf("%T instead of heads", answer)
	}
	return tell, err
}

// Fetch gets the pages of a head; nothing, if one of them is gone.
func (a *Asker) Fetch(head *Head, sealed []byte) (*Held, error) {
	held := &Held{Head: head, Sealed: sealed}
	for _, id := range head.Pages {
		answer, err := a.ask(GetPage{id})
		page, isPage := answer.(Page)
		switch {
		case err != nil:
			return nil, err
		case !isPage:
			return nil, fmt.Errorf("%T instead of a page", answer)
		case page.Block == nil:
			return nil, nil
		case held.add(page.Block) != id:
			return nil, fmt.Errorf("another page than %s", id)
		}
		entries, err := DecodePage(page.Block)
		if err != nil {
			return nil, err
		}
		held.Entries = append(held.Entries, entries...)
	}
	if uint64(len(held.Entries)) != head.Count {
		return nil, fmt.Errorf("%d entries instead of %d", len(held.Entries), head.Count)
	}
	return held, nil
}

func (a *Asker) ask(question any) (any, error) {
	if _, err := a.stream.Write(EncodeMessage(question)); err != nil {
		return nil, err
	}
	return ReadMessage(a.source, MaxPayload)
}

// Learn fetches what is news of some sealed heads, and keeps it. A bad head is the fault of who told it.
func (s *Shelf) Learn(heads [][]byte, a *Asker, report func(*Held)) error {
	for _, sealed := range heads {
		head, err := OpenHead(sealed)
		if err != nil {
			return err
		}
		if !head.IsCurrent(time.Now()) || !s.isNews(head) {
			continue
		}
		held, err := a.Fetch(head, sealed)
		if err != nil {
			return err
		}
		if held != nil && s.Put(held) {
			report(held)
		}
	}
	return nil
}

// Named are those of told peers that have a readable id.
func Named(peers []exchange.KnownPeer) []string {
	names := []string{}
	for _, known := range peers {
		if id, err := peer.IDFromBytes(known.ID); err == nil {
			names = append(names, id.String())
		}
	}
	return names
}

// Tell tells of all heads that are held, as news.
func (a *Asker) Tell(s *Shelf) error {
	heads := s.heads(MaxHeads)
	if len(heads) == 0 {
		return nil
	}
	_, err := a.stream.Write(EncodeMessage(Tell{Heads: heads}))
	return err
}
