package worker_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/wrappers"
)

// ledger is a chain of which the test is the only author.
type ledger struct {
	mu       sync.Mutex
	now      uint32
	changed  chan struct{}
	standing worker.Standing
	jobs     map[cocoon.Account]wrappers.Job
	broken   map[cocoon.Account]error
	outside  chan bus.Deliver // deliveries sent without the dispatcher
	silent   int              // answers that still fail

	dispatchers map[cocoon.Account]answer.Dispatcher
}

const birthTime = 1_700_000_000

func newLedger() *ledger {
	return &ledger{now: birthTime, changed: make(chan struct{}), jobs: map[cocoon.Account]wrappers.Job{},
		broken: map[cocoon.Account]error{}, outside: make(chan bus.Deliver, 16)}
}

// change edits the chain's state and makes a block of it.
func (l *ledger) change(edit func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	edit()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *ledger) set(a cocoon.Account, edit func(*wrappers.Job)) {
	l.change(func() {
		j := l.jobs[a]
		edit(&j)
		l.jobs[a] = j
	})
}

func (l *ledger) pass(seconds uint32) { l.change(func() { l.now += seconds }) }

// bind accepts the job for the market's worker, as its accept order does on chain.
func (l *ledger) bind(a cocoon.Account, provider cocoon.Account, w bus.ID) {
	l.set(a, func(j *wrappers.Job) {
		j.Phase, j.Until = wrappers.JobAccepted, l.now+j.Offer.Money.Work
		j.Bound = &wrappers.Bound{Provider: provider, Worker: w, Bond: j.Offer.Money.MinBond}
	})
}

func (l *ledger) deliver(t *testing.T, d bus.Deliver) {
	t.Helper()
	delivery, err := wrappers.Decode[wrappers.Delivery](d.Delivery.Cell)
	require.NoError(t, err)
	l.set(d.Job, func(j *wrappers.Job) {
		j.Phase, j.Until, j.Result = wrappers.JobDelivered, l.now+j.Offer.Money.Review, &delivery
	})
}

func (l *ledger) close(a cocoon.Account) {
	l.set(a, func(j *wrappers.Job) { j.Phase = wrappers.JobClosed })
}

func (l *ledger) Standing(context.Context, cocoon.Account, bus.ID) (worker.Standing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silent > 0 {
		l.silent--
		return worker.Standing{}, cocoon.Unreachable.Errorf("no liteserver answers")
	}
	return l.standing, nil
}

func (l *ledger) Job(_ context.Context, a cocoon.Account) (worker.Job, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j, ok := l.jobs[a]
	switch {
	case l.broken[a] != nil:
		return worker.Job{}, l.broken[a]
	case !ok:
		return worker.Job{}, cocoon.NotFound.Errorf("there is no job at %s", a)
	}
	return worker.Job{Account: a, Now: l.now, Job: j}, nil
}

func (l *ledger) WaitJob(ctx context.Context, a cocoon.Account, enough func(worker.Job) bool) (worker.Job, error) {
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		j, err := l.Job(ctx, a)
		if err == nil && enough(j) || err != nil && cocoon.KindOf(err) != cocoon.NotFound {
			return j, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return worker.Job{}, ctx.Err()
		}
	}
}

func (l *ledger) Dispatcher(_ context.Context, a cocoon.Account) (answer.Dispatcher, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.dispatchers[a]
	if !ok {
		return d, cocoon.Invalid.Errorf("there is no rewards contract at %s", a)
	}
	return d, nil
}

func (l *ledger) Deliver(_ context.Context, _ cocoon.Account, d bus.Deliver) error {
	select {
	case l.outside <- d:
	default: // said before
	}
	return nil
}
