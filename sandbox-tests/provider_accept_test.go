package sandboxtests

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func (s *providerStory) acceptOrder(job cocoon.Account, bond cocoon.Nano) wrappers.AcceptJobOrder {
	return wrappers.AcceptJobOrder{GlobalID: globalID, Contract: s.provider, Job: job, Code: 1, Worker: publicOf("worker"),
		Bond: coins(bond), ValidUntil: s.now + 600, Pass: &wrappers.Signature{Bytes: [64]byte{1, 2, 3}}}
}

func (s *providerStory) accept(o wrappers.AcceptJobOrder, signer string) wrappers.AcceptJob {
	s.t.Helper()
	m, err := o.Sign(keyOf(signer), 9, wallet("change"))
	require.NoError(s.t, err)
	return m
}

func (s *providerStory) acceptJob(o wrappers.AcceptJobOrder) trace {
	s.t.Helper()
	return ask(s, wallet("relay"), s.fees().AcceptJob, s.accept(o, "operator"))
}

func TestProvider_BondTravelsWithAccept(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	job, free := s.taker(), s.free()
	o := s.acceptOrder(job, ton(10))
	tr := requireExactValue(s, wallet("relay"), s.fees().AcceptJob, s.accept(o, "operator"))
	tr.requireOps(t, opAcceptJob, opAccept)
	got, err := wrappers.Decode[acceptBody](tr.step(t, opAccept).body)
	require.NoError(t, err)
	require.Equal(t, acceptBody{QueryID: 9, Bond: coins(ton(10)), Code: 1, Owner: s.owner, Index: 7, Worker: publicOf("worker"),
		Response: wallet("change"), Pass: o.Pass}, got)
	require.Equal(t, 1, tr.step(t, opAccept).value.Cmp(ton(10).Big()), "the bond and its gas")
	require.Equal(t, ton(20), s.state().Allowance)
	s.requireFree(minus(t, free, ton(10)), s.fees().AcceptJob) // the relayer pays for everything else
	require.Equal(t, ton(100), s.state().Stake)
	s.requireSolvent()
}

// acceptBody is the message accept as the schema has it.
type acceptBody struct {
	_        tlb.Magic           `tlb:"#177e34b4"`
	QueryID  uint64              `tlb:"## 64"`
	Bond     wrappers.Coins      `tlb:"."`
	Code     uint8               `tlb:"## 2"`
	Owner    cocoon.Account      `tlb:"bits 256"`
	Index    uint32              `tlb:"## 32"`
	Worker   [32]byte            `tlb:"bits 256"`
	Response cocoon.Account      `tlb:"bits 256"`
	Pass     *wrappers.Signature `tlb:"maybe ^"`
}

func TestProvider_BondThatComesBackIsFreeAndAllowedAgain(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	job, free := s.refuser(), s.free()
	m := s.accept(s.acceptOrder(job, ton(10)), "operator")
	for range 3 { // a replay costs only who relays it
		tr := ask(s, wallet("relay"), s.fees().AcceptJob, m)
		tr.requireOps(t, opAcceptJob, opAccept, 0xffffffff)
		require.Equal(t, ton(30), s.state().Allowance)
		require.NotEqual(t, -1, s.free().Cmp(free), "a refused accept costs the provider nothing")
		s.requireSolvent()
	}
}

func TestProvider_AcceptIsBoundToSignerTimeWorkerAndMoney(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	job := s.taker()
	change := func(f func(*wrappers.AcceptJobOrder)) wrappers.AcceptJob {
		o := s.acceptOrder(job, ton(10))
		f(&o)
		return s.accept(o, "operator")
	}
	s.unchanged(func() {
		for name, c := range map[string]struct {
			code int32
			m    wrappers.AcceptJob
		}{
			"another signer":    {errWrongSignature, s.accept(s.acceptOrder(job, ton(10)), "other")},
			"another network":   {errWrongNetwork, change(func(o *wrappers.AcceptJobOrder) { o.GlobalID = -3 })},
			"another contract":  {errWrongContract, change(func(o *wrappers.AcceptJobOrder) { o.Contract = wallet("other") })},
			"too late":          {errTooLate, change(func(o *wrappers.AcceptJobOrder) { o.ValidUntil = s.now })},
			"an unknown worker": {errUnknownWorker, change(func(o *wrappers.AcceptJobOrder) { o.Worker = publicOf("other") })},
			"over allowance":    {errOverAllowance, change(func(o *wrappers.AcceptJobOrder) { o.Bond = coins(plus(t, ton(30), cocoon.NanoOf(1))) })},
		} {
			t.Log(name)
			s.requireRefused(c.code, ask(s, wallet("relay"), ton(1), c.m))
		}
	})
	ask(s, wallet("relay"), s.fees().AcceptJob, change(func(o *wrappers.AcceptJobOrder) { o.ValidUntil = s.now + 1 })).requireOK(t)
	s.retireWorker("worker").requireOK(t)
	s.unchanged(func() { s.requireRefused(errWorkerInactive, s.acceptJob(s.acceptOrder(job, ton(1)))) })
}

func TestProvider_LockedStakeIsNeverBonded(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.setOperator("operator", ton(1000)).requireOK(t)
	free := s.free()
	job := s.taker()
	s.unchanged(func() {
		s.requireRefused(errNotEnoughFree, s.acceptJob(s.acceptOrder(job, plus(t, free, cocoon.NanoOf(1)))))
	})
	s.acceptJob(s.acceptOrder(job, free)).requireOK(t)
	s.requireFree(cocoon.Nano{}, s.fees().AcceptJob)
	s.requireSolvent()
}

func TestProvider_WhoUnstakesBelowTheMinimumAcceptsNothing(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	job := s.taker()
	s.unstake(ton(30)).requireOK(t) // 70 are left, which is just enough for one GPU
	s.acceptJob(s.acceptOrder(job, ton(1))).requireOK(t)
	s.unstake(cocoon.NanoOf(1)).requireOK(t)
	s.unchanged(func() {
		s.requireRefused(errNotEnoughStake, s.acceptJob(s.acceptOrder(job, ton(1))))
	})
	money, err := wrappers.GetProviderMoney(context.Background(), s, s.provider)
	require.NoError(t, err)
	require.Equal(t, ton(70), *money.Required)
	s.requireSolvent()
}

func TestProvider_BouncesOfEitherKindNeverThrow(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	accept := cell.BeginCell().MustStoreUInt(opAccept, 32).MustStoreUInt(1, 64).MustStoreBigCoins(ton(2).Big())
	for _, b := range []*cell.Cell{
		cell.BeginCell().MustStoreUInt(0xffffffff, 32).MustStoreBuilder(accept).EndCell(),
		cell.BeginCell().MustStoreUInt(0xfffffffe, 32).MustStoreRef(accept.EndCell()).EndCell(),
	} {
		before := s.state().Allowance
		in := chain.Message{To: s.provider, Amount: ton(2), Body: b}.Internal()
		in.SrcAddr, in.CreatedLT, in.CreatedAt, in.Bounced = chain.Address(wallet("job")), s.lt, s.now, true
		c, err := tlb.ToCell(in)
		require.NoError(t, err)
		tr := s.run(c)
		require.Len(t, tr.steps, 1, "a bounce sends nothing")
		require.Zero(t, tr.steps[0].exit)
		require.Equal(t, plus(t, before, ton(2)), s.state().Allowance)
	}
	s.requireSolvent()
}
