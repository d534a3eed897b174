package worker_test

import (
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

// counted is the built-in engine behind a door that holds requests back.
type counted struct {
	asked atomic.Int32
	door  chan struct{} // closed: open
	real  *engine.Engine
}

func newCounted() *counted { return &counted{door: make(chan struct{}), real: engine.New(model)} }

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		c.asked.Add(1)
		select {
		case <-c.door:
		case <-r.Context().Done():
			return
		}
	}
	c.real.ServeHTTP(w, r)
}

func TestCrash_AfterTheAcceptanceTheNextRunDoesTheJob(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	stop := m.run()
	file := batch(3, model, "")
	o := m.open(file, nil)
	accept := m.accepted(o)
	stop()

	m.run()
	again, err := request[bus.Accept](m, bus.GrantVerb, bus.Grant{Job: o.account, Wrap: make([]byte, envelope.WrapSize)})
	require.NoError(t, err, "the acceptance is still the same")
	require.Equal(t, accept.Signature, again.Signature)
	m.chain.bind(o.account, m.provider, workerID)
	d, blob := m.delivered(o.account)
	readDelivery(t, o, file, d, blob)
}

func TestCrash_AtWorkTheNextRunStartsTheWorkAnew(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	e := newCounted()
	m.engineIs(e)
	stop := m.run()
	file := batch(3, model, "")
	o := m.open(file, nil)
	m.accepted(o)
	m.chain.bind(o.account, m.provider, workerID)
	require.Eventually(t, func() bool { return e.asked.Load() == 2 }, wait, tick, "both slots are taken")
	stop()
	require.Len(t, m.folder(), 1)

	close(e.door)
	m.run()
	d, blob := m.delivered(o.account)
	readDelivery(t, o, file, d, blob)
}

func TestCrash_AfterTheWorkTheNextRunDeliversTheSame(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	e := newCounted()
	close(e.door)
	m.engineIs(e)
	m.lie(func() { m.refuse[bus.ResultVerb] = bus.Refusef(bus.Failed, "disk is full") })
	stop := m.run()
	file := batch(3, model, "")
	o := m.open(file, nil)
	m.accepted(o)
	m.chain.bind(o.account, m.provider, workerID)
	first := <-m.chain.outside // nobody relays it: the worker sends it itself
	stop()
	require.EqualValues(t, 3, e.asked.Load())

	m.lie(func() { m.refuse = map[bus.Verb]*bus.Refusal{} })
	m.run()
	d, blob := m.delivered(o.account)
	readDelivery(t, o, file, d, blob)
	require.Equal(t, first.Delivery.Hash(), d.Delivery.Hash())
	require.Equal(t, first.Signature, d.Signature)
	require.EqualValues(t, 3, e.asked.Load(), "no line is asked twice")
}

func TestCrash_BeforeTheAcceptanceWasWholeLeavesNoJob(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	half := filepath.Join(m.cfg.Data, bus.ID{1}.String()+".tmp")
	require.NoError(t, os.Mkdir(half, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(half, "job.json"), []byte(`{"off`), 0o600))
	m.run()
	require.Empty(t, m.folder())
	require.Zero(t, m.heartbeat(func(bus.Heartbeat) bool { return true }).Jobs)
}

// Between the result and deliver.json a crash leaves a result that nobody has signed.
func TestCrash_AResultWithoutDeliveryIsNotThere(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	stop := m.run()
	file := batch(1, model, "")
	o := m.open(file, nil)
	m.accepted(o)
	stop()
	folder := filepath.Join(m.cfg.Data, bus.ID(o.account).String())
	require.NoError(t, os.WriteFile(filepath.Join(folder, "result"), []byte("half"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "deliver.json.tmp"), []byte("{"), 0o600))
	m.run()
	m.chain.bind(o.account, m.provider, workerID)
	d, blob := m.delivered(o.account)
	readDelivery(t, o, file, d, blob)
}

func TestCrash_DamagedFilesAreToldAndLeftAlone(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	stop := m.run()
	o := m.open(batch(1, model, ""), nil)
	m.accepted(o)
	stop()
	folder := filepath.Join(m.cfg.Data, bus.ID(o.account).String())
	whole, err := os.ReadFile(filepath.Join(folder, "job.json"))
	require.NoError(t, err)
	for name, damage := range map[string]func(){
		"not JSON":    func() { require.NoError(t, os.WriteFile(filepath.Join(folder, "job.json"), whole[:9], 0o600)) },
		"another job": func() { require.NoError(t, os.WriteFile(filepath.Join(folder, "job.json"), []byte("{}"), 0o600)) },
		"no payload": func() {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "job.json"), whole, 0o600))
			require.NoError(t, os.Remove(filepath.Join(folder, "payload")))
		},
	} {
		damage()
		err = m.newWorker().Run(t.Context())
		require.ErrorContains(t, err, "accepted job "+bus.ID(o.account).String(), name)
		require.Len(t, m.folder(), 1)
	}
}

func TestJob_NotBoundInTimeFreesItsSlot(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	lapsed, taken, ended := m.open(batch(1, model, ""), nil), m.open(batch(1, model, ""), nil), m.open(batch(1, model, ""), nil)
	m.accepted(lapsed)
	m.accepted(taken)
	m.chain.bind(taken.account, cocoon.Account{1}, workerID)
	require.Eventually(t, func() bool { return len(m.folder()) == 1 }, wait, tick)
	m.accepted(ended)
	m.chain.close(ended.account)
	require.Eventually(t, func() bool { return len(m.folder()) == 1 }, wait, tick)

	m.chain.pass(120 + 119)
	m.chain.bind(lapsed.account, m.provider, workerID) // the order was in time, its message took long
	m.delivered(lapsed.account)

	last := m.open(batch(1, model, ""), nil)
	m.accepted(last)
	m.chain.pass(120 + 120)
	require.Eventually(t, func() bool { return len(m.folder()) == 1 }, wait, tick, "only the delivered one is kept")
}

func TestDispatcher_GoneAndBackGetsTheDelivery(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.run()
	file := batch(2, model, "")
	o := m.open(file, nil)
	m.accepted(o)
	addr := m.bus.Addr().String()
	m.conn.Close()
	m.bus.Shutdown()
	m.bus.WaitForShutdown()
	m.chain.bind(o.account, m.provider, workerID)
	<-m.chain.outside // meanwhile the worker told the chain itself
	m.startBus(addr)
	d, blob := m.delivered(o.account)
	readDelivery(t, o, file, d, blob)
	m.chain.deliver(t, d)
	m.chain.close(o.account)
	require.Eventually(t, func() bool { return len(m.folder()) == 0 }, wait, tick)
}

func TestDelivery_SeenOnChainStillBringsTheResult(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.lie(func() { m.refuse[bus.ResultVerb] = bus.Refusef(bus.Failed, "disk is full") })
	m.run()
	file := batch(1, model, "")
	o := m.open(file, nil)
	m.accepted(o)
	m.chain.bind(o.account, m.provider, workerID)
	m.chain.deliver(t, <-m.chain.outside)
	m.lie(func() { m.refuse = map[bus.Verb]*bus.Refusal{} })
	d, blob := m.delivered(o.account)
	readDelivery(t, o, file, d, blob)
}

func TestDelivery_TooLateForTheJobEndsWithIt(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.lie(func() { m.refuse[bus.DeliverVerb] = bus.Refusef(bus.WrongJob, "it is over") })
	m.run()
	o := m.open(batch(1, model, ""), nil)
	m.accepted(o)
	m.chain.bind(o.account, m.provider, workerID)
	<-m.chain.outside
	m.chain.set(o.account, func(j *wrappers.Job) { j.Phase = wrappers.JobClosed })
	require.Eventually(t, func() bool { return len(m.folder()) == 0 }, wait, tick)
}
