package exchange

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/vectors"
)

type fieldsVector struct {
	Version      uint64
	CID          string
	RequestLimit uint64 `json:"request_limit"`
	Agent        string
	Part         uint64
	Total        uint64
	Offset       uint64
	Length       uint64
	Chunk        uint64
	Chunks       []uint64
	Reason       uint64
	Text         string
	Data         vectors.Hex
	Peers        []struct {
		ID        vectors.Hex `json:"peer_id"`
		Addresses []vectors.Hex
	}
}

type messageVector struct {
	Type   string
	Fields fieldsVector
}

type stepVector struct {
	From  string
	Frame vectors.Hex
}

type conversationVector struct {
	Name, Why string
	ChunkSize uint64   `json:"chunk_size"`
	FileSizes []uint64 `json:"file_sizes"`
	Steps     []stepVector
}

type vectorFile struct {
	Messages []struct {
		messageVector
		Name  string
		Frame vectors.Hex
	}
	Accepted []struct {
		Name   string
		Frame  vectors.Hex
		ReadAs *messageVector `json:"read_as"`
	}
	BadFrames []struct {
		Name, Why string
		Frame     vectors.Hex
	} `json:"bad_frames"`
	GoodConversations []conversationVector `json:"good_conversations"`
	BadConversations  []conversationVector `json:"bad_conversations"`
}

// each reads both files: the messages that everybody knows, and PEERS.
func each(t *testing.T, do func(*vectorFile)) {
	for _, name := range []string{"exchange.json", "exchange_peers.json"} {
		var file vectorFile
		vectors.Load(t, name, &file)
		do(&file)
	}
}

func (v *messageVector) message(t *testing.T) Message {
	f := v.Fields
	asked := Range{f.Chunk, f.Offset, f.Length}
	switch v.Type {
	case "HELLO":
		id, err := content.ParseManifestCID(f.CID)
		if err != nil {
			t.Fatal(err)
		}
		return Hello{f.Version, id, f.RequestLimit, f.Agent}
	case "GET_META":
		return GetMeta{f.Part, f.Offset}
	case "META":
		return Meta{f.Part, f.Total, f.Offset, f.Data}
	case "REJECT_META":
		return RejectMeta{f.Part, Reject(f.Reason)}
	case "BITFIELD":
		return Bitfield{f.Data}
	case "HAVE":
		return Have{f.Chunks}
	case "REQUEST":
		return Request{asked}
	case "DATA":
		return Data{f.Chunk, f.Offset, f.Data}
	case "CANCEL":
		return Cancel{asked}
	case "REJECT":
		return Rejected{asked, Reject(f.Reason)}
	case "BYE":
		return Bye{Reason(f.Reason), f.Text}
	case "PEERS":
		var peers Peers
		for _, known := range f.Peers {
			one := KnownPeer{ID: known.ID}
			for _, address := range known.Addresses {
				one.Addresses = append(one.Addresses, address)
			}
			peers.Peers = append(peers.Peers, one)
		}
		return peers
	}
	t.Fatalf("a vector of type %q", v.Type)
	return nil
}

// read is the message of one whole frame that arrives byte by byte.
func read(frame []byte) (Message, error) {
	frames := NewFrameReader(iotest.OneByteReader(bytes.NewReader(frame)))
	payload, err := frames.Next()
	if err != nil {
		return nil, err
	}
	if _, err := frames.Next(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the frame has a rest")
	}
	return Decode(payload)
}

func TestMessages(t *testing.T) { each(t, func(file *vectorFile) { checkMessages(t, file) }) }

func checkMessages(t *testing.T, file *vectorFile) {
	for _, vector := range file.Messages {
		message := vector.message(t)
		if frame := Encode(message); !bytes.Equal(frame, vector.Frame) {
			t.Errorf("%s: written as %x", vector.Name, frame)
		}
		if got, err := read(vector.Frame); err != nil || !reflect.DeepEqual(got, message) {
			t.Errorf("%s: read as %+v, %v", vector.Name, got, err)
		}
	}
	for _, vector := range file.Accepted {
		got, err := read(vector.Frame)
		if err != nil {
			t.Errorf("%s: %v", vector.Name, err)
		} else if _, ignored := got.(Optional); vector.ReadAs == nil {
			if !ignored {
				t.Errorf("%s: read as %+v", vector.Name, got)
			}
		} else if want := vector.ReadAs.message(t); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read as %+v", vector.Name, got)
		}
	}
}

func TestBadFrames(t *testing.T) {
	each(t, func(file *vectorFile) {
		for _, vector := range file.BadFrames {
			if got, err := read(vector.Frame); err == nil {
				t.Errorf("%s (%s): read as %+v", vector.Name, vector.Why, got)
			} else if errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s (%s): more was waited for", vector.Name, vector.Why)
			}
		}
	})
}

// Each conversation is played at both ends; the last frame of a bad one is refused where it arrives.
func TestConversations(t *testing.T) {
	each(t, func(file *vectorFile) {
		for _, vector := range file.GoodConversations {
			play(t, &vector, len(vector.Steps))
		}
		for _, vector := range file.BadConversations {
			play(t, &vector, len(vector.Steps)-1)
		}
	})
}

// play has the first steps taken by both sides, and one more, if there is one, refused.
func play(t *testing.T, vector *conversationVector, good int) {
	layout, err := content.NewLayout(vector.ChunkSize, vector.FileSizes)
	if err != nil {
		t.Fatal(err)
	}
	sides := map[string]*Conversation{"opener": NewConversation(true), "acceptor": NewConversation(false)}
	for _, side := range sides {
		if err := side.Learn(layout); err != nil {
			t.Fatal(err)
		}
	}
	other := map[string]string{"opener": "acceptor", "acceptor": "opener"}
	for i, step := range vector.Steps {
		message, err := read(step.Frame)
		if err != nil {
			t.Fatalf("%s, step %d: %v", vector.Name, i, err)
		}
		heard, err := sides[other[step.From]].Received(message)
		if (i < good) != (err == nil) || i < good && !heard {
			t.Errorf("%s (%s), step %d of %d: %v", vector.Name, vector.Why, i+1, len(vector.Steps), err)
		}
		if i < good {
			if err := sides[step.From].Sent(message); err != nil {
				t.Errorf("%s, step %d: the sender finds: %v", vector.Name, i, err)
			}
		}
	}
}
