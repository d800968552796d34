package content

import (
	"fmt"

	"github.com/ipfs/go-cid"

	"shoal.example/go-peer/dagcbor"
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
	manifest, err := readManifest(dagcbor.NewReader(block))
	if err != nil {
		return nil, err
	}
	return manifest, manifest.Check()
}

func readManifest(r *dagcbor.Reader) (*Manifest, error) {
	var m Manifest
	count := r.Map("the manifest")
	r.Key("v")
	if version := r.Uint("v"); r.Err == nil && version != Version {
		return nil, fmt.Errorf("version %d of the manifest is not known", version)
	}
	if r.Err == nil && count != 8 {
		return nil, fmt.Errorf("the manifest has %d keys instead of 8", count)
	}
	r.Key("dirs")
	for range r.List("dirs", MaxEntries) {
		m.Dirs = append(m.Dirs, readPath(r))
	}
	r.Key("name")
	m.Name = r.Text("name")
	r.Key("chunk")
	m.ChunkSize = r.Uint("chunk")
	r.Key("files")
	for range r.List("files", MaxEntries) {
		m.Files = append(m.Files, readFile(r))
	}
	r.Key("pages")
	for range r.List("pages", MaxPages) {
		m.Pages = append(m.Pages, ReadLink(r, "a page"))
	}
	r.Key("folder")
	m.Folder = r.Bool("folder")
	r.Key("digests")
	m.Digests = r.Bytes("digests")
	r.End("the manifest")
	return &m, r.Err
}

func readFile(r *dagcbor.Reader) File {
	var file File
	r.Fields("a file", 3)
	r.Key("path")
	file.Path = readPath(r)
	r.Key("size")
	file.Size = r.Uint("size")
	r.Key("sha256")
	digest := r.Bytes("sha256")
	if r.Err == nil && len(digest) != DigestSize {
		r.Fail("a sha256 has %d bytes", len(digest))
	}
	copy(file.SHA256[:], digest)
	return file
}

func readPath(r *dagcbor.Reader) Path {
	var path Path
	for range r.List("a path", MaxComponents) {
		path = append(path, r.Text("a component"))
	}
	return path
}

// Encode is the block of the manifest; it fails rather than write what a decoder refuses.
func (m *Manifest) Encode() ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	var w dagcbor.Writer
	w.Fields(8)
	w.Text("v")
	w.Uint(Version)
	w.Text("dirs")
	writePaths(&w, m.Dirs)
	w.Text("name")
	w.Text(m.Name)
	w.Text("chunk")
	w.Uint(m.ChunkSize)
	w.Text("files")
	w.List(len(m.Files))
	for _, file := range m.Files {
		w.Fields(3)
		w.Text("path")
		writePath(&w, file.Path)
		w.Text("size")
		w.Uint(file.Size)
		w.Text("sha256")
		w.Bytes(file.SHA256[:])
	}
	w.Text("pages")
	w.List(len(m.Pages))
	for _, page := range m.Pages {
		w.Link(page.Bytes())
	}
	w.Text("folder")
	w.Bool(m.Folder)
	w.Text("digests")
	w.Bytes(m.Digests)
	if len(w.Block) > MaxManifest {
		return nil, fmt.Errorf("the manifest would have %d bytes, more than %d", len(w.Block), MaxManifest)
	}
	return w.Block, nil
}

func writePaths(w *dagcbor.Writer, paths []Path) {
	w.List(len(paths))
	for _, path := range paths {
		writePath(w, path)
	}
}

func writePath(w *dagcbor.Writer, path Path) {
	w.List(len(path))
	for _, component := range path {
		w.Text(component)
	}
}

// ReadLink reads a link to something that a share may have.
func ReadLink(r *dagcbor.Reader, what string) cid.Cid {
	data := r.Link(what)
	if r.Err != nil {
		return cid.Undef
	}
	id, err := ReadCID(data)
	if err != nil {
		r.Fail("%s: %w", what, err)
	}
	return id
}
