package sandboxtests

import (
	"context"
	"math/big"
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

func (s *providerStory) topUp(amount cocoon.Nano) trace {
	s.t.Helper()
	return s.send(wallet("stranger"), chain.Message{To: s.provider, Amount: amount}).requireOK(s.t)
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

func (s *providerStory) setOperator(name string, allowance cocoon.Nano) trace {
	s.t.Helper()
	possession, err := wrappers.ProvePossession(keyOf(name), globalID, s.provider)
	require.NoError(s.t, err)
	return ask(s, s.owner, s.fees().SetOperator, wrappers.SetOperator{QueryID: 5, Key: publicOf(name), Allowance: coins(allowance), Possession: &possession})
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

func TestProvider_ShellOfAStrangerIsHarmless(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	p := s.state()
	require.False(t, p.Born)
	require.Equal(t, s.birth, p.Birth)
	s.unchanged(func() {
		s.topUp(ton(1))
		ask(s, wallet("stranger"), ton(1), wrappers.Income{QueryID: 1, Bond: coins(ton(1))}).requireOK(t)
		s.requireRefused(errWrongSender, ask(s, wallet("stranger"), ton(9), wrappers.Withdraw{QueryID: 1}))
		s.requireRefused(errUnknownOp, ask(s, wallet("stranger"), ton(9), wrappers.Excesses{QueryID: 1}))
		s.requireRefused(errWrongSignature, s.putWorkerSignedBy("nobody", "worker", workerRecordOf(1)))
	})
	s.stake(ton(1)).requireOK(t)
	require.True(t, s.state().Born)
	s.requireSolvent()
}

func TestProvider_BirthBringsFiveYearsOfRent(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	unborn := s.fees().Stake
	before := s.balance(s.provider)
	tr := requireExactValue(s, wallet("stranger"), plus(t, ton(3), unborn), s.stakeMessage(ton(3)))
	tr.requireOps(t, opStake, opExcesses)
	rent := minus(t, unborn, s.fees().Stake)
	require.Equal(t, plus(t, before, plus(t, ton(3), rent)), s.balance(s.provider))
	require.Equal(t, before, s.free(), "what the shell held is free")
	s.advance(5 * 365 * 24 * time.Hour)
	s.stake(ton(1)).requireOK(t)
	s.requireSolvent()
}

func TestProvider_StakeLocksTheAmountAndGivesChange(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 10)
	free := s.free()
	value := plus(t, ton(5), s.fees().Stake)
	tr := requireExactValue(s, wallet("stranger"), value, s.stakeMessage(ton(5)))
	tr.requireOps(t, opStake, opExcesses)
	require.Equal(t, ton(15), s.state().Stake)
	require.Equal(t, free, s.free())
	require.NotZero(t, s.balance(wallet("change")))
	s.unchanged(func() {
		s.requireRefused(errWrongAmount, ask(s, s.owner, s.fees().Stake, s.stakeMessage(cocoon.Nano{})))
	})
}

func TestProvider_UnstakingTakesOneUnbondingTime(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	s.topUp(ton(1)) // or rent would come out of the tranche
	requireExactValue(s, s.owner, s.fees().RequestUnstake, wrappers.RequestUnstake{QueryID: 3, Amount: coins(ton(40))})
	p := s.state()
	require.Equal(t, ton(60), p.Stake)
	require.Equal(t, ton(40), p.Unbonding)
	require.Equal(t, []wrappers.Tranche{{At: s.now + uint32(unbonding/time.Second), Amount: ton(40)}}, p.Tranches)
	s.advance(unbonding - time.Second)
	s.withdraw(cocoon.NanoOf(1)).requireOK(t)
	require.Equal(t, ton(40), s.state().Unbonding, "a second early")
	s.advance(time.Second)
	before := s.balance(s.owner)
	tr := s.withdraw(ton(40)).requireOK(t)
	tr.requireOps(t, opWithdraw, opPayout, opExcesses)
	require.Equal(t, ton(40).Big(), tr.step(t, opPayout).value)
	require.Equal(t, 1, s.balance(s.owner).Cmp(plus(t, before, ton(40))))
	require.True(t, s.state().Unbonding.IsZero())
	require.Empty(t, s.state().Tranches)
	s.requireSolvent()
}

func TestProvider_UnstakesAtOnceWhatNoTermsBind(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.stake(ton(10)).requireOK(t)
	s.unstake(ton(10)).requireOK(t)
	s.withdraw(ton(10)).requireOK(t).requireOps(t, opWithdraw, opPayout, opExcesses)
	s.requireSolvent()
}

func TestProvider_UnstakeIsBounded(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	s.unchanged(func() {
		s.requireRefused(errNotEnoughStake, s.unstake(plus(t, ton(100), cocoon.NanoOf(1))))
		s.requireRefused(errWrongAmount, s.unstake(cocoon.Nano{}))
		s.requireRefused(errWrongSender, ask(s, wallet("stranger"), ton(1), wrappers.RequestUnstake{QueryID: 3, Amount: coins(ton(1))}))
	})
	for range 4 {
		s.unstake(ton(1)).requireOK(t)
		s.unstake(ton(1)).requireOK(t) // of the same second: the same tranche
		s.advance(time.Second)
	}
	require.Len(t, s.state().Tranches, 4)
	s.unchanged(func() { s.requireRefused(errTooMany, s.unstake(ton(1))) })
	s.advance(unbonding)
	s.withdraw(ton(8)).requireOK(t)
	s.unstake(ton(92)).requireOK(t)
	s.requireSolvent()
}

func TestProvider_WithdrawPaysOnlyWhatIsFree(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	s.topUp(ton(3))
	free := s.free()
	s.unchanged(func() {
		s.requireRefused(errNotEnoughFree, s.withdraw(plus(t, free, cocoon.NanoOf(1))))
		s.requireRefused(errWrongSender, ask(s, wallet("stranger"), ton(1), wrappers.Withdraw{QueryID: 4}))
	})
	tr := requireExactValue(s, s.owner, s.fees().Withdraw, wrappers.Withdraw{QueryID: 4})
	require.Equal(t, free.Big(), tr.step(t, opPayout).value, "0 is all of it")
	require.True(t, s.free().IsZero())
	require.Equal(t, ton(100), s.state().Stake)
	s.requireSolvent()
}

func TestProvider_RentNeverTurnsIntoDebt(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	s.advance(40 * 365 * 24 * time.Hour) // far beyond the reserve
	s.unchanged(func() { s.requireRefused(errNotEnoughFree, s.withdraw(cocoon.NanoOf(1))) })
	s.withdraw(cocoon.Nano{}).requireOK(t).requireOps(t, opWithdraw, opExcesses)
	s.requireSolvent()
}

func TestProvider_TermsComeOnlyFromTheRegistryAndOnlyAsAgreed(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.stake(ton(100)).requireOK(t)
	hash, err := s.terms.Hash()
	require.NoError(t, err)
	refresh := wrappers.RefreshTerms{QueryID: 2, Hash: hash}
	s.unchanged(func() {
		s.requireRefused(errWrongSender, ask(s, wallet("stranger"), ton(1), refresh))
		s.requireRefused(errWrongTerms, ask(s, s.owner, ton(1), wrappers.RefreshTerms{QueryID: 2}))
		s.requireRefused(errWrongTerms, s.answer(s.registry, ton(1), s.terms))
	})
	requireExactValue(s, s.owner, s.fees().RefreshTerms, refresh).requireOps(t, opRefreshTerms, opRequestTerms)
	require.Equal(t, hash, s.state().Awaiting)
	other := s.terms
	other.Provider = &wrappers.ProviderTerms{Unbonding: 1}
	s.unchanged(func() {
		s.requireRefused(errWrongSender, s.answer(wallet("stranger"), ton(1), s.terms))
		s.requireRefused(errWrongTerms, s.answer(s.registry, ton(1), other))
	})
	s.answer(s.registry, ton(1), s.terms).requireOK(t).requireOps(t, opTerms, opExcesses)
	p := s.state()
	require.Zero(t, p.Awaiting)
	require.Equal(t, hash, p.TermsHash)
	require.Equal(t, s.terms.Provider, p.Terms)
	s.unchanged(func() { s.requireRefused(errWrongTerms, s.answer(s.registry, ton(1), s.terms)) })
}

func TestProvider_RequestForTermsThatComesBackIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := providerUnder(t, w, w.refuser())
	ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte{1}}).
		requireOps(t, opRefreshTerms, opRequestTerms, 0xffffffff)
	require.Zero(t, s.state().Awaiting)
	require.False(t, s.free().IsZero(), "what came back is free")
	s.requireSolvent()
}

func TestProvider_UnbondingOfForeignTermsIsClamped(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	terms := s.terms
	terms.Provider = &wrappers.ProviderTerms{Unbonding: 1<<32 - 1}
	s.takeTerms(terms)
	s.stake(ton(10)).requireOK(t)
	s.unstake(ton(10)).requireOK(t)
	s.advance(60 * 24 * time.Hour)
	s.withdraw(ton(10)).requireOK(t)
	s.requireSolvent()
}

func TestProvider_IncomeIsNeverRefused(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	free := s.free()
	income := func(value, bond cocoon.Nano) {
		s.send(wallet("job"), chain.Message{To: s.provider, Amount: value, Body: body(t, wrappers.Income{QueryID: 1, Bond: coins(bond)})}).
			requireOK(t).requireOps(t, opIncome)
	}
	income(ton(5), ton(2))
	require.Equal(t, ton(32), s.state().Allowance)
	require.Equal(t, 1, s.free().Cmp(plus(t, free, ton(4))))
	income(ton(1), ton(100))
	require.Equal(t, ton(33), s.state().Allowance, "never more than the value that came")
	tr := s.send(wallet("job"), chain.Message{To: s.provider, Amount: ton(1), Body: cell.BeginCell().MustStoreUInt(opIncome, 32).MustStoreUInt(1, 64).EndCell()})
	require.Len(t, tr.steps, 1, "nothing comes back")
	require.Equal(t, 1, s.free().Cmp(plus(t, free, ton(6))), "and it is free all the same")
	s.requireSolvent()
}

func TestProvider_AllowanceStaysWithinCoins(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575")
	require.NoError(t, err)
	s.setOperator("operator", most).requireOK(t)
	ask(s, wallet("job"), ton(2), wrappers.Income{QueryID: 1, Bond: coins(ton(1))}).requireOK(t)
	require.Equal(t, most, s.state().Allowance)
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

func TestProvider_GetMethodsSayWhatTheStateSays(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	p := s.state()
	values, err := s.Get(context.Background(), s.provider, "get_provider")
	require.NoError(t, err)
	got := make([]string, len(values))
	for i, v := range values {
		got[i] = v.(*big.Int).String()
	}
	word := func(b [32]byte) string { return new(big.Int).SetBytes(b[:]).String() }
	require.Equal(t, []string{word(s.registry), word(s.owner), "7", p.Stake.Text(), p.Unbonding.Text(), p.Allowance.Text(), "0", word(p.TermsHash),
		word(p.Operator), "1", "1", "1"}, got)
	worker := publicOf("worker")
	values, err = s.Get(context.Background(), s.provider, "get_worker", new(big.Int).SetBytes(worker[:]))
	require.NoError(t, err)
	require.Equal(t, []int64{-1, 0, 1}, []int64{integer(t, values[0]), integer(t, values[1]), integer(t, values[2])})
	require.Equal(t, p.Workers[0].Record.Hash(), values[3].(*cell.Cell).Hash())
	values, err = s.Get(context.Background(), s.provider, "get_worker", 1)
	require.NoError(t, err)
	require.Zero(t, integer(t, values[0]))
	require.Nil(t, values[3])
}

func TestProvider_ReadsBeforeTheBirthAsAfterIt(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	money, err := wrappers.GetProviderMoney(context.Background(), s, s.provider)
	require.NoError(t, err)
	require.True(t, money.Free.IsZero())
	require.Nil(t, money.Required)
	require.Equal(t, 1, s.fees().Stake.Cmp(stakedProvider(t, 1).fees().Stake), "with the rent")
}
