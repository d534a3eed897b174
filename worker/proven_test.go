package worker_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/wrappers"
)

// street is a real chain with one wallet, which is the provider's owner, the
// client, and the registry by whose terms they live.
type street struct {
	t      *testing.T
	local  *localnet.Chain
	client *chain.Client
	wallet *chain.Wallet
	birth  wrappers.ProviderBirth
}

func newStreet(t *testing.T) *street {
	t.Helper()
	s := &street{t: t, local: localnet.New(t)}
	n, err := chain.ParseNetwork(s.local.GlobalConfig())
	require.NoError(t, err)
	s.client, err = chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(s.client.Close)
	s.wallet, err = chain.NewWallet(s.client, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32)))
	require.NoError(t, err)
	require.NoError(t, s.local.Faucet(t.Context(), chain.Address(s.wallet.Account()), cocoon.TON(200).Big()))
	s.birth = wrappers.ProviderBirth{Registry: s.wallet.Account(), Owner: s.wallet.Account()}
	return s
}

// send carries a message; what it does not use of a TON more comes back.
func (s *street) send(to cocoon.Account, value cocoon.Nano, init *tlb.StateInit, body *cell.Cell) {
	s.t.Helper()
	value, err := value.Add(cocoon.TON(1))
	require.NoError(s.t, err)
	_, err = s.wallet.Send(s.t.Context(), chain.Message{To: to, Amount: value, Bounce: true, Init: init, Body: body})
	require.NoError(s.t, err)
}

func asBody[T any](t *testing.T, v T) *cell.Cell {
	t.Helper()
	c, err := wrappers.Cell(v)
	require.NoError(t, err)
	return c
}

func coins(n uint64) wrappers.Coins { return wrappers.Coins{Nano: cocoon.TON(n)} }

// terms are those of the street.
func (s *street) terms() wrappers.Terms {
	return wrappers.Terms{Provider: &wrappers.ProviderTerms{MinProvider: coins(5), MinGPU: coins(2), Unbonding: 180, Treasury: cocoon.Account{0xff}},
		Rewards: &wrappers.RewardsTerms{MinBond: coins(20), Unbonding: 180, HeirAfter: 600, EpochCode: cell.BeginCell().EndCell(),
			Epoch: &wrappers.EpochTerms{Publish: 20, Window: 20, Expiry: 300, NetworkBps: 100, Treasury: cocoon.Account{0xff}}}}
}

// register makes a provider with one worker out of the birth.
func (s *street) register() cocoon.Account {
	s.t.Helper()
	t, none := s.t, cocoon.Nano{}
	provider, err := s.birth.Account()
	require.NoError(t, err)
	init, err := s.birth.Init()
	require.NoError(t, err)
	terms := s.terms()
	hash, err := terms.Hash()
	require.NoError(t, err)
	s.send(provider, none, init, asBody(t, wrappers.RefreshTerms{Hash: hash}))
	s.send(provider, none, nil, asBody(t, wrappers.TermsAnswer{Terms: asBody(t, terms)}))
	s.send(provider, cocoon.TON(7), nil, asBody(t, wrappers.Stake{Amount: coins(7), Response: s.wallet.Account()}))
	holds, err := wrappers.ProvePossession(operatorKey, netID, provider)
	require.NoError(t, err)
	s.send(provider, none, nil, asBody(t, wrappers.SetOperator{Key: wrappers.PublicKey(operatorKey), Allowance: coins(3), Possession: &holds}))
	s.send(provider, cocoon.TON(10), nil, nil) // free balance
	holds, err = wrappers.ProvePossession(workerKey, netID, provider)
	require.NoError(t, err)
	record, err := wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: 1, VRAMMiB: 81920, UptimeBps: 9900, Concurrency: 2,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: asks}}}.Cell()
	require.NoError(t, err)
	put, err := wrappers.PutWorkerOrder{GlobalID: netID, Contract: provider, Revision: 1, Worker: workerID, Possession: &holds, Record: record}.
		Sign(operatorKey, 0, s.wallet.Account())
	require.NoError(t, err)
	s.send(provider, none, nil, asBody(t, put))
	return provider
}

// withoutDispatcher is a market on the street whose dispatcher relays nothing.
func (s *street) withoutDispatcher() *market {
	s.t.Helper()
	m := newMarket(s.t)
	m.proven, m.provider = worker.Proven{Client: s.client}, s.register()
	m.cfg.Provider, m.cfg.Request = m.provider, wait
	m.lie(func() { m.refuse[bus.DeliverVerb] = bus.Refusef(bus.Failed, "cannot pay the fees") })
	return m
}

// The contracts take what the worker signs, and the worker reads them right.
func TestProven_AJobOnARealChainIsPaid(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	m := s.withoutDispatcher()
	m.run()
	o := m.open(batch(2, model, ""), func(offer *wrappers.JobOffer) {
		head, err := s.client.Head(t.Context())
		require.NoError(t, err)
		now, err := s.client.Time(t.Context(), head)
		require.NoError(t, err)
		offer.Client, offer.Terms.Registry, offer.Money.AcceptBy = s.wallet.Account(), s.wallet.Account(), uint32(now.Unix())+600
		offer.OfferKey = wrappers.PublicKey(offerKey)
	})
	init, err := o.offer.Init()
	require.NoError(t, err)
	s.send(o.account, o.offer.Money.Budget.Nano, init, asBody(t, wrappers.OpenJob{}))

	i, err := request[bus.Intent](m, bus.OfferVerb, o.asOffer())
	require.NoError(t, err)
	g := m.grantTo(o, i)
	pass, err := wrappers.PassFor{GlobalID: netID, Contract: o.account, Provider: m.provider}.Sign(offerKey)
	require.NoError(t, err)
	g.Pass = (*bus.Signature)(&pass.Bytes)
	accept, err := request[bus.Accept](m, bus.GrantVerb, g)
	require.NoError(t, err)
	s.send(m.provider, cocoon.Nano{}, nil, asBody(t, wrappers.AcceptJob{Response: s.wallet.Account(), Signature: accept.Signature, Order: accept.Order.Cell}))

	j, err := m.proven.WaitJob(t.Context(), o.account, func(j worker.Job) bool { return j.Phase == wrappers.JobDelivered })
	require.NoError(t, err)
	require.Equal(t, m.provider, j.Bound.Provider)
	cost, err := asks.Cost(j.Result.Usage())
	require.NoError(t, err)
	require.Equal(t, cost, j.Result.Amount.Nano)
	s.send(o.account, cocoon.Nano{}, nil, asBody(t, wrappers.Approve{}))
	require.Eventually(t, func() bool { return len(m.folder()) == 0 }, wait, tick)
}

func TestProven_StandingIsWhatTheContractSays(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	p := worker.Proven{Client: s.client}
	provider, err := s.birth.Account()
	require.NoError(t, err)
	_, err = p.Standing(t.Context(), provider, workerID)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))

	s.register()
	standing, err := p.Standing(t.Context(), provider, workerID)
	require.NoError(t, err)
	require.Equal(t, s.birth, standing.Birth)
	require.Equal(t, wrappers.PublicKey(operatorKey), standing.Operator)
	require.Equal(t, cocoon.TON(3), standing.Bondable, "the allowance, which is less than what is free")
	require.Equal(t, asks, standing.Record.Models[0].Price)
	stranger, err := p.Standing(t.Context(), provider, bus.ID{1})
	require.NoError(t, err)
	require.Nil(t, stranger.Record)

	retire, err := wrappers.RetireWorkerOrder{GlobalID: netID, Contract: provider, Revision: 2, Worker: workerID}.Sign(operatorKey, 0, s.wallet.Account())
	require.NoError(t, err)
	s.send(provider, cocoon.Nano{}, nil, asBody(t, retire))
	standing, err = p.Standing(t.Context(), provider, workerID)
	require.NoError(t, err)
	require.Nil(t, standing.Record)
}

// A dispatcher's bond is believed where its contract is the one of that address.
func TestProven_DispatcherIsWhatItsContractSays(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	p := worker.Proven{Client: s.client}
	birth := wrappers.RewardsBirth{Registry: s.wallet.Account(), Owner: s.wallet.Account()}
	account, err := birth.Account()
	require.NoError(t, err)
	_, err = p.Dispatcher(t.Context(), account)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))

	init, err := birth.Init()
	require.NoError(t, err)
	terms := s.terms()
	hash, err := terms.Hash()
	require.NoError(t, err)
	s.send(account, cocoon.Nano{}, init, asBody(t, wrappers.RefreshTerms{Hash: hash}))
	s.send(account, cocoon.Nano{}, nil, asBody(t, wrappers.TermsAnswer{Terms: asBody(t, terms)}))
	s.send(account, cocoon.TON(21), nil, asBody(t, wrappers.Bond{Amount: wrappers.Coins{Nano: cocoon.TON(21)}, Response: s.wallet.Account()}))
	s.send(account, cocoon.TON(2), nil, asBody(t, wrappers.Fund{Amount: wrappers.Coins{Nano: cocoon.TON(2)}, Response: s.wallet.Account()}))
	d, err := p.Dispatcher(t.Context(), account)
	require.NoError(t, err)
	require.Equal(t, birth, d.Birth)
	require.Equal(t, cocoon.TON(21), d.Bond)
	require.EqualValues(t, 100, d.Terms.Epoch.NetworkBps)
	require.Equal(t, 1, d.Pot.Cmp(cocoon.TON(1)), "two, but for the rent")
	require.NotZero(t, d.Block.Seqno)
	require.NotZero(t, d.Block.RootHash)
	require.NotZero(t, d.Block.Time)

	// the same code, born into a state that nobody has paid for
	real, err := s.client.Account(t.Context(), account)
	require.NoError(t, err)
	init.Data = real.Data
	fake, err := chain.BornAccount(init)
	require.NoError(t, err)
	_, err = s.wallet.Send(t.Context(), chain.Message{To: fake, Amount: cocoon.TON(1), Init: init})
	require.NoError(t, err)
	faked, err := s.client.Account(t.Context(), fake)
	require.NoError(t, err)
	require.Equal(t, chain.Active, faked.State)
	_, err = p.Dispatcher(t.Context(), fake)
	require.ErrorContains(t, err, "is not the rewards contract it says it is")
}

func TestProven_AJobThatIsNotAtItsAddressIsNone(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	p := worker.Proven{Client: s.client}
	m := newMarket(t)
	o := m.open(batch(1, model, ""), nil)
	_, err := p.Job(t.Context(), o.account)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))

	// the same code, born into a state that nobody has paid for
	init, err := o.offer.Init()
	require.NoError(t, err)
	data, err := init.Data.BeginParse()
	require.NoError(t, err)
	_, err = data.LoadUInt(3)
	require.NoError(t, err)
	init.Data = cell.BeginCell().MustStoreUInt(uint64(wrappers.JobAccepted), 3).MustStoreBuilder(data.ToBuilder()).EndCell()
	fake, err := chain.BornAccount(init)
	require.NoError(t, err)
	_, err = s.wallet.Send(t.Context(), chain.Message{To: fake, Amount: cocoon.TON(1), Init: init})
	require.NoError(t, err)
	account, err := s.client.Account(t.Context(), fake)
	require.NoError(t, err)
	require.Equal(t, chain.Active, account.State)
	_, err = p.Job(t.Context(), fake)
	require.ErrorContains(t, err, "is not the job it says it is")
	_, err = p.WaitJob(t.Context(), fake, func(worker.Job) bool { return true })
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}
