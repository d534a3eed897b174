package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// loss is the most that a party lost, or stood to, beside what it may.
type loss struct {
	Loss  cocoon.Nano `json:"max_loss"`
	Bound cocoon.Nano `json:"bound"`
}

// judge looks at the books of all parties, again and again.
type judge struct {
	*world
	ears   []*ear
	free   cocoon.Nano // of a dispute allowance
	most   cocoon.Nano // that one request may cost
	mu     sync.Mutex
	worst  map[string]loss
	p      map[cocoon.Account]cocoon.Nano   // the highest P of each channel
	credit map[*machine]cocoon.Nano         // the highest X_u
	used   map[cocoon.Account]cocoon.Nano   // U of each channel, by its client
	ever   []map[cocoon.Account]cocoon.Nano // min(cover, D) of the channels each dispatcher ever had
	robbed cocoon.Account                   // a channel whose cover was taken
	looked int
	peak   int // requests that were open under the channel of an honest client
}

func newJudge(w *world, ears []*ear, free, most cocoon.Nano) *judge {
	return &judge{world: w, ears: ears, free: free, most: most, worst: map[string]loss{}, p: map[cocoon.Account]cocoon.Nano{}, credit: map[*machine]cocoon.Nano{},
		used: map[cocoon.Account]cocoon.Nano{}, ever: []map[cocoon.Account]cocoon.Nano{{}, {}}}
}

func (j *judge) bounded(party string, lost, bound cocoon.Nano) {
	j.Helper()
	require.LessOrEqual(j, lost.Cmp(bound), 0, "%s loses %s of %s", party, lost, bound)
	j.mu.Lock()
	defer j.mu.Unlock()
	if w, ok := j.worst[party]; !ok || lost.Cmp(w.Loss) >= 0 {
		j.worst[party] = loss{lost, bound}
	}
}

// print says what everybody lost, one line a party, and all in one line in a file
// where one is named.
func (j *judge) print() {
	all := map[string]loss{}
	for party, l := range j.worst {
		line, err := json.Marshal(l)
		require.NoError(j, err)
		j.Logf("%s: %s", party, line)
		all[party] = l
	}
	if *out == "" {
		return
	}
	line, err := json.Marshal(all)
	require.NoError(j, err)
	require.NoError(j, os.WriteFile(*out, append(line, '\n'), 0o600))
}

func plus(a, b cocoon.Nano) cocoon.Nano {
	n, err := a.Add(b)
	if err != nil {
		panic(err) // no test has as much
	}
	return n
}

// look asserts (1) to (5) of all who are there. What only grows is asked of who
// follows last: workers of dispatchers, these of clients.
func (j *judge) look() {
	j.Helper()
	j.looked++
	for _, m := range j.machines {
		f, err := m.figures()
		require.NoError(j, err)
		for _, b := range f.Bills { // (4)
			j.credit[m] = j.credit[m].Max(b.Limit)
			slots, err := j.most.Mul(uint64(j.size.Concurrency))
			require.NoError(j, err)
			limit := plus(j.credit[m].Max(bound.Credit(cocoon.Nano{})), slots)
			j.bounded("worker, not acknowledged or not signed for (4)", plus(b.Owed, b.Unpromised), limit)
		}
	}
	held := j.claims()
	for i, h := range j.houses {
		f, err := h.figures()
		require.NoError(j, err)
		if f.Ledger != nil {
			j.lookAtHouse(i, *f.Ledger, held)
		}
	}
	seen := map[cocoon.Account]cocoon.Nano{}
	for _, e := range j.ears {
		e.seen(seen)
	}
	for i, a := range j.apps {
		f, err := a.figures()
		require.NoError(j, err)
		for rewards, c := range f.Channels {
			account := f.Accounts[rewards]
			j.p[account], j.used[account] = j.p[account].Max(c.Bound), c.Used
			require.LessOrEqual(j, plus(c.Used, c.Reserved).Cmp(c.Ceiling.Max(c.Used)), 0, "client %d: U + R <= ceiling: %+v", i, c)
			require.LessOrEqual(j, c.Ceiling.Cmp(c.Deposit.Max(c.Used)), 0, "client %d: ceiling <= D: %+v", i, c)
			j.bounded("client, signed and not used (2)", c.Ceiling.Minus(c.Used), j.p[account])
			if j.ears[0].manners[account] != contrary { // it has a twin, with a ceiling of its own
				require.LessOrEqual(j, seen[account].Cmp(c.Ceiling), 0, "client %d signs above its ceiling", i)
			}
		}
	}
}

// lookAtHouse asserts what a dispatcher's ledger keeps: one sits behind a hostile
// wire, its own books hold all the same.
func (j *judge) lookAtHouse(i int, f ledger.Figures, held map[claimed]cocoon.Nano) {
	j.Helper()
	for _, c := range f.Channels {
		if !c.Closed {
			require.LessOrEqual(j, plus(c.Agreed, c.Reserved).Cmp(c.Deposited), 0, "(1): %+v", c)
			require.LessOrEqual(j, plus(c.Agreed, c.Reserved).Cmp(c.Cover), 0, "(1): %+v", c)
		}
		if !j.cheats(c.Account) {
			j.peak = max(j.peak, c.Open)
		}
		require.LessOrEqual(j, c.Paid.Cmp(c.Agreed), 0, "(3): %+v", c)
		j.bounded("dispatcher, disputes of a channel (3)", c.Disputed, j.disputable(c.Agreed))
	}
	j.bounded("dispatcher, promised and not opened (5)", f.Earned, f.Backing)
	earned, covered := cocoon.Nano{}, cocoon.Nano{}
	for k, n := range held {
		if k.rewards == j.houses[i].rewards && (len(f.Claims) == 0 || k.number < f.Claims[0].Number) { // the ledger has forgotten them
			earned = plus(earned, n)
		}
	}
	for _, c := range f.Channels {
		j.ever[i][c.Account] = c.Cover.Min(c.Deposited)
	}
	for _, n := range j.ever[i] {
		covered = plus(covered, n)
	}
	for _, c := range f.Claims {
		earned = plus(earned, c.Earned)
	}
	covered = plus(covered, f.Disputes) // which the dispatcher funded
	j.bounded(fmt.Sprintf("dispatcher %d, all it ever signed (5)", i), earned, bound.Fees(j.rules.NetworkBps+200).Rest(covered))
	for _, c := range f.Claims {
		require.LessOrEqual(j, c.Earned.Cmp(c.Payable), 0, "(5): %+v", c)
		require.LessOrEqual(j, held[claimed{j.houses[i].rewards, c.Provider, c.Number}].Cmp(c.Earned), 0, "a signed receipt is durable first: %+v", c)
	}
}

// disputable is what a channel may cost its dispatcher that has agreed to so much: its
// allowance, a burst that was lent to it, and one request.
func (j *judge) disputable(agreed cocoon.Nano) cocoon.Nano {
	j.Helper()
	allowance, err := bound.Allowance(j.free, agreed)
	require.NoError(j, err)
	return plus(plus(allowance, bound.Burst()), j.most)
}

// claimed is what a provider holds of a dispatcher in one number.
type claimed struct {
	rewards, provider cocoon.Account
	number            uint32
}

// claims reads the receipts that workers keep.
func (j *judge) claims() map[claimed]cocoon.Nano {
	held := map[claimed]cocoon.Nano{}
	for _, m := range j.machines {
		files, err := filepath.Glob(filepath.Join(m.party.Data, "earned", "*-??????????"))
		require.NoError(j, err)
		for _, name := range files {
			raw, err := os.ReadFile(name)
			require.NoError(j, err)
			e, err := receipt.ParseEarned(raw)
			require.NoError(j, err)
			k := claimed{e.Rewards, e.Provider, e.Number}
			held[k] = held[k].Max(e.Amount)
		}
	}
	return held
}
