package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// fraud is a dispatcher that cheats: its pot is 1,000 TON, its bond 500, and the
// victim holds a receipt over 300 of the present number.
type fraud struct {
	*rewardsStory
	victim, accomplice cocoon.Account
}

// owedToVictim is what the receipt of the victim is over.
var owedToVictim = ton(300)

func newFraud(t *testing.T, d design) *fraud {
	t.Helper()
	f := &fraud{withKey(t), providerAt(1), providerAt(2)}
	try(f.rewardsStory, wallet("stranger"), ton(901), wrappers.Fund{Amount: coins(ton(900)), Response: wallet("change")}).requireOK(t)
	d.in(f.world)
	return f
}

func (f *fraud) leaf(provider cocoon.Account, amount cocoon.Nano) wrappers.Leaf {
	return wrappers.Leaf{Provider: provider, Amount: coins(amount)}
}

// opens opens an epoch over leaves and publishes it.
func (f *fraud) opens(leaves ...wrappers.Leaf) *epochStory {
	f.t.Helper()
	e, tr := f.openEpoch(leaves)
	tr.requireOK(f.t)
	e.publish()
	return e
}

// receipt is one of the first number, which is the present one of a new fraud.
func (f *fraud) receipt(provider cocoon.Account, amount cocoon.Nano) signedReceipt {
	f.t.Helper()
	return signedBy(f.t, "receipts", earnedIn(f.rewards, 1, provider, amount))
}

// proves shows r to e, whose leaf at index is its provider's, or would be.
func (f *fraud) proves(e *epochStory, r signedReceipt, index int) trace {
	f.t.Helper()
	return tell(e, ton(1), e.proofAt(index, r))
}

// victimProves shows the victim's receipt to an epoch whose first leaf is not its own, or lower.
func (f *fraud) victimProves(e *epochStory) trace {
	f.t.Helper()
	return f.proves(e, f.receipt(f.victim, owedToVictim), 0)
}

// paysHonestly opens what the victim's receipt says, and pays it.
func (f *fraud) paysHonestly() {
	f.t.Helper()
	e := f.opens(f.leaf(f.victim, owedToVictim))
	e.pass()
	e.push()
}

// bonds makes good what a penalty took.
func (f *fraud) bonds(amount cocoon.Nano) {
	f.t.Helper()
	try(f.rewardsStory, f.owner, plus(f.t, amount, ton(1)), wrappers.Bond{Amount: coins(amount), Response: f.owner}).requireOK(f.t)
}

// spoils are what a fraud has brought to each.
type spoils struct{ thief, victim cocoon.Nano }

func (f *fraud) spoils() spoils {
	return spoils{f.roughly(f.accomplice), f.roughly(f.victim)}
}

// roughly is what a holds, in whole thousandths of a TON: wallets pay rent.
func (f *fraud) roughly(a cocoon.Account) cocoon.Nano {
	f.t.Helper()
	thousandths, err := plus(f.t, f.balance(a), cocoon.NanoOf(500_000)).MulDiv(1, 1_000_000)
	require.NoError(f.t, err)
	n, err := thousandths.Mul(1_000_000)
	require.NoError(f.t, err)
	return n
}

// quarter is what a provider gets that refutes an epoch: of the penalty of 50 TON.
var quarter = cocoon.NanoOf(12_500_000_000)
