package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Attend stays with a job until its result is here: it announces the job again
// where the dispatcher forgot it, brings the payload, grants the key, waits for
// the delivery and opens the result. It may be stopped and called again at any
// time. A job that ends without a delivery is Conflict; its money is back.
func (c *Client) Attend(ctx context.Context, job cocoon.Account) (Result, error) {
	if err := c.begin(job); err != nil {
		return Result{}, err
	}
	defer c.end(job)
	s, err := c.vault.load(job)
	if err != nil {
		return Result{}, err
	}
	if err = c.untilOpen(ctx, s); err != nil {
		return Result{}, err
	}
	for {
		r, done, err := c.advance(ctx, s)
		if done || ctx.Err() != nil {
			return r, errors.Join(ctx.Err(), err)
		}
		if err != nil {
			c.log.Warn("attending to a job", "job", job, "error", err)
			if err = pause(ctx, c.cfg.Retry); err != nil {
				return Result{}, err
			}
		}
	}
}

// advance does what the job's phase asks for. An error without done is worth
// another try.
func (c *Client) advance(ctx context.Context, s *secrets) (r Result, done bool, err error) {
	j, err := c.Status(ctx, s.job)
	if err != nil {
		return r, cocoon.KindOf(err) != cocoon.Unreachable, err
	}
	if j.Phase == wrappers.JobOpen {
		err = c.serve(ctx, s, j)
		return r, err != nil && !retryable(err), err
	}
	r, err = c.collect(ctx, s)
	return r, cocoon.KindOf(err) != cocoon.Unreachable, err
}

// begin makes sure that one job is attended to once: two grants at a time could
// go to two workers.
func (c *Client) begin(job cocoon.Account) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[job] {
		return cocoon.Conflict.Errorf("job %s is attended to already", job)
	}
	c.busy[job] = true
	return nil
}

func (c *Client) end(job cocoon.Account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, job)
}

// untilOpen waits for the job to appear on chain. One that does not was never
// paid for: the client was stopped before it sent the money.
func (c *Client) untilOpen(ctx context.Context, s *secrets) error {
	waiting, stop := context.WithTimeout(ctx, c.cfg.OpenTime)
	defer stop()
	j, err := c.deps.Chain.WaitJob(waiting, s.job, func(j Job) bool {
		return j.Phase != wrappers.JobInert || j.Now >= s.offer.Money.AcceptBy
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if waiting.Err() != nil || err == nil && j.Phase == wrappers.JobInert {
		return cocoon.WithHint(cocoon.NotFound.Errorf("job %s was never opened, and nothing was paid for it", s.job), "submit the batch again")
	}
	return err
}

// serve does for an open job what the dispatcher waits for.
func (c *Client) serve(ctx context.Context, s *secrets, j Job) error {
	if j.Now >= s.offer.Money.AcceptBy {
		return c.untilChanged(ctx, s.job, wrappers.JobOpen) // until anyone expires it
	}
	v, err := c.desk.register(ctx, s)
	if err != nil {
		return err
	}
	if !v.Uploaded {
		payload, err := c.vault.payload(s.job)
		if err != nil {
			return err
		}
		if err = c.desk.upload(ctx, s, payload); err != nil {
			return err
		}
	}
	if v, err = c.desk.intent(ctx, s); err != nil {
		return err
	}
	if v.Intent == nil {
		return nil
	}
	return c.grant(ctx, s, v)
}

// untilChanged returns when the job is in another phase than that.
func (c *Client) untilChanged(ctx context.Context, job cocoon.Account, phase wrappers.JobPhase) error {
	_, err := c.deps.Chain.WaitJob(ctx, job, func(j Job) bool { return j.Phase != phase })
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Approve pays what was delivered, before the review is over. Look at the
// result first: nothing brings the money back afterwards.
func (c *Client) Approve(ctx context.Context, job cocoon.Account) error {
	body, err := wrappers.Cell(wrappers.Approve{})
	if err != nil {
		return err
	}
	return c.order(ctx, job, wrappers.JobDelivered, body, func(_ wrappers.JobOffer, f wrappers.JobFees) (cocoon.Nano, error) { return f.Approve, nil })
}

// Dispute keeps a delivery from being paid as it stands, before the review is
// over. The arbiter of the offer rules on it, and whoever loses pays it the
// deposit; where the offer names none, its default is paid at once.
func (c *Client) Dispute(ctx context.Context, job cocoon.Account) error {
	body, err := wrappers.Cell(wrappers.Dispute{})
	if err != nil {
		return err
	}
	return c.order(ctx, job, wrappers.JobDelivered, body, func(o wrappers.JobOffer, f wrappers.JobFees) (cocoon.Nano, error) {
		if o.Money.Arbiter.IsZero() {
			return f.Dispute, nil
		}
		return o.Money.Deposit.Add(f.Dispute)
	})
}

// Cancel takes the escrow of a job back that nobody has accepted.
func (c *Client) Cancel(ctx context.Context, job cocoon.Account) error {
	body, err := wrappers.Cell(wrappers.Cancel{})
	if err != nil {
		return err
	}
	return c.order(ctx, job, wrappers.JobOpen, body, func(_ wrappers.JobOffer, f wrappers.JobFees) (cocoon.Nano, error) { return f.Cancel, nil })
}

// order sends one of the client's own operations and waits until the job has
// left the phase that it is for.
func (c *Client) order(ctx context.Context, job cocoon.Account, phase wrappers.JobPhase, body *cell.Cell,
	value func(wrappers.JobOffer, wrappers.JobFees) (cocoon.Nano, error)) error {
	j, err := c.Status(ctx, job)
	if err != nil {
		return err
	}
	if j.Phase != phase {
		return cocoon.Conflict.Errorf("job %s is %s, not %s", job, j.Phase, phase)
	}
	if j.Offer.Client != c.deps.Sender.Account() {
		return cocoon.Forbidden.Errorf("job %s belongs to %s", job, j.Offer.Client)
	}
	fees, err := c.deps.Chain.Fees(ctx, j.Offer)
	if err != nil {
		return err
	}
	amount, err := value(j.Offer, fees)
	if err != nil {
		return fmt.Errorf("job %s: %w", job, err)
	}
	if _, err = c.deps.Sender.Send(ctx, chain.Message{To: job, Amount: amount, Bounce: true, Body: body}); err != nil {
		return fmt.Errorf("job %s: %w", job, err)
	}
	return c.untilChanged(ctx, job, phase)
}
