package sandboxtests

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// measure records an operation's gas and checks the constant that prices it.
func measure(t *testing.T, operation, constant string, s step) {
	t.Helper()
	requireGas(t, operation, s.gas)
	requireGasConstant(t, constant, s.gas)
}

// largestRewards has four tranches, amounts as long as they come, an heir and
// whatever else there may be.
func largestRewards(t *testing.T) *rewardsStory {
	t.Helper()
	s := withTerms(t)
	s.rotate("receipts").requireOK(t)
	s.rotate("later receipts").requireOK(t)
	try(s, s.owner, ton(1), longestEndpoint()).requireOK(t)
	try(s, s.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}).requireOK(t)
	try(s, s.owner, ton(1), wrappers.TransferOwnership{Owner: wallet("next")}).requireOK(t)
	huge := cocoon.TON(1 << 50)
	s.from(wallet("whale"), message(s, plus(t, huge, ton(1)), wrappers.Bond{Amount: wrappers.Coins{Nano: huge}})).requireOK(t)
	for range 4 {
		s.advance(time.Hour)
		s.from(s.owner, message(s, ton(1), wrappers.RequestUnbond{Amount: wrappers.Coins{Nano: cocoon.TON(1 << 40)}})).requireOK(t)
	}
	return s
}

func longestEndpoint() wrappers.SetEndpoint {
	return wrappers.SetEndpoint{Endpoint: &wrappers.Endpoint{TLSKeyHash: [32]byte{1}, URL: wrappers.Text(strings.Repeat("u", wrappers.MaxNameBytes))}}
}

// birthBy is what v costs as the first message.
func birthBy[T any](t *testing.T, v T) step {
	t.Helper()
	s := unbornRewards(t)
	init, err := s.birth.Init()
	require.NoError(t, err)
	m := message(s, ton(9), v)
	m.Init = init
	return s.send(s.owner, m).requireOK(t).steps[0]
}

func TestRewardsGas_Births(t *testing.T) {
	t.Parallel()
	measure(t, "rewards/bond as the first", "bond", birthBy(t, wrappers.Bond{Amount: coins(ton(2))}))
	measure(t, "rewards/fund as the first", "fund", birthBy(t, wrappers.Fund{Amount: coins(ton(2))}))
	measure(t, "rewards/appoint as the first", "appoint", birthBy(t, wrappers.Appoint{}))
	measure(t, "rewards/refresh_terms as the first", "rewards_refresh_terms", birthBy(t, wrappers.RefreshTerms{Hash: [32]byte{1}}))
	measure(t, "rewards/set_heir as the first", "set_heir", birthBy(t, wrappers.SetHeir{Heir: wallet("heir")}))
	measure(t, "rewards/transfer_ownership as the first", "transfer_ownership", birthBy(t, wrappers.TransferOwnership{Owner: wallet("next")}))
	measure(t, "rewards/set_endpoint as the first", "set_endpoint", birthBy(t, longestEndpoint()))
	measure(t, "rewards/rotate_key as the first", "rotate_key", birthBy(t, unbornRewards(t).rotation("receipts")))
}

func TestRewardsGas_Roles(t *testing.T) {
	t.Parallel()
	s := largestRewards(t)
	requireGas(t, "rewards/set_heir", try(s, s.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}).requireOK(t).steps[0].gas)
	requireGas(t, "rewards/transfer_ownership", try(s, s.owner, ton(1), wrappers.TransferOwnership{Owner: wallet("next")}).requireOK(t).steps[0].gas)
	measure(t, "rewards/accept_ownership", "accept_ownership", try(s, wallet("next"), ton(1), wrappers.AcceptOwnership{}).requireOK(t).steps[0])
	s = largestRewards(t)
	s.now = s.state().SeenAt + s.state().Terms.HeirAfter
	measure(t, "rewards/succeed", "succeed", try(s, wallet("heir"), ton(1), wrappers.Succeed{}).requireOK(t).steps[0])
}

func TestRewardsGas_Keys(t *testing.T) {
	t.Parallel()
	s := largestRewards(t)
	requireGas(t, "rewards/set_endpoint", try(s, s.owner, ton(1), longestEndpoint()).requireOK(t).steps[0].gas)
	measure(t, "rewards/owe", "owe", try(s, wallet("stranger"), ton(1), s.owing(2, "receipts")).requireOK(t).steps[0])
	s.passNumber()
	s.passNumber()
	requireGas(t, "rewards/rotate_key", s.rotate("still later receipts").requireOK(t).steps[0].gas)
}

func TestRewardsGas_Money(t *testing.T) {
	t.Parallel()
	s := largestRewards(t)
	coins := wrappers.Coins{Nano: ton(1 << 40)}
	requireGas(t, "rewards/bond", s.from(s.owner, message(s, ton(1<<41), wrappers.Bond{Amount: coins})).requireOK(t).steps[0].gas)
	requireGas(t, "rewards/appoint", s.from(s.owner, message(s, ton(1), wrappers.Appoint{Operator: s.owner})).requireOK(t).steps[0].gas)
	s.rehearse(func() { s.measurePartOfTheOldest(t) })
	s.advance(14 * 24 * time.Hour)
	// the fourth tranche is joined by a fifth request of the same second
	s.now = s.state().Tranches[3].At - s.state().Terms.Unbonding
	measure(t, "rewards/request_unbond", "request_unbond",
		s.from(s.owner, message(s, ton(1), wrappers.RequestUnbond{Amount: coins})).requireOK(t).steps[0])
	s.advance(15 * 24 * time.Hour)
	total := s.state().Unbonding
	measure(t, "rewards/withdraw", "rewards_withdraw",
		s.from(s.owner, message(s, ton(1), wrappers.Withdraw{Amount: wrappers.Coins{Nano: less1(t, total)}})).requireOK(t).steps[0])
	s.requireBooks()
}

// measurePartOfTheOldest withdraws a part of the one ripe tranche: the other three and the rest of it are written anew.
func (s *rewardsStory) measurePartOfTheOldest(t *testing.T) {
	t.Helper()
	oldest := s.state().Tranches[0]
	s.now = oldest.At
	measure(t, "rewards/withdraw, part of the oldest of four", "rewards_withdraw",
		s.from(s.owner, message(s, ton(1), wrappers.Withdraw{Amount: coins(less1(t, oldest.Amount))})).requireOK(t).steps[0])
	require.Len(t, s.state().Tranches, 4)
}

func TestRewardsGas_Terms(t *testing.T) {
	t.Parallel()
	s := largestRewards(t)
	s.terms.Rewards.EpochCode = chainOf(int(constantOf(t, "cells::epoch_code")), 660)
	hash, err := s.terms.Hash()
	require.NoError(t, err)
	requireGas(t, "rewards/refresh_terms", s.refresh(hash).requireOK(t).steps[0].gas)
	answer := s.answer(ton(1), s.terms).requireOK(t).steps[0]
	measure(t, "rewards/terms", "rewards_terms", answer)
}

func TestRewardsGas_TermsMessageIsNoLargerThanItsConstants(t *testing.T) {
	t.Parallel()
	terms, most := rewardsTerms(t), wrappers.Coins{Nano: mostCoins(t)}
	terms.Provider.MinProvider, terms.Provider.MinGPU, terms.Rewards.MinBond = most, most, most
	terms.Rewards.Epoch = &wrappers.EpochTerms{Penalty: most}
	cells, bits := sizeOf(body(t, wrappers.TermsAnswer{Terms: body(t, terms)}))
	code, codeBits := sizeOf(terms.Rewards.EpochCode)
	for _, names := range [][2]string{{"cells::rewards_terms", "bits::rewards_terms"}, {"CELLS_REWARDS_TERMS", "BITS_REWARDS_TERMS"}} {
		requireConstant(t, names[0], int64(cells-code))
		requireConstant(t, names[1], int64(bits-codeBits))
	}
}

// mostCoins is the largest amount there is.
func mostCoins(t *testing.T) cocoon.Nano {
	t.Helper()
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575") // 2^120 - 1
	require.NoError(t, err)
	return most
}

func TestRewardsGas_Epochs(t *testing.T) {
	t.Parallel()
	s := largestRewards(t)
	e, tr := s.openEpoch(leavesOf(40))
	measure(t, "rewards/open_epoch", "open_epoch", tr.requireOK(t).steps[0])
	requireGas(t, "epoch/open", tr.steps[1].gas)
	s.advance(time.Duration(epochTerms.Publish) * time.Second)
	tr = tell(e, e.fees(0).Fail, wrappers.Fail{}).requireOK(t)
	measure(t, "epoch/fail", "fail", tr.step(t, opFail))
	requireGas(t, "rewards/failed", tr.step(t, opFailed).gas) // with a penalty it costs more
	requireGas(t, "rewards/fund", s.from(s.owner, message(s, ton(2), wrappers.Fund{Amount: wrappers.Coins{Nano: ton(1)}})).requireOK(t).steps[0].gas)
	e, tr = s.openEpoch(leavesOf(40))
	tr.requireOK(t)
	e.publish()
	tr = e.pass()
	measure(t, "epoch/pass", "pass", tr.step(t, opPass))
	measure(t, "rewards/passed", "passed", tr.step(t, opPassed))
	e.push()
	tr = tell(e, e.fees(0).Finish, wrappers.Finish{}).requireOK(t)
	measure(t, "epoch/finish", "finish_epoch", tr.step(t, opFinish))
	measure(t, "rewards/remainder", "remainder", tr.step(t, opRemainder))
	s.requireBooks()
}

// All but a little of the last of four tranches is taken.
func TestRewardsGas_PenaltyOutOfEveryTranche(t *testing.T) {
	t.Parallel()
	s := largestRewards(t)
	terms := rewardsTerms(t)
	tranches := s.state().Tranches
	rest := less1(t, tranches[0].Amount)
	terms.Rewards.Epoch = &wrappers.EpochTerms{Publish: epochTerms.Publish, Window: epochTerms.Window, Treasury: wallet("treasury"),
		Penalty: coins(minus(t, plus(t, s.state().Bond, s.state().Unbonding), cocoon.NanoOf(1)))}
	s.takeTerms(terms)
	e, tr := s.openEpoch(leavesOf(40))
	tr.requireOK(t)
	e.publish()
	tr = tell(e, e.fees(0).Prove, e.refute(20, providerAt(20), ton(2))).requireOK(t)
	requireGas(t, "epoch/prove of 40", tr.step(t, opProve).gas)
	measure(t, "rewards/failed, proven, out of four tranches", "failed", tr.step(t, opFailed))
	require.Equal(t, []wrappers.Tranche{{At: tranches[0].At, Amount: minus(t, tranches[0].Amount, rest)}}, s.state().Tranches)
	s.requireBooks()
}

func TestRewardsGas_ReserveCoversTheLargestState(t *testing.T) {
	t.Parallel()
	s := largestRewards(t)
	_, tr := s.openEpoch(leavesOf(40))
	tr.requireOK(t)
	// state as large as it gets, but for the code of the epoch in its terms
	used := s.account(s.rewards).State().StorageInfo.StorageUsed
	code, codeBits := sizeOf(s.terms.Rewards.EpochCode)
	maxCode, maxBits := constantOf(t, "cells::epoch_code"), constantOf(t, "bits::epoch_code")
	requireConstant(t, "cells::rewards", used.CellsUsed.Int64()-int64(code)+maxCode)
	requireConstant(t, "bits::rewards", used.BitsUsed.Int64()-int64(codeBits)+maxBits)
	require.LessOrEqual(t, int64(code), maxCode)
	require.LessOrEqual(t, int64(codeBits), maxBits)
}

func TestRewardsGas_OpenMessageIsNoLargerThanItsConstants(t *testing.T) {
	t.Parallel()
	cells, bits := sizeOf(body(t, wrappers.Open{Total: coins(mostCoins(t)), Terms: &wrappers.EpochTerms{Penalty: coins(mostCoins(t))}}))
	birthCells, birthBits := sizeOf(body(t, wrappers.EpochBirth{}))
	requireConstant(t, "cells::open", int64(cells+birthCells))
	requireConstant(t, "bits::open", int64(bits+birthBits))
}

func TestRewardsGas_ReportsOfAnEpochAreNoLargerThanTheirConstants(t *testing.T) {
	t.Parallel()
	cells, bits := sizeOf(body(t, wrappers.Passed{}))
	requireConstant(t, "cells::passed", int64(cells))
	requireConstant(t, "bits::passed", int64(bits))
	cells, bits = sizeOf(body(t, wrappers.Failed{Penalty: coins(mostCoins(t))}))
	requireConstant(t, "cells::failed", int64(cells))
	requireConstant(t, "bits::failed", int64(bits))
}
