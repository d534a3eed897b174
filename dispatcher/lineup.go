package dispatcher

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
)

// lineup is who could answer requests of one kind. It is drawn from for as long as
// that stays true: to look at all workers for each request that thousands of them
// could answer takes longer than the request.
type lineup struct {
	seats []*seat   // those of a provider next to each other
	teams []span    // of each of them, where those of its provider are
	until time.Time // when one of them falls silent, or another has rested
	asked time.Time // last
}

// kind is what a lineup is for.
type kind struct {
	model cocoon.ModelID
	caps  cocoon.Price
}

const maxLineups = 256

// Known tells whether candidates of a kind were asked for before.
func (r *roster) Known(m cocoon.ModelID, caps cocoon.Price) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.lineups[kind{m, caps}]
	return known
}

// lineup is the present one of a kind. That which nobody asked for the longest makes
// room: one that is asked for all the time stays, whatever others ask for.
func (r *roster) lineup(m cocoon.ModelID, caps cocoon.Price) *lineup {
	now, k := r.now(), kind{m, caps}
	f, known := r.lineups[k]
	if !known || !now.Before(f.until) {
		if !known && len(r.lineups) >= maxLineups {
			r.forgetOne()
		}
		f = r.streaming(k, now)
		r.lineups[k] = f
	}
	f.asked = now
	return f
}

// forgetOne drops the lineup that nobody asked for the longest.
func (r *roster) forgetOne() {
	var oldest kind
	var at time.Time
	for k, f := range r.lineups {
		if at.IsZero() || f.asked.Before(at) {
			oldest, at = k, f.asked
		}
	}
	delete(r.lineups, oldest)
}

// streaming are the seats that could answer requests of a kind now.
func (r *roster) streaming(k kind, now time.Time) *lineup {
	f := &lineup{until: now.Add(r.timeout)}
	for _, s := range r.seats {
		if !slices.Contains(s.beat.Models, k.model) || !r.up(s, now) {
			continue // a word of it changes that
		}
		f.until = earlier(f.until, s.beatAt.Add(r.timeout))
		if now.Before(s.rests) {
			f.until = earlier(f.until, s.rests)
		}
		if r.answers(s, k.model, k.caps, now) {
			f.seats = append(f.seats, s)
		}
	}
	slices.SortStableFunc(f.seats, func(a, b *seat) int { return bytes.Compare(a.record.Provider[:], b.record.Provider[:]) })
	for i := 0; i < len(f.seats); {
		team := span{i, i}
		for team.to < len(f.seats) && f.seats[team.to].record.Provider == f.seats[i].record.Provider {
			team.to++
		}
		for ; i < team.to; i++ {
			f.teams = append(f.teams, team)
		}
	}
	return f
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// changed ends the lineups that s may be in, or may now belong to.
func (r *roster) changed(s *seat) {
	for k, f := range r.lineups {
		if slices.Contains(s.beat.Models, k.model) {
			f.end()
		}
	}
}

// end has it made again when somebody asks.
func (f *lineup) end() { f.seats, f.teams, f.until = nil, nil, time.Time{} }

// span are neighbouring places of a lineup.
type span struct{ from, to int }

// spans are some of them, ascending, none within another.
type spans []span

// with adds one, unless it is there.
func (s spans) with(one span) spans {
	i, found := slices.BinarySearchFunc(s, one, func(a, b span) int { return a.from - b.from })
	if found {
		return s
	}
	return slices.Insert(s, i, one)
}

// size is how many places they are.
func (s spans) size() (n int) {
	for _, one := range s {
		n += one.to - one.from
	}
	return n
}

// other is a place of n that is in none of them, each as likely. There has to be one.
func (s spans) other(n int, random *rand.Rand) int {
	i := random.IntN(n - s.size())
	for _, one := range s {
		if i < one.from {
			break
		}
		i += one.to - one.from
	}
	return i
}
