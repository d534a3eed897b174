package mutate

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// Shuffle orders mutants so that any beginning of them takes evenly from every
// file and every operator. Equal seeds give equal orders.
func Shuffle(all []Mutant, seed uint64) []Mutant {
	groups := map[[2]string][]Mutant{}
	var names [][2]string
	for _, m := range all {
		name := [2]string{m.File, m.Operator}
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], m)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		shuffle(groups[name], seed)
	}
	order := make([]Mutant, 0, len(all))
	for round := 0; len(order) < len(all); round++ {
		for _, name := range names {
			if g := groups[name]; round < len(g) {
				order = append(order, g[round])
			}
		}
	}
	return order
}

// shuffle orders a group by what each mutant is, so that a change elsewhere in
// the sources leaves the others in their places.
func shuffle(group []Mutant, seed uint64) {
	slices.SortStableFunc(group, func(a, b Mutant) int {
		x, y := a.rank(seed), b.rank(seed)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

func (m Mutant) rank(seed uint64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(m.In + "\x00" + m.Operator + "\x00" + m.Was + "\x00" + m.Is))
	return rand.New(rand.NewPCG(seed, h.Sum64())).Uint64()
}
