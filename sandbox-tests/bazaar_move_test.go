package sandboxtests

import (
	"time"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// move is one step of a scenario. What it needs is in it and in the state it
// meets: it is signed and encoded when it is played, so that a scenario outlives
// a new code hash, and with it every address.
type move struct {
	Do     string                 `json:"do"`                    // a message of the schema, transfer, or one of the world's moves
	By     string                 `json:"by,omitempty"`          // the wallet, or the contract that an impostor passes for
	At     string                 `json:"at,omitempty"`          // the contract
	Value  cocoon.Nano            `json:"value_nano,omitzero"`   // attached
	Amount cocoon.Nano            `json:"amount_nano,omitzero"`  // that the message names
	Key    string                 `json:"key,omitempty"`         // who signs, or enters
	Worker string                 `json:"worker,omitempty"`      // its key's name
	Other  string                 `json:"other,omitempty"`       // the account that the message names
	Index  int                    `json:"index,omitempty"`       // of a leaf or a change
	Count  int                    `json:"count,omitempty"`       // of leaves or GPUs, percent of prices, bps of pay
	Number int                    `json:"number,omitempty"`      // of an epoch, a revision, a variant of terms, bps of bond
	Wait   int                    `json:"seconds,omitempty"`     // to pass, or to be valid
	Init   bool                   `json:"init,omitempty"`        // the state the contract is born or thawed with comes along
	Late   bool                   `json:"bounceless,omitempty"`  // what is refused stays
	Spoil  string                 `json:"spoil,omitempty"`       // cut, longer or op: a body that nobody may act on
	Shares map[string]cocoon.Nano `json:"shares_nano,omitempty"` // leaves by who is paid, as they are
	Form   string                 `json:"bounce_form,omitempty"` // whole: what comes back brings its whole body
}

// play does m. What it sends waits in the queue, but an external message.
func (b *bazaar) play(m move) {
	b.t.Helper()
	b.played = append(b.played, m)
	switch m.Do {
	case "deliver":
		if l, found := b.next([2]cocoon.Account{b.place(m.By), b.place(m.At)}); found {
			if m.Form == "whole" {
				l = l.whole()
			}
			b.carry(l)
		}
	case "wait":
		b.advance(time.Duration(m.Wait) * time.Second)
	case "prices":
		b.reprice(m.Count)
	case "freeze":
		b.freeze(b.place(m.At))
	case "external":
		if c := b.compose(move{Do: "deliver_result", By: m.By, At: m.At, Amount: m.Amount, Worker: m.Worker}); c != nil {
			b.outside(m, spoil(c, m.Spoil))
		}
	default:
		b.mail(m)
	}
}

// mail sends what m says.
func (b *bazaar) mail(m move) {
	b.t.Helper()
	if m.Do == "open_job" && m.Init {
		b.offer(m)
	}
	to, found := b.places[m.At]
	c := b.compose(m)
	if !found || c == nil && m.Do != "transfer" {
		return // of a scenario that has lost the step before
	}
	letter := chain.Message{To: to, Amount: m.Value, Bounce: !m.Late, Body: spoil(c, m.Spoil)}
	if m.Init && !b.holdsCode(to) {
		letter.Init = b.births[m.At]
		if thawed := b.frozen[to]; thawed != nil {
			letter.Init = thawed
		}
	}
	b.post(b.place(m.By), letter, m.Spoil != "")
}

// offer makes the job that m opens.
func (b *bazaar) offer(m move) {
	b.t.Helper()
	if _, known := b.offers[m.At]; known {
		return
	}
	o := b.offerOf(m.Number, uint32(m.Wait))
	init, err := o.Init()
	b.found(m.At, init, err)
	b.offers[m.At] = o
}

// outside delivers an external message at once, but to who cannot pay for taking it.
func (b *bazaar) outside(m move, c *cell.Cell) {
	b.t.Helper()
	to, found := b.places[m.At]
	if !found || b.balance(to).Cmp(cocoon.NanoOf(20_000_000)) < 0 {
		return
	}
	b.carry(letter{cell: externalTo(b.t, to, c), to: to, spoilt: m.Spoil != ""})
}

// spoil turns a body into one that nobody may act on.
func spoil(c *cell.Cell, how string) *cell.Cell {
	switch {
	case c == nil:
		return nil
	case how == "cut":
		return withRefs(cut(c), c, int(c.RefsNum()))
	case how == "longer":
		return longer(c)
	case how == "op":
		return withRefs(cell.BeginCell().MustStoreUInt(0x7bad0000, 32).MustStoreUInt(1, 64).EndCell(), c, int(c.RefsNum()))
	}
	return c
}
