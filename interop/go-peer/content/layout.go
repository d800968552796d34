package content

import (
	"fmt"
	"sort"
)

// Layout is where the chunks of a share lie (section 2). Chunks are numbered through all files.
type Layout struct {
	chunkSize uint64
	sizes     []uint64
	starts    []int // of each file the number of its first chunk, then the number of all chunks
}

// Layout is where the chunks of the manifest's files lie; it fails if there are too many.
func (m *Manifest) Layout() (*Layout, error) {
	sizes := make([]uint64, len(m.Files))
	for i, file := range m.Files {
		sizes[i] = file.Size
	}
	return NewLayout(m.ChunkSize, sizes)
}

// NewLayout is the layout of files of these sizes in manifest order.
func NewLayout(chunkSize uint64, sizes []uint64) (*Layout, error) {
	layout := &Layout{chunkSize: chunkSize, sizes: sizes, starts: make([]int, 0, len(sizes)+1)}
	total := uint64(0)
	for _, size := range sizes {
		layout.starts = append(layout.starts, int(total))
		chunks := size / chunkSize
		if size%chunkSize != 0 {
			chunks++
		}
		total += min(chunks, MaxChunks+1)
		if total > MaxChunks {
			return nil, fmt.Errorf("more than %d chunks", MaxChunks)
		}
	}
	layout.starts = append(layout.starts, int(total))
	return layout, nil
}

// Chunks is the number of all chunks.
func (l *Layout) Chunks() int { return l.starts[len(l.starts)-1] }

// Pages is the number of digest pages if there are any.
func (l *Layout) Pages() int { return (l.Chunks() + PageDigests - 1) / PageDigests }

// PageSize is the length of a digest page.
func (l *Layout) PageSize(page int) int {
	return min(PageDigests, l.Chunks()-page*PageDigests) * DigestSize
}

// FileChunks is the number of a file's first chunk, and of its chunks.
func (l *Layout) FileChunks(file int) (first, count int) {
	return l.starts[file], l.starts[file+1] - l.starts[file]
}

// Chunk says in which file a chunk is, where it begins there and how long it is.
func (l *Layout) Chunk(chunk int) (file int, offset uint64, size int) {
	file = sort.SearchInts(l.starts[1:], chunk+1)
	offset = uint64(chunk-l.starts[file]) * l.chunkSize
	return file, offset, int(min(l.chunkSize, l.sizes[file]-offset))
}
