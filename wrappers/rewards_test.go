package wrappers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

func someTerms() *RewardsTerms {
	return &RewardsTerms{MinBond: Coins{cocoon.TON(500)}, Unbonding: 14 * 86400, HeirAfter: 30 * 86400, EpochCode: cell.BeginCell().MustStoreUInt(7, 9).EndCell(),
		Epoch: &EpochTerms{Publish: 1, Window: 2, Expiry: 3, NetworkBps: 100, Treasury: cocoon.Account{4}, PenaltyBps: 500, Penalty: Coins{cocoon.TON(50)}}}
}

// rewardsCell is a state with n tranches.
func rewardsCell(t testing.TB, n int, terms *RewardsTerms) *cell.Cell {
	url := Text("https://dispatcher.example")
	c, err := Cell(rewardsState{Bond: Coins{cocoon.TON(500)}, Unbonding: Coins{cocoon.TON(3)}, Cap: Coins{cocoon.TON(9)}, Number: 5, Attempt: 2, Owed: 6, SeenAt: 7,
		Pending: cocoon.Account{2}, Operator: cocoon.Account{1}, Leaving: uint8(n), Tranches: tranchesCell(t, n),
		Roles: &roles{cocoon.Account{3}, cocoon.Account{4}, cocoon.Account{5}, &RewardsBirth{Registry: cocoon.Account{8}, Owner: cocoon.Account{9}, Index: 10}},
		Keys:  &ReceiptKeys{[32]byte{11}, [32]byte{12}, 7, &Endpoint{[32]byte{13}, url}},
		Taken: &takenRewardsTerms{Awaiting: [32]byte{5}, Hash: [32]byte{6}, Terms: terms}})
	require.NoError(t, err)
	return c
}

func TestDecodeRewards_ReadsStateAndBirth(t *testing.T) {
	t.Parallel()
	birth := RewardsBirth{Registry: cocoon.Account{8}, Owner: cocoon.Account{9}, Index: 10}
	r, err := DecodeRewards(rewardsCell(t, 2, someTerms()))
	require.NoError(t, err)
	require.Equal(t, Rewards{Birth: birth, Owner: cocoon.Account{3}, NextOwner: cocoon.Account{4}, Heir: cocoon.Account{5}, Operator: cocoon.Account{1}, SeenAt: 7,
		Bond: cocoon.TON(500), Unbonding: cocoon.TON(3), Cap: cocoon.TON(9), Number: 5, Attempt: 2, Owed: 6,
		Pending: cocoon.Account{2}, Tranches: []Tranche{{1000, cocoon.TON(1)}, {1001, cocoon.TON(2)}},
		Keys: r.Keys, Awaiting: [32]byte{5}, TermsHash: [32]byte{6}, Terms: r.Terms}, r)
	require.EqualValues(t, "https://dispatcher.example", r.Keys.Endpoint.URL)
	require.Equal(t, [][32]byte{{11}, {12}}, [][32]byte{r.Keys.Of(6), r.Keys.Of(7)})
	want, err := Cell(*someTerms())
	require.NoError(t, err)
	got, err := Cell(*r.Terms)
	require.NoError(t, err)
	require.Equal(t, want.Hash(), got.Hash())

	c, err := Cell(birth)
	require.NoError(t, err)
	r, err = DecodeRewards(c)
	require.NoError(t, err)
	require.Equal(t, Rewards{Birth: birth, Owner: birth.Owner, Number: 1, Operator: birth.Owner}, r)
	r, err = DecodeRewards(rewardsCell(t, 0, nil))
	require.NoError(t, err)
	require.Nil(t, r.Terms)
}

func TestDecodeRewards_RefusesWhatNoContractStores(t *testing.T) {
	t.Parallel()
	state := rewardsCell(t, 1, nil)
	for name, c := range map[string]*cell.Cell{
		"nothing":        nil,
		"no bits":        cell.BeginCell().EndCell(),
		"a bit too many": state.ToBuilder().MustStoreUInt(0, 1).EndCell(),
		"cut short":      cell.BeginCell().MustStoreUInt(0b11, 2).EndCell(),
		"five tranches":  rewardsCell(t, 5, nil),
	} {
		_, err := DecodeRewards(c)
		require.Error(t, err, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func TestRewardsBirth_IsAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[cocoon.Account]bool{}
	for _, b := range []RewardsBirth{{}, {Index: 1}, {Owner: cocoon.Account{1}}, {Registry: cocoon.Account{1}}} {
		a, err := b.Account()
		require.NoError(t, err)
		require.False(t, seen[a])
		seen[a] = true
		init, err := b.Init()
		require.NoError(t, err)
		r, err := DecodeRewards(init.Data)
		require.NoError(t, err)
		require.Equal(t, b, r.Birth)
	}
}

// fuzzMessages wants messages of strangers to be read or refused.
func fuzzMessages(f *testing.F, kind Kind) {
	for _, l := range messages[kind] {
		f.Add(cell.BeginCell().MustStoreUInt(uint64(l.op), 32).MustStoreUInt(1, 64).EndCell().ToBOC())
	}
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		if _, _, err := DecodeMessage(kind, c); err != nil {
			require.Contains(t, []cocoon.Kind{cocoon.Invalid, cocoon.NotFound}, cocoon.KindOf(err))
		}
	})
}

func FuzzDecodeRewards(f *testing.F) {
	f.Add(rewardsCell(f, 4, someTerms()).ToBOC())
	f.Add(rewardsCell(f, 0, nil).ToBOC())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		if r, err := DecodeRewards(c); err == nil {
			require.LessOrEqual(t, len(r.Tranches), maxTranches)
		} else {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
		}
	})
}

func FuzzDecodeRewardsMessage(f *testing.F) {
	c, err := Cell(OpenEpoch{QueryID: 1, Total: Coins{cocoon.TON(1)}, Count: 3})
	require.NoError(f, err)
	f.Add(c.ToBOC())
	fuzzMessages(f, KindRewards)
}

func TestMessages_OfRewardsAndEpochDecodeToWhatWasEncoded(t *testing.T) {
	t.Parallel()
	proof := cell.BeginCell().MustStoreUInt(1, 1).EndCell()
	for _, m := range []struct {
		kind Kind
		name string
		v    any
		c    *cell.Cell
	}{
		encoded(t, KindRewards, "bond", Bond{QueryID: 1, Amount: Coins{cocoon.TON(2)}, Response: cocoon.Account{3}}),
		encoded(t, KindRewards, "fund", Fund{QueryID: 1, Amount: Coins{cocoon.TON(2)}, Response: cocoon.Account{3}}),
		encoded(t, KindRewards, "request_unbond", RequestUnbond{QueryID: 1, Amount: Coins{cocoon.TON(2)}}),
		encoded(t, KindRewards, "appoint", Appoint{QueryID: 1, Operator: cocoon.Account{3}}),
		encoded(t, KindRewards, "open_epoch", OpenEpoch{QueryID: 1, Root: [32]byte{4}, Total: Coins{cocoon.TON(2)}, Count: MaxEpochLeaves}),
		encoded(t, KindRewards, "passed", Passed{QueryID: 1, Number: 2, Attempt: 3, Response: cocoon.Account{4}}),
		encoded(t, KindRewards, "failed", Failed{QueryID: 1, Number: 2, Attempt: 3}),
		encoded(t, KindRewards, "remainder", Remainder{QueryID: 1, Number: 2, Attempt: 3}),
		encoded(t, KindRewards, "settlement", Settlement{QueryID: 1, Amount: Coins{cocoon.TON(2)}}),
		encoded(t, KindEpoch, "open", Open{QueryID: 1, Root: [32]byte{4}, Total: Coins{cocoon.TON(2)}, Count: 7, Response: cocoon.Account{3}, Terms: someTerms().Epoch}),
		encoded(t, KindEpoch, "publish", Publish{QueryID: 1, Response: cocoon.Account{3}, From: 131_071, Count: 500, Page: proof}),
		encoded(t, KindEpoch, "push", Push{QueryID: 1, Response: cocoon.Account{3}, From: 131_071, Count: 250, Page: proof}),
		encoded(t, KindEpoch, "claim", Claim{QueryID: 1, Response: cocoon.Account{3}, Index: 131_071, Proof: proof}),
		encoded(t, KindEpoch, "fail", Fail{QueryID: 1, Response: cocoon.Account{3}}),
		encoded(t, KindEpoch, "pass", Pass{QueryID: 1, Response: cocoon.Account{3}}),
		encoded(t, KindEpoch, "finish", Finish{QueryID: 1, Response: cocoon.Account{3}}),
	} {
		name, v, err := DecodeMessage(m.kind, m.c)
		require.NoError(t, err, m.name)
		require.Equal(t, m.name, name)
		require.Equal(t, m.v, v)
	}
}

func encoded[T any](t *testing.T, kind Kind, name string, v T) (m struct {
	kind Kind
	name string
	v    any
	c    *cell.Cell
}) {
	c, err := Cell(v)
	require.NoError(t, err)
	m.kind, m.name, m.v, m.c = kind, name, v, c
	return m
}
