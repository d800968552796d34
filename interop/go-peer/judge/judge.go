// Package judge asks boxo, the library inside Kubo, for the root of a file or folder by its own `unixfs-v1-2025`.
package judge

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

var profile = uio.UnixFS_v1_2025

func init() { profile.ApplyGlobals() }

// Root is the CID that an IPFS node gives the file or folder at path.
func Root(ctx context.Context, path string) (cid.Cid, error) {
	node, err := add(ctx, path)
	if err != nil {
		return cid.Undef, err
	}
	return node.Cid(), nil
}

func add(ctx context.Context, path string) (ipld.Node, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return addFolder(ctx, path)
	}
	return addFile(path)
}

func addFile(path string) (ipld.Node, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	params := helpers.DagBuilderParams{
		Dagserv:    forgetful{},
		Maxlinks:   profile.FileDAGWidth,
		RawLeaves:  profile.RawLeaves,
		CidBuilder: profile.CidBuilder(),
	}
	builder, err := params.New(chunk.NewSizeSplitter(file, profile.ChunkSize))
	if err != nil {
		return nil, err
	}
	return balanced.Layout(builder)
}

func addFolder(ctx context.Context, path string) (ipld.Node, error) {
	folder, err := uio.NewDirectory(forgetful{}, uio.WithCidBuilder(profile.CidBuilder()))
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		child, err := add(ctx, filepath.Join(path, entry.Name()))
		if err != nil {
			return nil, err
		}
		if err := folder.AddChild(ctx, entry.Name(), child); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	return folder.GetNode()
}

// forgetful is a DAG service that takes blocks and keeps none: only the root is asked for.
type forgetful struct{ ipld.DAGService }

func (forgetful) Add(context.Context, ipld.Node) error       { return nil }
func (forgetful) AddMany(context.Context, []ipld.Node) error { return nil }
