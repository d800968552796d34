package network

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
)

// tablePoll is how often the routing table is looked at until somebody is in it.
const tablePoll = 10 * time.Millisecond

// OpenKademlia is a running DHT node. Nothing filters addresses: on loopback there are no others.
func OpenKademlia(h host.Host, prefix string, server bool) (*dht.IpfsDHT, error) {
	mode := dht.ModeClient
	if server {
		mode = dht.ModeServer
	}
	return dht.New(h,
		dht.Mode(mode),
		dht.ProtocolPrefix(protocol.ID(prefix)),
		dht.BootstrapPeers(),
		dht.AddressFilter(func(addresses []multiaddr.Multiaddr) []multiaddr.Multiaddr { return addresses }),
	)
}

// Bootstrap connects to each multiaddr and waits until the routing table has all of them.
func Bootstrap(ctx context.Context, h host.Host, node *dht.IpfsDHT, addresses []string) error {
	for _, address := range addresses {
		id, err := Connect(ctx, h, address)
		if err != nil {
			return err
		}
		for node.RoutingTable().Find(id) == "" {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s never came into the routing table: %w", id, ctx.Err())
			case <-time.After(tablePoll):
			}
		}
	}
	return nil
}

// ParseKey reads a DHT key: a CID of any kind, or a multihash in hex.
func ParseKey(text string) (cid.Cid, error) {
	if data, err := hex.DecodeString(text); err == nil {
		hash, err := multihash.Cast(data)
		return cid.NewCidV1(cid.Raw, hash), err
	}
	return cid.Decode(text)
}
