package sandboxtests

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestFlaw_M9_LeakedKeysOfTheRegistryActAtOnceOrForEver(t *testing.T) {
	t.Parallel()
	type images struct{ bad, good bool }
	flawed, ours := attacked(t, "M9", func(t *testing.T, d design) (trusted images) {
		s := settingUp(t)
		image := func(id byte) wrappers.Announce {
			a, err := wrappers.AnnounceImage(1, [32]byte{id}, wrappers.ImageData{Name: "cocoon-worker"})
			require.NoError(t, err)
			return a
		}
		s.announce(image(1)).requireOK(t)
		direct(s, s.owner, ton(100), wrappers.Launch{}).requireOK(t)
		d.in(s.world)
		s.announce(image(2)).requireOK(t) // by the owner's key, which leaked
		direct(s, s.guardian, ton(1), wrappers.Suspend{Kind: wrappers.ChangeImage, Key: [32]byte{1}}).requireOK(t)
		require.True(t, s.state().Images[0].Suspended(s.now), "an emergency does not wait")
		trusted.bad = len(s.state().Images) == 2
		s.advance(registryDelay)
		trusted.good = !s.state().Images[0].Suspended(s.now)
		return trusted
	})
	require.Equal(t, images{bad: true}, flawed)
	require.Equal(t, images{good: true}, ours)
}

func TestFlaw_M10_TermsThatNobodyAskedForStopAProvider(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M10", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		d.in(p.world)
		harsh := p.terms
		harsh.Provider = &wrappers.ProviderTerms{MinProvider: coins(ton(50)), MinGPU: coins(ton(1000)), Unbonding: 60 * 86400}
		d.stops(p.answer(p.registry, ton(1), harsh), errWrongTerms)
		tr := p.acceptJob(p.acceptOrder(p.taker(), ton(1)))
		require.Equal(t, d.flawed, tr.steps[0].exit == errNotEnoughStake)
		money, err := wrappers.GetProviderMoney(context.Background(), p, p.provider)
		require.NoError(t, err)
		return *money.Required
	})
	require.Equal(t, ton(1050), flawed)
	require.Equal(t, ton(70), ours)
}

func TestFlaw_M11_EachClaimMakesTheStateLarger(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M11", func(t *testing.T, d design) int64 {
		s := paying(t, 500)
		d.in(s.world)
		claim := func(index int) int64 {
			tell(s, ton(1), s.claim(index)).requireOK(t)
			return s.account(s.epoch).State().StorageInfo.StorageUsed.CellsUsed.Int64()
		}
		first := claim(0)
		for i := 16; i < 400; i += 16 {
			claim(i)
		}
		return claim(400) - first
	})
	require.GreaterOrEqual(t, flawed, int64(2*25), "two cells for each of 25 claims, of which there may be 131,072")
	require.Zero(t, ours)
}

func TestFlaw_M12_StrangerOpensEveryEpochFirst(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M12", func(t *testing.T, d design) (wasted uint16) {
		s := withTerms(t)
		d.in(s.world)
		for range 5 {
			e := s.nextEpoch(leavesWorth(t, 2, ton(50)))
			m := e.openMessage()
			s.send(wallet("stranger"), chain.Message{To: e.epoch, Amount: ton(1), Init: m.Init}).requireOK(t)
			s.send(wallet("stranger"), chain.Message{To: e.epoch, Amount: m.Amount, Body: m.Body})
			_, tr := s.openEpoch(e.leaves)
			if !d.flawed {
				tr.requireOK(t)
				break
			}
			require.EqualValues(t, errWrongPhase, tr.step(t, opOpen).exit)
		}
		return s.state().Attempt
	})
	require.EqualValues(t, 5, flawed, "and so on, for the price of the rent")
	require.Zero(t, ours)
}

func TestFlaw_M13_RetiredWorkersPileUp(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M13", func(t *testing.T, d design) (records int) {
		p := workingProvider(t)
		d.in(p.world)
		p.retireWorker("worker").requireOK(t)
		for i := 1; i < wrappers.MaxWorkers+10; i++ {
			name := fmt.Sprint("worker ", i)
			tr := p.putWorker(name, workerRecordOf(1))
			if i >= wrappers.MaxWorkers && d.stops(tr, errTooMany) {
				return i
			}
			p.retireWorker(name).requireOK(t)
			records = i + 1
		}
		return records
	})
	require.Equal(t, wrappers.MaxWorkers+10, flawed, "more than the rent of the birth pays for")
	require.Equal(t, wrappers.MaxWorkers, ours)
}

func TestFlaw_M19_FirstFullPageHasTooManyActions(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M19", func(t *testing.T, d design) uint32 {
		s := newEpochStory(t, leavesWorth(t, 600, ton(600)))
		s.open()
		d.in(s.world)
		s.publish()
		s.advance(time.Duration(epochTerms.Window) * time.Second)
		full := wrappers.MaxPushPage
		if d.flawed {
			full = 253
			tr := tell(s, ton(9), s.payout(0, full))
			require.EqualValues(t, tooManyActions, tr.steps[0].action)
			return s.state().Cursor
		}
		tell(s, ton(1), s.payout(0, full)).requireExit(t, errWrongPhase)
		tell(s, ton(1), wrappers.Pass{}).requireOK(t)
		tell(s, ton(9), s.payout(0, full)).requireOK(t)
		return s.state().Cursor
	})
	require.Zero(t, flawed)
	require.EqualValues(t, wrappers.MaxPushPage, ours)
}

// tooManyActions is the result code of an action phase with more than 255.
const tooManyActions = 33
