package network

import (
	"context"
	"fmt"
	"net"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	goyamux "github.com/libp2p/go-yamux/v5"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"
)

// Session is a yamux session over Noise over TCP without a host: for frames that go-libp2p's hosts don't send.
type Session struct{ *goyamux.Session }

// DialYamux connects to a multiaddr with /p2p/.
func DialYamux(ctx context.Context, address string) (*Session, error) {
	parsed, err := multiaddr.NewMultiaddr(address)
	if err != nil {
		return nil, err
	}
	info, err := peer.AddrInfoFromP2pAddr(parsed)
	if err != nil {
		return nil, err
	}
	key, err := LoadKey("")
	if err != nil {
		return nil, err
	}
	dialled, err := (&manet.Dialer{}).DialContext(ctx, info.Addrs[0])
	if err != nil {
		return nil, err
	}
	if err := multistream.SelectProtoOrFail(protocol.ID(noise.ID), dialled); err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	transport, err := noise.New(noise.ID, key, nil)
	if err != nil {
		return nil, err
	}
	secured, err := transport.SecureOutbound(ctx, dialled, info.ID)
	if err != nil {
		return nil, err
	}
	if err := multistream.SelectProtoOrFail(protocol.ID(yamux.ID), secured); err != nil {
		return nil, fmt.Errorf("yamux: %w", err)
	}
	session, err := goyamux.Client(secured, yamux.DefaultTransport.Config(), nil)
	return &Session{session}, err
}

// Open opens a stream that speaks a protocol.
func (s *Session) Open(ctx context.Context, id protocol.ID) (net.Conn, error) {
	stream, err := s.OpenStream(ctx)
	if err != nil {
		return nil, err
	}
	return stream, multistream.SelectProtoOrFail(id, stream)
}
