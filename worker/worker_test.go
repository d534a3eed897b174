package worker_test

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

// readDelivery checks everything about a delivery that a client or a contract
// would, and returns it with the results.
func readDelivery(t *testing.T, o order, file string, d bus.Deliver, blob []byte) (wrappers.Delivery, []openai.Result) {
	t.Helper()
	require.True(t, ed25519.Verify(workerID[:], d.Delivery.Hash(), d.Signature[:]))
	delivery, err := wrappers.Decode[wrappers.Delivery](d.Delivery.Cell)
	require.NoError(t, err)
	require.Equal(t, o.account, delivery.Contract)
	require.EqualValues(t, netID, delivery.GlobalID)
	require.Equal(t, delivery.ResultHash, envelope.Hash(blob))
	text, err := envelope.OpenResult(blob, o.account, o.resultKey)
	require.NoError(t, err)
	asked, err := openai.ParseBatch([]byte(file))
	require.NoError(t, err)
	results, err := asked.ParseResults(text)
	require.NoError(t, err)
	require.Equal(t, openai.TotalUsage(results), delivery.Usage())
	return delivery, results
}

func TestWorker_DoesAJobFromOfferToDelivery(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	file := batch(5, model, "")
	o := m.open(file, nil)

	accept := m.accepted(o)
	require.True(t, ed25519.Verify(operatorKey.Public().(ed25519.PublicKey), accept.Order.Hash(), accept.Signature[:]))
	order, err := wrappers.Decode[wrappers.AcceptJobOrder](accept.Order.Cell)
	require.NoError(t, err)
	require.Equal(t, wrappers.AcceptJobOrder{GlobalID: netID, Contract: m.provider, Job: o.account, Code: 1, Worker: workerID,
		Bond: o.offer.Money.MinBond, ValidUntil: birthTime + 120}, order)
	require.EqualValues(t, 1, m.heartbeat(func(h bus.Heartbeat) bool { return h.Jobs == 1 }).Jobs)

	m.chain.bind(o.account, m.provider, workerID)
	d, blob := m.delivered(o.account)
	delivery, results := readDelivery(t, o, file, d, blob)
	cost, err := asks.Cost(delivery.Usage())
	require.NoError(t, err)
	require.Equal(t, cost, delivery.Amount.Nano)
	for _, r := range results {
		require.True(t, r.OK())
		require.Contains(t, string(r.Response.Body), engine.Notice)
	}

	h := m.heartbeat(func(h bus.Heartbeat) bool { return h.Requests == 5 })
	require.True(t, h.Ready)
	require.Zero(t, h.Failures)
	require.Equal(t, delivery.Usage().Total(), h.Tokens)
	require.Equal(t, []cocoon.ModelID{cocoon.NewModelID(model)}, h.Models)
	require.Equal(t, m.provider, h.Provider)

	m.chain.deliver(t, d)
	m.heartbeat(func(h bus.Heartbeat) bool { return h.Jobs == 0 })
	require.NotEmpty(t, m.folder(), "kept until the job is final")
	m.chain.close(o.account)
	require.Eventually(t, func() bool { return len(m.folder()) == 0 }, wait, tick)
}

func TestWorker_TellsNobodyWhatItReads(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	stop := m.run()
	o := m.open(batch(1, model, ""), nil)
	m.accepted(o)
	_, err := request[bus.Intent](m, bus.OfferVerb, m.open(batch(1, model, ""), func(o *wrappers.JobOffer) { o.Work.Model[0] ^= 1 }).asOffer())
	require.Equal(t, bus.WrongWork, bus.CodeOf(err))
	m.chain.bind(o.account, m.provider, workerID)
	d, blob := m.delivered(o.account)
	m.heartbeat(func(h bus.Heartbeat) bool { return h.Jobs == 1 })
	m.chain.deliver(t, d)
	m.heartbeat(func(h bus.Heartbeat) bool { return h.Jobs == 0 })
	stop()
	key, err := json.Marshal(bus.ID(o.key))
	require.NoError(t, err)
	for _, text := range []string{secret, engine.Notice, string(key), "line-0"} {
		require.NotContains(t, m.log.String(), text)
		require.NotContains(t, string(blob), text)
	}
	require.Contains(t, m.log.String(), "job delivered")
}

// folder lists the jobs the worker keeps on disk.
func (m *market) folder() []string {
	m.t.Helper()
	entries, err := os.ReadDir(m.cfg.Data)
	require.NoError(m.t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestWorker_KeptKeysAreForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	o := m.open(batch(1, model, ""), nil)
	m.accepted(o)
	folder := m.cfg.Data + "/" + bus.ID(o.account).String()
	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
	}
}

func TestWorker_TwoJobsShareItsSlots(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	file := batch(20, model, `,"max_tokens":3`)
	a, b := m.open(file, nil), m.open(file, nil)
	m.accepted(a)
	m.accepted(b)
	_, err := request[bus.Intent](m, bus.OfferVerb, m.open(file, nil).asOffer())
	require.Equal(t, bus.Busy, bus.CodeOf(err), "concurrency is 2")
	for _, o := range []order{a, b} {
		m.chain.bind(o.account, m.provider, workerID)
	}
	for _, o := range []order{a, b} {
		d, blob := m.delivered(o.account)
		delivery, _ := readDelivery(t, o, file, d, blob)
		require.EqualValues(t, 60, delivery.Completion)
	}
}
