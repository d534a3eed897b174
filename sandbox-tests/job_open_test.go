package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestJob_ShellOfAStrangerIsHarmless(t *testing.T) {
	t.Parallel()
	s := shell(t)
	require.Equal(t, wrappers.JobInert, s.state().Phase)
	stranger := wallet("stranger")
	refuse(s, errWrongSender, stranger, wrappers.OpenJob{QueryID: 1})
	refuse(s, errWrongSender, stranger, s.accept(ton(2)))
	refuse(s, errWrongPhase, s.provider, s.accept(ton(2)))
	refuse(s, errWrongSender, stranger, wrappers.Cancel{QueryID: 1})
	refuse(s, errWrongPhase, stranger, wrappers.Expire{QueryID: 1})
	refuse(s, errWrongPhase, stranger, s.deliver(s.delivery(ton(1))))
	refuse(s, errWrongPhase, s.offer.Client, wrappers.Approve{QueryID: 1})
	refuse(s, errWrongPhase, stranger, wrappers.Finish{QueryID: 1})
	refuse(s, errUnknownOp, stranger, wrappers.Excesses{QueryID: 1})
	request(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1}).requireOK(t)
	s.requireSolvent()
}

func TestJob_OpensForItsClientAndItsEscrowToTheNano(t *testing.T) {
	t.Parallel()
	s := shell(t)
	refuse(s, errWrongSender, s.provider, wrappers.OpenJob{QueryID: 1})
	before := s.balance(s.job)
	tr := least(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1})
	tr.requireOps(t, opOpenJob) // all of it stays
	gas := tr.steps[0].fees
	spent, err := cocoon.NanoFromBig(gas)
	require.NoError(t, err)
	require.Equal(t, minus(t, plus(t, before, s.escrow()), spent), s.balance(s.job))
	j := s.state()
	require.Equal(t, wrappers.JobOpen, j.Phase)
	require.Equal(t, s.offer.Money.AcceptBy, j.Until)
	require.Nil(t, j.Bound)
	require.Nil(t, j.Result)
	refuse(s, errWrongPhase, s.offer.Client, wrappers.OpenJob{QueryID: 1})
	s.requireSolvent()
}

func TestJob_NothingOpensThatCouldGetStuck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   int32
		change func(*wrappers.JobOffer)
	}{
		"no budget":              {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Budget = coins(cocoon.Nano{}) }},
		"deposit above the bond": {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Deposit = coins(plus(t, ton(1), cocoon.NanoOf(1))) }},
		"endless work":           {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Work = 30*86400 + 1 }},
		"endless review":         {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Review = 30*86400 + 1 }},
		"endless arbitration":    {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Arbitration = 1<<32 - 1 }},
		"more than all":          {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.DefaultBps = 10_001 }},
		"shares of all":          {errWrongOffer, func(o *wrappers.JobOffer) { o.DispatcherBps = 9_900 }},
		"shares that overflow":   {errWrongOffer, func(o *wrappers.JobOffer) { o.DispatcherBps, o.Terms.NetworkBps = 65_535, 65_535 }},
		"no provider code":       {errWrongOffer, func(o *wrappers.JobOffer) { o.Terms.Codes.List = nil }},
		"anyone's offer key":     {errWrongKey, func(o *wrappers.JobOffer) { o.OfferKey = [32]byte{1} }},
		"too late":               {errTooLate, func(o *wrappers.JobOffer) { o.Money.AcceptBy = genesis }},
	} {
		s := shell(t, c.change)
		require.Error(t, s.offer.Validate(s.now), "%s: the wrapper says so beforehand", name)
		t.Log(name)
		refuse(s, c.code, s.offer.Client, wrappers.OpenJob{QueryID: 1})
		// what reached it otherwise is not lost
		request(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1}).requireOK(t).requireOps(t, opCancel, opPayout)
		s.requireSolvent()
	}
}

func TestJob_OpensAtTheBounds(t *testing.T) {
	t.Parallel()
	s := openJob(t, func(o *wrappers.JobOffer) {
		m := o.Money
		m.Work, m.Review, m.Arbitration, m.DefaultBps, m.AcceptBy = 30*86400, 30*86400, 30*86400, 10_000, genesis+1
		m.Budget, o.DispatcherBps = coins(cocoon.NanoOf(1)), 9_899
		o.Terms.Codes.List = append(o.Terms.Codes.List, wrappers.BirthCode{})
	})
	require.NoError(t, s.offer.Validate(s.now))
	require.Equal(t, wrappers.JobOpen, s.state().Phase)
	s.requireSolvent()
}

// pieces puts an offer together cell by cell, each as change says.
func pieces(t *testing.T, o wrappers.JobOffer, change func(part string, c *cell.Cell) *cell.Cell) *cell.Cell {
	t.Helper()
	put := func(part string, c *cell.Cell, refs ...*cell.Cell) *cell.Cell {
		s := c.MustBeginParse()
		n := s.BitsLeft()
		b := cell.BeginCell().MustStoreSlice(s.MustLoadSlice(n), n)
		for _, ref := range refs {
			b.MustStoreRef(ref)
		}
		return change(part, b.EndCell())
	}
	work := put("work", body(t, *o.Work), put("caps", body(t, *o.Work.Caps)))
	terms := put("terms", body(t, *o.Terms), put("codes", body(t, o.Terms.Codes)))
	return put("offer", body(t, o), work, put("money", body(t, *o.Money)), terms)
}

// openPieces has the client open a job of that offer.
func openPieces(t *testing.T, change func(part string, c *cell.Cell) *cell.Cell) (cocoon.Account, trace) {
	t.Helper()
	w := newWorld(t)
	o := offerIn(t, w, wallet("registry"))
	data := cell.BeginCell().MustStoreUInt(0, 3+32).MustStoreRef(pieces(t, o, change)).MustStoreUInt(0, 2).EndCell()
	init := &tlb.StateInit{Code: contracts.Code("job"), Data: data}
	job, err := chain.BornAccount(init)
	require.NoError(t, err)
	return job, w.send(o.Client, chain.Message{To: job, Amount: ton(20), Bounce: true, Init: init, Body: body(t, wrappers.OpenJob{QueryID: 1})})
}

func TestJob_OpensOffersOfTheSchemaOnly(t *testing.T) {
	t.Parallel()
	o := offerIn(t, newWorld(t), wallet("registry"))
	job, tr := openPieces(t, func(_ string, c *cell.Cell) *cell.Cell { return c })
	tr.requireOK(t)
	same, err := o.Account()
	require.NoError(t, err)
	require.Equal(t, same, job, "the pieces make up the offer")
	for name, damage := range map[string]func(*cell.Cell) *cell.Cell{
		"a bit too many":       longer,
		"a reference too many": func(c *cell.Cell) *cell.Cell { return c.ToBuilder().MustStoreRef(cell.BeginCell().EndCell()).EndCell() },
		"empty":                func(*cell.Cell) *cell.Cell { return cell.BeginCell().EndCell() },
		"a library":            libraryOf,
	} {
		for _, part := range []string{"offer", "work", "caps", "money", "terms", "codes"} {
			job, tr := openPieces(t, func(of string, c *cell.Cell) *cell.Cell {
				if of == part {
					return damage(c)
				}
				return c
			})
			t.Log(part, name)
			want := []int32{errTrailing, errWrongOffer} // a cell of codes is measured, the others are read
			if name == "a library" {
				want = want[1:]
			}
			require.Contains(t, want, tr.steps[0].exit)
			require.True(t, tr.steps[0].aborted)
			require.True(t, tr.steps[len(tr.steps)-1].bounced, "the escrow goes back, job %s", job)
		}
	}
}

// libraryOf is a cell that stands for c while the network keeps it.
func libraryOf(c *cell.Cell) *cell.Cell {
	lib, err := cell.BeginCell().MustStoreUInt(2, 8).MustStoreSlice(c.Hash(), 256).EndCellSpecial(true)
	if err != nil {
		panic(err)
	}
	return lib
}
