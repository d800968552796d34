package content

import (
	"testing"

	"shoal.example/go-peer/vectors"
)

func TestIPFSRoots(t *testing.T) {
	var file struct {
		Roots []struct {
			What    string
			Folder  bool
			Files   []fileVector
			Dirs    []Path
			Digests *vectors.Hex
			Root    *string
		}
	}
	vectors.Load(t, "ipfs_roots.json", &file)
	for _, vector := range file.Roots {
		m := &Manifest{Name: "share", ChunkSize: DefaultChunk, Folder: vector.Folder, Dirs: vector.Dirs}
		for _, file := range vector.Files {
			m.Files = append(m.Files, File{Path: file.Path, Size: file.Size})
		}
		if !vector.Folder {
			m.Name = vector.Files[0].Path[0]
		}
		layout, err := m.Layout()
		if err != nil {
			t.Fatal(err)
		}
		var digests []byte
		if vector.Digests != nil {
			digests = *vector.Digests
		} else {
			digests = decimalDigests(layout.Chunks())
		}
		root, err := m.IPFSRoot(digests)
		if vector.Root == nil {
			if err == nil {
				t.Errorf("%s: has root %s", vector.What, root)
			}
			continue
		}
		if err != nil || root.String() != *vector.Root {
			t.Errorf("%s: %s, %v", vector.What, root, err)
		}
	}
}
