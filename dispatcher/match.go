package dispatcher

import (
	"context"
	"errors"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
)

const (
	maxOffers = 200             // of one job, before its accept_by ends the search
	restTime  = 2 * time.Second // before a worker that was busy or silent is asked again
	lookAgain = 500 * time.Millisecond
)

// match is the search for one job's worker: offer, intent, the client's grant,
// the operator's accept, then the chain. It ends with the job's open phase.
type match struct {
	d      *Dispatcher
	job    cocoon.Account
	desk   *desk
	never  map[bus.ID]bool // will not take the job
	grants map[bus.ID]int  // how often a grant to it failed
	places map[bus.ID]bool // said it would: they keep a place for it
	holds  *bus.ID         // whose place is held for the accept in flight
	offers int
}

// startMatch begins the search for a job unless one goes on.
func (d *Dispatcher) startMatch(ctx context.Context, a cocoon.Account) {
	k, start := d.desks.of(a), false
	k.update(func() { start, k.matching = !k.matching, true })
	if !start {
		return
	}
	d.matching.Go(func() {
		defer k.update(func() { k.matching, k.intent, k.grant = false, nil, nil })
		m := &match{d: d, job: a, desk: k, never: map[bus.ID]bool{}, places: map[bus.ID]bool{}, grants: map[bus.ID]int{}}
		if err := m.run(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("search for a worker stopped", "job", a, "error", err)
		}
	})
}

// run goes on until the job is no longer open.
func (m *match) run(ctx context.Context) error {
	for m.offers < maxOffers {
		row, err := m.d.store.job(ctx, m.d.store.db, m.job)
		now := m.d.deps.Feed.Head().Time
		switch {
		case err != nil:
			return err
		case row.Status != market.Open || now >= row.Until:
			if row.Status != market.Accepted { // else its place is held until the delivery
				m.release()
			}
			return nil
		case len(row.Accept) > 0 && now >= row.AcceptEnd:
			if err = m.d.store.dropAccept(ctx, m.d.store.db, row); err != nil {
				return err
			}
		case len(row.Accept) > 0:
			m.d.relayAccept(ctx, row)
			err = m.wait(ctx, func() bool { return false }, lookAgain)
		default:
			m.release()
			err = m.attempt(ctx, row)
		}
		if err != nil {
			return err
		}
	}
	return cocoon.Conflict.Errorf("no worker took it in %d offers", m.offers)
}

// wait returns nil when enough says so, at the desk's next change or after d,
// whichever is first; an error when ctx ends.
func (m *match) wait(ctx context.Context, enough func() bool, d time.Duration) error {
	ready := false
	changed := m.desk.look(func() { ready = enough() })
	if ready {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// attempt asks one worker, once the client is there to answer it.
func (m *match) attempt(ctx context.Context, row *jobRow) error {
	present := false
	m.desk.look(func() { present = m.desk.clients > 0 })
	if !present {
		return m.wait(ctx, func() bool { return m.desk.clients > 0 }, lookAgain)
	}
	c, err := m.choose(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		return m.wait(ctx, func() bool { return false }, lookAgain)
	}
	m.offers++
	m.holds = &c.worker
	if err = m.ask(ctx, row, *c); err != nil {
		m.release()
		m.put(c.worker, err)
		m.d.log.Info("worker did not take the job", "job", m.job, "worker", c.worker, "error", err)
	}
	return ctx.Err()
}

func (m *match) release() {
	if m.holds != nil {
		m.d.roster.release(*m.holds)
		m.holds = nil
	}
}

// choose picks a worker. One that was granted the payload's key before a
// restart comes first: the client shows its prompt to as few as possible.
func (m *match) choose(ctx context.Context) (*candidate, error) {
	attempts, err := m.d.store.attempts(ctx, m.job)
	if err != nil {
		return nil, err
	}
	j, err := m.d.deps.Index.Job(ctx, m.job)
	if err != nil {
		return nil, err
	}
	listed, err := m.d.goods.model(j.Model, m.d.deps.Feed.Head().Time)
	if err != nil {
		return nil, nil // it may be listed again
	}
	for w, outcome := range attempts {
		if outcome != pending {
			continue
		}
		c, ok := m.d.roster.pick(need{j, listed.vram, func(other bus.ID) (bool, bool) { return other == w && !m.never[w], true }})
		if ok || m.d.roster.resting(w) || m.d.deps.Now().Before(m.d.started.Add(m.d.cfg.BeatTimeout)) {
			return c.orNone(ok), nil // after a start it may not be back yet
		}
		if err = m.d.store.setAttempt(ctx, m.d.store.db, m.job, w, silent); err != nil {
			return nil, err
		}
		attempts[w] = silent
	}
	c, ok := m.d.roster.pick(need{j, listed.vram, func(w bus.ID) (bool, bool) {
		_, tried := attempts[w]
		return !tried && !m.never[w], m.places[w]
	}})
	return c.orNone(ok), nil
}

func (c candidate) orNone(ok bool) *candidate {
	if !ok {
		return nil
	}
	return &c
}

// put notes why w did not take the job: some reasons are for good.
func (m *match) put(w bus.ID, err error) {
	switch bus.CodeOf(err) {
	case bus.WrongWork, bus.WrongKey, bus.Malformed:
		m.never[w] = true
	default:
		if errors.Is(err, errUnusable) {
			m.never[w] = true
		} else if !errors.Is(err, errNoGrant) {
			m.d.roster.rest(w, restTime)
		}
	}
}
