package sandboxtests

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

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
	tr.requireOps(t, opStake)
	rent := minus(t, unborn, s.fees().Stake)
	require.NotEqual(t, -1, s.balance(s.provider).Cmp(plus(t, before, plus(t, ton(3), rent))))
	s.requireFree(before, s.fees().Stake) // what the shell held is free
	s.advance(5 * 365 * 24 * time.Hour)
	s.stake(ton(1)).requireOK(t)
	s.requireSolvent()
}

func TestProvider_StakeLocksTheAmount(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 10)
	free := s.free()
	value := plus(t, ton(5), s.fees().Stake)
	tr := requireExactValue(s, wallet("stranger"), value, s.stakeMessage(ton(5)))
	tr.requireOps(t, opStake)
	require.Equal(t, ton(15), s.state().Stake)
	s.requireFree(free, s.fees().Stake)
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
	tr := s.withdraw(ton(40)).requireOK(t)
	tr.requireOps(t, opWithdraw, opPayout)
	require.Equal(t, ton(40).Big(), tr.step(t, opPayout).value)
	require.Equal(t, s.owner, tr.step(t, opPayout).to)
	require.True(t, s.state().Unbonding.IsZero())
	require.Empty(t, s.state().Tranches)
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
	s.requireFree(cocoon.Nano{}, s.fees().Withdraw)
	require.Equal(t, ton(100), s.state().Stake)
	s.requireSolvent()
}

func TestProvider_RentNeverTurnsIntoDebt(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	s.advance(40 * 365 * 24 * time.Hour) // far beyond the reserve
	s.unchanged(func() { s.requireRefused(errNotEnoughFree, s.withdraw(cocoon.NanoOf(1))) })
	s.withdraw(cocoon.Nano{}).requireOK(t).requireOps(t, opWithdraw)
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
	for _, i := range []int{0, 1, 2, 4} {
		require.Zero(t, integer(t, values[i]), "field %d of a worker that nobody knows", i)
	}
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
