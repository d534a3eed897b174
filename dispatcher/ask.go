package dispatcher

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/wrappers"
)

var (
	errUnusable = errors.New("what the worker signed is of no use")
	errNoGrant  = errors.New("the client granted nothing")
)

// queryID marks what we send for a job, so that we know it again.
func queryID(job cocoon.Account) uint64 { return binary.BigEndian.Uint64(job[:8]) }

// ask leads one worker from the offer to a stored accept.
func (m *match) ask(ctx context.Context, row *jobRow, c candidate) error {
	intent, err := m.intent(ctx, row, c)
	if err != nil {
		return err
	}
	m.places[c.worker] = true
	grant, err := m.grant(ctx, intent)
	if err != nil {
		return err
	}
	if err = m.d.store.setAttempt(ctx, m.d.store.db, m.job, c.worker, pending); err != nil {
		return err
	}
	if err = m.accept(ctx, row, c, grant); err == nil || ctx.Err() != nil {
		return err
	}
	if outcome := m.outcome(c.worker, err); outcome != pending {
		err = errors.Join(err, m.d.store.setAttempt(ctx, m.d.store.db, m.job, c.worker, outcome))
	}
	return err
}

// maxGrants is how often a worker that has the key is asked again before the
// prompt is shown to another.
const maxGrants = 3

// outcome is what came of a grant that led to err; pending while it is worth
// another try.
func (m *match) outcome(w bus.ID, err error) string {
	code := bus.CodeOf(err)
	switch {
	case errors.Is(err, errUnusable):
		return unusable
	case code != "" && code != bus.Busy && code != bus.Failed:
		return string(code)
	}
	if m.grants[w]++; m.grants[w] < maxGrants {
		return pending
	}
	if code == "" {
		return silent
	}
	return string(code)
}

// intent offers the job.
func (m *match) intent(ctx context.Context, row *jobRow, c candidate) (bus.Intent, error) {
	size, err := m.d.blobs.Size([32]byte(row.Payload))
	if err != nil {
		return bus.Intent{}, err
	}
	ctx, stop := context.WithTimeout(ctx, m.d.cfg.OfferTimeout)
	defer stop()
	offer := bus.Offer{Job: m.job, Node: m.d.cfg.Node, ResultKey: row.ResultKey, PayloadSize: uint32(size)}
	intent, err := request[bus.Intent](ctx, m.d.link, c.worker, c.boot, bus.OfferVerb, offer)
	if err != nil {
		return bus.Intent{}, err
	}
	if _, err = intent.Verify(m.d.cfg.GlobalID, m.job, m.d.deps.Now()); err != nil {
		return bus.Intent{}, fmt.Errorf("%w: %w", errUnusable, err)
	}
	if cert := intent.Certificate; cert.Worker != c.worker || cert.Boot != c.boot || cert.Provider != c.provider.Account {
		return bus.Intent{}, fmt.Errorf("%w: its certificate is for worker %s of %s", errUnusable, cert.Worker, cert.Provider)
	}
	return intent, nil
}

// grant shows the intent to the client and waits for its answer.
func (m *match) grant(ctx context.Context, intent bus.Intent) (bus.Grant, error) {
	ctx, stop := context.WithTimeoutCause(ctx, m.d.cfg.GrantTimeout, errNoGrant)
	defer stop()
	m.desk.show(&intent)
	defer m.desk.show(nil)
	for {
		var grant *bus.Grant
		declined := false
		err := m.wait(ctx, func() bool { grant, declined = m.desk.grant, m.desk.declined; return grant != nil || declined }, m.d.cfg.GrantTimeout)
		if err != nil {
			return bus.Grant{}, context.Cause(ctx)
		}
		if grant != nil {
			return *grant, nil
		}
		if declined {
			return bus.Grant{}, errNoGrant
		}
	}
}

// accept carries the grant to the worker and stores the order it answers with.
// From there on the search relays it, also after a restart.
func (m *match) accept(ctx context.Context, row *jobRow, c candidate, grant bus.Grant) error {
	asking, stop := context.WithTimeout(ctx, m.d.cfg.GrantTimeout)
	defer stop()
	accept, err := request[bus.Accept](asking, m.d.link, c.worker, c.boot, bus.GrantVerb, grant)
	if err != nil {
		return err
	}
	order, err := m.check(accept, c)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnusable, err)
	}
	body, err := wrappers.Cell(wrappers.AcceptJob{QueryID: queryID(m.job), Response: m.d.deps.Sender.Account(),
		Signature: accept.Signature, Order: accept.Order.Cell})
	if err != nil {
		return err
	}
	row.Accept, row.AcceptTo, row.AcceptEnd = body.ToBOC(), c.provider.Account[:], order.ValidUntil
	m.d.relay.forget(acceptOp.of(m.job))
	return m.d.store.save(ctx, m.d.store.db, row, "accept", "accept_to", "accept_end")
}

// check reads the operator's order and refuses what the chain would.
func (m *match) check(a bus.Accept, c candidate) (wrappers.AcceptJobOrder, error) {
	order, err := wrappers.Decode[wrappers.AcceptJobOrder](a.Order.Cell)
	if err != nil {
		return order, err
	}
	operator, err := hex.DecodeString(c.provider.Operator)
	if err != nil || len(operator) != ed25519.PublicKeySize {
		return order, cocoon.Conflict.Errorf("provider %s has no operator", c.provider.Account)
	}
	now := m.d.deps.Feed.Head().Time
	switch {
	case a.Job != m.job || order.Job != m.job || order.Worker != c.worker || order.Contract != c.provider.Account || order.GlobalID != m.d.cfg.GlobalID:
		return order, cocoon.Forbidden.Errorf("order is for job %s, worker %x, provider %s", order.Job, order.Worker, order.Contract)
	case now >= order.ValidUntil:
		return order, cocoon.Conflict.Errorf("order ran out at %s", time.Unix(int64(order.ValidUntil), 0).UTC().Format(time.RFC3339))
	case !ed25519.Verify(operator, a.Order.Hash(), a.Signature[:]):
		return order, cocoon.Forbidden.Errorf("order is not signed by the operator of %s", c.provider.Account)
	}
	return order, nil
}
