package sandboxtests

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cocoon-network/cocoon/wrappers"
)

// involved are the contracts of a plot: those that count as somebody's, and what came to be since.
func (d *duel) involved() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range slices.Concat(d.plan.stock, d.plan.theirs, d.plan.scene, d.epochs) {
			if _, there := d.places[name]; there && !yield(name) {
				return
			}
		}
	}
}

// times are those worth waiting for: around the deadlines of every contract involved,
// and when somebody else is about to do something.
func (d *duel) times() (all []uint32) {
	for name := range d.involved() {
		for _, t := range deadlines(d.known[d.places[name]].state) {
			if t > d.now+1 {
				all = append(all, t-1, t, t+1)
			}
		}
	}
	if due, moves, _ := d.next(d.plan.duties); moves != nil && due >= d.now {
		all = append(all, max(due, d.now+1), due-1)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// deadlines are the times at which a contract's state changes what is allowed.
func deadlines(state any) (all []uint32) {
	switch is := state.(type) {
	case wrappers.Channel:
		return []uint32{is.ClosesAt, is.PreviousUntil}
	case wrappers.Job:
		return []uint32{is.Until}
	case wrappers.Epoch:
		return []uint32{is.Until}
	case wrappers.Rewards:
		return deadlinesOf(is.Tranches)
	case wrappers.Provider:
		all = deadlinesOf(is.Tranches)
		for _, w := range is.Workers {
			if is.Terms != nil && !w.Active() {
				all = append(all, w.RetiredAt+is.Terms.Unbonding)
			}
		}
		return all
	}
	return nil
}

func deadlinesOf(tranches []wrappers.Tranche) (all []uint32) {
	for _, t := range tranches {
		all = append(all, t.At)
	}
	return all
}

// shape is the state in outline: histories of one shape are rivals, of which few are kept.
func (d *duel) shape() string {
	var s strings.Builder
	fmt.Fprint(&s, d.facts.gained, d.facts.earned, len(d.facts.held), "|")
	for name := range d.involved() {
		switch is := d.known[d.places[name]].state.(type) {
		case wrappers.Channel:
			fmt.Fprint(&s, is.Closed, is.ClosesAt == 0, string(is.Key[:2]), "|")
		case wrappers.Job:
			fmt.Fprint(&s, is.Phase, "|")
		case wrappers.Epoch:
			if is.Opened != nil {
				fmt.Fprint(&s, is.Phase, string(is.Opened.Root[:4]), "|")
			}
		case wrappers.Rewards:
			fmt.Fprint(&s, is.Number, is.Attempt, is.Keys.NextFrom, len(is.Tranches), "|")
		case wrappers.Provider:
			fmt.Fprint(&s, is.GPUs, len(is.Workers), len(is.Tranches), is.Allowance, string(is.TermsHash[:2]), "|")
		}
	}
	return s.String()
}
