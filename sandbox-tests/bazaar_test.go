package sandboxtests

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// bazaar is a whole market in one world, whose messages wait until a move
// delivers them: those between two accounts in the order they were sent, others
// in any order.
type bazaar struct {
	*world
	places  map[string]cocoon.Account
	names   map[cocoon.Account]string
	births  map[string]*tlb.StateInit // of contracts that may not be there yet
	offers  map[string]wrappers.JobOffer
	trees   map[[32]byte]*planted
	epochs  []string // opened so far
	known   map[cocoon.Account]sighting
	frozen  map[cocoon.Account]*tlb.StateInit
	incomes map[[2]cocoon.Account]cocoon.Nano // by an epoch to a provider
	letters []letter
	percent int                      // of the usual prices of gas and messages
	brought *big.Int                 // by wallets, since the bazaar began
	charged *big.Int                 // by the network
	kept    *big.Int                 // by wallets, of what has reached them
	purses  map[cocoon.Account]int64 // nanoTON that a wallet has got, less what it has sent; change is the payer's
	lawless bool                     // nothing is judged: an adversary looks at its purse alone
	played  []move
	count   int            // transactions of contracts
	took    map[string]int // operations of contracts that succeeded
	refused int            // messages to contracts
}

// letter is a message on its way.
type letter struct {
	cell     *cell.Cell
	from, to cocoon.Account
	value    *big.Int
	original *cell.Cell     // the body that comes back, where it bounced
	spoilt   bool           // nobody may act on it
	payer    cocoon.Account // the wallet that began it all, which gets the change
	percent  int            // the prices at which its fee was reckoned
}

// sighting is a contract's state as it was last seen.
type sighting struct {
	hash  string
	state any
}

// clone is the same bazaar for another history.
func (b *bazaar) clone() *bazaar {
	w, c := *b.world, *b
	w.accounts = maps.Clone(w.accounts)
	w.received, w.paid, w.fees = new(big.Int), new(big.Int), new(big.Int)
	c.world = &w
	c.places, c.names, c.births = maps.Clone(b.places), maps.Clone(b.names), maps.Clone(b.births)
	c.offers, c.trees, c.known = maps.Clone(b.offers), maps.Clone(b.trees), maps.Clone(b.known)
	c.frozen, c.incomes, c.took = maps.Clone(b.frozen), maps.Clone(b.incomes), map[string]int{}
	c.purses = maps.Clone(b.purses)
	c.epochs, c.letters, c.played = slices.Clone(b.epochs), slices.Clone(b.letters), nil
	c.brought, c.charged, c.kept = new(big.Int).Set(b.brought), new(big.Int).Set(b.charged), new(big.Int).Set(b.kept)
	c.count, c.refused = 0, 0
	return &c
}

// found names a contract and says how it is born.
func (b *bazaar) found(name string, init *tlb.StateInit, err error) {
	b.t.Helper()
	require.NoError(b.t, err)
	a, err := chain.BornAccount(init)
	require.NoError(b.t, err)
	b.places[name], b.names[a], b.births[name] = a, name, init
}

// place is the account that a scenario calls that: a contract, an address or a wallet.
func (b *bazaar) place(name string) cocoon.Account {
	if a, ok := b.places[name]; ok {
		return a
	}
	if a, err := cocoon.ParseAccount(name); err == nil {
		return a
	}
	a := wallet(name)
	b.names[a] = name
	return a
}

// nameOf is what scenarios call a.
func (b *bazaar) nameOf(a cocoon.Account) string {
	if name, ok := b.names[a]; ok {
		return name
	}
	return a.String()
}

// post puts a message of a wallet, which brings its value, on its way.
func (b *bazaar) post(from cocoon.Account, m chain.Message, spoilt bool) {
	b.t.Helper()
	in := m.Internal()
	b.lt++
	in.SrcAddr, in.CreatedLT, in.CreatedAt = chain.Address(from), b.lt, b.now
	c, err := tlb.ToCell(in)
	require.NoError(b.t, err)
	b.brought.Add(b.brought, in.Amount.Nano())
	b.purses[from] -= in.Amount.Nano().Int64()
	b.letters = append(b.letters, letter{cell: c, from: from, to: m.To, value: in.Amount.Nano(), spoilt: spoilt, percent: b.percent, payer: from})
}

// pairs are the ways on which something waits, the longest waiting first.
func (b *bazaar) pairs() (all [][2]cocoon.Account) {
	for _, l := range b.letters {
		if way := [2]cocoon.Account{l.from, l.to}; !slices.Contains(all, way) {
			all = append(all, way)
		}
	}
	return all
}

// next takes the oldest letter between two accounts off the queue.
func (b *bazaar) next(way [2]cocoon.Account) (letter, bool) {
	i := slices.IndexFunc(b.letters, func(l letter) bool { return [2]cocoon.Account{l.from, l.to} == way })
	if i < 0 {
		return letter{}, false
	}
	l := b.letters[i]
	b.letters = slices.Delete(b.letters, i, i+1)
	return l, true
}

// carry delivers one letter and judges what came of it.
func (b *bazaar) carry(l letter) {
	b.t.Helper()
	x := b.before(l.to)
	x.letter = l
	s, out := b.deliver(l.cell)
	if s == nil {
		return
	}
	b.charged.Add(b.charged, s.fees)
	for i, m := range s.out {
		b.forward(l, m, out[i], s.body)
	}
	x.judge(s)
}

// forward puts a message of a contract on its way. A wallet has it at once, since nothing follows from that.
func (b *bazaar) forward(cause letter, m *tlb.InternalMessage, c, original *cell.Cell) {
	b.t.Helper()
	to, err := chain.AccountOf(m.DstAddr)
	require.NoError(b.t, err)
	if name := b.names[to]; !m.Bounce && m.StateInit == nil && b.births[name] == nil {
		b.kept.Add(b.kept, m.Amount.Nano())
		if to == response {
			to = cause.payer
		}
		b.purses[to] += m.Amount.Nano().Int64()
		return
	}
	percent := b.percent
	if cause.to == b.places["registry"] { // which passes on what it was given
		percent = min(percent, cause.percent)
	}
	b.letters = append(b.letters, letter{cell: c, from: cause.to, to: to, value: m.Amount.Nano(), original: original, percent: percent, payer: cause.payer})
}

// drain delivers everything, the oldest first.
func (b *bazaar) drain() {
	b.t.Helper()
	for len(b.letters) > 0 {
		l := b.letters[0]
		b.letters = b.letters[1:]
		b.carry(l)
	}
}

// whole makes a letter that came back one of the newer form, which brings all of its body.
func (l letter) whole() letter {
	var in tlb.InternalMessage
	if l.original == nil || tlb.LoadFromCell(&in, l.cell.MustBeginParse()) != nil || !in.Bounced {
		return l
	}
	in.Body = bounces(l.original)["the whole"]
	if c, err := tlb.ToCell(&in); err == nil {
		l.cell = c
	}
	return l
}

// sight reads the contract at a, where there is one of ours.
func (b *bazaar) sight(a cocoon.Account) (sighting, wrappers.Kind) {
	b.t.Helper()
	if !b.holdsCode(a) {
		return b.known[a], ""
	}
	init := b.account(a).State().StateInit
	kind := b.kindOf(init.Code)
	seen := sighting{hash: string(init.Data.Hash())}
	if old := b.known[a]; old.hash == seen.hash {
		return old, kind
	}
	var err error
	seen.state, err = decoders[kind](b.data(a))
	require.NoError(b.t, err, "the state of %s is not what the schema says", b.nameOf(a))
	b.known[a] = seen
	return seen, kind
}

// kindOf is the contract that has this code, or the one that it runs instead of.
func (b *bazaar) kindOf(code *cell.Cell) wrappers.Kind {
	for ours, other := range b.instead {
		if string(other.Hash()) == string(code.Hash()) {
			return kinds()[ours]
		}
	}
	return kinds()[string(code.Hash())]
}

// decoders read the storage of each contract.
var decoders = map[wrappers.Kind]func(*cell.Cell) (any, error){
	wrappers.KindRegistry: decodes(wrappers.DecodeRegistry),
	wrappers.KindProvider: decodes(wrappers.DecodeProvider),
	wrappers.KindJob:      decodes(wrappers.DecodeJob),
	wrappers.KindRewards:  decodes(wrappers.DecodeRewards),
	wrappers.KindEpoch:    decodes(wrappers.DecodeEpoch),
	wrappers.KindChannel:  decodes(wrappers.DecodeChannel),
}

func decodes[T any](decode func(*cell.Cell) (T, error)) func(*cell.Cell) (any, error) {
	return func(c *cell.Cell) (any, error) { return decode(c) }
}

// stateOf is what a contract called name was last seen in.
func stateOf[T any](b *bazaar, name string) T {
	v, _ := b.known[b.places[name]].state.(T)
	return v
}

// freeze makes a contract one that rent has frozen: of its state the network keeps the hash alone.
func (b *bazaar) freeze(a cocoon.Account) {
	b.t.Helper()
	if !b.holdsCode(a) {
		return
	}
	init := b.lastState(a)
	c, err := tlb.ToCell(init)
	require.NoError(b.t, err)
	acc := b.account(a)
	state, shard := *acc.State(), *acc.ShardAccount()
	state.Status, state.StateInit, state.StateHash = tlb.AccountStatusFrozen, nil, c.Hash()
	shard.Account, err = tlb.ToCell(state)
	require.NoError(b.t, err)
	b.accounts[a], err = tvm.PrepareAccount(&shard, chain.Address(a))
	require.NoError(b.t, err)
	b.frozen[a] = init
}

// heldInAll is all that accounts hold, that is on its way and that wallets have got.
func (b *bazaar) heldInAll() *big.Int {
	sum := new(big.Int).Set(b.kept)
	for a := range b.accounts {
		if state := b.account(a).State(); state != nil && state.IsValid {
			sum.Add(sum, state.Balance.Nano())
		}
	}
	for _, l := range b.letters {
		sum.Add(sum, l.value)
	}
	return sum
}

// epochAt names the epoch of a rewards contract.
func (b *bazaar) epochAt(birth wrappers.EpochBirth) string {
	number := strings.TrimPrefix(b.nameOf(birth.Rewards), "rewards ")
	return fmt.Sprintf("epoch %s/%d/%d", number, birth.Number, birth.Attempt)
}
