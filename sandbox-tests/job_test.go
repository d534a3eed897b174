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

func TestJob_RefundsTheClientThatCancels(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	s.send(wallet("stranger"), chain.Message{To: s.job, Amount: ton(3)}).requireOK(t) // a gift
	refuse(s, errWrongSender, wallet("stranger"), wrappers.Cancel{QueryID: 1})
	held := s.balance(s.job)
	tr := least(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1})
	tr.requireOps(t, opCancel, opPayout)
	require.NotEqual(t, -1, tr.paidTo(t, s.offer.Client).Cmp(held), "all that the job held")
	require.True(t, s.balance(s.job).IsZero())
	require.Equal(t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func TestJob_RefundsTheClientWhenNobodyAccepts(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	expire := wrappers.Expire{QueryID: 1, Response: wallet("change")}
	s.advance(jobAcceptIn - time.Second)
	refuse(s, errTooEarly, wallet("stranger"), expire)
	s.advance(time.Second)
	held := s.balance(s.job)
	tr := least(s, wallet("stranger"), s.fees().Expire, expire)
	tr.requireOps(t, opExpire, opPayout)
	require.NotEqual(t, -1, tr.paidTo(t, s.offer.Client).Cmp(minus(t, held, cocoon.NanoOf(1000))), "all but the rent of a moment")
	require.Equal(t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func TestJob_ExpireGivesItsCallerTheChange(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	s.advance(jobAcceptIn)
	tr := request(s, wallet("stranger"), plus(t, s.fees().Expire, ton(4)), wrappers.Expire{QueryID: 1, Response: wallet("change")}).requireOK(t)
	tr.requireOps(t, opExpire, opExcesses, opPayout)
	require.Equal(t, ton(4), tr.paidTo(t, wallet("change")))
	s.requireSolvent()
}

func TestJob_GetMethodSaysWhatTheStateSays(t *testing.T) {
	t.Parallel()
	for _, s := range []*jobStory{openJob(t), deliveredJob(t, ton(1))} {
		values, err := s.Get(context.Background(), s.job, "get_job")
		require.NoError(t, err)
		require.Len(t, values, 5)
		b := cell.BeginCell().MustStoreBigInt(values[0].(*big.Int), 3).MustStoreBigInt(values[1].(*big.Int), 32).MustStoreRef(values[2].(*cell.Cell))
		for _, part := range values[3:] {
			c, _ := part.(*cell.Cell)
			b.MustStoreMaybeRef(c)
		}
		got, err := wrappers.DecodeJob(b.EndCell())
		require.NoError(t, err)
		require.Equal(t, s.state(), got)
	}
}

func TestJob_BouncesOfEitherKindChangeNothing(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	for _, b := range []*cell.Cell{cell.BeginCell().EndCell(), cell.BeginCell().MustStoreUInt(0xffffffff, 32).EndCell(),
		cell.BeginCell().MustStoreUInt(0xfffffffe, 32).EndCell(), cell.BeginCell().MustStoreUInt(opCancel, 32).EndCell()} {
		in := chain.Message{To: s.job, Amount: ton(1), Body: b}.Internal()
		in.SrcAddr, in.CreatedLT, in.CreatedAt, in.Bounced = chain.Address(s.offer.Client), s.lt, s.now, true
		c, err := tlb.ToCell(in)
		require.NoError(t, err)
		before := s.data(s.job).Hash()
		s.run(c).requireBouncedQuietly(t)
		require.Equal(t, before, s.data(s.job).Hash())
	}
	s.requireSolvent()
}
