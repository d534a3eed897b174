package sandboxtests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// search looks for profit: all phrases after the most promising histories, as deep as it is
// told. Half of those that it goes on with are the richest, the others are drawn by lot, since
// an attack that pays in the end may cost something first.
type search struct {
	depth, width int
	lots         *rand.Rand
	enough       int64 // profit at which it may stop
	seen         map[string]bool
	best         finding
	tried        int
}

// finding is a history and what it brings.
type finding struct {
	*duel
	profit, loss int64
}

func newSearch(p *plot, enough int64) *search {
	return &search{depth: p.depth, width: p.width, lots: rand.New(rand.NewPCG(1, 2)), enough: enough, seen: map[string]bool{}}
}

// from is the most profitable history that it finds.
func (s *search) from(start *duel) finding {
	first := s.valued(start)
	s.best = first
	for level, depth := []finding{first}, 0; depth < s.depth && s.best.profit <= s.enough; depth++ {
		level = s.keep(s.after(level))
	}
	return s.best
}

// after are the histories one phrase longer.
func (s *search) after(level []finding) (next []finding) {
	for _, f := range level {
		for _, phrase := range f.phrases() {
			d := f.fork()
			if !d.speak(phrase) || s.seen[d.state()] {
				continue
			}
			s.seen[d.state()] = true
			v := s.valued(d)
			if v.profit > s.best.profit {
				s.best = v
			}
			if next = append(next, v); s.best.profit > s.enough {
				return next
			}
		}
	}
	return next
}

func (s *search) valued(d *duel) finding {
	s.tried++
	f := finding{duel: d}
	if !d.quietly(func() { f.profit, f.loss = d.profit() }) {
		f.profit = -1 << 62
	}
	return f
}

// keep chooses the histories to go on with: the richest of every shape come first, half of the places are drawn by lot.
func (s *search) keep(all []finding) []finding {
	slices.SortStableFunc(all, func(x, y finding) int {
		return cmp.Or(cmp.Compare(y.profit, x.profit), cmp.Compare(len(x.did), len(y.did)))
	})
	seen := map[string]bool{}
	var first, rest []finding
	for _, f := range all {
		if shape := f.shape(); !seen[shape] {
			seen[shape] = true
			first = append(first, f)
		} else {
			rest = append(rest, f)
		}
	}
	all = slices.Concat(first, rest)
	if len(all) <= s.width {
		return all
	}
	rest = all[s.width/2:]
	s.lots.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	return all[:s.width]
}

// speak does a phrase and reports whether each of its moves could be done.
func (d *duel) speak(phrase []move) (agreed bool) {
	return d.quietly(func() {
		agreed = true
		for _, m := range phrase {
			if agreed = d.act(m); !agreed {
				return
			}
		}
	}) && agreed
}

// quietly reports whether f came to its end: a flawed contract may do what the tests' world does not know.
func (d *duel) quietly(f func()) (ended bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(gaveUp); !ok {
				panic(r)
			}
		}
	}()
	f()
	return true
}

// phrases are what the adversary may do now: its moves, and waiting for whatever comes next.
func (d *duel) phrases() [][]move {
	all := d.plan.moves(d)
	for _, t := range d.times() {
		if t > d.now {
			all = append(all, []move{{Do: "wait", Wait: int(t - d.now)}})
		}
	}
	return all
}

// state tells histories apart that go on differently.
func (d *duel) state() string {
	var s strings.Builder
	for _, name := range slices.Sorted(d.involved()) {
		a := d.places[name]
		fmt.Fprint(&s, name, d.known[a].hash, d.balance(a), "|")
	}
	fmt.Fprint(&s, d.now, d.facts, len(d.letters), d.wealth(d.plan.coalition, nil))
	return s.String()
}

// text is the history as somebody could read it.
func text(moves []move) string {
	lines := make([]string, len(moves))
	for i, m := range moves {
		line, _ := json.Marshal(m)
		lines[i] = string(line)
	}
	return strings.Join(lines, "\n")
}

// words is the history in brief.
func words(moves []move) string {
	var all []string
	for _, m := range moves {
		w := m.Do
		if m.Do == "wait" {
			w = fmt.Sprintf("wait %ds", m.Wait)
		}
		all = append(all, w)
	}
	return strings.Join(all, ", ")
}
