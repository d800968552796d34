package judge

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/share"
)

var long = flag.Bool("long", false, "judge a file of 1 GiB too")

// counting is content by the vectors' rule "counter": 32-bit big-endian numbers from 0 on.
type counting struct{ position int64 }

func (c *counting) Read(buffer []byte) (int, error) {
	for i := range buffer {
		word := c.position / 4
		buffer[i] = byte(word >> (24 - 8*(c.position%4)))
		c.position++
	}
	return len(buffer), nil
}

func write(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.CopyN(file, &counting{}, size); err != nil {
		t.Fatal(err)
	}
}

func agree(t *testing.T, path string) {
	t.Helper()
	described, err := share.Import(path, content.DefaultChunk)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := described.Manifest.IPFSRoot(described.Digests)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := Root(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if ours != theirs {
		t.Errorf("%s: MANIFEST.md gives %s, boxo %s", path, ours, theirs)
	}
	t.Logf("%s: %s", filepath.Base(path), theirs)
}

func TestFiles(t *testing.T) {
	sizes := []int64{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20}
	if *long {
		sizes = append(sizes, 1<<30, 1<<30+1)
	}
	for _, size := range sizes {
		path := filepath.Join(t.TempDir(), "file")
		write(t, path, size)
		agree(t, path)
	}
}

func TestFolders(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "folder")
	for name, size := range map[string]int64{
		"a": 0, "a-b": 1, "a/b.txt": 100, "ä/ö": 1<<20 + 1, "deep/er/est": 7, "Z": 3 << 20,
	} {
		if name == "a" {
			name = "a.txt"
		}
		write(t, filepath.Join(folder, name), size)
	}
	if err := os.MkdirAll(filepath.Join(folder, "nothing", "here"), 0o755); err != nil {
		t.Fatal(err)
	}
	agree(t, folder)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	agree(t, empty)
}
