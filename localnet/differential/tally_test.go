//go:build cgo && emulator && linux && amd64

package differential

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally is what a world has seen.
type tally struct {
	transactions, refusals int
	known, features        map[string]int
	examples               map[string]*regression // the smallest of each known difference
}

func newTally() tally {
	return tally{known: map[string]int{}, features: map[string]int{}, examples: map[string]*regression{}}
}

func (t *tally) note(o outcome) {
	if o.tx != nil {
		t.transactions++
	} else {
		t.refusals++
	}
	for _, f := range features(o) {
		t.features[f]++
	}
}

// keep remembers an example, if it is smaller than the one there was.
func (t *tally) keep(known string, r *regression) {
	if old := t.examples[known]; old == nil || r.size() < old.size() {
		t.examples[known] = r
	}
}

func (t *tally) add(other tally) {
	for known, r := range other.examples {
		t.keep(known, r)
	}
	t.transactions += other.transactions
	t.refusals += other.refusals
	for name, n := range other.known {
		t.known[name] += n
	}
	for name, n := range other.features {
		t.features[name] += n
	}
}

func (t tally) String() string {
	return fmt.Sprintf("%d transactions and %d refusals compared; known differences: %s", t.transactions, t.refusals, counts(t.known))
}

// listed tells whether the name is of one difference alone.
func listed(name string) bool {
	return slices.ContainsFunc(differences, func(k known) bool { return k.name == name })
}

func counts(m map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%s %d", name, m[name]))
	}
	return strings.Join(list, ", ")
}
