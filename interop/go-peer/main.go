// Command go-peer is a foreign node for shoal's interop tests: go-libp2p and go-libp2p-kad-dht below, and shoal's own
// protocols written from their pages above. JSON lines on stdout say what happened, the log is on stderr, and the
// process ends by itself at its deadline. It listens and dials on loopback only.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
	exitStuck  = 4
)

// grace is how long a command may take to end after its deadline.
const grace = 5 * time.Second

type command struct {
	name      string
	arguments string
	summary   string
	do        func(context.Context, *process) error
}

// commands is the whole command line but for the flags.
func commands() []command {
	return []command{
		{"seed", "PATH", "share a file or folder; tell --peer of it", seed},
		{"fetch", "CID|LINK", "fetch a share from --peer, or by --find from the DHT", fetch},
		{"describe", "PATH", "say what a share is, and what boxo says its IPFS root is", describe},
		{"serve", "", "be a DHT server", serve},
		{"provide", "KEY…", "put provider records", provide},
		{"find", "KEY…", "find providers", find},
		{"trade", "KEY…", "find each key after providing another, on the same streams", trade},
		{"ask", "ADDRESS KEY…", "ask many things on one raw DHT stream", ask},
		{"hold", "ADDRESS", "hold DHT streams from many nodes; a line on stdin has them ask again", hold},
		{"search", "TEXT", "ask --peer for names, or by --find whom the DHT names", searchFor},
		{"catalogue", "", "ask --peer for the catalogues it holds; with --stay answer too", catalogues},
		{"tokens", "TEXT", "say how a name is cut, and the DHT's keys of its keywords", tokens},
		{"identify", "ADDRESS", "say what identify says", identifyPeer},
		{"ping", "ADDRESS", "measure round trips", pingPeer},
		{"check", "", "judge what comes on stdin in JSON lines: CIDs, links, manifests, messages", check},
		{"key", "FILE", "read a key file, or make it", key},
		{"sink", "", "swallow what comes on a bare stream", sink},
		{"pour", "ADDRESS", "send --bytes on a bare stream", pour},
		{"answer", "", "treat streams as their protocols say: echo, reset, read late, …", answer},
		{"probe", "WHAT ADDRESS", "see how somebody who answers treats streams, --count of them", probe},
	}
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(words []string) int {
	p, do, err := parse(words)
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-peer:", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, p.deadline)
	defer cancel()
	time.AfterFunc(p.deadline+grace, func() { os.Exit(exitStuck) })
	if err := do(ctx, p); err != nil {
		p.emit("failed", map[string]any{"error": err.Error(), "deadline": errors.Is(ctx.Err(), context.DeadlineExceeded)})
		return exitFailed
	}
	return 0
}
