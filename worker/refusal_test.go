package worker_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestOffer_TermsThatDoNotSuitAreRefused(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	known := cocoon.Account{7}
	m.cfg.Arbiters = []cocoon.Account{{6}, known}
	m.run()
	file := batch(1, model, "")
	for _, c := range []struct {
		code   bus.Code
		reason string
		edit   func(*wrappers.JobOffer)
	}{
		{bus.WrongJob, "pays another dispatcher", func(o *wrappers.JobOffer) { o.Dispatcher[0] ^= 1 }},
		{bus.WrongJob, "shares of 1001", func(o *wrappers.JobOffer) { o.DispatcherBps = 901 }},
		{bus.WrongJob, "19 s are too short", func(o *wrappers.JobOffer) { o.Money.Work = 19 }},
		{bus.WrongJob, "would pay 4999 basis points", func(o *wrappers.JobOffer) { o.Money.DefaultBps = 4_999 }},
		{bus.WrongJob, "is not one of this worker's", func(o *wrappers.JobOffer) { o.Money.Arbiter = o.Client }},
		{bus.WrongJob, "exceeds all there is to earn", func(o *wrappers.JobOffer) { o.Money.MinBond.Nano = cocoon.NanoOf(1_000_000_001) }},
		{bus.WrongJob, "wants", func(o *wrappers.JobOffer) { o.Terms.Registry[0] ^= 1 }},
		{bus.WrongJob, "runs none of the 1 codes", func(o *wrappers.JobOffer) { o.Terms.Codes.List = o.Terms.Codes.List[:1] }},
		{bus.WrongJob, "not open any more", func(o *wrappers.JobOffer) { o.Money.AcceptBy = birthTime }},
		{bus.WrongWork, "does not serve the model", func(o *wrappers.JobOffer) { o.Work.Model = cocoon.NewModelID("other") }},
		{bus.WrongWork, "asks more than the job's price caps", func(o *wrappers.JobOffer) { o.Work.Caps.Reasoning.Nano = cocoon.NanoOf(1) }},
		{bus.WrongWork, "cannot bond", func(o *wrappers.JobOffer) {
			o.Money.Budget.Nano, o.Money.MinBond.Nano = cocoon.TON(9), cocoon.NanoOf(5_000_000_001)
		}},
		{bus.WrongKey, "result key", func(o *wrappers.JobOffer) { o.Work.ResultKeyHash[0] ^= 1 }},
	} {
		_, err := request[bus.Intent](m, bus.OfferVerb, m.open(file, c.edit).asOffer())
		require.Equal(t, c.code, bus.CodeOf(err), c.reason)
		require.ErrorContains(t, err, c.reason)
	}
	h := m.heartbeat(func(bus.Heartbeat) bool { return true })
	require.Zero(t, h.Jobs, "what is refused takes no slot")
	_, err := request[bus.Intent](m, bus.OfferVerb, m.open(file, func(o *wrappers.JobOffer) {
		o.DispatcherBps, o.Money.Work, o.Money.MinBond.Nano, o.Money.Arbiter, o.Money.DefaultBps = 900, 20, cocoon.TON(1), known, 5_000
	}).asOffer())
	require.NoError(t, err, "each limit itself is fine")
}

func TestOffer_BelievesTheChainOnly(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.cfg.Request = 100e6 // how long it looks for a job that is not there
	m.run()
	o := m.open(batch(1, model, ""), nil)
	unknown := o.asOffer()
	unknown.Job[0] ^= 1
	_, err := request[bus.Intent](m, bus.OfferVerb, unknown)
	require.ErrorContains(t, err, "job is not on the chain")

	m.chain.change(func() { m.chain.broken[unknown.Job] = cocoon.Invalid.Errorf("not the job it says it is") })
	_, err = request[bus.Intent](m, bus.OfferVerb, unknown)
	require.Equal(t, bus.WrongJob, bus.CodeOf(err))
	m.chain.change(func() { m.chain.broken[unknown.Job] = cocoon.Unreachable.Errorf("liteserver 10.0.0.1 is down") })
	_, err = request[bus.Intent](m, bus.OfferVerb, unknown)
	require.Equal(t, bus.Failed, bus.CodeOf(err))
	require.NotContains(t, err.Error(), "10.0.0.1", "faults of this machine are its own")

	for _, phase := range []wrappers.JobPhase{wrappers.JobAccepted, wrappers.JobDelivered, wrappers.JobClosed} {
		m.chain.set(o.account, func(j *wrappers.Job) { j.Phase = phase })
		_, err = request[bus.Intent](m, bus.OfferVerb, o.asOffer())
		require.ErrorContains(t, err, "not open any more")
	}
	m.chain.set(o.account, func(j *wrappers.Job) { j.Phase = wrappers.JobOpen })
	m.chain.change(func() { m.chain.standing.Record = nil })
	_, err = request[bus.Intent](m, bus.OfferVerb, o.asOffer())
	require.ErrorContains(t, err, "not registered any more")
}

func TestOffer_WaitsForAJobTheDispatcherSawFirst(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	o := m.open(batch(1, model, ""), nil)
	m.chain.change(func() { delete(m.chain.jobs, o.account) })
	answered := make(chan error, 1)
	go func() {
		_, err := request[bus.Intent](m, bus.OfferVerb, o.asOffer())
		answered <- err
	}()
	m.chain.set(o.account, func(j *wrappers.Job) { *j = wrappers.Job{Offer: o.offer, Phase: wrappers.JobOpen} })
	require.NoError(t, <-answered)
}

func TestOffer_SaidAgainTakesNoSecondSlot(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	a, b, c := m.open(batch(1, model, ""), nil), m.open(batch(1, model, ""), nil), m.open(batch(1, model, ""), nil)
	for range 3 {
		_, err := request[bus.Intent](m, bus.OfferVerb, a.asOffer())
		require.NoError(t, err)
	}
	_, err := request[bus.Intent](m, bus.OfferVerb, b.asOffer())
	require.NoError(t, err)
	_, err = request[bus.Intent](m, bus.OfferVerb, c.asOffer())
	require.Equal(t, bus.Busy, bus.CodeOf(err))
}

func TestRequest_NonsenseIsRefusedAsSuch(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	boot := m.heartbeat(func(bus.Heartbeat) bool { return true }).Boot
	for _, verb := range []bus.Verb{bus.OfferVerb, bus.GrantVerb} {
		for _, raw := range []string{"", "{}", `{"v":1,"body":{"job":"0:00"}}`, `{"v":9,"body":{}}`, strings.Repeat("[", 10000)} {
			answer, err := m.conn.Request(bus.ToWorker(workerID, boot, verb), []byte(raw), wait)
			require.NoError(t, err)
			_, err = bus.Decode[bus.Ack](answer.Data)
			require.Equal(t, bus.Malformed, bus.CodeOf(err), raw)
		}
	}
}

func TestGrant_NeedsAnIntentAndThePass(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	o := m.open(batch(1, model, ""), func(o *wrappers.JobOffer) { o.OfferKey = wrappers.PublicKey(offerKey) })
	_, err := request[bus.Accept](m, bus.GrantVerb, bus.Grant{Job: o.account, Wrap: make([]byte, envelope.WrapSize)})
	require.ErrorContains(t, err, "did not offer to take")

	try := func(pass *bus.Signature) (bus.Accept, error) {
		i, err := request[bus.Intent](m, bus.OfferVerb, o.asOffer())
		require.NoError(t, err)
		g := m.grantTo(o, i)
		g.Pass = pass
		return request[bus.Accept](m, bus.GrantVerb, g)
	}
	_, err = try(nil)
	require.Equal(t, bus.WrongKey, bus.CodeOf(err))
	for _, wrong := range []wrappers.PassFor{
		{GlobalID: netID, Contract: o.account, Provider: cocoon.Account{1}},
		{GlobalID: netID, Contract: m.provider, Provider: m.provider},
		{GlobalID: netID + 1, Contract: o.account, Provider: m.provider},
	} {
		sig, err := wrong.Sign(offerKey)
		require.NoError(t, err)
		_, err = try((*bus.Signature)(&sig.Bytes))
		require.Equal(t, bus.WrongKey, bus.CodeOf(err))
	}
	sig, err := wrappers.PassFor{GlobalID: netID, Contract: o.account, Provider: m.provider}.Sign(offerKey)
	require.NoError(t, err)
	accept, err := try((*bus.Signature)(&sig.Bytes))
	require.NoError(t, err)
	order, err := wrappers.Decode[wrappers.AcceptJobOrder](accept.Order.Cell)
	require.NoError(t, err)
	require.Equal(t, sig, *order.Pass)
}

// Nothing that a dispatcher or a client does wrong gets a signature.
func TestGrant_ALieGetsNoSignature(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	other := m.open(batch(1, model, ""), nil)
	cheap := func(o *wrappers.JobOffer) {
		o.Money.Budget.Nano, o.Money.MinBond.Nano = cocoon.NanoOf(1000), cocoon.NanoOf(1)
	}
	for _, c := range []struct {
		reason string
		file   string
		edit   func(*wrappers.JobOffer)
		offer  func(*bus.Offer)
		grant  func(*bus.Grant, envelope.PublicKey, order)
		spoil  func(*bus.Part)
	}{
		{reason: "does not open", grant: func(g *bus.Grant, _ envelope.PublicKey, _ order) { g.Wrap[1200-40] ^= 1 }},
		{reason: "does not open", grant: func(g *bus.Grant, k envelope.PublicKey, o order) {
			g.Wrap, _ = envelope.Grant(o.key, other.account, envelope.Hash(o.payload), k)
		}},
		{reason: "wrong key, or it was changed", grant: func(g *bus.Grant, k envelope.PublicKey, o order) {
			g.Wrap, _ = envelope.Grant(other.key, o.account, envelope.Hash(o.payload), k)
		}},
		{reason: "does not have the hash", spoil: func(p *bus.Part) { p.Data[len(p.Data)/2] ^= 1 }},
		{reason: "came instead of part", spoil: func(p *bus.Part) { p.Hash[0] ^= 1 }},
		{reason: "came instead of part", offer: func(o *bus.Offer) { o.PayloadSize++ }},
		{reason: "payload is not a batch", file: "no JSON"},
		{reason: "payload is not a batch", file: batch(1, model, "") + batch(1, model, "")},
		{reason: "asks another model", file: batch(1, "some other model", "")},
		{reason: "estimated above the budget", edit: cheap},
		{reason: "estimated above the budget", file: batch(1000, model, `,"n":16`)},
	} {
		file := c.file
		if file == "" {
			file = batch(3, model, "")
		}
		o := m.open(file, c.edit)
		offer := o.asOffer()
		if c.offer != nil {
			c.offer(&offer)
		}
		i, err := request[bus.Intent](m, bus.OfferVerb, offer)
		require.NoError(t, err)
		g := m.grantTo(o, i)
		if c.grant != nil {
			public, err := envelope.ParsePublicKey(i.PublicKey)
			require.NoError(t, err)
			c.grant(&g, public, o)
		}
		m.lie(func() { m.spoil = c.spoil })
		_, err = request[bus.Accept](m, bus.GrantVerb, g)
		require.ErrorContains(t, err, c.reason)
		require.Contains(t, []bus.Code{bus.WrongKey, bus.WrongWork}, bus.CodeOf(err))
		require.Empty(t, m.folder())
		m.lie(func() { m.spoil = nil })
	}
	m.accepted(m.open(batch(1, model, ""), nil)) // and every slot is free again
	m.accepted(m.open(batch(1, model, ""), nil))
}

func TestGrant_SaidAgainGetsTheSameSignature(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	o := m.open(batch(1, model, ""), nil)
	first := m.accepted(o)
	m.chain.pass(10)
	again, err := request[bus.Accept](m, bus.GrantVerb, bus.Grant{Job: o.account, Wrap: make([]byte, envelope.WrapSize)})
	require.NoError(t, err)
	require.Equal(t, first.Order.Hash(), again.Order.Hash())
	require.Equal(t, first.Signature, again.Signature)
}

func TestGrant_AfterTheTermsChangedIsRefused(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	o := m.open(batch(1, model, ""), nil)
	i, err := request[bus.Intent](m, bus.OfferVerb, o.asOffer())
	require.NoError(t, err)
	dearer := *m.chain.standing.Record
	dearer.Models = []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: cocoon.Price{Prompt: cocoon.TON(2)}}}
	m.chain.change(func() { m.chain.standing.Record = &dearer })
	_, err = request[bus.Accept](m, bus.GrantVerb, m.grantTo(o, i))
	require.ErrorContains(t, err, "price caps")
}

func TestGrant_FullDiskSignsNothing(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	require.NoError(t, os.Remove(m.cfg.Data))
	require.NoError(t, os.WriteFile(m.cfg.Data, nil, 0o600)) // no folder can be made in it any more
	o := m.open(batch(1, model, ""), nil)
	i, err := request[bus.Intent](m, bus.OfferVerb, o.asOffer())
	require.NoError(t, err)
	_, err = request[bus.Accept](m, bus.GrantVerb, m.grantTo(o, i))
	require.Equal(t, bus.Failed, bus.CodeOf(err))

	require.NoError(t, os.Remove(m.cfg.Data))
	require.NoError(t, os.Mkdir(m.cfg.Data, 0o700))
	_, err = request[bus.Accept](m, bus.GrantVerb, m.grantTo(o, i))
	require.NoError(t, err, "and the slot was kept for another try")
}

func TestRun_TellsWhyItCannotServe(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.chain.change(func() { m.chain.silent = 3 }) // it asks until it is answered
	m.chain.standing.Operator[0] ^= 1
	err := m.newWorker().Run(t.Context())
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
	require.Contains(t, cocoon.HintOf(err), "cocoon provider operator")
	m.chain.standing.Record = nil
	err = m.newWorker().Run(t.Context())
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.Contains(t, cocoon.HintOf(err), "cocoon provider register")

	m.chain.change(func() { m.chain.silent = 1 << 30 })
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.NoError(t, m.newWorker().Run(ctx), "stopped while it waits for the chain")
}

func TestConfig_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	require.NoError(t, m.cfg.Validate())
	for want, edit := range map[string]func(*worker.Config){
		"own key and the operator's": func(c *worker.Config) { c.Key = nil },
		"account of its provider":    func(c *worker.Config) { c.Provider = cocoon.Account{} },
		"global id":                  func(c *worker.Config) { c.GlobalID = 0 },
		"folder":                     func(c *worker.Config) { c.Data = "" },
		"durations":                  func(c *worker.Config) { c.Retry = 0 },
		"basis points":               func(c *worker.Config) { c.MaxShare = 10_001 },
		"a default":                  func(c *worker.Config) { c.MinDefault = 10_001 },
		"dispatcher \"http://x\"":    func(c *worker.Config) { c.Dispatcher = "http://x" },
		"engine \"\"":                func(c *worker.Config) { c.Engine = "" },
	} {
		cfg := m.cfg
		edit(&cfg)
		_, err := worker.New(cfg, worker.Deps{Chain: m.chain})
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
	cfg := m.cfg
	cfg.Data = t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(cfg.Data, nil, 0o600))
	_, err := worker.New(cfg, worker.Deps{Chain: m.chain})
	require.ErrorContains(t, err, "folder for accepted jobs")
}

func TestRun_GoesOnKnockingUntilItIsLetIn(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.shut.Store(true)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.newWorker().Run(ctx) }()
	require.Eventually(t, func() bool { return m.doors.Load() > 4 }, wait, tick)
	require.Empty(t, m.beats)
	require.Contains(t, m.log.String(), "Authorization Violation")
	m.shut.Store(false)
	m.heartbeat(func(bus.Heartbeat) bool { return true })
	stop()
	require.NoError(t, <-done)
}
