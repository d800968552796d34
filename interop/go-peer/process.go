package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"

	"shoal.example/go-peer/content"
	"shoal.example/go-peer/network"
	"shoal.example/go-peer/search"
	"shoal.example/go-peer/transfer"
)

// texts is a flag that may be given several times.
type texts []string

func (t *texts) String() string         { return strings.Join(*t, ",") }
func (t *texts) Set(value string) error { *t = append(*t, value); return nil }

// process is what the command line said, and where events go.
type process struct {
	arguments []string
	settings  network.Settings
	security  string
	prefix    string
	client    bool
	bootstrap texts
	peers     texts
	deadline  time.Duration
	patience  time.Duration
	pace      time.Duration
	misbehave string
	cheat     string
	output    string
	chunkSize uint64
	announce  bool
	findPeers bool
	stay      bool
	count     int
	nodes     int
	limit     uint64
	bytes     int64

	lock sync.Mutex
}

func parse(words []string) (*process, func(context.Context, *process) error, error) {
	p := &process{}
	flags := flag.NewFlagSet("go-peer", flag.ContinueOnError)
	p.register(flags)
	flags.Usage = func() { usage(flags) }
	if len(words) == 0 {
		usage(flags)
		return nil, nil, errors.New("no command")
	}
	for _, command := range commands() {
		if command.name != words[0] {
			continue
		}
		// Flags may stand before and after arguments.
		for rest := words[1:]; len(rest) > 0; {
			if err := flags.Parse(rest); err != nil {
				return nil, nil, err
			}
			if rest = flags.Args(); len(rest) > 0 {
				p.arguments, rest = append(p.arguments, rest[0]), rest[1:]
			}
		}
		if want := len(strings.Fields(command.arguments)); len(p.arguments) < want {
			return nil, nil, fmt.Errorf("usage: go-peer %s %s", command.name, command.arguments)
		}
		p.settings.Security = strings.Split(p.security, ",")
		return p, command.do, nil
	}
	return nil, nil, fmt.Errorf("unknown command %q", words[0])
}

func (p *process) register(flags *flag.FlagSet) {
	flags.DurationVar(&p.deadline, "deadline", time.Minute, "end by then")
	flags.StringVar(&p.settings.KeyFile, "key", "", "key file; without one the key is new")
	flags.StringVar(&p.settings.Listen, "listen", "/ip4/127.0.0.1/tcp/0", "multiaddr; empty: only dial")
	flags.StringVar(&p.security, "security", "noise", "noise, tls, or both in the order of offering")
	flags.StringVar(&p.prefix, "dht", "/shoal", "prefix of the DHT's protocol id: /shoal or /ipfs")
	flags.BoolVar(&p.client, "client", false, "be a DHT client")
	flags.Var(&p.bootstrap, "bootstrap", "multiaddr of a DHT node (repeatable)")
	flags.Var(&p.peers, "peer", "multiaddr of a node to fetch from (repeatable)")
	flags.BoolVar(&p.findPeers, "find", false, "fetch from whom the DHT names")
	flags.BoolVar(&p.announce, "provide", false, "announce the share in the DHT")
	flags.BoolVar(&p.stay, "stay", false, "go on until the deadline when the work is done")
	flags.StringVar(&p.output, "output", ".", "folder that a share is fetched into")
	flags.Uint64Var(&p.chunkSize, "chunk", content.DefaultChunk, "bytes of a chunk")
	flags.DurationVar(&p.patience, "patience", 10*time.Second, "with a peer that owes something")
	flags.DurationVar(&p.pace, "pace", 0, "wait before each DATA")
	flags.StringVar(&p.misbehave, "misbehave", "", "one of: "+strings.Join(transfer.Misbehaviours(), " "))
	flags.StringVar(&p.cheat, "cheat", "", "one of: strays unended forged-head wrong-page")
	flags.IntVar(&p.count, "count", 3, "how many pings, or providers to find")
	flags.Uint64Var(&p.limit, "limit", search.MaxHits, "how many names to ask for")
	flags.IntVar(&p.nodes, "nodes", 1, "how many nodes hold streams")
	flags.Int64Var(&p.bytes, "bytes", 1<<20, "how much to pour")
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(os.Stderr, "usage: go-peer COMMAND [FLAGS] [ARGUMENTS]")
	for _, command := range commands() {
		fmt.Fprintf(os.Stderr, "  %-9s %-14s %s\n", command.name, command.arguments, command.summary)
	}
	flags.PrintDefaults()
}

// emit prints one event.
func (p *process) emit(event string, values map[string]any) {
	line := map[string]any{"event": event}
	for name, value := range values {
		line[name] = value
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fmt.Fprintln(os.Stderr, "go-peer: stdout:", err)
	}
}

// host opens the process's host, has it handle what it is to handle, and says then where it is and what else there is
// to say: whoever dials on that finds everything in place.
func (p *process) host(values map[string]any, handle ...func(host.Host)) (host.Host, error) {
	h, err := network.OpenHost(p.settings)
	if err != nil {
		return nil, err
	}
	for _, each := range handle {
		each(h)
	}
	ready := map[string]any{"peer": h.ID().String(), "addresses": network.Addresses(h)}
	for name, value := range values {
		ready[name] = value
	}
	defer p.emit("ready", ready)
	return h, nil
}

// kademlia joins the DHT by --bootstrap.
func (p *process) kademlia(ctx context.Context, h host.Host) (*dht.IpfsDHT, error) {
	node, err := network.OpenKademlia(h, p.prefix, !p.client)
	if err != nil {
		return nil, err
	}
	return node, network.Bootstrap(ctx, h, node, p.bootstrap)
}

// milliseconds since a time, for events.
func milliseconds(start time.Time) float64 {
	return float64(time.Since(start).Microseconds()) / 1000
}
