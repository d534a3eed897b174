package dispatcher

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// maxWaiting bounds the registrations that are not on chain yet.
const maxWaiting = 10_000

// registration is a client's announcement of a job, before or after it opens
// it. That it knows the result key shows that it made the offer.
type registration struct {
	Offer     []byte `json:"offer"`      // BoC of a JobOffer
	ResultKey []byte `json:"result_key"` // envelope key, the hash of which is in the offer
}

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
	d.nudge()
	view, err := d.view(r.Context(), row)
	if err != nil {
		return err
	}
	return reply(w, view)
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

// jobView is a job as its client sees it.
type jobView struct {
	Job      cocoon.Account    `json:"job"`
	Status   string            `json:"status"`           // "registered" until it was seen on chain
	Uploaded bool              `json:"uploaded"`         // the payload is here
	Intent   *bus.Intent       `json:"intent"`           // waits for a grant; only for the client
	Refused  map[bus.ID]string `json:"refused"`          // workers that were granted the key and did not take the job
	Result   string            `json:"result,omitempty"` // hash of the delivered result, hex
}

func statusName(s market.Status) string {
	if s == "" {
		return "registered"
	}
	return string(s)
}

func (d *Dispatcher) view(ctx context.Context, row *jobRow) (jobView, error) {
	attempts, err := d.store.attempts(ctx, row.account())
	if err != nil {
		return jobView{}, err
	}
	for w, outcome := range attempts {
		if outcome == pending {
			delete(attempts, w)
		}
	}
	return jobView{Job: row.account(), Status: statusName(row.Status), Uploaded: d.blobs.Has([32]byte(row.Payload)),
		Refused: attempts, Result: hex.EncodeToString(row.Result)}, nil
}

func (d *Dispatcher) serveJob(w http.ResponseWriter, r *http.Request) error {
	row, err := d.jobInPath(r)
	if err != nil {
		return err
	}
	view, err := d.view(r.Context(), row)
	if err != nil {
		return err
	}
	return reply(w, view)
}

// serveIntent holds the question until a worker waits for a grant, the job is
// no longer open, or PollTimeout is over. While it is held, workers are asked.
func (d *Dispatcher) serveIntent(w http.ResponseWriter, r *http.Request) error {
	row, err := d.owned(r)
	if err != nil {
		return err
	}
	view, err := d.view(r.Context(), row)
	if err != nil {
		return err
	}
	if row.Status == market.Open || row.Status == "" {
		if view, err = d.poll(r.Context(), row.account()); err != nil {
			return err
		}
	}
	return reply(w, view)
}

func (d *Dispatcher) poll(ctx context.Context, a cocoon.Account) (jobView, error) {
	k := d.desks.of(a)
	k.update(func() { k.clients++ })
	defer k.update(func() { k.clients-- })
	d.nudge()
	over := time.NewTimer(d.cfg.PollTimeout)
	defer over.Stop()
	for {
		var intent *bus.Intent
		changed := k.look(func() {
			if k.grant == nil {
				intent = k.intent
			}
		})
		row, err := d.store.job(ctx, d.store.db, a)
		if err != nil {
			return jobView{}, err
		}
		view, err := d.view(ctx, row)
		if view.Intent = intent; err != nil || intent != nil || row.Status != market.Open && row.Status != "" {
			return view, err
		}
		select {
		case <-changed:
		case <-over.C:
			return view, nil
		case <-d.ended:
			return view, errStopped
		case <-ctx.Done():
			return view, cocoon.Unreachable.Errorf("the question was given up: %w", ctx.Err())
		}
	}
}

// grantRequest is a grant for one run of a worker.
type grantRequest struct {
	Worker bus.ID    `json:"worker"`
	Boot   bus.Boot  `json:"boot"`
	Grant  bus.Grant `json:"grant"`
}

func (d *Dispatcher) serveGrant(w http.ResponseWriter, r *http.Request) error {
	row, err := d.owned(r)
	if err != nil {
		return err
	}
	var g grantRequest
	if err = read(w, r, &g); err != nil {
		return err
	}
	if err = g.Grant.Validate(); err != nil {
		return err
	}
	if g.Grant.Job != row.account() {
		return cocoon.Invalid.Errorf("the grant is for job %s", g.Grant.Job)
	}
	if err = d.desks.of(row.account()).take(g.Grant, g.Worker, g.Boot); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
