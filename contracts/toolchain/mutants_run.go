package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/contracts/mutate"
	"github.com/cocoon-network/cocoon/internal/funcc"
)

// candidate is a mutant that compiles, to something else than ours and than
// those before it.
type candidate struct {
	mutate.Mutant
	changed []contracts.Artifact
}

// verdict is which test noticed a mutant, "" where none did.
type verdict struct {
	mutate.Mutant
	by string
}

// choose compiles mutants, in order, until there are enough.
func (m *mutants) choose(ctx context.Context) (chosen []candidate, err error) {
	seen := map[string]bool{}
	for batch := range slices.Chunk(m.all(), 16) {
		compiled, err := m.compileAll(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, c := range compiled {
			if key := c.key(); len(c.changed) > 0 && !m.grew(c.changed) && !seen[key] && (m.n == 0 || len(chosen) < m.n) {
				seen[key] = true
				chosen = append(chosen, c)
			}
		}
		say(m.log, fmt.Sprintf("%d mutants compile", len(chosen)))
		if m.n > 0 && len(chosen) == m.n {
			break
		}
	}
	return chosen, nil
}

// key is what c is compiled to.
func (c candidate) key() (key string) {
	for _, a := range c.changed {
		key += a.Name + a.CodeHash
	}
	return key
}

// compileAll compiles mutants side by side; those that are no FunC come back
// with nothing changed.
func (m *mutants) compileAll(ctx context.Context, list []mutate.Mutant) ([]candidate, error) {
	done, failed := make([]candidate, len(list)), make([]error, len(list))
	m.each(len(list), func(i int) {
		done[i].Mutant = list[i]
		var refused *funcc.SourceError
		changed, err := m.with(ctx, list[i].File, list[i].Text)
		if err != nil && !errors.As(err, &refused) {
			failed[i] = fmt.Errorf("compile %s: %w", list[i].ID(), err)
		}
		done[i].changed = changed
	})
	return done, errors.Join(failed...)
}

// face puts every mutant before the suite.
func (m *mutants) face(ctx context.Context, list []candidate) ([]verdict, error) {
	done, failed := make([]verdict, len(list)), make([]error, len(list))
	var lock sync.Mutex
	finished, survived := 0, 0
	m.each(len(list), func(i int) {
		by, err := m.judge(ctx, list[i])
		done[i], failed[i] = verdict{list[i].Mutant, by}, err
		lock.Lock()
		defer lock.Unlock()
		finished++
		if by == "" {
			survived++
			by = "nobody"
		}
		say(m.log, fmt.Sprintf("%d of %d, %d survived: %s noticed by %s", finished, len(list), survived, list[i].ID(), by))
	})
	return done, errors.Join(failed...)
}

// judge asks the tests of the contract first, which are quick, and all others
// only where those noticed nothing.
func (m *mutants) judge(ctx context.Context, c candidate) (by string, err error) {
	for _, s := range []selection{testsOf(c.changed), everything} {
		if by, _, err = m.suite.noticed(ctx, m.among(c.changed), s); err != nil || by != "" {
			return by, err
		}
	}
	return "", nil
}

// each calls f for every number below n, a few at a time.
func (m *mutants) each(n int, f func(i int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, max(1, min(m.at, runtime.GOMAXPROCS(0))))
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	all.Wait()
}
