// Package exchange speaks /shoal/exchange/1.0.0 as protocols/exchange/SPEC.md has it: bytes to messages and back, and
// what is legal when. It does no IO and knows nothing of files; package transfer drives it.
package exchange

// Protocol is the libp2p protocol id.
const Protocol = "/shoal/exchange/1.0.0"

// Version is the revision of the page that is spoken here.
const Version = 1

// Limits of the page, section 10.
const (
	MaxPayload        = 1_048_640
	MaxMeta           = 262_144
	MaxData           = 1_048_576
	MinData           = 16_384
	MaxBitfield       = 262_144
	MaxHave           = 1_024
	MaxRequests       = 512
	MinRequestLimit   = 1 << 20
	MaxMetaRequests   = 8
	MaxAgent          = 64
	MaxByeText        = 256
	MaxHelloExtra     = 1_024
	FirstOptionalType = 0x80
	MaxOptional       = 16_384
	MaxPeers          = 25
	MinPeerID         = 34
	MaxPeerID         = 44
	MaxPeerAddresses  = 5
	MaxAddress        = 120
)

// Reject says why a request or GET_META isn't answered with data.
type Reject uint64

// Section 8's reasons of REJECT and REJECT_META.
const (
	RejectOther Reject = iota
	RejectCancelled
	RejectUnavailable
	RejectBusy
)

// Reason says why a conversation ends.
type Reason uint64

// Section 8's reasons of BYE.
const (
	ByeOther Reason = iota
	ByeFinished
	ByeNotFound
	ByeUnsupportedVersion
	ByeProtocolError
	ByeBusy
	ByeStopping
	ByeDuplicate
	ByeBadData
	ByeTimeout
)

var reasonNames = [...]string{
	"other", "finished", "not_found", "unsupported_version", "protocol_error",
	"busy", "stopping", "duplicate", "bad_data", "timeout",
}

func (r Reason) String() string { return reasonNames[r] }

var rejectNames = [...]string{"other", "cancelled", "unavailable", "busy"}

func (r Reject) String() string { return rejectNames[r] }
