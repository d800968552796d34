package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"shoal.example/go-peer/frames"
	"shoal.example/go-peer/network"
	"shoal.example/go-peer/search"
	"shoal.example/go-peer/share"
)

// maxKeywords is how many keywords of a name are provided.
const maxKeywords = 8

// answerSearches says what this node shares to whoever asks.
func (p *process) answerSearches(h host.Host, s *share.Share) {
	offered := []search.Hit{{
		CID: s.CID, Name: s.Manifest.Name, Size: sizeOf(s), Files: uint64(len(s.Manifest.Files)), Own: true,
	}}
	answer := search.Answer
	if cheat, cheats := searchCheats[p.cheat]; cheats {
		answer = cheat
	}
	h.SetStreamHandler(search.Protocol, func(stream libp2pnet.Stream) {
		_ = stream.SetDeadline(time.Now().Add(p.patience))
		query, err := answer(stream, offered)
		if err != nil {
			p.emit("refused", map[string]any{"error": err.Error()})
			_ = stream.Reset()
			return
		}
		_ = stream.Close()
		p.emit("asked", map[string]any{"query": query.Text, "limit": query.Limit})
	})
}

var searchCheats = map[string]func(io.ReadWriter, []search.Hit) (search.Query, error){
	"strays":  strays,
	"unended": unended,
}

// strays answers every query with names that nobody asked for, too many to be forgiven.
func strays(stream io.ReadWriter, offered []search.Hit) (search.Query, error) {
	var hits []search.Hit
	for number := range search.MaxStrays + 1 {
		stray := offered[0]
		stray.Name = fmt.Sprintf("stray %d", number)
		hits = append(hits, stray)
	}
	buffer := frames.Append(nil, search.EncodeHits(append(hits, offered...)))
	_, err := stream.Write(frames.Append(buffer, search.EncodeEnd(search.Complete)))
	return search.Query{Text: "strays"}, err
}

// unended answers every query with what is offered, and no end.
func unended(stream io.ReadWriter, offered []search.Hit) (search.Query, error) {
	_, err := stream.Write(frames.Append(nil, search.EncodeHits(offered)))
	return search.Query{Text: "unended"}, err
}

// putKeywords provides the keywords of a name, so that others find this node by them.
func (p *process) putKeywords(ctx context.Context, node *dht.IpfsDHT, name string) error {
	keywords := search.Keywords(search.TokensOfName(name))
	for _, keyword := range keywords[:min(len(keywords), maxKeywords)] {
		if err := p.put(ctx, node, cid.NewCidV1(cid.Raw, search.Key(keyword))); err != nil {
			return err
		}
	}
	return nil
}

// searchFor asks --peer, and by --find whom the DHT names for the longest keyword.
func searchFor(ctx context.Context, p *process) error {
	h, err := p.host(nil)
	if err != nil {
		return err
	}
	defer h.Close()
	query := search.Query{Text: p.arguments[0], Limit: p.limit}
	var asked []peer.ID
	for _, address := range p.peers {
		id, err := network.Connect(ctx, h, address)
		if err != nil {
			return err
		}
		asked = append(asked, id)
	}
	if p.findPeers {
		node, err := p.kademlia(ctx, h)
		if err != nil {
			return err
		}
		defer node.Close()
		keywords := search.Keywords(search.TokensOfQuery(query.Text))
		if len(keywords) == 0 {
			return fmt.Errorf("no word of %q can be looked up", query.Text)
		}
		longest := slices.MaxFunc(keywords, func(a, b string) int { return len(a) - len(b) })
		for provider := range node.FindProvidersAsync(ctx, cid.NewCidV1(cid.Raw, search.Key(longest)), 0) {
			asked = append(asked, provider.ID)
		}
	}
	for _, id := range asked {
		if err := p.askForNames(ctx, h, id, query); err != nil {
			return err
		}
	}
	return nil
}

var endNames = [...]string{"complete", "more", "busy", "refused"}

func (p *process) askForNames(ctx context.Context, h host.Host, id peer.ID, query search.Query) error {
	stream, err := h.NewStream(ctx, id, search.Protocol)
	if err != nil {
		return err
	}
	_ = stream.SetDeadline(time.Now().Add(p.patience))
	hits, end, err := search.Ask(stream, query, stream.CloseWrite)
	if err != nil {
		_ = stream.Reset()
		return err
	}
	_ = stream.Close()
	names := []map[string]any{}
	for _, hit := range hits {
		names = append(names, map[string]any{
			"cid": hit.CID.String(), "name": hit.Name, "size": hit.Size, "files": hit.Files, "own": hit.Own,
			"peers": append([]string{}, hit.Peers...),
		})
	}
	p.emit("answered", map[string]any{"peer": id.String(), "hits": names, "end": endNames[end]})
	return nil
}

// tokens says how a name is cut, and under which keys the DHT has it.
func tokens(_ context.Context, p *process) error {
	name := strings.Join(p.arguments, " ")
	keys := map[string]string{}
	for _, keyword := range search.Keywords(search.TokensOfName(name)) {
		keys[keyword] = fmt.Sprintf("%x", search.Key(keyword))
	}
	p.emit("tokens", map[string]any{
		"name": search.TokensOfName(name), "query": search.TokensOfQuery(name), "keys": keys,
	})
	return nil
}
