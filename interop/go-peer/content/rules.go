package content

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of MANIFEST.md, section 5.
const (
	MaxManifest   = 8 << 20
	MaxEntries    = 65_536 // files and empty directories together
	MaxComponents = 32
	MaxName       = 255
	MaxChunks     = 2_097_152
	MaxInline     = 8_192  // digests in the manifest itself
	PageDigests   = 16_384 // digests of a full page
	MaxPage       = PageDigests * DigestSize
	MaxPages      = MaxChunks / PageDigests
	MinChunkSize  = 64 << 10
	MaxChunkSize  = 16 << 20
	DefaultChunk  = 1 << 20
)

// Check says which rule a manifest breaks, if any.
func (m *Manifest) Check() error {
	if m.ChunkSize < MinChunkSize || m.ChunkSize > MaxChunkSize || m.ChunkSize&(m.ChunkSize-1) != 0 {
		return fmt.Errorf("chunk size %d", m.ChunkSize)
	}
	if err := CheckName(m.Name); err != nil {
		return err
	}
	if err := m.checkPaths(); err != nil {
		return err
	}
	layout, err := m.Layout()
	if err != nil {
		return err
	}
	if err := m.checkDigests(layout); err != nil {
		return err
	}
	return m.checkFiles(layout)
}

// CheckName is section 4's rule for a share's name and for components.
func CheckName(name string) error {
	switch {
	case name == "" || len(name) > MaxName:
		return fmt.Errorf("a name has %d bytes", len(name))
	case name == "." || name == "..":
		return fmt.Errorf("name %q", name)
	case strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("name %q contains a separator or NUL", name)
	case !utf8.ValidString(name):
		return errors.New("a name is not UTF-8")
	}
	return nil
}

func (m *Manifest) checkPaths() error {
	if !m.Folder && (len(m.Files) != 1 || len(m.Dirs) != 0 || !slices.Equal(m.Files[0].Path, Path{m.Name})) {
		return errors.New("a single file has one path, its name")
	}
	if len(m.Files)+len(m.Dirs) > MaxEntries {
		return fmt.Errorf("more than %d files and directories", MaxEntries)
	}
	files := make([]Path, len(m.Files))
	for i, file := range m.Files {
		files[i] = file.Path
	}
	for _, paths := range [][]Path{files, m.Dirs} {
		for i, path := range paths {
			if i > 0 && slices.Compare(paths[i-1], path) >= 0 {
				return fmt.Errorf("paths %q and %q are out of order", paths[i-1], path)
			}
			if len(path) == 0 || len(path) > MaxComponents {
				return fmt.Errorf("a path of %d components", len(path))
			}
			for _, component := range path {
				if err := CheckName(component); err != nil {
					return err
				}
			}
		}
	}
	return checkPrefixes(slices.Concat(files, m.Dirs))
}

// checkPrefixes refuses a path that is or begins another. In order, such a path stands right before one that it begins.
func checkPrefixes(paths []Path) error {
	slices.SortFunc(paths, func(a, b Path) int { return slices.Compare(a, b) })
	for i := 1; i < len(paths); i++ {
		short := paths[i-1]
		if len(short) <= len(paths[i]) && slices.Equal(short, paths[i][:len(short)]) {
			return fmt.Errorf("path %q is or begins %q", short, paths[i])
		}
	}
	return nil
}

func (m *Manifest) checkDigests(layout *Layout) error {
	inline, pages := layout.Chunks()*DigestSize, 0
	if layout.Chunks() > MaxInline {
		inline, pages = 0, layout.Pages()
	}
	if len(m.Digests) != inline || len(m.Pages) != pages {
		return fmt.Errorf("%d bytes of digests and %d pages for %d chunks", len(m.Digests), len(m.Pages), layout.Chunks())
	}
	for _, page := range m.Pages {
		if page.Prefix().Codec != CodecRaw {
			return fmt.Errorf("page %s is not raw", page)
		}
	}
	return nil
}

func (m *Manifest) checkFiles(layout *Layout) error {
	if len(m.Pages) > 0 {
		for _, file := range m.Files {
			if file.Size == 0 && file.SHA256 != sha256.Sum256(nil) {
				return fmt.Errorf("empty file %q has the SHA-256 of something", file.Path)
			}
		}
		return nil
	}
	return m.CheckFileDigests(layout, m.Digests)
}

// CheckFileDigests compares the files of no chunk and of one with the digests of all chunks.
func (m *Manifest) CheckFileDigests(layout *Layout, digests []byte) error {
	for i, file := range m.Files {
		first, count := layout.FileChunks(i)
		digest := file.SHA256
		switch count {
		case 0:
			digest = sha256.Sum256(nil)
		case 1:
			copy(digest[:], digests[first*DigestSize:])
		}
		if !bytes.Equal(digest[:], file.SHA256[:]) {
			return fmt.Errorf("file %q has another SHA-256 than its chunk", file.Path)
		}
	}
	return nil
}
