// Package catalog speaks /shoal/catalog/1.0.0 as protocols/catalog/SPEC.md has it: pages of entries, signed heads, and
// the messages that carry both. It does no IO but on a stream that it is given.
package catalog

import "time"

// Protocol is the libp2p protocol id.
const Protocol = "/shoal/catalog/1.0.0"

// Limits of the page, section 7.
const (
	MaxEntries     = 16_384
	MaxPageEntries = 1_024
	MaxPageSize    = 524_288
	MaxPages       = 256
	MaxHeadSize    = 12_288
	MaxLifetime    = 172_800
	MaxClockSkew   = 600
	MaxHeads       = 64
	MaxTellHeads   = 262_144
	MaxPeers       = 20
	MaxRequest     = 278_528
	MaxPayload     = 524_289
	MaxOptional    = 16_384
)

// lifetime is that of the heads sealed here.
const lifetime = 24 * time.Hour
