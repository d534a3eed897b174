//go:build cgo && emulator && linux && amd64

package differential

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet/differential/reference"
)

// compare lets a world live in both executors until n transactions were compared.
func compare(t *testing.T, r *rules, n int) tally {
	emulator, err := reference.New(r.config, r.libraries)
	require.NoError(t, err)
	defer emulator.Close()
	w, err := newWorld(r, *seed)
	require.NoError(t, err)
	seen := newTally()
	unknown := 0
	for seen.transactions < n {
		s := w.next()
		ours, result := r.run(s)
		if s.message == nil && kills(ours.actions) {
			seen.known["not run"]++
			continue
		}
		theirs, err := runReference(emulator, s)
		require.NoError(t, err)
		seen.note(theirs)
		if ours.equal(theirs) {
			if result != nil {
				w.keep(s, result)
			}
			continue
		}
		known, err := r.explainStep(s, ours, theirs)
		if err != nil {
			name := fmt.Sprintf("v%d-%d-%d", r.version, *seed, s.lt)
			require.NoError(t, record(r, s, fmt.Sprintf("found by seed %d", *seed), "", ours, theirs).save(name))
			t.Errorf("%v: %s: written to %s", err, difference(ours, theirs), name)
			unknown++
			require.Less(t, unknown, 10, "enough")
		}
		seen.known[known]++
		seen.keep(known, record(r, s, "an example of "+known, known, ours, theirs))
		if result != nil {
			w.keep(s, result)
		}
		if theirs.tx != nil {
			require.NoError(t, w.adopt(s, theirs.account))
		}
	}
	return seen
}

func runReference(e *reference.Emulator, s *step) (outcome, error) {
	at := reference.Moment{Now: s.now, LT: s.lt, Seed: s.seed}
	account := s.account.account.ShardAccountCell()
	var r reference.Result
	var err error
	if s.message == nil {
		r, err = e.TickTock(account, s.tock, at)
	} else {
		r, err = e.Transaction(account, s.message, at)
	}
	return outcome{tx: r.Transaction, account: r.Account, refusal: r.Refusal, exit: r.ExitCode}, err
}

// equal tells whether two executors agree. Their words may differ.
func (o outcome) equal(p outcome) bool {
	switch {
	case (o.tx == nil) != (p.tx == nil):
		return false
	case o.tx != nil:
		return o.tx.HashKey() == p.tx.HashKey() && o.account.HashKey() == p.account.HashKey()
	case o.exit != nil && p.exit != nil:
		return *o.exit == *p.exit
	}
	return true
}

// adopt goes on with the account as the reference left it.
func (w *world) adopt(s *step, account *cell.Cell) (err error) {
	w.lanes[s.at.StringRaw()], err = open(account, s.at)
	w.refound(s.at)
	return err
}

// kills tells whether the emulator would end the process, were it to run the list
// in a tick or a tock: it asks after the coin of a message that is not there.
func kills(list *cell.Cell) bool {
	for _, node := range nodes(list) {
		s := node.MustBeginParse()
		if s.BitsLeft() < 40 {
			continue
		}
		switch tag, mode := s.MustLoadUInt(32), s.MustLoadUInt(8); tag {
		case 0x0ec3c86d:
			if mode&64 != 0 {
				return true
			}
		case 0x36e6b809:
			if mode&4 != 0 {
				return true
			}
		}
	}
	return false
}
