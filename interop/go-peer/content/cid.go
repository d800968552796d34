// Package content names shares and describes what they are made of: protocols/MANIFEST.md, and nothing else.
//
// Everything here is pure: bytes in, values out. A block or text is refused with an error that says which rule it
// breaks; nothing that an input claims is allocated or trusted.
package content

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-multihash"
)

// Codecs of a share's CIDs (section 1).
const (
	CodecManifest = cid.DagCBOR
	CodecRaw      = cid.Raw
	CodecDagPB    = cid.DagProtobuf
)

// DigestSize is the length of a SHA-256.
const DigestSize = sha256.Size

// SumCID is the CID of a block under a codec.
func SumCID(codec uint64, block []byte) cid.Cid {
	return DigestCID(codec, sha256.Sum256(block))
}

// DigestCID is the CID of the block whose SHA-256 is known.
func DigestCID(codec uint64, digest [DigestSize]byte) cid.Cid {
	hash, err := multihash.Encode(digest[:], multihash.SHA2_256)
	if err != nil {
		panic(err) // 32 bytes under a known code can't fail
	}
	return cid.NewCidV1(codec, hash)
}

// ParseCID reads the text of a CID that a share may have: section 1's three spellings and no other.
func ParseCID(text string) (cid.Cid, error) {
	base, data, err := multibase.Decode(text)
	if err != nil {
		return cid.Undef, fmt.Errorf("not a CID: %w", err)
	}
	switch base {
	case multibase.Base32, multibase.Base32Upper, multibase.Base58BTC:
	default:
		return cid.Undef, fmt.Errorf("a CID begins with b, B or z, not %q", text[:1])
	}
	if exact, err := multibase.Encode(base, data); err != nil || exact != text {
		return cid.Undef, fmt.Errorf("not the exact spelling of its bytes: %q", text)
	}
	return ReadCID(data)
}

// ReadCID checks that bytes are a CID that a share may have: 01, a codec, 12 20, 32 bytes.
func ReadCID(data []byte) (cid.Cid, error) {
	if len(data) != 4+DigestSize {
		return cid.Undef, fmt.Errorf("a CID has 36 bytes, not %d", len(data))
	}
	if data[0] != 1 || !bytes.Equal(data[2:4], []byte{multihash.SHA2_256, DigestSize}) {
		return cid.Undef, fmt.Errorf("not a CIDv1 with a SHA-256: %x", data[:4])
	}
	switch uint64(data[1]) {
	case CodecManifest, CodecRaw:
		return DigestCID(uint64(data[1]), [DigestSize]byte(data[4:])), nil
	default:
		return cid.Undef, fmt.Errorf("nothing of codec %#x can be asked for", data[1])
	}
}

// ParseManifestCID is ParseCID where only a manifest will do.
func ParseManifestCID(text string) (cid.Cid, error) {
	return asManifest(ParseCID(text))
}

// ReadManifestCID is ReadCID where only a manifest will do.
func ReadManifestCID(data []byte) (cid.Cid, error) {
	return asManifest(ReadCID(data))
}

func asManifest(id cid.Cid, err error) (cid.Cid, error) {
	if err == nil && id.Prefix().Codec != CodecManifest {
		return cid.Undef, fmt.Errorf("codec %#x is not a manifest's", id.Prefix().Codec)
	}
	return id, err
}
