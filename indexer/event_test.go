package indexer

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestFields_AreNamedAsInTheSchema(t *testing.T) {
	t.Parallel()
	order := wrappers.RetireWorkerOrder{GlobalID: -217, Contract: payee, Revision: 1 << 60, Worker: [32]byte{1}}
	raw, err := fields(must(order.Sign(testKey("operator"), 5, treasury)))
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Equal(t, treasury.String(), got["response"])
	require.Len(t, got["signature"], 128)
	inner, ok := got["order"].(map[string]any)
	require.True(t, ok, "what was signed is told")
	require.Equal(t, payee.String(), inner["contract"])
	require.EqualValues(t, -217, inner["global_id"])

	raw, err = fields(wrappers.Stake{QueryID: 1, Amount: wrappers.Coins{Nano: cocoon.TON(3)}})
	require.NoError(t, err)
	require.JSONEq(t, `{"query_id":1,"amount":"3000000000","response":"`+cocoon.Account{}.String()+`"}`, string(raw))
	require.Equal(t, "vram_mib", snake("VRAMMib"))
	require.Equal(t, "query_id", snake("QueryID"))
}

func TestOccurrence_NamesWhatIsNoOperation(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*tlb.InternalMessage{
		transfer: {Body: cell.BeginCell().EndCell()},
		unknown:  {Body: cell.BeginCell().MustStoreUInt(0, 32).EndCell()},
		bounce:   {Bounced: true, Body: cell.BeginCell().MustStoreUInt(0xffffffff, 32).EndCell()},
		"stake":  {Body: cell.BeginCell().MustStoreUInt(0x7f0fb44f, 32).EndCell()}, // and nothing more
	} {
		m.SrcAddr, m.DstAddr, m.Amount = chain.Address(payee), chain.Address(treasury), tlb.FromNanoTONU(5)
		var o occurrence
		require.NoError(t, o.readMessage(&tlb.Message{Msg: m}, wrappers.KindProvider))
		require.Equal(t, name, o.Name)
		require.Equal(t, payee, o.From)
		require.Equal(t, cocoon.NanoOf(5), o.Value)
	}
}

// FuzzBody gives contracts any body at all: reading it and what follows from it
// must not panic, and what cannot be read must say so.
func FuzzBody(f *testing.F) {
	kinds := []wrappers.Kind{wrappers.KindRegistry, wrappers.KindProvider, wrappers.KindJob, wrappers.KindRewards, wrappers.KindEpoch, wrappers.KindChannel}
	order := wrappers.AcceptJobOrder{Bond: wrappers.Coins{Nano: cocoon.TON(1)}}
	for _, c := range []*cell.Cell{
		body(wrappers.Stake{Amount: wrappers.Coins{Nano: cocoon.TON(1)}}), body(wrappers.Income{}), body(wrappers.RequestUnstake{}), body(wrappers.Withdraw{}),
		body(must(order.Sign(testKey("operator"), 1, payee))), body(wrappers.Accept{}), body(wrappers.Passed{}), body(wrappers.RequestUnbond{}),
		body(wrappers.OpenChannel{}), body(wrappers.Settle{}), body(wrappers.Rotate{Possession: &wrappers.Signature{}}), body(wrappers.CloseNow{}), body(wrappers.Finish{}),
		body(wrappers.TermsAnswer{Terms: cell.BeginCell().EndCell()}), body(wrappers.Deliver{Delivery: body(wrappers.Delivery{})}),
		body(wrappers.Approve{}), body(wrappers.Dispute{}), body(wrappers.Rule{PayBps: 1, BondBps: 2}), body(wrappers.Rule{PayBps: 65_535}),
		cell.BeginCell().MustStoreUInt(0xfffffffe, 32).MustStoreRef(body(wrappers.Accept{})).EndCell(),
	} {
		for kind := range kinds {
			f.Add(uint8(kind), false, c.ToBOC())
			f.Add(uint8(kind), true, c.ToBOC())
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, back bool, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		k := kinds[int(kind)%len(kinds)]
		o := occurrence{Event: market.Event{Contract: string(k), OK: true, Data: json.RawMessage("{}")}}
		m := &tlb.InternalMessage{Bounced: back, SrcAddr: chain.Address(payee), Amount: tlb.FromNanoTONU(7), Body: c}
		require.NoError(t, o.readMessage(&tlb.Message{Msg: m}, k))
		require.True(t, json.Valid(o.Data))
		require.NotEmpty(t, o.Name)
		switch k {
		case wrappers.KindProvider:
			if !slices.Contains([]string{"put_worker", "retire_worker", "prune", "report_equivocation"}, o.Name) { // these read tables
				err = projector{}.provider(t.Context(), &o, &providerState{Born: true})
			}
		case wrappers.KindJob:
			err = errors.Join((&jobRecord{}).apply(&o), (&jobRecord{jobState: jobState{Phase: wrappers.JobDelivered}}).apply(&o),
				(&jobRecord{jobState: jobState{Phase: wrappers.JobDisputed, Deposit: cocoon.NanoOf(1), DefaultBps: 9, Bound: &jobBound{}, Result: &jobResult{}}}).apply(&o))
		case wrappers.KindChannel:
			err = (&channelRecord{}).apply(&o)
		case wrappers.KindRewards:
			err = projector{}.rewards(t.Context(), &o, &rewardsState{})
		}
		if err != nil {
			require.Regexp(t, errUnread.Error()+"|"+cocoon.ErrOverflow.Error(), err.Error())
		}
	})
}
