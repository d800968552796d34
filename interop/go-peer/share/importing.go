package share

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"shoal.example/go-peer/content"
)

// Import describes the file or folder at path: every regular file in it and every empty directory.
func Import(path string, chunkSize uint64) (*Share, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	manifest := &content.Manifest{Name: filepath.Base(path), ChunkSize: chunkSize, Folder: info.IsDir()}
	files := []content.Path{{manifest.Name}}
	if info.IsDir() {
		if files, manifest.Dirs, err = scan(path); err != nil {
			return nil, err
		}
	}
	var digests []byte
	for _, file := range files {
		full := path
		if info.IsDir() {
			full = filepath.Join(append([]string{path}, file...)...)
		}
		described, sums, err := describe(full, chunkSize)
		if err != nil {
			return nil, err
		}
		described.Path = file
		manifest.Files = append(manifest.Files, described)
		digests = append(digests, sums...)
	}
	pages := manifest.SetDigests(digests)
	block, err := manifest.Encode()
	if err != nil {
		return nil, err
	}
	s, err := newShare(manifest, append([][]byte{block}, pages...), path)
	if err != nil {
		return nil, err
	}
	s.CID = content.SumCID(content.CodecManifest, block)
	for chunk := range s.Layout.Chunks() {
		s.bits[chunk/8] |= 0x80 >> (chunk % 8)
	}
	return s, nil
}

// scan has the paths of a folder's files and of its empty directories, in the order of MANIFEST.md, section 4.
func scan(folder string) (files, empty []content.Path, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		parts := content.Path(strings.Split(relative, string(filepath.Separator)))
		if entry.Type().IsRegular() {
			files = append(files, parts)
		} else if entry.IsDir() {
			inside, err := os.ReadDir(path)
			if len(inside) == 0 {
				empty = append(empty, parts)
			}
			return err
		}
		return nil
	})
	for _, paths := range [][]content.Path{files, empty} {
		slices.SortFunc(paths, func(a, b content.Path) int { return slices.Compare(a, b) })
	}
	return files, empty, err
}

func describe(path string, chunkSize uint64) (content.File, []byte, error) {
	var file content.File
	opened, err := os.Open(path)
	if err != nil {
		return file, nil, err
	}
	defer opened.Close()
	whole := sha256.New()
	buffer := make([]byte, chunkSize)
	var digests []byte
	for {
		n, err := io.ReadFull(opened, buffer)
		if n > 0 {
			sum := sha256.Sum256(buffer[:n])
			digests = append(digests, sum[:]...)
			whole.Write(buffer[:n])
			file.Size += uint64(n)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			file.SHA256 = [content.DigestSize]byte(whole.Sum(nil))
			return file, digests, nil
		}
		if err != nil {
			return file, nil, err
		}
	}
}
