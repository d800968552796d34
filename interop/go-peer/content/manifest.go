package content

import (
	"fmt"

	"github.com/ipfs/go-cid"
)

// Version is the version of the manifest's format.
const Version = 1

// Path is where something is below the share: its components.
type Path []string

// File is one file of a share.
type File struct {
	Path   Path
	Size   uint64
	SHA256 [DigestSize]byte
}

// Manifest describes a share (section 3). One from DecodeManifest or with a Check that passes keeps every rule.
type Manifest struct {
	Name      string
	ChunkSize uint64
	Folder    bool
	Files     []File
	Dirs      []Path
	Digests   []byte    // 32 bytes each chunk, or nothing if they are in pages
	Pages     []cid.Cid // the digest pages, or nothing if the digests are inline
}

// DecodeManifest reads a block and checks every rule of MANIFEST.md that it alone can show.
func DecodeManifest(block []byte) (*Manifest, error) {
	if len(block) > MaxManifest {
		return nil, fmt.Errorf("a manifest has at most %d bytes, not %d", MaxManifest, len(block))
	}
	manifest, err := readManifest(&cborReader{rest: block})
	if err != nil {
		return nil, err
	}
	return manifest, manifest.Check()
}

func readManifest(r *cborReader) (*Manifest, error) {
	var m Manifest
	count := r.head(majorMap, "the manifest")
	r.key("v")
	if version := r.uint("v"); r.err == nil && version != Version {
		return nil, fmt.Errorf("version %d of the manifest is not known", version)
	}
	if r.err == nil && count != 8 {
		return nil, fmt.Errorf("the manifest has %d keys instead of 8", count)
	}
	r.key("dirs")
	for range r.list("dirs", MaxEntries) {
		m.Dirs = append(m.Dirs, readPath(r))
	}
	r.key("name")
	m.Name = r.text("name")
	r.key("chunk")
	m.ChunkSize = r.uint("chunk")
	r.key("files")
	for range r.list("files", MaxEntries) {
		m.Files = append(m.Files, readFile(r))
	}
	r.key("pages")
	for range r.list("pages", MaxPages) {
		m.Pages = append(m.Pages, r.link("a page"))
	}
	r.key("folder")
	m.Folder = r.bool("folder")
	r.key("digests")
	m.Digests = r.bytes("digests")
	if r.err == nil && len(r.rest) != 0 {
		r.fail("%d bytes follow the manifest", len(r.rest))
	}
	return &m, r.err
}

func readFile(r *cborReader) File {
	var file File
	r.fields("a file", 3)
	r.key("path")
	file.Path = readPath(r)
	r.key("size")
	file.Size = r.uint("size")
	r.key("sha256")
	digest := r.bytes("sha256")
	if r.err == nil && len(digest) != DigestSize {
		r.fail("a sha256 has %d bytes", len(digest))
	}
	copy(file.SHA256[:], digest)
	return file
}

func readPath(r *cborReader) Path {
	var path Path
	for range r.list("a path", MaxComponents) {
		path = append(path, r.text("a component"))
	}
	return path
}

// Encode is the block of the manifest; it fails rather than write what a decoder refuses.
func (m *Manifest) Encode() ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	var w cborWriter
	w.fields(8)
	w.text("v")
	w.uint(Version)
	w.text("dirs")
	w.paths(m.Dirs)
	w.text("name")
	w.text(m.Name)
	w.text("chunk")
	w.uint(m.ChunkSize)
	w.text("files")
	w.list(len(m.Files))
	for _, file := range m.Files {
		w.fields(3)
		w.text("path")
		w.path(file.Path)
		w.text("size")
		w.uint(file.Size)
		w.text("sha256")
		w.bytes(file.SHA256[:])
	}
	w.text("pages")
	w.list(len(m.Pages))
	for _, page := range m.Pages {
		w.link(page)
	}
	w.text("folder")
	w.bool(m.Folder)
	w.text("digests")
	w.bytes(m.Digests)
	if len(w.block) > MaxManifest {
		return nil, fmt.Errorf("the manifest would have %d bytes, more than %d", len(w.block), MaxManifest)
	}
	return w.block, nil
}
