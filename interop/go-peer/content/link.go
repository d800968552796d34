package content

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
)

// Limits of a link (section 8).
const (
	linkScheme   = "shoal:"
	maxLink      = 4_096
	maxLinkSize  = 1 << 45
	maxLinkPeers = 16
)

// badEscape is refused wherever it stands, in a key too.
var badEscape = regexp.MustCompile(`%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)`)

// Link is what `shoal:…` says; an empty name and a nil size aren't there.
type Link struct {
	CID   cid.Cid
	Name  string
	Size  *uint64
	Peers []string
}

// ParseLink reads a link.
func ParseLink(text string) (*Link, error) {
	if len(text) > maxLink {
		return nil, fmt.Errorf("a link has at most %d characters", maxLink)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return nil, errors.New("a link is printable ASCII without blanks")
	}
	if len(text) < len(linkScheme) || !strings.EqualFold(text[:len(linkScheme)], linkScheme) {
		return nil, errors.New("a link begins with shoal:")
	}
	name, query, _ := strings.Cut(text[len(linkScheme):], "?")
	id, err := ParseManifestCID(name)
	if err != nil {
		return nil, err
	}
	link := &Link{CID: id}
	if query == "" {
		return link, nil
	}
	seen := map[string]bool{}
	for parameter := range strings.SplitSeq(query, "&") {
		if badEscape.MatchString(parameter) {
			return nil, errors.New("a percent sign without two hex digits")
		}
		key, escaped, _ := strings.Cut(parameter, "=")
		value, err := unescape(escaped)
		if err != nil {
			return nil, err
		}
		if (key == "name" || key == "size") && seen[key] {
			return nil, fmt.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if err := link.set(key, value); err != nil {
			return nil, err
		}
	}
	if written := len(link.String()); written > maxLink {
		return nil, fmt.Errorf("a link that is %d characters long when it is escaped", written)
	}
	return link, nil
}

func (l *Link) set(key, value string) error {
	switch key {
	case "name":
		l.Name = value
		return CheckName(value)
	case "size":
		size, err := strconv.ParseUint(value, 10, 64)
		if err != nil || size > maxLinkSize || strconv.FormatUint(size, 10) != value {
			return fmt.Errorf("size %q", value)
		}
		l.Size = &size
	case "peer":
		_, id, found := strings.Cut(value, "/p2p/")
		if !found || id == "" || value[0] != '/' {
			return fmt.Errorf("peer %q", value)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
			return fmt.Errorf("peer %q", value)
		}
		if !slices.Contains(l.Peers, value) {
			l.Peers = append(l.Peers, value)
		}
		if len(l.Peers) > maxLinkPeers {
			return fmt.Errorf("more than %d peers", maxLinkPeers)
		}
	}
	return nil
}

// String writes the one spelling of a link.
func (l *Link) String() string {
	var parameters []string
	if l.Name != "" {
		parameters = append(parameters, "name="+escape(l.Name, ""))
	}
	if l.Size != nil {
		parameters = append(parameters, "size="+strconv.FormatUint(*l.Size, 10))
	}
	for _, peer := range l.Peers {
		parameters = append(parameters, "peer="+escape(peer, "/:"))
	}
	text := linkScheme + l.CID.String()
	if len(parameters) > 0 {
		text += "?" + strings.Join(parameters, "&")
	}
	return text
}

func unescape(escaped string) (string, error) {
	value, err := url.PathUnescape(escaped) // which leaves a plus alone
	if err == nil && !utf8.ValidString(value) {
		err = errors.New("a value is not UTF-8")
	}
	return value, err
}

func escape(value, plain string) string {
	var escaped strings.Builder
	for _, b := range []byte(value) {
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		digit := b >= '0' && b <= '9'
		if letter || digit || strings.IndexByte("-._~"+plain, b) >= 0 {
			escaped.WriteByte(b)
		} else {
			fmt.Fprintf(&escaped, "%%%02X", b)
		}
	}
	return escaped.String()
}
