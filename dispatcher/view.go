package dispatcher

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
)

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
