package sandboxtests

import (
	"crypto/ed25519"
	"math/big"
	"slices"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// opBounced stands for whatever came back, in either form.
const opBounced = 0xffffffff

// turn is one transaction: what an account was before it, and what it is since.
type turn struct {
	*bazaar
	at     cocoon.Account
	kind   wrappers.Kind
	step   *step
	op     uint32
	letter letter
	lived  bool // it held code before
	was    sighting
	is     sighting
	held   cocoon.Nano
	holds  cocoon.Nano
}

// before notes what is at a.
func (b *bazaar) before(a cocoon.Account) *turn {
	b.t.Helper()
	x := &turn{bazaar: b, at: a, lived: b.holdsCode(a), held: b.balance(a)}
	x.was, _ = b.sight(a)
	return x
}

// judge wants the transaction to have kept every rule.
func (x *turn) judge(s *step) {
	x.t.Helper()
	x.step, x.op, x.holds = s, s.op(), x.balance(x.at)
	if s.bounced {
		x.op = opBounced
	}
	x.meet(x.at)
	x.is, x.kind = x.sight(x.at)
	x.note()
	if x.lawless {
		return
	}
	x.requireBalanced()
	if x.kind == "" {
		x.require(!x.lived || x.status(x.at) == "FROZEN", "a contract was destroyed")
		return
	}
	delete(x.frozen, x.at)
	x.require(s.action == 0 || s.action == noMoney && x.dearer() && x.was.hash == x.is.hash, "the action phase failed with %d", s.action)
	x.require(!x.letter.spoilt || x.was.hash == x.is.hash || x.was.hash == "", "it acted on a body that is none")
	x.require(!s.external || x.works(), "it took what comes from outside, and then refused it")
	x.requireLetters()
	x.requireSpending()
	x.requireRules()
}

// note counts what a contract has done.
func (x *turn) note() {
	if x.kind == "" {
		return
	}
	x.count++
	if x.step.aborted || x.step.bounced {
		x.refused++
	}
	if x.works() {
		x.took[string(x.kind)+"/"+wrappers.OperationName(x.step.body)]++
	}
}

// noMoney is the action phase's code where a message costs more than there is for it.
const noMoney = 37

// dearer reports whether prices rose since the fee was reckoned: then a message between contracts
// may fail whole, and is sent again.
func (x *turn) dearer() bool { return x.letter.percent < x.percent }

// works reports whether an operation was carried out.
func (x *turn) works() bool {
	return x.step.exit == 0 && !x.step.aborted && !x.step.bounced && x.step.op() != 0
}

// require says what is wrong with the transaction.
func (x *turn) require(ok bool, format string, args ...any) {
	x.t.Helper()
	if !ok {
		require.Failf(x.t, "a rule is broken", "%s, %s from %s at %s (exit %d): "+format, append([]any{x.kind, wrappers.OperationName(x.step.body), x.nameOf(x.step.from), x.nameOf(x.at), x.step.exit}, args...)...)
	}
}

// requireBalanced wants all that wallets brought to be held, on its way or a fee.
func (x *turn) requireBalanced() {
	x.t.Helper()
	sum := new(big.Int).Add(x.heldInAll(), x.charged)
	x.require(sum.Cmp(x.brought) == 0, "brought %s, held and charged %s", x.brought, sum)
}

// mayBounce are the messages of contracts that ask to come back.
var mayBounce = []uint32{opAccept, opRequestTerms, opOpen, opFailed}

func (x *turn) requireLetters() {
	x.t.Helper()
	for _, m := range x.step.out {
		op := (&step{body: m.Body}).op()
		x.require(!m.Bounce || slices.Contains(mayBounce, op) || x.kind == wrappers.KindRegistry, "%#08x asks to come back", op)
		_, err := chain.AccountOf(m.DstAddr)
		x.require(err == nil, "%#08x leaves the basechain", op)
	}
}

// spends are the operations after which a contract may hold less than before, rent apart.
var spends = map[wrappers.Kind][]uint32{
	wrappers.KindProvider: {opWithdraw, opAcceptJob, opReport},
	wrappers.KindJob:      {opCancel, opExpire, opApprove, opDispute, opRule, opFinish, opDeliver},
	wrappers.KindRewards:  {opOpenEpoch, opFailed, opWithdraw},
	wrappers.KindEpoch:    {opProve, opFail, opPush, opClaim, opFinish},
	wrappers.KindChannel:  {opSettle, opFinish, opCloseNow},
}

// spent is by how much the transaction made the contract poorer, rent apart; zero where it did not.
func (x *turn) spent() cocoon.Nano {
	d := new(big.Int).Sub(x.held.Big(), x.step.rent.Big())
	if d.Sub(d, x.holds.Big()).Sign() <= 0 {
		return cocoon.Nano{}
	}
	n, err := cocoon.NanoFromBig(d)
	require.NoError(x.t, err)
	return n
}

func (x *turn) requireSpending() {
	x.t.Helper()
	spent := x.spent()
	x.require(spent.IsZero() || x.works() && slices.Contains(spends[x.kind], x.op), "it cost the contract %s", spent)
}

// requireRules asks the rules of the contract's kind.
func (x *turn) requireRules() {
	x.t.Helper()
	switch is := x.is.state.(type) {
	case wrappers.Provider:
		judged(x, is, x.judgeProvider)
	case wrappers.Job:
		judged(x, is, x.judgeJob)
	case wrappers.Rewards:
		judged(x, is, x.judgeRewards)
	case wrappers.Epoch:
		judged(x, is, x.judgeEpoch)
	case wrappers.Channel:
		judged(x, is, x.judgeChannel)
	}
}

// judged compares a state with the one before it, as far as there was one.
func judged[T any](x *turn, is T, judge func(was, is T)) {
	x.t.Helper()
	was, ok := x.was.state.(T)
	if !ok {
		was = is
	}
	judge(was, is)
}

// only wants what changed to be the doing of one of those operations.
func (x *turn) only(changed bool, what string, ops ...uint32) {
	x.t.Helper()
	x.require(!changed || slices.Contains(ops, x.op), "%s has changed", what)
}

// by wants the sender of such an operation to have been that account.
func (x *turn) by(who cocoon.Account, ops ...uint32) {
	x.t.Helper()
	x.require(!x.works() || !slices.Contains(ops, x.op) || x.step.from == who, "only %s may do that", x.nameOf(who))
}

// owes wants the contract to hold as much.
func (x *turn) owes(debts ...cocoon.Nano) {
	x.t.Helper()
	sum := cocoon.Nano{}
	for _, d := range debts {
		sum = plus(x.t, sum, d)
	}
	x.require(x.holds.Cmp(sum) >= 0, "holds %s and owes %s", x.holds, sum)
}

// leaving wants tranches to be few and to be that sum.
func (x *turn) leaving(all []wrappers.Tranche, unbonding cocoon.Nano) {
	x.t.Helper()
	sum := cocoon.Nano{}
	for _, tr := range all {
		sum = plus(x.t, sum, tr.Amount)
	}
	x.require(sum == unbonding && len(all) <= 4, "%d tranches are %s, not %s", len(all), sum, unbonding)
}

// ripe is the sum of the tranches that may be withdrawn by now.
func (x *turn) ripe(all []wrappers.Tranche) cocoon.Nano {
	sum := cocoon.Nano{}
	for _, tr := range all {
		if x.now >= tr.At {
			sum = plus(x.t, sum, tr.Amount)
		}
	}
	return sum
}

// fell is by how much an amount is less than it was.
func (x *turn) fell(was, is cocoon.Nano) cocoon.Nano {
	if was.Cmp(is) <= 0 {
		return cocoon.Nano{}
	}
	return minus(x.t, was, is)
}

// sent is the sum of the messages with one op to an account, less what comes with it for gas.
func (x *turn) sent(op uint32, to cocoon.Account) *big.Int {
	sum := new(big.Int)
	for _, m := range x.step.out {
		if a, err := chain.AccountOf(m.DstAddr); err == nil && a == to && (&step{body: m.Body}).op() == op {
			sum.Add(sum, m.Amount.Nano())
		}
	}
	return sum
}

// verified wants key to have signed c.
func (x *turn) verified(key [32]byte, c *cell.Cell, signature [64]byte) {
	x.t.Helper()
	x.require(ed25519.Verify(key[:], c.Hash(), signature[:]), "the key in force did not sign that")
}

// message is what the transaction was about.
func told[T any](x *turn) T {
	x.t.Helper()
	m, err := wrappers.Decode[T](x.step.body)
	x.require(err == nil, "it acted on what does not decode: %v", err)
	return m
}

// verifies reports whether key signed hash.
func verifies(key [32]byte, hash []byte, signature [64]byte) bool {
	return ed25519.Verify(key[:], hash, signature[:])
}
