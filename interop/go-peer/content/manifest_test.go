package content

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"testing"

	"shoal.example/go-peer/vectors"
)

type fileVector struct {
	Path   Path
	Size   uint64
	SHA256 vectors.Hex
}

type manifestVector struct {
	What, CID, Name string
	Folder          bool
	Chunk           uint64
	Files           []fileVector
	Dirs            []Path
	Digests         struct {
		Hex   vectors.Hex
		Rule  string
		Count int
	}
	Pages       []string
	BlockLength int `json:"block_length"`
	Block       vectors.Hex
}

// decimalDigests is the vectors' rule "sha256 of decimal".
func decimalDigests(count int) []byte {
	var digests []byte
	for i := range count {
		sum := sha256.Sum256([]byte(strconv.Itoa(i)))
		digests = append(digests, sum[:]...)
	}
	return digests
}

func (v *manifestVector) digests() []byte {
	if v.Digests.Rule != "" {
		return decimalDigests(v.Digests.Count)
	}
	return v.Digests.Hex
}

func (v *manifestVector) manifest() *Manifest {
	m := &Manifest{Name: v.Name, ChunkSize: v.Chunk, Folder: v.Folder, Dirs: v.Dirs}
	for _, file := range v.Files {
		m.Files = append(m.Files, File{file.Path, file.Size, [DigestSize]byte(file.SHA256)})
	}
	return m
}

func TestManifests(t *testing.T) {
	var file struct {
		Good []manifestVector
		Bad  []struct {
			Why   string
			Block vectors.Hex
		}
	}
	vectors.Load(t, "manifests.json", &file)
	for _, vector := range file.Good {
		t.Run(vector.What, func(t *testing.T) { checkGood(t, &vector) })
	}
	for _, vector := range file.Bad {
		if m, err := DecodeManifest(vector.Block); err == nil {
			t.Errorf("%s: read as %+v", vector.Why, m)
		} else {
			t.Logf("%s: %v", vector.Why, err)
		}
	}
}

func checkGood(t *testing.T, vector *manifestVector) {
	made := vector.manifest()
	pages := made.SetDigests(vector.digests())
	block, err := made.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(block) != vector.BlockLength || len(vector.Block) > 0 && !bytes.Equal(block, vector.Block) {
		t.Errorf("encoded as %x", block)
	}
	if id := SumCID(CodecManifest, block); id.String() != vector.CID {
		t.Errorf("CID %s", id)
	}
	read, err := DecodeManifest(block)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read.Encode()
	if err != nil || !bytes.Equal(again, block) {
		t.Errorf("%v: encoded again as %x", err, again)
	}
	layout, err := read.Layout()
	if err != nil || len(pages) != len(vector.Pages) {
		t.Fatalf("%v, %d pages", err, len(pages))
	}
	for i, page := range pages {
		if read.Pages[i].String() != vector.Pages[i] {
			t.Errorf("page %d is %s", i, read.Pages[i])
		}
		if err := read.CheckPage(layout, i, page); err != nil {
			t.Error(err)
		}
		if read.CheckPage(layout, i, page[1:]) == nil {
			t.Errorf("page %d is taken although it is short", i)
		}
	}
	if err := read.CheckFileDigests(layout, vector.digests()); err != nil {
		t.Error(err)
	}
}

// Whatever is cut off or put behind a block, nothing panics and nothing is taken.
func TestManifestsCutShort(t *testing.T) {
	var file struct{ Good []manifestVector }
	vectors.Load(t, "manifests.json", &file)
	for _, vector := range file.Good {
		for end := range vector.Block {
			if _, err := DecodeManifest(vector.Block[:end]); err == nil {
				t.Errorf("%s: %d bytes of %d were taken", vector.What, end, len(vector.Block))
			}
		}
	}
}
