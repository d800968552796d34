// Package vectors reads interop/vectors for the tests of both protocols.
package vectors

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Hex is bytes that a vector spells in hex.
type Hex []byte

// UnmarshalJSON reads the hex digits.
func (h *Hex) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	bytes, err := hex.DecodeString(text)
	*h = bytes
	return err
}

// Load reads one file of vectors into a value.
func Load(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "vectors", name)) // tests run in their package's folder
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
