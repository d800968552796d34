package catalog

import (
	"bufio"
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/frames"
	"shoal.example/go-peer/vectors"
)

type entryVector struct {
	CID, Name   string
	Size, Files uint64
}

type pageVector struct {
	Why     string
	Entries []entryVector
	Block   vectors.Hex
	CID     string
}

type headVector struct {
	Why                         string
	Publisher                   string
	Seq, Issued, Expires, Count uint64
	Pages                       []string
	Sealed                      vectors.Hex
}

type messageVector struct {
	Why, Type, CID string
	Heads          any
	Peers          any
	Data, Frame    vectors.Hex
}

var file struct {
	Seed  vectors.Hex
	Pages []pageVector
	Split struct {
		Entries int
		Pages   []struct {
			Entries int
			CID     string
		}
	}
	Heads   []headVector
	Current []struct {
		Now     int64
		Current bool
	}
	Messages []messageVector
	Refused  struct {
		Heads    []headVector
		Pages    []pageVector
		Messages []messageVector
	}
}

func manifest(t *testing.T, text string) cid.Cid {
	t.Helper()
	id, err := content.ParseManifestCID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestPages(t *testing.T) {
	vectors.Load(t, "catalog.json", &file)
	for _, vector := range file.Pages {
		var want []Entry
		for _, entry := range vector.Entries {
			want = append(want, Entry{manifest(t, entry.CID), entry.Name, entry.Size, entry.Files})
		}
		if block := EncodePage(want); !bytes.Equal(block, vector.Block) {
			t.Errorf("written as %x", block)
		}
		if got, err := DecodePage(vector.Block); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read as %v, %v", got, err)
		}
		if id := content.SumCID(content.CodecManifest, vector.Block); id.String() != vector.CID {
			t.Errorf("CID %s", id)
		}
	}
	for _, vector := range file.Refused.Pages {
		if got, err := DecodePage(vector.Block); err == nil {
			t.Errorf("%s: read as %v", vector.Why, got)
		}
	}
}

func TestSplit(t *testing.T) {
	vectors.Load(t, "catalog.json", &file)
	var entries []Entry
	for i := range file.Split.Entries {
		id := content.SumCID(content.CodecManifest, fmt.Appendf(nil, "entry %d", i))
		entries = append(entries, Entry{id, fmt.Sprintf("file %d", i), uint64(i), 1})
	}
	slices.SortFunc(entries, func(a, b Entry) int { return bytes.Compare(a.CID.Bytes(), b.CID.Bytes()) })
	pages := Cut(entries)
	if len(pages) != len(file.Split.Pages) {
		t.Fatalf("%d pages", len(pages))
	}
	for i, page := range pages {
		want := file.Split.Pages[i]
		id := content.SumCID(content.CodecManifest, EncodePage(page))
		if len(page) != want.Entries || id.String() != want.CID {
			t.Errorf("page %d has %d entries and is %s", i, len(page), id)
		}
	}
}

func TestHeads(t *testing.T) {
	vectors.Load(t, "catalog.json", &file)
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(file.Seed))
	if err != nil {
		t.Fatal(err)
	}
	for _, vector := range file.Heads {
		made := &Head{Seq: vector.Seq, Count: vector.Count, Issued: vector.Issued, Expires: vector.Expires}
		for _, page := range vector.Pages {
			made.Pages = append(made.Pages, manifest(t, page))
		}
		if sealed, err := made.Seal(key); err != nil || !bytes.Equal(sealed, vector.Sealed) {
			t.Errorf("seq %d: sealed as %x, %v", vector.Seq, sealed, err)
		}
		read, err := OpenHead(vector.Sealed)
		if err != nil {
			t.Errorf("seq %d: %v", vector.Seq, err)
			continue
		}
		made.Publisher = read.Publisher
		if !reflect.DeepEqual(read, made) || read.Publisher.String() != vector.Publisher {
			t.Errorf("seq %d: read as %+v", vector.Seq, read)
		}
	}
	first, err := OpenHead(file.Heads[0].Sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, vector := range file.Current {
		if first.IsCurrent(time.Unix(vector.Now, 0)) != vector.Current {
			t.Errorf("at %d", vector.Now)
		}
	}
	for _, vector := range file.Refused.Heads {
		if read, err := OpenHead(vector.Sealed); err == nil {
			t.Errorf("%s: read as %+v", vector.Why, read)
		}
	}
}

func (v *messageVector) message(t *testing.T) any {
	switch v.Type {
	case "ASK":
		return Ask{uint64(v.Heads.(float64)), uint64(v.Peers.(float64))}
	case "TELL":
		var tell Tell
		for _, sealed := range v.Heads.([]any) {
			tell.Heads = append(tell.Heads, unhex(t, sealed))
		}
		for _, value := range v.Peers.([]any) {
			known := value.(map[string]any)
			one := exchange.KnownPeer{ID: unhex(t, known["peer_id"])}
			for _, address := range known["addresses"].([]any) {
				one.Addresses = append(one.Addresses, unhex(t, address))
			}
			tell.Peers = append(tell.Peers, one)
		}
		return tell
	case "GET_PAGE":
		return GetPage{manifest(t, v.CID)}
	case "PAGE":
		return Page{v.Data}
	case "NO_PAGE":
		return Page{}
	}
	t.Fatalf("a vector of type %q", v.Type)
	return nil
}

func unhex(t *testing.T, value any) []byte {
	t.Helper()
	var data vectors.Hex
	if err := data.UnmarshalJSON(fmt.Appendf(nil, "%q", value)); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestMessages(t *testing.T) {
	vectors.Load(t, "catalog.json", &file)
	read := func(frame []byte) (any, error) {
		source := bufio.NewReader(iotest.OneByteReader(bytes.NewReader(frame)))
		return ReadMessage(source, MaxPayload)
	}
	for _, vector := range file.Messages {
		message := vector.message(t)
		if frame := EncodeMessage(message); !bytes.Equal(frame, vector.Frame) {
			t.Errorf("%s: written as %x", vector.Type, frame)
		}
		if got, err := read(vector.Frame); err != nil || fmt.Sprintf("%x", got) != fmt.Sprintf("%x", message) {
			t.Errorf("%s: read as %x, %v", vector.Type, got, err)
		}
	}
	for _, vector := range file.Refused.Messages {
		if got, err := read(vector.Frame); err == nil {
			t.Errorf("%s: read as %+v", vector.Why, got)
		}
	}
	if got, err := read(frames.Append(frames.Append(nil, []byte{0x80, 1}), []byte{typeNoPage})); err != nil || got == nil {
		t.Errorf("after an optional message: %v, %v", got, err)
	}
}
