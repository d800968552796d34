package exchange

import (
	"fmt"

	"shoal.example/go-peer/content"
)

// State is what a side may say next, section 4.
type State int

// States of a side.
const (
	Waiting State = iota
	Idle
	Greeted
	Ready
	Parting
	Done
)

var stateNames = [...]string{"WAITING", "IDLE", "GREETED", "READY", "PARTING", "DONE"}

func (s State) String() string { return stateNames[s] }

// allowed has what may be sent in a state, and the state then; optional messages go under FirstOptionalType.
var allowed = map[State]map[byte]State{
	Waiting: {TypeBye: Done},
	Idle:    {TypeHello: Greeted, TypeBye: Done},
	Greeted: {
		TypeGetMeta: Greeted, TypeMeta: Greeted, TypeRejectMeta: Greeted, TypeBitfield: Ready, TypeBye: Done,
		FirstOptionalType: Greeted,
	},
	Ready: {
		TypeGetMeta: Ready, TypeMeta: Ready, TypeRejectMeta: Ready, TypeHave: Ready, TypeRequest: Ready,
		TypeData: Ready, TypeCancel: Ready, TypeReject: Ready, TypeBye: Done, FirstOptionalType: Ready,
	},
	Parting: {TypeBye: Done},
	Done:    {},
}

// Conversation keeps the books of both sides of one stream. It isn't safe for use by several goroutines.
type Conversation struct {
	Me, Peer *Side
	layout   *content.Layout // nil until the manifest is known
}

// NewConversation is that of a stream just opened, or accepted.
func NewConversation(opener bool) *Conversation {
	c := &Conversation{Me: newSide(Waiting), Peer: newSide(Idle)}
	if opener {
		c.Me, c.Peer = c.Peer, c.Me
	}
	return c
}

// Sent notes a message of this side; an error is a bug on this side.
func (c *Conversation) Sent(message Message) error {
	return c.passes(c.Me, c.Peer, message)
}

// Received judges a message of the other side. Whoever has said BYE hears nothing more: then it is false.
func (c *Conversation) Received(message Message) (bool, error) {
	if c.Me.State == Done {
		return false, nil
	}
	if err := c.passes(c.Peer, c.Me, message); err != nil {
		c.Me.State = Parting
		return false, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return true, nil
}

// Learn is called once with the manifest's layout, and judges what the other side has announced before.
func (c *Conversation) Learn(layout *content.Layout) error {
	c.layout = layout
	if c.Peer.bits == nil {
		return nil
	}
	if err := checkBits(c.Peer.bits, layout.Chunks()); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return nil
}

func (c *Conversation) passes(from, to *Side, message Message) error {
	kind := min(message.Type(), FirstOptionalType)
	next, legal := allowed[from.State][kind]
	if !legal {
		return fmt.Errorf("type %#x in state %s", message.Type(), from.State)
	}
	if err := c.account(from, to, message); err != nil {
		return err
	}
	from.State = next
	switch message.(type) {
	case Hello:
		if to.State == Waiting {
			to.State = Idle
		}
	case Bye:
		if to.State < Parting {
			to.State = Parting
		}
	}
	return nil
}

func (c *Conversation) account(from, to *Side, message Message) error {
	switch m := message.(type) {
	case Hello:
		return from.greet(to, m)
	case GetMeta:
		return from.askMeta(m)
	case Meta:
		return to.metaAnswered(from, m)
	case RejectMeta:
		return to.metaRejected(m)
	case Bitfield:
		return from.setBits(m.Data, c.layout)
	case Have:
		return from.announce(m.Chunks, c.layout)
	case Request:
		return from.request(to, m.Range, c.layout)
	case Data:
		return to.dataArrived(m)
	case Cancel:
		return from.cancel(m.Range)
	case Rejected:
		return to.rejected(m)
	}
	return nil
}
