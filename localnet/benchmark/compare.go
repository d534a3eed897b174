package main

import (
	"errors"
	"fmt"
	"time"
)

// side is an executor and how many transfers a turn of it makes: the slow ones
// make fewer, so that turns take about as long.
type side struct {
	name      string
	open      func(*transfers) (executor, error)
	transfers int
}

var sides = []side{
	{"localnet's executor", newBare, 3000},
	{"tongo's emulator", newTongo, 1000},
	{"@ton/sandbox", newSandbox, 200},
}

// measureExecutors compares transactions per second, and wants the same hashes
// of all. Of the two wallets the one where we lead by less counts.
func measureExecutors(f *figures, rounds int) error {
	for _, version := range []string{"v4r2", "v5r1"} {
		t, err := newTransfers(version, sides[0].transfers, uint32(time.Now().Unix()))
		if err != nil {
			return fmt.Errorf("sign transfers of %s wallets: %w", version, err)
		}
		rates, err := race(t, rounds)
		if err != nil {
			return fmt.Errorf("%s wallets: %w", version, err)
		}
		f.VsTongoEmulator = least(f.VsTongoEmulator, rates[0], rates[1])
		f.VsTonSandbox = least(f.VsTonSandbox, rates[0], rates[2])
	}
	return nil
}

// least is the smaller of a ratio there was and a new one.
func least(old *float64, ours, theirs []float64) *float64 {
	if theirs == nil {
		return nil
	}
	ratio := median(ours) / median(theirs)
	if old != nil {
		ratio = min(ratio, *old)
	}
	return &ratio
}

// race runs the sides in turns and returns transactions per second of each; nil
// for a side that is not here.
func race(t *transfers, rounds int) (rates [3][]float64, err error) {
	var running [3]executor
	for i, s := range sides {
		e, err := s.open(t)
		if err != nil {
			note("%s is left out: %v", s.name, err)
			continue
		}
		running[i] = e
		defer func() { err = errors.Join(err, e.close()) }()
	}
	if err = agree(running); err != nil {
		return rates, err
	}
	for range rounds {
		for i, e := range running {
			if e == nil {
				continue
			}
			l, err := e.run(sides[i].transfers)
			if err != nil {
				return rates, fmt.Errorf("%s: %w", sides[i].name, err)
			}
			rates[i] = append(rates[i], l.rate(sides[i].transfers))
		}
	}
	for i, s := range sides {
		if rates[i] != nil {
			note("%s, %s wallets: %.0f transactions a second", s.name, t.Version, median(rates[i]))
		}
	}
	return rates, nil
}

// agree wants the same last hash of all sides over the same transfers, and is
// also what warms them up.
func agree(running [3]executor) error {
	n := sides[len(sides)-1].transfers
	want := ""
	for i, e := range running {
		if e == nil {
			continue
		}
		l, err := e.run(n)
		if err != nil {
			return fmt.Errorf("%s: %w", sides[i].name, err)
		}
		if want == "" {
			want = l.hash
		}
		if l.hash != want {
			return fmt.Errorf("%s: transaction %d is %s, not %s", sides[i].name, 2*n, l.hash, want)
		}
	}
	return nil
}
