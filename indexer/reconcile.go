package indexer

import (
	"context"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Reconciliation is what the audits that Run makes on its own have found.
type Reconciliation struct {
	Audits     uint64 `json:"audits"`     // that came to an end
	Failed     uint64 `json:"failed"`     // that did not, because no liteserver told the state or the database did not answer
	Mismatches uint64 `json:"mismatches"` // of all audits together; 0 for ever where nothing is wrong
	Last       *Audit `json:"last"`       // null before the first
	Error      string `json:"error"`      // why the newest attempt failed, else ""
}

// Audit is one comparison of the tables with the chain.
type Audit struct {
	Seqno       uint32       `json:"mc_seqno"`
	Time        uint32       `json:"time"` // of that block, unix seconds
	Contracts   int          `json:"contracts"`
	Differences []Difference `json:"differences"` // at most maxDifferences of them
	Mismatches  int          `json:"mismatches"`  // all of them
}

// maxDifferences is how many of an audit are told; one broken rule makes as
// many as there are contracts.
const maxDifferences = 20

// reconciler keeps the result for whoever asks meanwhile.
type reconciler struct {
	mu     sync.Mutex
	result Reconciliation
}

// Reconciliation is what the audits have found so far.
func (x *Indexer) Reconciliation() Reconciliation {
	x.reconciler.mu.Lock()
	defer x.reconciler.mu.Unlock()
	return x.reconciler.result
}

// auditing audits on its schedule until the function it returns is called, which
// waits for an audit under way to end.
func (x *Indexer) auditing(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.reconcile(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func (x *Indexer) reconcile(ctx context.Context) {
	if x.cfg.AuditEvery <= 0 {
		return
	}
	t := time.NewTicker(x.cfg.AuditEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			x.auditNow(ctx)
		}
	}
}

// auditNow audits once and counts what differs. A chain that does not answer is
// no difference, and what differs stops nobody: it is for people to look at.
func (x *Indexer) auditNow(ctx context.Context) {
	a, err := x.runAudit(ctx)
	done := Audit{a.seqno, a.time, a.contracts, append([]Difference{}, a.found[:min(len(a.found), maxDifferences)]...), len(a.found)}
	if ctx.Err() != nil {
		return
	}
	x.reconciler.mu.Lock()
	defer x.reconciler.mu.Unlock()
	r := &x.reconciler.result
	if err != nil {
		if r.Failed, r.Error = r.Failed+1, err.Error(); cocoon.KindOf(err) == cocoon.Internal {
			r.Error = "the indexer's log says why" // everybody may read the status
		}
		x.log.Warn("audit failed", "err", err)
		return
	}
	r.Audits, r.Error, r.Last = r.Audits+1, "", &done
	r.Mismatches += uint64(done.Mismatches)
	for _, d := range done.Differences {
		x.log.Error("the tables differ from the chain", "seqno", done.Seqno, "contract", d.Account, "kind", d.Kind, "what", d.What, "indexed", d.Indexed, "proven", d.Proven)
	}
	if done.Mismatches > 0 {
		x.log.Error("audit found mismatches", "seqno", done.Seqno, "mismatches", done.Mismatches)
	}
}
