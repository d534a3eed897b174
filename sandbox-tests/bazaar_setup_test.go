package sandboxtests

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

// How many of each there are at first. Channels and workers above them come later.
const (
	manyProviders = 3
	manyRewards   = 2
	manyChannels  = 3
)

// newBazaar has a launched registry, providers with two workers each, rewards
// contracts with bond, pot and key, and funded channels. Its own beginning is judged like any history.
func newBazaar(t *testing.T) *bazaar {
	t.Helper()
	b := &bazaar{world: newWorld(t), places: map[string]cocoon.Account{}, names: map[cocoon.Account]string{}, births: map[string]*tlb.StateInit{},
		offers: map[string]wrappers.JobOffer{}, trees: map[[32]byte]*planted{}, known: map[cocoon.Account]sighting{}, frozen: map[cocoon.Account]*tlb.StateInit{},
		incomes: map[[2]cocoon.Account]cocoon.Nano{}, took: map[string]int{}, percent: 100, brought: new(big.Int), charged: new(big.Int), kept: new(big.Int), purses: map[cocoon.Account]int64{}}
	b.survey()
	for _, m := range b.beginning() {
		b.play(m)
		b.drain()
	}
	require.Zero(t, b.refused, "this is not the beginning that was meant")
	return b
}

// survey names every contract that may come to be, but jobs and epochs.
func (b *bazaar) survey() {
	b.t.Helper()
	init, err := wrappers.RegistryBirth{Owner: wallet("registry owner"), Delay: 86400}.Init()
	b.found("registry", init, err)
	for i := range manyProviders {
		init, err = wrappers.ProviderBirth{Registry: b.places["registry"], Owner: wallet(fmt.Sprint("owner ", i)), Index: uint32(i)}.Init()
		b.found(fmt.Sprint("provider ", i), init, err)
	}
	for i := range manyRewards {
		init, err = wrappers.RewardsBirth{Registry: b.places["registry"], Owner: wallet(fmt.Sprint("dispatcher ", i)), Index: uint32(i)}.Init()
		b.found(fmt.Sprint("rewards ", i), init, err)
	}
	for i := range 4 * manyChannels {
		init, err = wrappers.ChannelBirth{Client: wallet(fmt.Sprint("client ", i%2)), ClientKey: publicOf(fmt.Sprint("channel ", i)),
			Rewards: b.places[fmt.Sprint("rewards ", i%manyRewards)], DispatcherKey: publicOf(fmt.Sprint("receipts ", i%manyRewards)), CloseDelay: 86400, Salt: uint64(i)}.Init()
		b.found(fmt.Sprint("channel ", i), init, err)
	}
}

// beginning is how all of it is set up.
func (b *bazaar) beginning() []move {
	m := []move{
		{Do: "announce", By: "registry owner", At: "registry", Value: ton(1), Init: true},
		{Do: "launch", By: "registry owner", At: "registry", Value: ton(100)},
	}
	for i := range manyProviders {
		at, owner, operator := fmt.Sprint("provider ", i), fmt.Sprint("owner ", i), fmt.Sprint("operator ", i)
		m = append(m,
			move{Do: "stake", By: owner, At: at, Value: ton(102), Amount: ton(100), Init: true},
			move{Do: "refresh_terms", By: owner, At: at, Value: ton(1)},
			move{Do: "set_operator", By: owner, At: at, Value: ton(1), Amount: ton(30), Key: operator},
			move{Do: "transfer", By: owner, At: at, Value: ton(20)})
		for w := range 2 {
			m = append(m, move{Do: "put_worker", By: "relay", At: at, Value: ton(1), Key: operator, Worker: fmt.Sprint("worker ", w), Number: w + 1, Count: 1})
		}
	}
	for i := range manyRewards {
		at, owner := fmt.Sprint("rewards ", i), fmt.Sprint("dispatcher ", i)
		m = append(m,
			move{Do: "bond", By: owner, At: at, Value: ton(42), Amount: ton(40), Init: true},
			move{Do: "refresh_terms", By: owner, At: at, Value: ton(1)},
			move{Do: "rotate_key", By: owner, At: at, Value: ton(1), Key: fmt.Sprint("receipts ", i)},
			move{Do: "set_heir", By: owner, At: at, Value: ton(1), Other: fmt.Sprint("heir ", i)},
			move{Do: "fund", By: "stranger", At: at, Value: ton(51), Amount: ton(50)})
	}
	for i := range manyChannels {
		m = append(m, move{Do: "open_channel", By: fmt.Sprint("client ", i%2), At: fmt.Sprint("channel ", i), Value: ton(20), Init: true})
	}
	return m
}

// ownTerms are a variant that no registry publishes: without minima, penalties or unbonding.
const ownTerms = -1

// termsOf are the terms that the registry may publish: those of a variant.
func termsOf(t require.TestingT, variant int) wrappers.Terms {
	code, err := contracts.Load("epoch")
	require.NoError(t, err)
	if variant == ownTerms {
		return wrappers.Terms{Provider: &wrappers.ProviderTerms{}, Rewards: &wrappers.RewardsTerms{EpochCode: code.Code, Epoch: &wrappers.EpochTerms{}}}
	}
	days := uint32(14-5*(variant%3)) * 86400
	return wrappers.Terms{
		Provider: &wrappers.ProviderTerms{MinProvider: coins(ton(50)), MinGPU: coins(ton(uint64(20 - variant%3))), Unbonding: days, Treasury: wallet("treasury")},
		Rewards: &wrappers.RewardsTerms{MinBond: coins(ton(20)), Unbonding: days, HeirAfter: 30 * 86400, EpochCode: code.Code,
			Epoch: &wrappers.EpochTerms{Publish: 6 * 3600, Window: 12 * 3600, Expiry: 20 * 86400, NetworkBps: 100, Treasury: wallet("treasury"), PenaltyBps: 500, Penalty: coins(ton(5))}},
	}
}

// offerOf is the offer of the n-th job: some have no arbiter, some no bond, some
// an offer key and more time.
func (b *bazaar) offerOf(n int, acceptIn uint32) wrappers.JobOffer {
	b.t.Helper()
	code, err := wrappers.ProviderCode()
	require.NoError(b.t, err)
	long := 1 + uint32(n%2)*47
	money := &wrappers.JobMoney{Budget: coins(ton(uint64(1 + n%7))), MinBond: coins(ton(uint64(n % 3))), Deposit: coins(cocoon.NanoOf(uint64(n%3) * 500_000_000)),
		AcceptBy: b.now + acceptIn, Work: long * 3600, Review: long * 1800, Arbitration: long * 7200, DefaultBps: uint16(n % 5 * 2500), Arbiter: wallet("arbiter")}
	if n%4 == 3 {
		money.Arbiter = cocoon.Account{}
	}
	o := wrappers.JobOffer{Client: wallet(fmt.Sprint("client ", n%2)), Dispatcher: wallet("dispatcher 0"), DispatcherBps: 599, Salt: uint64(n),
		Work: &wrappers.JobWork{PayloadHash: [32]byte{1}, ResultKeyHash: [32]byte{2},
			Caps: &wrappers.Prices{Prompt: coins(ton(1)), Cached: coins(ton(1)), Completion: coins(ton(3)), Reasoning: coins(ton(3))}},
		Money: money,
		Terms: &wrappers.JobTerms{Registry: b.places["registry"], NetworkBps: 100, Treasury: wallet("treasury"), Codes: wrappers.BirthCodes{List: []wrappers.BirthCode{code}}},
	}
	if n%2 == 1 {
		o.OfferKey = publicOf("offer")
	}
	return o
}
