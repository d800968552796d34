package content

import (
	"encoding/hex"
	"testing"

	"shoal.example/go-peer/vectors"
)

type cidVector struct {
	Data                      vectors.Hex
	Codec, CID, Upper, Base58 string
	Bytes, Multihash          vectors.Hex
}

var codecs = map[string]uint64{"raw": CodecRaw, "dag-cbor": CodecManifest, "dag-pb": CodecDagPB}

func TestCIDs(t *testing.T) {
	var file struct {
		Good       []cidVector
		OutputOnly []cidVector                  `json:"output_only"`
		BadTexts   []struct{ Why, Text string } `json:"bad_texts"`
		BadBytes   []struct {
			Why   string
			Bytes vectors.Hex
		} `json:"bad_bytes"`
	}
	vectors.Load(t, "cids.json", &file)
	for i, vector := range append(file.Good, file.OutputOnly...) {
		id := SumCID(codecs[vector.Codec], vector.Data)
		if id.String() != vector.CID || hex.EncodeToString(id.Bytes()) != hex.EncodeToString(vector.Bytes) {
			t.Errorf("%s: made %s", vector.CID, id)
		}
		if hex.EncodeToString(id.Hash()) != hex.EncodeToString(vector.Multihash) {
			t.Errorf("%s: multihash %x", vector.CID, id.Hash())
		}
		if i >= len(file.Good) {
			continue // never asked for, so never read
		}
		for _, text := range []string{vector.CID, vector.Upper, vector.Base58} {
			if read, err := ParseCID(text); err != nil || read != id {
				t.Errorf("%s: read as %s, %v", text, read, err)
			}
		}
		if read, err := ReadCID(vector.Bytes); err != nil || read != id {
			t.Errorf("%x: read as %s, %v", vector.Bytes, read, err)
		}
	}
	for _, vector := range file.BadTexts {
		if read, err := ParseCID(vector.Text); err == nil {
			t.Errorf("%s: %q was read as %s", vector.Why, vector.Text, read)
		}
	}
	for _, vector := range file.BadBytes {
		if read, err := ReadCID(vector.Bytes); err == nil {
			t.Errorf("%s: %x was read as %s", vector.Why, vector.Bytes, read)
		}
	}
}
