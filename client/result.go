package client

import (
	"context"
	"errors"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/wrappers"
)

// ErrOvercharged says that a worker asks more than its own token counts cost at
// the job's price caps.
var ErrOvercharged = errors.New("the delivery asks too much")

// Result is a job's answer, opened and checked.
type Result struct {
	Job      cocoon.Account
	Provider cocoon.Account
	Worker   bus.ID
	File     []byte // results in OpenAI's batch format, one line a request
	Answered int    // lines that succeeded; the others are not paid
	Lines    int
	Amount   cocoon.Nano  // asked for
	Usage    cocoon.Usage // of the lines that succeeded
}

// collect waits for the delivery of an accepted job, fetches its result and
// checks it against the hash on chain.
func (c *Client) collect(ctx context.Context, s *secrets) (Result, error) {
	j, err := c.deps.Chain.WaitJob(ctx, s.job, func(j Job) bool { return j.Phase >= wrappers.JobDelivered })
	if err != nil {
		return Result{}, err
	}
	if j.Result == nil && j.Bound == nil {
		return Result{}, cocoon.Conflict.Errorf("job %s was accepted by nobody; its money is back", s.job)
	}
	if j.Result == nil {
		return Result{}, cocoon.Conflict.Errorf("job %s was not delivered in time; its money is back, with the provider's bond of %s", s.job, j.Bound.Bond.Nano)
	}
	for {
		blob, err := c.desk.blob(ctx, j.Result.ResultHash)
		if err == nil && envelope.Hash(blob) != j.Result.ResultHash {
			err = cocoon.Unreachable.Errorf("the dispatcher sent another blob than the result %x", j.Result.ResultHash)
		}
		if err == nil {
			return c.open(s, j, blob)
		}
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		if !retryable(err) && cocoon.KindOf(err) != cocoon.NotFound { // it may be on its way still
			return Result{}, err
		}
		c.log.Warn("fetching a result", "job", s.job, "error", err)
		if err = pause(ctx, c.cfg.Retry); err != nil {
			return Result{}, err
		}
	}
}

// open decrypts a result and checks that it answers the batch, and what it costs.
// With ErrOvercharged the result is returned as well.
func (c *Client) open(s *secrets, j Job, blob []byte) (Result, error) {
	file, err := envelope.OpenResult(blob, s.job, s.result)
	if err != nil {
		return Result{}, err
	}
	payload, err := c.vault.payload(s.job)
	if err != nil {
		return Result{}, err
	}
	content, err := envelope.Open(payload, envelope.Key(s.BodyKey))
	if err != nil {
		return Result{}, err
	}
	batch, err := openai.ParseBatch(content)
	if err != nil {
		return Result{}, err
	}
	lines, err := batch.ParseResults(file)
	if err != nil {
		return Result{}, err
	}
	r := Result{Job: s.job, Provider: j.Bound.Provider, Worker: j.Bound.Worker, File: file, Lines: len(lines), Amount: j.Result.Amount.Nano, Usage: openai.TotalUsage(lines)}
	for _, l := range lines {
		if l.OK() {
			r.Answered++
		}
	}
	return r, r.fair(s.offer.Work.Caps.Price())
}

// fair checks the amount against the counts in the answers. The contract takes
// no delivery for nothing, so one nanoTON is always allowed.
func (r Result) fair(caps cocoon.Price) error {
	most, err := caps.Cost(r.Usage)
	if err != nil {
		return nil // beyond all there is
	}
	if most.IsZero() {
		most = cocoon.NanoOf(1)
	}
	if r.Amount.Cmp(most) > 0 {
		return cocoon.Conflict.Errorf("%w: %s for what costs %s at most", ErrOvercharged, r.Amount, most)
	}
	return nil
}
