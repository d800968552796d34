// Package share keeps a share's files on disk: one that is seeded, or one that is being fetched.
package share

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/ipfs/go-cid"

	"shoal.example/go-peer/content"
)

// ErrBadHash is said of bytes that aren't what their digest names.
var ErrBadHash = errors.New("wrong hash")

// Share is a manifest, its pages and its files. It is safe for use by several goroutines.
type Share struct {
	CID      cid.Cid
	Manifest *content.Manifest
	Layout   *content.Layout
	Digests  []byte   // of all chunks
	Blocks   [][]byte // what GET_META asks for: the manifest, then its pages
	Path     string   // of the file or folder

	lock    sync.Mutex
	files   map[int]*os.File
	bits    []byte // chunks that are here and verified
	missing int
}

// Create makes the files of a share that is to be fetched, empty as yet, inside dir.
func Create(dir string, id cid.Cid, blocks [][]byte) (*Share, error) {
	manifest, err := content.DecodeManifest(blocks[0])
	if err != nil {
		return nil, err
	}
	s, err := newShare(manifest, blocks, filepath.Join(dir, manifest.Name))
	if err != nil {
		return nil, err
	}
	s.CID, s.missing = id, s.Layout.Chunks()
	if manifest.Folder {
		if err := os.MkdirAll(s.Path, 0o755); err != nil {
			return nil, err
		}
	}
	for _, path := range manifest.Dirs {
		if err := os.MkdirAll(filepath.Join(append([]string{s.Path}, path...)...), 0o755); err != nil {
			return nil, err
		}
	}
	for i := range manifest.Files {
		if err := s.createFile(i); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func newShare(manifest *content.Manifest, blocks [][]byte, path string) (*Share, error) {
	layout, err := manifest.Layout()
	if err != nil {
		return nil, err
	}
	digests := manifest.Digests
	for _, page := range blocks[1:] {
		digests = append(digests, page...)
	}
	if err := manifest.CheckFileDigests(layout, digests); err != nil {
		return nil, err
	}
	return &Share{
		Manifest: manifest, Layout: layout, Digests: digests, Blocks: blocks, Path: path,
		files: map[int]*os.File{}, bits: make([]byte, (layout.Chunks()+7)/8),
	}, nil
}

func (s *Share) filePath(file int) string {
	if !s.Manifest.Folder {
		return s.Path
	}
	return filepath.Join(append([]string{s.Path}, s.Manifest.Files[file].Path...)...)
}

func (s *Share) createFile(file int) error {
	path := s.filePath(file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	created, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	s.files[file] = created
	return created.Truncate(int64(s.Manifest.Files[file].Size))
}

func (s *Share) open(file int) (*os.File, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.files[file] == nil {
		opened, err := os.Open(s.filePath(file))
		if err != nil {
			return nil, err
		}
		s.files[file] = opened
	}
	return s.files[file], nil
}

// Read fills a buffer with the bytes of a chunk from an offset on.
func (s *Share) Read(chunk int, offset uint64, buffer []byte) error {
	file, start, _ := s.Layout.Chunk(chunk)
	opened, err := s.open(file)
	if err == nil {
		_, err = opened.ReadAt(buffer, int64(start+offset))
	}
	return err
}

// Write takes a whole chunk, if it has the right hash. It says whether the chunk is new here.
func (s *Share) Write(chunk int, data []byte) (bool, error) {
	if !content.IsChunk(s.Digests, chunk, data) {
		return false, fmt.Errorf("chunk %d: %w", chunk, ErrBadHash)
	}
	file, start, _ := s.Layout.Chunk(chunk)
	opened, err := s.open(file)
	if err == nil {
		_, err = opened.WriteAt(data, int64(start))
	}
	if err != nil {
		return false, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.has(chunk) {
		return false, nil
	}
	s.bits[chunk/8] |= 0x80 >> (chunk % 8)
	s.missing--
	return true, nil
}

func (s *Share) has(chunk int) bool { return s.bits[chunk/8]&(0x80>>(chunk%8)) != 0 }

// Has says whether a chunk is here.
func (s *Share) Has(chunk int) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.has(chunk)
}

// Bits is a copy of the bitfield.
func (s *Share) Bits() []byte {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]byte{}, s.bits...)
}

// Missing is how many chunks aren't here.
func (s *Share) Missing() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.missing
}

// Verify compares each whole file with its SHA-256.
func (s *Share) Verify() error {
	for i, file := range s.Manifest.Files {
		opened, err := s.open(i)
		if err != nil {
			return err
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, io.NewSectionReader(opened, 0, int64(file.Size))); err != nil {
			return err
		}
		if [content.DigestSize]byte(sum.Sum(nil)) != file.SHA256 {
			return fmt.Errorf("%s: %w", s.filePath(i), ErrBadHash)
		}
	}
	return nil
}
