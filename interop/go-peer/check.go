package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"shoal.example/go-peer/catalog"
	"shoal.example/go-peer/content"
	"shoal.example/go-peer/exchange"
	"shoal.example/go-peer/search"
)

// maxCheckLine is the longest question: a manifest in hex.
const maxCheckLine = 20 << 20

// question is one line of stdin: something that may be right or wrong by the pages.
type question struct {
	Kind      string
	Text      string   // of a CID or link, or hex of a manifest or payload
	ChunkSize uint64   `json:"chunk_size"`
	FileSizes []uint64 `json:"file_sizes"`
	Steps     []struct{ From, Frame string }
}

// checks answer a question with the canonical spelling of what was asked about, or with an error.
var checks = map[string]func(question) (string, error){
	"cid": func(q question) (string, error) {
		id, err := content.ParseCID(q.Text)
		return id.String(), err
	},
	"link": func(q question) (string, error) {
		link, err := content.ParseLink(q.Text)
		if err != nil {
			return "", err
		}
		return link.String(), nil
	},
	"manifest": func(q question) (string, error) {
		block, err := hex.DecodeString(q.Text)
		if err != nil {
			return "", err
		}
		manifest, err := content.DecodeManifest(block)
		if err != nil {
			return "", err
		}
		again, err := manifest.Encode()
		return hex.EncodeToString(again), err
	},
	"payload": func(q question) (string, error) {
		payload, err := hex.DecodeString(q.Text)
		if err != nil {
			return "", err
		}
		message, err := exchange.Decode(payload)
		if err != nil {
			return "", err
		}
		if _, isIgnored := message.(exchange.Optional); isIgnored {
			return "", nil
		}
		return hex.EncodeToString(exchange.Encode(message)), nil
	},
	"name": func(q question) (string, error) {
		tokens := search.TokensOfName(q.Text)
		all := [][]string{{}, {}, {}} // and never null
		for i, some := range [][]string{tokens, search.Keywords(tokens), search.TokensOfQuery(q.Text)} {
			all[i] = append(all[i], some...)
		}
		text, err := json.Marshal(all)
		return string(text), err
	},
	"query": func(q question) (string, error) {
		payload, err := hex.DecodeString(q.Text)
		if err != nil {
			return "", err
		}
		query, err := search.DecodeQuery(payload)
		return hex.EncodeToString(query.Encode()), err
	},
	"answer": func(q question) (string, error) {
		payload, err := hex.DecodeString(q.Text)
		if err != nil {
			return "", err
		}
		hits, end, err := search.DecodeAnswer(payload)
		if end != nil {
			return hex.EncodeToString(search.EncodeEnd(*end)), err
		}
		return hex.EncodeToString(search.EncodeHits(hits)), err
	},
	"page": func(q question) (string, error) {
		block, err := hex.DecodeString(q.Text)
		if err != nil {
			return "", err
		}
		entries, err := catalog.DecodePage(block)
		return hex.EncodeToString(catalog.EncodePage(entries)), err
	},
	"head": func(q question) (string, error) {
		sealed, err := hex.DecodeString(q.Text)
		if err != nil {
			return "", err
		}
		head, err := catalog.OpenHead(sealed)
		if err != nil {
			return "", err
		}
		numbers := []any{head.Publisher, head.Seq, head.Count, len(head.Pages), head.Issued, head.Expires}
		return strings.TrimSpace(fmt.Sprintln(numbers...)), nil
	},
	"catalogue": func(q question) (string, error) {
		payload, err := hex.DecodeString(q.Text)
		if err != nil {
			return "", err
		}
		message, err := catalog.DecodeMessage(payload)
		if message == nil || err != nil {
			return "", err
		}
		return hex.EncodeToString(catalog.EncodeMessage(message)), nil
	},
	"conversation": checkConversation,
}

// check judges what comes on stdin, one JSON object a line, and answers in order.
func check(_ context.Context, p *process) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxCheckLine)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		value, err := checks[q.Kind](q)
		if err != nil {
			p.emit("refused", map[string]any{"why": err.Error()})
		} else {
			p.emit("taken", map[string]any{"value": value})
		}
	}
	return lines.Err()
}

// checkConversation plays frames between two sides that know the manifest, and says which one is refused first.
func checkConversation(q question) (string, error) {
	layout, err := content.NewLayout(q.ChunkSize, q.FileSizes)
	if err != nil {
		return "", err
	}
	opener, acceptor := exchange.NewConversation(true), exchange.NewConversation(false)
	_, _ = opener.Learn(layout), acceptor.Learn(layout)
	for i, step := range q.Steps {
		frame, err := hex.DecodeString(step.Frame)
		if err != nil {
			return "", err
		}
		payload, err := exchange.NewFrameReader(bytes.NewReader(frame)).Next()
		if err != nil {
			return "", err
		}
		message, err := exchange.Decode(payload)
		if err != nil {
			return "", err
		}
		sender, receiver := opener, acceptor
		if step.From == "acceptor" {
			sender, receiver = acceptor, opener
		}
		if _, err := receiver.Received(message); err != nil {
			return "", fmt.Errorf("%d: %w", i, err)
		}
		if i == len(q.Steps)-1 {
			break // whether its sender would say it is not the question
		}
		if err := sender.Sent(message); err != nil {
			return "", fmt.Errorf("%d, which its sender refuses and its receiver takes: %w", i, err)
		}
	}
	return "", nil
}
