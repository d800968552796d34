package search

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/frames"
	"shoal.example/go-peer/vectors"
)

var file struct {
	WordRanges string `json:"word_ranges"`
	Names      []struct {
		What, Name       string
		Tokens, Keywords []string
	}
	Queries []struct {
		Query            string
		Tokens, Matching []string
		NotMatching      []string `json:"not_matching"`
	}
	Keys []struct {
		Token string
		Key   vectors.Hex
	}
	Messages []struct {
		Kind, What string
		Frame      vectors.Hex
		Fields     struct {
			Text  string
			Limit uint64
			End   *End
			Hits  []struct {
				CID, Name   string
				Size, Files uint64
				Own         bool
				Peers       []string
			}
		}
		Canonical bool
	}
	BadMessages []struct {
		Kind, Why string
		Frame     vectors.Hex
	} `json:"bad_messages"`
}

// again is a frame read and written again.
func again(kind string, frame []byte) (string, []byte, error) {
	payload, err := frames.Read(bufio.NewReader(iotest.OneByteReader(bytes.NewReader(frame))), MaxFrame)
	if err != nil {
		return "", nil, err
	}
	if kind == "query" {
		query, err := DecodeQuery(payload)
		return fmt.Sprint(query), frames.Append(nil, query.Encode()), err
	}
	hits, end, err := DecodeAnswer(payload)
	if err != nil || end == nil {
		return fmt.Sprint(hits), frames.Append(nil, EncodeHits(hits)), err
	}
	return fmt.Sprint(*end), frames.Append(nil, EncodeEnd(*end)), nil
}

func TestMessages(t *testing.T) {
	vectors.Load(t, "search.json", &file)
	for _, vector := range file.Messages {
		var want any = Query{vector.Fields.Text, vector.Fields.Limit}
		if vector.Fields.End != nil {
			want = *vector.Fields.End
		} else if vector.Kind == "answer" {
			var hits []Hit
			for _, hit := range vector.Fields.Hits {
				id, err := content.ParseManifestCID(hit.CID)
				if err != nil {
					t.Fatal(err)
				}
				hits = append(hits, Hit{id, hit.Name, hit.Size, hit.Files, hit.Own, hit.Peers})
			}
			want = hits
		}
		read, written, err := again(vector.Kind, vector.Frame)
		if err != nil || read != fmt.Sprint(want) {
			t.Errorf("%s: read as %s, %v", vector.What, read, err)
		}
		if bytes.Equal(written, vector.Frame) != vector.Canonical {
			t.Errorf("%s: written as %x", vector.What, written)
		}
	}
	for _, vector := range file.BadMessages {
		if read, _, err := again(vector.Kind, vector.Frame); err == nil {
			t.Errorf("%s: read as %s", vector.Why, read)
		}
	}
}

func TestTokens(t *testing.T) {
	vectors.Load(t, "search.json", &file)
	if strings.Join(strings.Fields(wordRanges), " ") != file.WordRanges {
		t.Error("the word characters are others than those of the vectors")
	}
	for _, vector := range file.Names {
		tokens := TokensOfName(vector.Name)
		if !slices.Equal(tokens, vector.Tokens) {
			t.Errorf("%s: %q", vector.What, tokens)
		}
		if keywords := Keywords(tokens); !slices.Equal(keywords, vector.Keywords) {
			t.Errorf("%s: keywords %q", vector.What, keywords)
		}
	}
	for _, vector := range file.Queries {
		if tokens := TokensOfQuery(vector.Query); !slices.Equal(tokens, vector.Tokens) {
			t.Errorf("%q: %q", vector.Query, tokens)
		}
		for _, name := range vector.Matching {
			if !Matches(name, vector.Query) {
				t.Errorf("%q doesn't match %q", name, vector.Query)
			}
		}
		for _, name := range vector.NotMatching {
			if Matches(name, vector.Query) {
				t.Errorf("%q matches %q", name, vector.Query)
			}
		}
	}
	for _, vector := range file.Keys {
		if key := Key(vector.Token); !bytes.Equal(key, vector.Key) {
			t.Errorf("%q: %s", vector.Token, hex.EncodeToString(key))
		}
	}
}
