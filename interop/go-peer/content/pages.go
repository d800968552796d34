package content

import (
	"crypto/sha256"
	"fmt"

	"github.com/ipfs/go-cid"
)

// SetDigests puts the digests of all chunks into the manifest, inline or in pages, and returns the pages' blocks.
func (m *Manifest) SetDigests(digests []byte) [][]byte {
	m.Digests, m.Pages = digests, nil
	if len(digests) <= MaxInline*DigestSize {
		return nil
	}
	m.Digests = nil
	var blocks [][]byte
	for len(digests) > 0 {
		size := min(len(digests), MaxPage)
		blocks = append(blocks, digests[:size])
		m.Pages = append(m.Pages, SumCID(CodecRaw, digests[:size]))
		digests = digests[size:]
	}
	return blocks
}

// CheckPage says whether a block is this page of the manifest.
func (m *Manifest) CheckPage(layout *Layout, page int, block []byte) error {
	if len(block) != layout.PageSize(page) {
		return fmt.Errorf("page %d has %d bytes, not %d", page, layout.PageSize(page), len(block))
	}
	if SumCID(CodecRaw, block) != m.Pages[page] {
		return fmt.Errorf("page %d has another hash", page)
	}
	return nil
}

// IsBlock says whether a block is what a CID names.
func IsBlock(id cid.Cid, block []byte) bool {
	return SumCID(id.Prefix().Codec, block) == id
}

// IsChunk says whether bytes are the chunk that a digest names.
func IsChunk(digests []byte, chunk int, data []byte) bool {
	sum := sha256.Sum256(data)
	return string(sum[:]) == string(digests[chunk*DigestSize:(chunk+1)*DigestSize])
}
