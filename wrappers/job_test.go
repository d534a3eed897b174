package wrappers

import (
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// someOffer is an offer that opens before the second 1000.
func someOffer() JobOffer {
	return JobOffer{Client: cocoon.Account{1}, Dispatcher: cocoon.Account{2}, OfferKey: [32]byte{3}, DispatcherBps: 500, Salt: 4,
		Work: &JobWork{Model: cocoon.NewModelID("m"), PayloadHash: [32]byte{5}, ResultKeyHash: [32]byte{6}, Caps: &Prices{Prompt: Coins{cocoon.TON(1)}}},
		Money: &JobMoney{Budget: Coins{cocoon.TON(10)}, MinBond: Coins{cocoon.TON(1)}, Deposit: Coins{cocoon.TON(1)}, AcceptBy: 1000, Work: 60, Review: 30,
			Arbitration: 30, DefaultBps: 5000, Arbiter: cocoon.Account{7}},
		Terms: &JobTerms{Registry: cocoon.Account{8}, NetworkBps: 100, Treasury: cocoon.Account{9}, Codes: BirthCodes{[]BirthCode{{[32]byte{10}, 3}, {[32]byte{11}, 4}}}}}
}

func someDelivery() Delivery {
	return Delivery{GlobalID: -239, Contract: cocoon.Account{1}, ResultHash: [32]byte{2}, Amount: Coins{cocoon.TON(7)}, Prompt: 1, Cached: 2, Completion: 3, Reasoning: 1 << 63}
}

// jobCell is a job's storage.
func jobCell(t testing.TB, phase JobPhase, o JobOffer, bound *Bound, result *Delivery) *cell.Cell {
	t.Helper()
	d := jobData{Phase: uint8(phase), Until: 99}
	var err error
	d.Offer, err = Cell(o)
	require.NoError(t, err)
	if bound != nil {
		d.Bound, err = Cell(*bound)
		require.NoError(t, err)
	}
	if result != nil {
		d.Result, err = Cell(*result)
		require.NoError(t, err)
	}
	c, err := Cell(d)
	require.NoError(t, err)
	return c
}

func TestDecodeJob_ReadsEveryPhase(t *testing.T) {
	t.Parallel()
	delivery, bound := someDelivery(), &Bound{cocoon.Account{1}, [32]byte{2}, Coins{cocoon.TON(3)}}
	for _, want := range []Job{
		{someOffer(), JobInert, 99, nil, nil},
		{someOffer(), JobOpen, 99, nil, nil},
		{someOffer(), JobAccepted, 99, bound, nil},
		{someOffer(), JobDelivered, 99, bound, &delivery},
		{someOffer(), JobDisputed, 99, bound, &delivery},
		{someOffer(), JobClosed, 99, nil, nil},
		{someOffer(), JobClosed, 99, bound, &delivery},
	} {
		got, err := DecodeJob(jobCell(t, want.Phase, want.Offer, want.Bound, want.Result))
		require.NoError(t, err, want.Phase)
		require.Equal(t, want, got)
	}
	init, err := someOffer().Init()
	require.NoError(t, err)
	born, err := DecodeJob(init.Data)
	require.NoError(t, err)
	require.Equal(t, Job{Offer: someOffer()}, born)
	require.Equal(t, "inert", born.Phase.String())
}

func TestDecodeJob_RefusesWhatNoContractStores(t *testing.T) {
	t.Parallel()
	good := jobCell(t, JobOpen, someOffer(), nil, nil)
	offer, err := Cell(someOffer())
	require.NoError(t, err)
	of := func(c *cell.Cell) *cell.Cell {
		return cell.BeginCell().MustStoreUInt(1, 3).MustStoreUInt(0, 32).MustStoreRef(c).MustStoreUInt(0, 2).EndCell()
	}
	money := *someOffer().Money
	m, err := Cell(money)
	require.NoError(t, err)
	deep := offer.MustBeginParse()
	longMoney := cell.BeginCell().MustStoreSlice(deep.MustLoadSlice(848), 848).MustStoreRef(deep.MustLoadRef().MustToCell()).
		MustStoreRef(m.ToBuilder().MustStoreUInt(0, 1).EndCell()).MustStoreRef(offer.MustPeekRef(2)).EndCell()
	for name, c := range map[string]*cell.Cell{
		"nothing":               nil,
		"no bits":               cell.BeginCell().EndCell(),
		"a bit too many":        good.ToBuilder().MustStoreUInt(0, 1).EndCell(),
		"a reference too many":  good.ToBuilder().MustStoreRef(good).EndCell(),
		"no such phase":         jobCell(t, 6, someOffer(), nil, nil),
		"an offer that goes on": of(offer.ToBuilder().MustStoreUInt(0, 1).EndCell()),
		"money that goes on":    of(longMoney),
		"an empty offer":        of(cell.BeginCell().EndCell()),
		"a bound that is cut short": cell.BeginCell().MustStoreUInt(2, 3).MustStoreUInt(0, 32).MustStoreRef(offer).MustStoreBoolBit(true).
			MustStoreRef(cell.BeginCell().MustStoreUInt(1, 8).EndCell()).MustStoreBoolBit(false).EndCell(),
	} {
		_, err := DecodeJob(c)
		require.Error(t, err, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func TestJobOffer_EveryFieldMakesAnotherAddress(t *testing.T) {
	t.Parallel()
	seen := map[cocoon.Account]string{}
	for name, change := range map[string]func(*JobOffer){
		"the same":       func(*JobOffer) {},
		"client":         func(o *JobOffer) { o.Client[31]++ },
		"dispatcher":     func(o *JobOffer) { o.Dispatcher[31]++ },
		"offer key":      func(o *JobOffer) { o.OfferKey[31]++ },
		"dispatcher bps": func(o *JobOffer) { o.DispatcherBps++ },
		"salt":           func(o *JobOffer) { o.Salt++ },
		"payload":        func(o *JobOffer) { o.Work.PayloadHash[31]++ },
		"cap":            func(o *JobOffer) { o.Work.Caps.Reasoning = Coins{cocoon.NanoOf(1)} },
		"budget":         func(o *JobOffer) { o.Money.Budget = Coins{cocoon.NanoOf(1)} },
		"arbiter":        func(o *JobOffer) { o.Money.Arbiter[31]++ },
		"treasury":       func(o *JobOffer) { o.Terms.Treasury[31]++ },
		"codes":          func(o *JobOffer) { o.Terms.Codes.List = o.Terms.Codes.List[:1] },
	} {
		o := someOffer()
		change(&o)
		a, err := o.Account()
		require.NoError(t, err)
		require.Empty(t, seen[a], "%s has the address of another", name)
		seen[a] = name
	}
	_, err := JobOffer{}.Account()
	require.Error(t, err, "half an offer has no address")
}

func TestJobOffer_SaysWhyItWouldNotOpen(t *testing.T) {
	t.Parallel()
	require.NoError(t, someOffer().Validate(999))
	for want, change := range map[string]func(*JobOffer){
		"price caps, money and terms":         func(o *JobOffer) { o.Work.Caps = nil },
		"money and terms":                     func(o *JobOffer) { o.Money = nil },
		"anyone can sign for":                 func(o *JobOffer) { o.OfferKey = [32]byte{1} },
		"needs a budget":                      func(o *JobOffer) { o.Money.Budget = Coins{} },
		"above the least bond":                func(o *JobOffer) { o.Money.MinBond = Coins{} },
		"at most 2592000 s each":              func(o *JobOffer) { o.Money.Review = 30*86400 + 1 },
		"10001 bps are more than all":         func(o *JobOffer) { o.Money.DefaultBps = 10_001 },
		"shares of 9900 and 100 bps":          func(o *JobOffer) { o.DispatcherBps = 9_900 },
		"terms list 1 to 3 provider codes":    func(o *JobOffer) { o.Terms.Codes.List = nil },
		"provider codes, not 4":               func(o *JobOffer) { o.Terms.Codes.List = make([]BirthCode, 4) },
		"nobody could accept by 999":          func(o *JobOffer) { o.Money.AcceptBy = 999 },
		"an offer needs work with price caps": func(o *JobOffer) { o.Work = nil },
	} {
		o := someOffer()
		change(&o)
		err := o.Validate(999)
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}

func TestJobTerms_KnowWhichCodeAProviderWasBornWith(t *testing.T) {
	t.Parallel()
	code, err := ProviderCode()
	require.NoError(t, err)
	birth := ProviderBirth{Registry: cocoon.Account{8}, Owner: cocoon.Account{1}, Index: 2}
	account, err := birth.Account()
	require.NoError(t, err)
	terms := someOffer().Terms
	_, err = terms.CodeOf(birth, account)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err), "an unlisted code")
	terms.Codes.List = append(terms.Codes.List, code)
	number, err := terms.CodeOf(birth, account)
	require.NoError(t, err)
	require.EqualValues(t, 2, number)
	birth.Registry = cocoon.Account{7}
	_, err = terms.CodeOf(birth, account)
	require.ErrorContains(t, err, "the job wants", "another registry")
}

func TestMessages_OfJobDecodeToWhatWasEncoded(t *testing.T) {
	t.Parallel()
	delivery, err := someDelivery().Sign(ed25519.NewKeyFromSeed(make([]byte, 32)), 1, cocoon.Account{2})
	require.NoError(t, err)
	signed, err := Decode[Delivery](delivery.Delivery)
	require.NoError(t, err)
	require.Equal(t, someDelivery(), signed)
	require.Equal(t, cocoon.Usage{Prompt: 1, Cached: 2, Completion: 3, Reasoning: 1 << 63}, signed.Usage())
	for _, m := range []struct {
		kind Kind
		name string
		v    any
		c    *cell.Cell
	}{
		encoded(t, KindJob, "open_job", OpenJob{QueryID: 1}),
		encoded(t, KindJob, "accept", Accept{QueryID: 1, Bond: Coins{cocoon.TON(2)}, Code: 3, Owner: cocoon.Account{4}, Index: 5, Worker: [32]byte{6}, Response: cocoon.Account{7}}),
		encoded(t, KindJob, "accept", Accept{QueryID: 1, Pass: &Signature{[64]byte{8}}}),
		encoded(t, KindJob, "cancel", Cancel{QueryID: 1}),
		encoded(t, KindJob, "expire", Expire{QueryID: 1, Response: cocoon.Account{2}}),
		encoded(t, KindJob, "deliver", delivery),
		encoded(t, KindJob, "approve", Approve{QueryID: 1}),
		encoded(t, KindJob, "dispute", Dispute{QueryID: 1}),
		encoded(t, KindJob, "rule", Rule{QueryID: 1, PayBps: 2_500, BondBps: 10_000}),
		encoded(t, KindJob, "finish", Finish{QueryID: 1, Response: cocoon.Account{2}}),
	} {
		name, v, err := DecodeMessage(m.kind, m.c)
		require.NoError(t, err, m.name)
		require.Equal(t, m.name, name)
		if d, ok := v.(Deliver); ok { // its cell carries how it was read
			require.Equal(t, delivery.Delivery.Hash(), d.Delivery.Hash())
			d.Delivery = delivery.Delivery
			v = d
		}
		require.Equal(t, m.v, v)
	}
}

func FuzzDecodeJob(f *testing.F) {
	delivery := someDelivery()
	f.Add(jobCell(f, JobOpen, someOffer(), nil, nil).ToBOC())
	f.Add(jobCell(f, JobDelivered, someOffer(), &Bound{Bond: Coins{cocoon.TON(1)}}, &delivery).ToBOC())
	f.Add(jobCell(f, JobDisputed, someOffer(), &Bound{Bond: Coins{cocoon.TON(1)}}, &delivery).ToBOC())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		j, err := DecodeJob(c)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := DecodeJob(jobCell(t, j.Phase, j.Offer, j.Bound, j.Result))
		require.NoError(t, err)
		again.Until = j.Until // which jobCell does not take
		require.Equal(t, j, again)
		_, err = j.Offer.Account()
		require.NoError(t, err)
		if m := j.Offer.Money; j.Offer.Validate(0) == nil {
			_, err = j.Offer.Divide(m.Budget.Nano)
			require.NoError(t, err)
			_, err = j.Offer.Default(m.Budget.Nano, m.MinBond.Nano)
			require.NoError(t, err)
			_, err = j.Offer.Rule(m.Budget.Nano, m.MinBond.Nano, Rule{PayBps: 1, BondBps: 9_999})
			require.NoError(t, err)
		}
	})
}

func FuzzDecodeJobMessage(f *testing.F) { fuzzMessages(f, KindJob) }
