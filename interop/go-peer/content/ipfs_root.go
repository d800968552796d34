package content

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/ipfs/go-cid"
)

// Numbers of the profile `unixfs-v1-2025` (section 7).
const (
	rootWidth    = 1_024
	maxDirectory = 262_144 // a longer directory block would be a HAMT
)

// node is a block of an IPFS tree, as its parent sees it.
type node struct {
	id       cid.Cid
	fileSize uint64
	dagSize  uint64
}

type directory map[string]any // a name's node or directory

// IPFSRoot is the CID that an IPFS node computes for the same content; it fails where there is none by section 7.
func (m *Manifest) IPFSRoot(digests []byte) (cid.Cid, error) {
	if m.ChunkSize != DefaultChunk {
		return cid.Undef, errors.New("an IPFS root is defined for chunks of 1 MiB only")
	}
	layout, err := m.Layout()
	if err != nil {
		return cid.Undef, err
	}
	top := directory{}
	for i, file := range m.Files {
		top.put(file.Path, fileNode(layout, i, digests))
	}
	for _, path := range m.Dirs {
		top.put(path, directory{})
	}
	if !m.Folder {
		return top[m.Name].(node).id, nil
	}
	root, err := top.node()
	return root.id, err
}

func (d directory) put(path Path, what any) {
	for _, component := range path[:len(path)-1] {
		if d[component] == nil {
			d[component] = directory{}
		}
		d = d[component].(directory)
	}
	d[path[len(path)-1]] = what
}

func (d directory) node() (node, error) {
	names := make([]string, 0, len(d))
	for name := range d {
		names = append(names, name)
	}
	slices.Sort(names)
	var block []byte
	var size uint64
	for _, name := range names {
		child, isNode := d[name].(node)
		if !isNode {
			var err error
			if child, err = d[name].(directory).node(); err != nil {
				return node{}, err
			}
		}
		block = appendLink(block, child, name)
		size += child.dagSize
	}
	block = appendField(block, 1, appendNumber(nil, 1, 1))
	if len(block) > maxDirectory {
		return node{}, errors.New("a directory is so large that IPFS would use a HAMT")
	}
	return node{id: SumCID(CodecDagPB, block), dagSize: size + uint64(len(block))}, nil
}

func fileNode(layout *Layout, file int, digests []byte) node {
	first, count := layout.FileChunks(file)
	if count == 0 {
		return node{id: SumCID(CodecRaw, nil)}
	}
	nodes := make([]node, count)
	for i := range nodes {
		_, _, size := layout.Chunk(first + i)
		digest := [DigestSize]byte(digests[(first+i)*DigestSize:])
		nodes[i] = node{DigestCID(CodecRaw, digest), uint64(size), uint64(size)}
	}
	for len(nodes) > 1 {
		var parents []node
		for children := range slices.Chunk(nodes, rootWidth) {
			parents = append(parents, parentNode(children))
		}
		nodes = parents
	}
	return nodes[0]
}

func parentNode(children []node) node {
	var block, sizes []byte
	var parent node
	for _, child := range children {
		block = appendLink(block, child, "")
		sizes = appendNumber(sizes, 4, child.fileSize)
		parent.fileSize += child.fileSize
		parent.dagSize += child.dagSize
	}
	data := append(appendNumber(appendNumber(nil, 1, 2), 3, parent.fileSize), sizes...)
	block = appendField(block, 1, data)
	parent.id = SumCID(CodecDagPB, block)
	parent.dagSize += uint64(len(block))
	return parent
}

func appendLink(block []byte, child node, name string) []byte {
	link := appendField(nil, 1, child.id.Bytes())
	link = appendField(link, 2, []byte(name))
	return appendField(block, 2, appendNumber(link, 3, child.dagSize))
}

func appendField(block []byte, number uint64, data []byte) []byte {
	block = binary.AppendUvarint(block, 8*number+2)
	block = binary.AppendUvarint(block, uint64(len(data)))
	return append(block, data...)
}

func appendNumber(block []byte, number, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(block, 8*number), value)
}
