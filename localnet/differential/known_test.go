package differential

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
)

// pair is what two executors made of the same step.
type pair struct {
	rules        *rules
	step         *step
	ours, theirs aspect
	rest         map[string]string // differing fields that nothing has explained yet
}

// aspect is a transaction as the differences look at it.
type aspect struct {
	outcome
	compute   tlb.ComputePhase
	action    *tlb.ActionPhase
	destroyed bool
}

func aspectOf(o outcome) (aspect, error) {
	var tx tlb.Transaction
	if err := tlb.Parse(&tx, o.tx); err != nil {
		return aspect{}, err
	}
	switch d := tx.Description.(type) {
	case tlb.TransactionDescriptionOrdinary:
		return aspect{o, d.ComputePhase, d.ActionPhase, d.Destroyed}, nil
	case tlb.TransactionDescriptionTickTock:
		return aspect{o, d.ComputePhase, d.ActionPhase, d.Destroyed}, nil
	}
	return aspect{}, fmt.Errorf("transaction %T", tx.Description)
}

// failed tells whether the actions were begun and undone.
func (a aspect) failed() bool { return a.action != nil && !a.action.Success }

var errUnknown = errors.New("the executors differ in a way that is not listed")

// known is a difference between the executors that is understood; README.md tells of each.
type known struct {
	name string
	// holds looks whether a pair differs in this way.
	holds func(*pair) bool
	// fields are those it is about, a star standing for any ending: all others must be equal.
	fields []string
}

const description = "tx.Description."

// explain names the listed differences between what we and the reference made
// of a step, or returns errUnknown: every field that differs must belong to one.
func explain(r *rules, s *step, ours, theirs outcome) (string, error) {
	if ours.tx == nil || theirs.tx == nil {
		return explainRefusals(r, s, ours, theirs)
	}
	a, err1 := aspectOf(ours)
	b, err2 := aspectOf(theirs)
	if err := errors.Join(err1, err2); err != nil {
		return "", fmt.Errorf("%w: %w", errUnknown, err)
	}
	p := &pair{r, s, a, b, difference(ours, theirs)}
	delete(p.rest, "tx.StateUpdate.NewHash") // a hash of fields that are compared
	var names []string
	for _, k := range differences {
		if before := len(p.rest); k.holds(p) {
			maps.DeleteFunc(p.rest, func(field, _ string) bool { return k.about(field) })
			if len(p.rest) < before {
				names = append(names, k.name)
			}
		}
	}
	if len(p.rest) > 0 || len(names) == 0 {
		return "", errUnknown
	}
	return strings.Join(names, "+"), nil
}

// explainRefusals: where neither made a transaction, exit codes may differ as
// they do of SENDMSG elsewhere.
func explainRefusals(r *rules, s *step, ours, theirs outcome) (string, error) {
	if ours.exit == nil || theirs.exit == nil || *theirs.exit != 9 && *theirs.exit != 11 || !slices.Contains(r.opcodes(s), sendMsg) {
		return "", errUnknown
	}
	return "sendmsg unread", nil
}

func (k known) about(field string) bool {
	for _, f := range k.fields {
		if start, open := strings.CutSuffix(f, "*"); f == field || open && strings.HasPrefix(field, start) {
			return true
		}
	}
	return false
}

func coins(c *tlb.Coins) *big.Int {
	if c == nil {
		return new(big.Int)
	}
	return c.Nano()
}
