package engine

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// plan is how one request breaks.
type plan struct {
	status      int // 0: it does not fail at once
	retry       time.Duration
	stalls      stalls
	cut, err    int // tokens; never where negative
	noDone      bool
	extra       int // completion tokens that usage counts too many
	noUsage     bool
	split, crlf bool
	comments    bool
	garbage     bool
	huge        int // bytes
}

// plan of the n-th request. It does not depend on how requests overlap.
func (e *Engine) plan(n uint64) plan {
	p := plan{cut: -1, err: -1, stalls: stalls{hang: -1}}
	r := rand.New(rand.NewPCG(e.cfg.Seed, n))
	for _, f := range e.cfg.Faults {
		by := r.Float64() // drawn for each, so that one fault does not move another
		if f.Nth == n || f.Nth == 0 && (f.Chance == 0 || by < f.Chance) {
			p.add(f)
		}
	}
	return p
}

func (p *plan) add(f Fault) {
	switch f.Kind {
	case "slow-first":
		p.stalls.first = f.Wait
	case "slow-steps":
		p.stalls.each = f.Wait
	case "429", "500", "503":
		p.status, _ = strconv.Atoi(f.Kind) // it is a number
		p.retry = f.Wait
	case "cut":
		p.cut = f.Count
	case "error":
		p.err = f.Count
	case "hang":
		p.stalls.hang = f.Count
	case "no-done":
		p.noDone = true
	case "usage-over":
		p.extra = f.Count
	case "usage-under":
		p.extra = -f.Count
	case "usage-missing":
		p.noUsage = true
	case "sse-split":
		p.split = true
	case "sse-crlf":
		p.crlf = true
	case "sse-comments":
		p.comments = true
	case "sse-garbage":
		p.garbage = true
	case "sse-huge":
		p.huge = f.Count
	}
}

// bend makes a count as wrong as p wants it. It is nil where p wants none.
func (p plan) bend(u usage) *usage {
	if p.noUsage {
		return nil
	}
	u.Completion = max(u.Completion+p.extra, 0)
	u.CompletionOf.Reasoning = min(u.CompletionOf.Reasoning, u.Completion)
	u.Total = u.Prompt + u.Completion
	return &u
}
