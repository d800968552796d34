package exchange

import (
	"encoding/hex"
	"os"
	"regexp"
	"testing"

	"shoal.example/go-peer/content"
)

// Section 11's conversation, as the page prints it, is legal from its first frame to its last.
func TestConversationOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../../protocols/exchange/SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| \\d+ \\| (opener|acceptor) \\| [A-Z_]+ \\| `([0-9a-f]+)` \\|$").FindAllSubmatch(page, -1)
	if len(rows) != 10 {
		t.Fatalf("%d rows", len(rows))
	}
	layout, err := content.NewLayout(content.DefaultChunk, []uint64{14})
	if err != nil {
		t.Fatal(err)
	}
	opener, acceptor := NewConversation(true), NewConversation(false)
	_, _ = opener.Learn(layout), acceptor.Learn(layout)
	for _, row := range rows {
		frame, err := hex.DecodeString(string(row[2]))
		if err != nil {
			t.Fatal(err)
		}
		message, err := read(frame)
		if err != nil {
			t.Fatalf("%x: %v", frame, err)
		}
		sender, receiver := opener, acceptor
		if string(row[1]) == "acceptor" {
			sender, receiver = acceptor, opener
		}
		if err := sender.Sent(message); err != nil {
			t.Errorf("%+v: %v", message, err)
		}
		if heard, err := receiver.Received(message); err != nil || !heard {
			t.Errorf("%+v: %v", message, err)
		}
	}
	if opener.Me.State != Done || acceptor.Me.State != Parting {
		t.Errorf("the end is %s and %s", opener.Me.State, acceptor.Me.State)
	}
}
