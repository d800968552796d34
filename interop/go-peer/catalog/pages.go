package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/ipfs/go-cid"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/dagcbor"
)

// Entry is one share, as its publisher says.
type Entry struct {
	CID   cid.Cid
	Name  string
	Size  uint64
	Files uint64
}

// EncodePage is the block of entries that are in order.
func EncodePage(entries []Entry) []byte {
	var w dagcbor.Writer
	w.Fields(1)
	w.Text("entries")
	w.List(len(entries))
	for _, entry := range entries {
		w.List(4)
		w.Link(entry.CID.Bytes())
		w.Text(entry.Name)
		w.Uint(entry.Size)
		w.Uint(entry.Files)
	}
	return w.Block
}

// DecodePage reads a page.
func DecodePage(block []byte) ([]Entry, error) {
	if len(block) > MaxPageSize {
		return nil, fmt.Errorf("a page of %d bytes", len(block))
	}
	r := dagcbor.NewReader(block)
	r.Fields("a page", 1)
	r.Key("entries")
	var entries []Entry
	for range r.List("entries", MaxPageEntries) {
		entries = append(entries, readEntry(r))
	}
	r.End("the page")
	if r.Err != nil {
		return nil, r.Err
	}
	if len(entries) == 0 {
		return nil, errors.New("a page without entries")
	}
	for i, entry := range entries {
		if i > 0 && bytes.Compare(entries[i-1].CID.Bytes(), entry.CID.Bytes()) >= 0 {
			return nil, fmt.Errorf("%s stands behind %s", entry.CID, entries[i-1].CID)
		}
	}
	return entries, nil
}

func readEntry(r *dagcbor.Reader) Entry {
	if count := r.List("an entry", 4); r.Err == nil && count != 4 {
		r.Fail("an entry of %d values", count)
	}
	entry := Entry{readManifestLink(r), r.Text("a name"), r.Uint("a size"), r.Uint("files")}
	if err := content.CheckName(entry.Name); r.Err == nil && err != nil {
		r.Fail("%w", err)
	}
	if entry.Size > math.MaxInt64 || entry.Files > content.MaxEntries {
		r.Fail("an entry of %d bytes and %d files", entry.Size, entry.Files)
	}
	return entry
}

// readManifestLink reads the CID of a manifest or a page: both are dag-cbor.
func readManifestLink(r *dagcbor.Reader) cid.Cid {
	data := r.Link("a link")
	if r.Err != nil {
		return cid.Undef
	}
	id, err := content.ReadManifestCID(data)
	if err != nil {
		r.Fail("%w", err)
	}
	return id
}

// Cut makes pages of entries that are in order, as section 2 has it.
func Cut(entries []Entry) [][]Entry {
	var pages [][]Entry
	start := 0
	for i, entry := range entries {
		data := entry.CID.Bytes()
		if data[len(data)-1] == 0 || i+1-start == MaxPageEntries || i == len(entries)-1 {
			pages = append(pages, entries[start:i+1])
			start = i + 1
		}
	}
	return pages
}
