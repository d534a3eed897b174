package dispatcher

import (
	"context"
	"crypto/subtle"
	"net/http"
	"slices"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/wrappers"
)

// maxWaiting bounds the registrations that are not on chain yet.
const maxWaiting = 10_000

// registration is a client's announcement of a job, before or after it opens
// it. That it knows the result key shows that it made the offer.
type registration struct {
	Offer     []byte `json:"offer"`      // BoC of a JobOffer
	ResultKey []byte `json:"result_key"` // envelope key, the hash of which is in the offer
	// Granted are workers that the client has given the payload's key to, or has
	// tried to: a stop may have lost what we knew of it.
	Granted []bus.ID `json:"granted"`
}

// maxGranted bounds the workers one prompt is shown to.
const maxGranted = 16

// decode reads the offer and checks that the key belongs to it.
func (g registration) decode() (wrappers.JobOffer, error) {
	root, err := cell.FromBOC(g.Offer)
	if err != nil {
		return wrappers.JobOffer{}, cocoon.Invalid.Errorf("offer is no bag of cells: %w", err)
	}
	offer, err := wrappers.Decode[wrappers.JobOffer](root)
	if err != nil {
		return wrappers.JobOffer{}, err
	}
	if len(g.Granted) > maxGranted {
		return wrappers.JobOffer{}, cocoon.Invalid.Errorf("a prompt is shown to %d workers at most, not %d", maxGranted, len(g.Granted))
	}
	key, err := envelope.ParsePublicKey(g.ResultKey)
	if err != nil {
		return wrappers.JobOffer{}, err
	}
	if key.Hash() != offer.Work.ResultKeyHash {
		return wrappers.JobOffer{}, cocoon.Invalid.Errorf("the result key is not the one that the offer names")
	}
	return offer, nil
}

func (d *Dispatcher) serveRegister(w http.ResponseWriter, r *http.Request) error {
	sum, err := token(r)
	if err != nil {
		return err
	}
	var g registration
	if err = read(w, r, &g); err != nil {
		return err
	}
	offer, err := g.decode()
	if err != nil {
		return err
	}
	row, err := d.register(r.Context(), g, offer, sum)
	if err != nil {
		return err
	}
	if err = d.recall(r.Context(), row.account(), g.Granted); err != nil {
		return err
	}
	d.nudge()
	view, err := d.view(r.Context(), row)
	if err != nil {
		return err
	}
	return reply(w, view)
}

// recall notes grants that we do not know of, and ends the wait for a grant
// that the client will not give: one that has the key comes first.
func (d *Dispatcher) recall(ctx context.Context, a cocoon.Account, granted []bus.ID) error {
	if len(granted) == 0 {
		return nil
	}
	for _, w := range granted {
		if err := d.store.addAttempt(ctx, a, w); err != nil {
			return err
		}
	}
	attempts, err := d.store.attempts(ctx, a)
	if err != nil {
		return err
	}
	d.desks.of(a).decline(func(w bus.ID) bool {
		return !slices.Contains(granted, w) && slices.ContainsFunc(granted, func(g bus.ID) bool { return attempts[g] == pending })
	})
	return nil
}

// register notes the job; doing so again with the same token changes nothing.
func (d *Dispatcher) register(ctx context.Context, g registration, offer wrappers.JobOffer, token []byte) (*jobRow, error) {
	a, err := offer.Account()
	if err != nil {
		return nil, err
	}
	row, err := d.store.job(ctx, d.store.db, a)
	switch {
	case cocoon.KindOf(err) == cocoon.NotFound:
		row = newJobRow(a)
		if err = d.mayRegister(ctx, offer); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case row.registered() && subtle.ConstantTimeCompare(row.Token, token) == 1:
		return row, nil
	case row.registered():
		return nil, cocoon.Forbidden.Errorf("job %s was registered with another token", a)
	}
	if row.Status == "" {
		row.Until = offer.Money.AcceptBy
	}
	row.Payload, row.Offer, row.ResultKey, row.Token = offer.Work.PayloadHash[:], g.Offer, g.ResultKey, token
	return row, d.store.registerJob(ctx, row)
}

// registerJob writes what a client said, and leaves alone what the chain said.
func (s *store) registerJob(ctx context.Context, row *jobRow) error {
	_, err := s.db.NewInsert().Model(row).
		On("CONFLICT (account) DO UPDATE").Set("offer = excluded.offer, result_key = excluded.result_key, token = excluded.token").
		Where("job_row.offer = x''").Exec(ctx)
	return diskError(err)
}

// mayRegister refuses offers that would never be served here.
func (d *Dispatcher) mayRegister(ctx context.Context, offer wrappers.JobOffer) error {
	now := d.deps.Feed.Head().Time
	if err := offer.Validate(now); err != nil {
		return err
	}
	if err := d.goods.knows(*offer.Terms); err != nil {
		return err
	}
	if _, err := d.goods.model(offer.Work.Model, now); err != nil {
		return err
	}
	if offer.Dispatcher != d.cfg.Payee || offer.DispatcherBps < d.cfg.Bps {
		return cocoon.Invalid.Errorf("the offer gives %d bps to %s, this dispatcher asks for %d to %s", offer.DispatcherBps, offer.Dispatcher, d.cfg.Bps, d.cfg.Payee)
	}
	waiting, err := d.store.db.NewSelect().Model((*jobRow)(nil)).Where("status = ''").Count(ctx)
	if err == nil && waiting >= maxWaiting {
		err = cocoon.Unreachable.Errorf("%d jobs are registered but not open; try again later", waiting)
	}
	return err
}
