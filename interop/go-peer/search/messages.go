package search

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ipfs/go-cid"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/dagcbor"
)

// Protocol is the libp2p protocol id.
const Protocol = "/shoal/search/1.0.0"

// Limits of the page, section 4.
const (
	MaxQueryBytes  = 256
	MaxQueryTokens = 32
	MaxHits        = 50
	MaxPublishers  = 8
	MaxFrame       = 65_536
	MaxAnswer      = 262_144
	MaxStrays      = 5
	MaxSize        = 1 << 45
)

var (
	trees  = dagcbor.Limits{Depth: 8, Items: 4_096}
	peerID = regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]{1,64}$`)
)

// Query asks for names.
type Query struct {
	Text  string
	Limit uint64
}

// Hit is one share that matches, as the answerer says.
type Hit struct {
	CID   cid.Cid
	Name  string
	Size  uint64
	Files uint64
	Own   bool
	Peers []string // others who share it
}

// End says how an answer ends.
type End uint64

// Ends of section 4; every other number is read as Refused.
const (
	Complete End = iota
	More
	Busy
	Refused
)

// Encode is the payload of a query.
func (q Query) Encode() []byte {
	var w dagcbor.Writer
	w.Fields(2)
	w.Text("text")
	w.Text(q.Text)
	w.Text("limit")
	w.Uint(q.Limit)
	return w.Block
}

// DecodeQuery reads a query's payload.
func DecodeQuery(payload []byte) (Query, error) {
	tree, err := readMap(payload)
	if err != nil {
		return Query{}, err
	}
	text, isText := tree["text"].(string)
	limit, isLimit := tree["limit"].(uint64)
	tokens := len(TokensOfQuery(text))
	switch {
	case !isText || !isLimit:
		return Query{}, errors.New("a query without a text or a limit")
	case len(text) > MaxQueryBytes || tokens == 0 || tokens > MaxQueryTokens:
		return Query{}, fmt.Errorf("a query of %d bytes and %d tokens", len(text), tokens)
	case limit == 0 || limit > MaxHits:
		return Query{}, fmt.Errorf("%d hits wanted", limit)
	}
	return Query{text, limit}, nil
}

// EncodeEnd is the payload of an end.
func EncodeEnd(end End) []byte {
	var w dagcbor.Writer
	w.Fields(1)
	w.Text("end")
	w.Uint(uint64(end))
	return w.Block
}

// EncodeHits is the payload of some hits.
func EncodeHits(hits []Hit) []byte {
	var w dagcbor.Writer
	w.Fields(1)
	w.Text("hits")
	w.List(len(hits))
	for _, hit := range hits {
		w.Fields(6)
		w.Text("cid")
		w.Link(hit.CID.Bytes())
		w.Text("own")
		w.Bool(hit.Own)
		w.Text("name")
		w.Text(hit.Name)
		w.Text("size")
		w.Uint(hit.Size)
		w.Text("files")
		w.Uint(hit.Files)
		w.Text("peers")
		w.List(len(hit.Peers))
		for _, peer := range hit.Peers {
			w.Text(peer)
		}
	}
	return w.Block
}

// DecodeAnswer reads a payload of an answer: hits, or its end.
func DecodeAnswer(payload []byte) (hits []Hit, end *End, err error) {
	tree, err := readMap(payload)
	if err != nil {
		return nil, nil, err
	}
	if value, ends := tree["end"]; ends {
		read := Refused
		switch number := value.(type) {
		case uint64:
			read = End(min(number, uint64(Refused)))
		case int64: // below zero
		default:
			return nil, nil, errors.New("an end that is no number")
		}
		return nil, &read, nil
	}
	list, isList := tree["hits"].([]any)
	if !isList || len(list) == 0 || len(list) > MaxHits {
		return nil, nil, fmt.Errorf("neither an end nor 1 to %d hits", MaxHits)
	}
	for _, value := range list {
		hit, err := hitOf(value)
		if err != nil {
			return nil, nil, err
		}
		hits = append(hits, hit)
	}
	return hits, nil, nil
}

func hitOf(value any) (Hit, error) {
	tree, _ := value.(map[string]any)
	link, isLink := tree["cid"].(dagcbor.Link)
	name, isName := tree["name"].(string)
	size, isSize := tree["size"].(uint64)
	files, isFiles := tree["files"].(uint64)
	own, isOwn := tree["own"].(bool)
	peers, isPeers := tree["peers"].([]any)
	if !isLink || !isName || !isSize || !isFiles || !isOwn || !isPeers {
		return Hit{}, errors.New("a hit without one of its keys, or with one of another type")
	}
	id, err := content.ReadManifestCID(link)
	if err == nil {
		err = content.CheckName(name)
	}
	if err != nil {
		return Hit{}, err
	}
	if size > MaxSize || files > content.MaxEntries || len(peers) > MaxPublishers || !own && len(peers) == 0 {
		return Hit{}, fmt.Errorf("a hit of %d bytes and %d files, of %d peers", size, files, len(peers))
	}
	hit := Hit{CID: id, Name: name, Size: size, Files: files, Own: own}
	for _, value := range peers {
		peer, isText := value.(string)
		if !isText || !peerID.MatchString(peer) {
			return Hit{}, errors.New("a hit of somebody who is no peer id")
		}
		hit.Peers = append(hit.Peers, peer)
	}
	return hit, nil
}

func readMap(payload []byte) (map[string]any, error) {
	r := dagcbor.NewReader(payload)
	tree, isMap := r.Value(trees).(map[string]any)
	r.End("the message")
	if r.Err == nil && !isMap {
		r.Fail("the message is no map")
	}
	return tree, r.Err
}
