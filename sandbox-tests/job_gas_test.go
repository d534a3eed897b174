package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// dearest is an offer with all that costs gas or room.
func dearest(o *wrappers.JobOffer) {
	offerKey(o)
	o.Terms.Codes.List = append([]wrappers.BirthCode{{Hash: [32]byte{8}, Depth: 5}}, o.Terms.Codes.List...)
}

func dearestAccept(s *jobStory) wrappers.Accept {
	m := s.accept(ton(2))
	m.Code, m.Pass = 2, s.passBy("offer", asItIs)
	return m
}

// measuredJob brings the dearest job so far that it can be paid, with excess for
// each caller, and measures each step.
func measuredJob(t *testing.T, changes ...func(*wrappers.JobOffer)) *jobStory {
	t.Helper()
	s := shell(t, append(changes, dearest)...)
	measure(t, "job/open_job", "open_job", request(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1}).requireOK(t).steps[0])
	measure(t, "job/accept, pass and excess", "accept", request(s, s.provider, ton(5), dearestAccept(s)).requireOK(t).steps[0])
	measure(t, "job/deliver, excess", "deliver", request(s, wallet("relay"), ton(1), s.deliver(s.delivery(ton(7)))).requireOK(t).steps[0])
	return s
}

func TestJobGas_Approve(t *testing.T) {
	t.Parallel()
	s := measuredJob(t)
	measure(t, "job/approve", "approve", request(s, s.offer.Client, ton(1), wrappers.Approve{QueryID: 1}).requireOK(t).steps[0])
}

func TestJobGas_Finish(t *testing.T) {
	t.Parallel()
	s := measuredJob(t)
	s.advance(jobReview)
	finish := wrappers.Finish{QueryID: 1, Response: wallet("crank")}
	measure(t, "job/finish, excess", "finish_job", request(s, wallet("stranger"), ton(1), finish).requireOK(t).steps[0])
	requireGas(t, "job/finish, sweep", request(s, wallet("stranger"), ton(1), finish).requireOK(t).steps[0].gas)
}

func TestJobGas_Disputes(t *testing.T) {
	t.Parallel()
	s := measuredJob(t)
	requireGas(t, "job/dispute, excess", request(s, s.offer.Client, ton(5), wrappers.Dispute{QueryID: 1}).requireOK(t).steps[0].gas)
	measure(t, "job/rule, excess", "rule", request(s, s.offer.Money.Arbiter, ton(1), wrappers.Rule{QueryID: 1, PayBps: 4_999, BondBps: 5_000}).requireOK(t).steps[0])
	s = measuredJob(t)
	request(s, s.offer.Client, ton(5), wrappers.Dispute{QueryID: 1}).requireOK(t)
	s.advance(jobArbitration)
	measure(t, "job/finish, disputed, excess", "finish_job", request(s, wallet("stranger"), ton(1), wrappers.Finish{QueryID: 1}).requireOK(t).steps[0])
	s = measuredJob(t, noArbiter)
	measure(t, "job/dispute, no arbiter", "dispute", request(s, s.offer.Client, ton(5), wrappers.Dispute{QueryID: 1}).requireOK(t).steps[0])
}

func TestJobGas_Refunds(t *testing.T) {
	t.Parallel()
	s := openJob(t, dearest)
	measure(t, "job/cancel", "cancel", request(s, s.offer.Client, ton(1), wrappers.Cancel{QueryID: 1}).requireOK(t).steps[0])
	s = openJob(t, dearest)
	request(s, s.provider, ton(5), dearestAccept(s)).requireOK(t)
	s.advance(jobWork)
	measure(t, "job/expire, accepted, excess", "expire", request(s, wallet("stranger"), ton(1), wrappers.Expire{QueryID: 1}).requireOK(t).steps[0])
}

func TestJobGas_AcceptWithoutPassOrExcess(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	requireGas(t, "job/accept", request(s, s.provider, plus(t, ton(2), s.fees().Accept), s.accept(ton(2))).requireOK(t).steps[0].gas)
	external := s.sendExternal(s.job, body(t, s.deliver(s.delivery(ton(1))))).requireOK(t).steps[0].gas
	requireGas(t, "job/deliver from outside", external)
	require.LessOrEqual(t, external, constantOf(t, "gas::deliver"))
}

func TestJobGas_DeliverFromOutsideIsPricedWhole(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575") // 2^120 - 1, which takes the most bits
	require.NoError(t, err)
	cells, bits := sizeOf(body(t, s.deliver(s.delivery(most))))
	requireConstant(t, "cells::deliver", int64(cells))
	requireConstant(t, "bits::deliver", int64(bits))
}

func TestJobGas_ReserveCoversTheLargestState(t *testing.T) {
	t.Parallel()
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575")
	require.NoError(t, err)
	s := deliveredJob(t, ton(1))
	dearest(&s.offer)
	o := s.offer
	o.Work.Caps = &wrappers.Prices{Prompt: coins(most), Cached: coins(less1(t, most)), Completion: coins(most), Reasoning: coins(most)}
	o.Money.Budget, o.Money.MinBond, o.Money.Deposit = coins(most), coins(most), coins(most)
	s.place(s.job, body(t, struct {
		Phase  uint8              `tlb:"## 3"`
		Until  uint32             `tlb:"## 32"`
		Offer  *wrappers.JobOffer `tlb:"^"`
		Bound  *wrappers.Bound    `tlb:"maybe ^"`
		Result *wrappers.Delivery `tlb:"maybe ^"`
	}{3, s.now, &o, &wrappers.Bound{Provider: s.provider, Worker: publicOf("worker"), Bond: coins(most)}, ptr(s.delivery(most))}))
	request(s, wallet("stranger"), ton(1), wrappers.Excesses{QueryID: 1}).requireExit(t, errUnknownOp) // counts the cells
	used := s.account(s.job).State().StorageInfo.StorageUsed
	requireConstant(t, "cells::job", used.CellsUsed.Int64())
	requireConstant(t, "bits::job", used.BitsUsed.Int64())
}

func ptr[T any](v T) *T { return &v }
