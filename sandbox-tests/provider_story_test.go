package sandboxtests

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

const unbonding = 14 * 24 * time.Hour

func coins(n cocoon.Nano) wrappers.Coins { return wrappers.Coins{Nano: n} }

// providerStory is a provider for whose registry the test speaks.
type providerStory struct {
	*world
	t                         *testing.T
	owner, registry, provider cocoon.Account
	birth                     wrappers.ProviderBirth
	terms                     wrappers.Terms
	revision                  uint64 // of the last order
}

// unbornProvider is a shell: a stranger has deployed it and nothing more.
func unbornProvider(t *testing.T) *providerStory {
	t.Helper()
	w := newWorld(t)
	return providerUnder(t, w, w.taker())
}

func providerUnder(t *testing.T, w *world, registry cocoon.Account) *providerStory {
	t.Helper()
	s := &providerStory{world: w, t: t, owner: wallet("owner"), registry: registry}
	s.birth = wrappers.ProviderBirth{Registry: s.registry, Owner: s.owner, Index: 7}
	s.terms = wrappers.Terms{
		Provider: &wrappers.ProviderTerms{MinProvider: coins(ton(50)), MinGPU: coins(ton(20)), Unbonding: uint32(unbonding / time.Second), Treasury: wallet("treasury")},
		Rewards: &wrappers.RewardsTerms{MinBond: coins(ton(500)), Unbonding: 86400, EpochCode: cell.BeginCell().EndCell(),
			Epoch: &wrappers.EpochTerms{Publish: 3600, Window: 3600, Expiry: 86400, NetworkBps: 100, Treasury: wallet("treasury")}},
	}
	var err error
	s.provider, err = s.birth.Account()
	require.NoError(t, err)
	init, err := s.birth.Init()
	require.NoError(t, err)
	s.send(wallet("stranger"), chain.Message{To: s.provider, Amount: cocoon.NanoOf(1_000_000), Init: init}).requireOK(t)
	return s
}

// stakedProvider has taken terms and locked so many TON.
func stakedProvider(t *testing.T, stake uint64) *providerStory {
	t.Helper()
	s := unbornProvider(t)
	s.takeTerms(s.terms)
	s.stake(ton(stake)).requireOK(t)
	return s
}

// workingProvider has an operator who may bond 30 TON, as much free balance, and one worker.
func workingProvider(t *testing.T) *providerStory {
	t.Helper()
	s := stakedProvider(t, 100)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.topUp(ton(30))
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	return s
}

// ask sends v to the provider.
func ask[T any](s *providerStory, from cocoon.Account, value cocoon.Nano, v T) trace {
	s.t.Helper()
	return s.send(from, chain.Message{To: s.provider, Amount: value, Bounce: true, Body: body(s.t, v)})
}

func (s *providerStory) fees() wrappers.ProviderFees {
	s.t.Helper()
	f, err := wrappers.GetProviderFees(context.Background(), s, s.provider)
	require.NoError(s.t, err)
	return f
}

func (s *providerStory) free() cocoon.Nano {
	s.t.Helper()
	m, err := wrappers.GetProviderMoney(context.Background(), s, s.provider)
	require.NoError(s.t, err)
	return m.Free
}

func (s *providerStory) state() wrappers.Provider {
	s.t.Helper()
	p, err := wrappers.DecodeProvider(s.data(s.provider))
	require.NoError(s.t, err)
	return p
}

func (s *providerStory) topUp(amount cocoon.Nano) {
	s.t.Helper()
	s.send(wallet("stranger"), chain.Message{To: s.provider, Amount: amount}).requireOK(s.t)
}

func (s *providerStory) stakeMessage(amount cocoon.Nano) wrappers.Stake {
	return wrappers.Stake{QueryID: 1, Amount: coins(amount), Response: wallet("change")}
}

func (s *providerStory) stake(amount cocoon.Nano) trace {
	s.t.Helper()
	return ask(s, wallet("stranger"), plus(s.t, amount, s.fees().Stake), s.stakeMessage(amount))
}

func (s *providerStory) takeTerms(terms wrappers.Terms) {
	s.t.Helper()
	hash, err := terms.Hash()
	require.NoError(s.t, err)
	ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: hash}).requireOK(s.t).requireOps(s.t, opRefreshTerms, opRequestTerms)
	s.answer(s.registry, ton(1), terms).requireOK(s.t).requireOps(s.t, opTerms, opExcesses)
}

// answer sends terms as the registry does; its value comes from outside.
func (s *providerStory) answer(from cocoon.Account, value cocoon.Nano, terms wrappers.Terms) trace {
	s.t.Helper()
	if s.holdsCode(from) {
		s.received.Add(s.received, value.Big())
	}
	return s.send(from, chain.Message{To: s.provider, Amount: value, Body: body(s.t, wrappers.TermsAnswer{QueryID: 2, Terms: body(s.t, terms)})})
}

func (s *providerStory) unstake(amount cocoon.Nano) trace {
	s.t.Helper()
	return ask(s, s.owner, s.fees().RequestUnstake, wrappers.RequestUnstake{QueryID: 3, Amount: coins(amount)})
}

func (s *providerStory) withdraw(amount cocoon.Nano) trace {
	s.t.Helper()
	return ask(s, s.owner, s.fees().Withdraw, wrappers.Withdraw{QueryID: 4, Amount: coins(amount)})
}

func (s *providerStory) operatorMessage(name string, allowance cocoon.Nano) wrappers.SetOperator {
	s.t.Helper()
	possession, err := wrappers.ProvePossession(keyOf(name), globalID, s.provider)
	require.NoError(s.t, err)
	return wrappers.SetOperator{QueryID: 5, Key: publicOf(name), Allowance: coins(allowance), Possession: &possession}
}

func (s *providerStory) setOperator(name string, allowance cocoon.Nano) trace {
	s.t.Helper()
	return ask(s, s.owner, s.fees().SetOperator, s.operatorMessage(name, allowance))
}

// requireFree wants want to be free, and of the fee that was paid since no more than that.
func (s *providerStory) requireFree(want, fee cocoon.Nano) {
	s.t.Helper()
	free := s.free()
	require.NotEqual(s.t, -1, free.Cmp(want), "%s free, want %s: the sender pays the fee", free, want)
	require.Equal(s.t, -1, free.Cmp(plus(s.t, want, fee)), "%s free, want %s and less than the fee", free, want)
}

// requireSolvent wants the contract to hold its debts.
func (s *providerStory) requireSolvent() {
	s.t.Helper()
	p := s.state()
	require.NotEqual(s.t, -1, s.balance(s.provider).Cmp(plus(s.t, p.Stake, p.Unbonding)), "balance >= debts")
	s.requireBooks()
}

func (s *providerStory) requireRefused(code int32, tr trace) {
	s.t.Helper()
	tr.requireExit(s.t, code)
	s.requireSolvent()
}

// unchanged wants f to leave the storage as it is.
func (s *providerStory) unchanged(f func()) {
	s.t.Helper()
	before := s.data(s.provider).Hash()
	f()
	require.Equal(s.t, before, s.data(s.provider).Hash(), "a refused message changed the state")
}

// requireExactValue wants m to fail with one nanoTON less than value and to succeed with it.
func requireExactValue[T any](s *providerStory, from cocoon.Account, value cocoon.Nano, m T) trace {
	s.t.Helper()
	s.unchanged(func() {
		s.requireRefused(errNotEnoughValue, ask(s, from, less1(s.t, value), m))
		long := chain.Message{To: s.provider, Amount: value, Bounce: true, Body: longer(body(s.t, m))}
		s.requireRefused(errTrailing, s.send(from, long))
	})
	return ask(s, from, value, m).requireOK(s.t)
}

// contractOf deploys a contract with so many bytes of code.
func (w *world) contractOf(code ...byte) cocoon.Account {
	w.t.Helper()
	init := &tlb.StateInit{Code: cell.BeginCell().MustStoreSlice(code, uint(len(code)*8)).EndCell(), Data: cell.BeginCell().EndCell()}
	a, err := chain.BornAccount(init)
	require.NoError(w.t, err)
	w.send(wallet("deployer"), chain.Message{To: a, Amount: ton(1), Init: init}).requireOK(w.t)
	return a
}

// refuser takes nothing but plain transfers: DROP SEMPTY IFRET 400 THROW.
func (w *world) refuser() cocoon.Account {
	return w.contractOf(0x30, 0xc7, 0x00, 0xdc, 0xf2, 0xc1, 0x90)
}

// taker takes everything and keeps it.
func (w *world) taker() cocoon.Account { return w.contractOf() }
