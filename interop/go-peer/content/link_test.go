package content

import (
	"slices"
	"testing"

	"shoal.example/go-peer/vectors"
)

func TestLinks(t *testing.T) {
	var file struct {
		Good []struct {
			What, Link, CID string
			Name            *string
			Size            *uint64
			Peers           []string
			Written         string
		}
		Bad []struct{ Why, Link string }
	}
	vectors.Load(t, "links.json", &file)
	for _, vector := range file.Good {
		link, err := ParseLink(vector.Link)
		if err != nil {
			t.Errorf("%s: %v", vector.What, err)
			continue
		}
		name := ""
		if vector.Name != nil {
			name = *vector.Name
		}
		sameSize := (link.Size == nil) == (vector.Size == nil) && (link.Size == nil || *link.Size == *vector.Size)
		if link.CID.String() != vector.CID || link.Name != name || !sameSize || !slices.Equal(link.Peers, vector.Peers) {
			t.Errorf("%s: read as %+v", vector.What, link)
		}
		if link.String() != vector.Written {
			t.Errorf("%s: written as %s", vector.What, link)
		}
	}
	for _, vector := range file.Bad {
		if link, err := ParseLink(vector.Link); err == nil {
			t.Errorf("%s: %q read as %+v", vector.Why, vector.Link, link)
		}
	}
}
