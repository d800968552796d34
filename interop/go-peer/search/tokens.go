// Package search speaks /shoal/search/1.0.0 as protocols/search/SPEC.md has it: names cut into tokens, the DHT's keys of
// keywords, and the messages of one query. It does no IO.
package search

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

var (
	unseen    = parseRanges("ad-ad 200b-200d 2060-2060 fe00-fe0f feff-feff e0100-e01ef")
	omitted   = parseRanges("300-36f 591-5bd 5bf-5bf 5c1-5c2 5c4-5c5 5c7-5c7 610-61a 640-640 64b-65f 670-670")
	unspaced  = parseRanges("e00-eff 1000-109f 1780-17ff 3005-3007 3040-30ff 31f0-31ff 3400-4dbf 4e00-9fff ac00-d7a3 f900-faff 1b000-1b16f 20000-3ffff")
	extension = regexp.MustCompile(`^.+\.([0-9A-Za-z]{1,8})$`)
	asked     = regexp.MustCompile(`^(?i:ext):([0-9A-Za-z]{1,8})$`)
	fewDigits = regexp.MustCompile(`^[0-9]{1,2}$`)
	stopWords = strings.Fields(`the and of in to for with on at by from is it or an as
		der die das und ein eine von mit den le la les de des du et un une en
		el los las con del por para una os da do dos il lo gli di`)
)

// runs cuts a text into words, and these where an unspaced script begins or ends.
func runs(text string) [][]rune {
	var found [][]rune
	var last rune
	for _, r := range normalised(text) {
		switch {
		case !unicode.Is(wordTable, r):
		case last != 0 && unicode.Is(wordTable, last) && unicode.Is(unspaced, last) == unicode.Is(unspaced, r):
			found[len(found)-1] = append(found[len(found)-1], r)
		default:
			found = append(found, []rune{r})
		}
		last = r
	}
	return found
}

// normalised is steps 1 to 4 of section 2.
func normalised(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unseen, r):
			return -1
		case !unicode.Is(wordTable, r):
			return ' '
		}
		return r
	}, text)
	text = strings.Map(cherokee, cases.Fold().String(norm.NFKC.String(text)))
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(omitted, r) {
			return -1
		}
		return r
	}, norm.NFD.String(text)))
}

// cherokee folds to capitals, which cases.Fold doesn't.
func cherokee(r rune) rune {
	switch {
	case 0xab70 <= r && r <= 0xabbf:
		return r - 0xab70 + 0x13a0
	case 0x13f8 <= r && r <= 0x13fd:
		return r - 8
	}
	return r
}

func isUnspaced(run []rune) bool { return unicode.Is(unspaced, run[0]) }

// pairs are every two neighbouring characters.
func pairs(run []rune) []string {
	var two []string
	for i := range len(run) - 1 {
		two = append(two, string(run[i:i+2]))
	}
	return two
}

// TokensOfName cuts a share's name.
func TokensOfName(name string) []string {
	var tokens []string
	for _, run := range runs(name) {
		if isUnspaced(run) {
			tokens = append(append(tokens, pairs(run)...), string(run[len(run)-1]))
		} else {
			tokens = append(tokens, string(run))
		}
	}
	if match := extension.FindStringSubmatch(name); match != nil {
		tokens = append(tokens, "ext:"+strings.ToLower(match[1]))
	}
	return once(tokens)
}

// TokensOfQuery cuts what somebody looks for.
func TokensOfQuery(query string) []string {
	var tokens []string
	for _, piece := range strings.Split(query, " ") {
		if match := asked.FindStringSubmatch(piece); match != nil {
			tokens = append(tokens, "ext:"+strings.ToLower(match[1]))
			continue
		}
		for _, run := range runs(piece) {
			if isUnspaced(run) && len(run) > 1 {
				tokens = append(tokens, pairs(run)...)
			} else {
				tokens = append(tokens, string(run))
			}
		}
	}
	return once(tokens)
}

func once(tokens []string) []string {
	var kept []string
	for _, token := range tokens {
		if !slices.Contains(kept, token) {
			kept = append(kept, token)
		}
	}
	return kept
}

// Matches says whether a name has each of a query's tokens; a query without tokens matches nothing.
func Matches(name, query string) bool {
	names, wanted := TokensOfName(name), TokensOfQuery(query)
	for _, token := range wanted {
		single := []rune(token)
		isBeginning := len(single) == 1 && isUnspaced(single)
		if !slices.ContainsFunc(names, func(one string) bool {
			return one == token || isBeginning && strings.HasPrefix(one, token)
		}) {
			return false
		}
	}
	return len(wanted) > 0
}

// Keywords are the tokens that the DHT is asked about, section 3.
func Keywords(tokens []string) []string {
	return slices.DeleteFunc(slices.Clone(tokens), func(token string) bool {
		return strings.HasPrefix(token, "ext:") || slices.Contains(tokens, "ext:"+token) ||
			len([]rune(token)) == 1 || fewDigits.MatchString(token) || slices.Contains(stopWords, token)
	})
}

// Key is the multihash under which the DHT keeps who shares something with a token in its name.
func Key(token string) []byte {
	sum := sha256.Sum256([]byte("shoal/kw/1\x00" + token))
	return append([]byte{0x12, 0x20}, sum[:]...)
}
