package search

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"

	"shoal.example/go-peer/frames"
)

// Answer writes what an answerer has to say to a query: of what it offers, what matches.
func Answer(stream io.ReadWriter, offered []Hit) (Query, error) {
	payload, err := frames.Read(bufio.NewReader(stream), MaxFrame)
	if err != nil {
		return Query{}, err
	}
	query, err := DecodeQuery(payload)
	if err != nil {
		return query, err
	}
	var buffer []byte
	left, end := query.Limit, Complete
	for _, hit := range offered {
		if !Matches(hit.Name, query.Text) {
			continue
		}
		if left == 0 {
			end = More
			break
		}
		left--
		buffer = frames.Append(buffer, EncodeHits([]Hit{hit}))
	}
	_, err = stream.Write(frames.Append(buffer, EncodeEnd(end)))
	return query, err
}

// Ask puts a query and reads the answer: hits that match, and how it ended. With an error there is no answer.
func Ask(stream io.ReadWriter, query Query, endAsking func() error) ([]Hit, End, error) {
	if _, err := stream.Write(frames.Append(nil, query.Encode())); err != nil {
		return nil, Refused, err
	}
	if err := endAsking(); err != nil {
		return nil, Refused, err
	}
	a := answer{query: query, known: map[answerKey]bool{}}
	limited := &io.LimitedReader{R: stream, N: MaxAnswer + 1}
	for source := bufio.NewReader(limited); ; {
		payload, err := frames.Read(source, MaxFrame)
		if limited.N == 0 {
			err = fmt.Errorf("an answer of more than %d bytes", MaxAnswer)
		}
		if err != nil {
			return nil, Refused, err // io.EOF too: an answer ends by saying so
		}
		hits, end, err := DecodeAnswer(payload)
		if err != nil {
			return nil, Refused, err
		}
		if end != nil {
			return a.hits, *end, nil
		}
		if err := a.take(hits); err != nil {
			return nil, Refused, err
		}
	}
}

type answerKey struct {
	id   cid.Cid
	name string
}

// answer is what has come of one so far.
type answer struct {
	query  Query
	hits   []Hit
	known  map[answerKey]bool
	strays int
}

func (a *answer) take(hits []Hit) error {
	for _, hit := range hits {
		key := answerKey{hit.CID, hit.Name}
		if a.known[key] {
			return fmt.Errorf("%s %q twice", hit.CID, hit.Name)
		}
		a.known[key] = true
		if uint64(len(a.known)) > a.query.Limit {
			return fmt.Errorf("more than %d hits", a.query.Limit)
		}
		if !Matches(hit.Name, a.query.Text) {
			if a.strays++; a.strays > MaxStrays {
				return fmt.Errorf("more than %d hits that don't match", MaxStrays)
			}
			continue
		}
		a.hits = append(a.hits, hit)
	}
	return nil
}
