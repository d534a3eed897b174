package ledger

import (
	"os"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// tenfold makes a request cost about a fifth of what a stranger may deny.
var tenfold = cocoon.Price{Prompt: cocoon.NanoOf(200_000_000), Cached: cocoon.NanoOf(20_000_000), Completion: cocoon.NanoOf(1_600_000_000), Reasoning: cocoon.NanoOf(1_600_000_000)}

var tenReserve = cocoon.NanoOf(1_021_200)

// deposits of the clients: some soon have used theirs.
var deposits = []cocoon.Nano{ton("0.5"), ton("0.003"), ton("0.004"), ton("0.5"), ton("0.02")}

// manner is how a client of the simulation behaves.
type manner int

const (
	honest    manner = iota
	mute             // never answers and never signs for what it used
	denying          // disputes everything
	twoHeaded        // is honest, and its older daemon goes on too
)

// payer is a client, with its channel on the simulated chain.
type payer struct {
	n       int
	manner  manner
	session uint64
	facts   Channel
	signed  cocoon.Nano         // the highest voucher it signed
	agreed  cocoon.Nano         // by its own count
	own     map[ID]cocoon.Usage // what it received
	window  cocoon.Nano         // the largest P it allowed
	old     []*voucher.Signed   // to be replayed
	rest    map[ID]cocoon.Nano  // reserves of what is open
	done    map[ID]cocoon.Nano  // receipts that it saw and did not answer: their cost
}

// hand is a worker of the simulation.
type hand struct {
	machine
	greedy  bool // states twice what it did
	unacked []receipt.SignedUsage
	worked  cocoon.Nano // its true work, acknowledged or not
	passed  cocoon.Nano // promised in numbers that are over
}

// sim is a ledger between a chain, clients and workers that are simulated.
type sim struct {
	*Ledger
	*rapid.T
	dir     string
	clock   *clock
	chain   Rewards
	pending cocoon.Nano // in the open epoch
	payers  []*payer
	hands   []*hand
	sent    []replayable
	next    int
	opened  cocoon.Nano // earned, in epochs that have passed
	sizes   map[ID]*hand
}

type replayable struct {
	*hand
	receipt.SignedUsage
}

func newSim(t *rapid.T) *sim {
	dir, err := os.MkdirTemp("", "ledger")
	require.NoError(t, err)
	s := &sim{T: t, dir: dir, clock: begun(), chain: Rewards{Number: 1, Bond: ton("0.004"), Fees: 100}, sizes: map[ID]*hand{}}
	for n, m := range []manner{honest, honest, mute, denying, twoHeaded} {
		s.payers = append(s.payers, &payer{n: n, manner: m, session: 1, facts: facts(n, deposits[n]), own: map[ID]cocoon.Usage{}, rest: map[ID]cocoon.Nano{}, done: map[ID]cocoon.Nano{}})
	}
	for n := range 4 {
		s.hands = append(s.hands, &hand{machine: machine{n: n}, greedy: n == 3})
	}
	s.open()
	return s
}

func (s *sim) end() {
	require.NoError(s, s.Close())
	require.NoError(s, os.RemoveAll(s.dir))
}

// open opens the ledger, tells it the chain, and lets all repeat what they hold.
func (s *sim) open() {
	cfg := testConfig(s.dir, s.clock)
	cfg.Fee, cfg.Burst, cfg.Pool = ton("0.0005"), ton("0.02"), ton("0.03")
	var err error
	s.Ledger, err = Open(s.Context(), cfg)
	require.NoError(s, err)
	s.tell()
	for _, p := range s.payers {
		s.hello(p)
	}
	for _, h := range s.hands {
		for _, u := range h.unacked {
			s.commit(h, u)
		}
	}
}

// tell says what the chain is like now.
func (s *sim) tell() {
	for _, p := range s.payers {
		require.NoError(s, s.SetChannel(p.facts))
	}
	require.NoError(s, s.SetRewards(s.chain))
	s.SetIndex(s.clock.now)
}

// hello tells a client what it may have forgotten, or was never told.
func (s *sim) hello(p *payer) {
	var cover *voucher.Signed
	if !p.signed.IsZero() {
		cover = promises(p.n, p.signed)
	}
	state, err := s.Hello(account(p.n), p.session, cover, 0)
	require.NoError(s, err)
	p.done = map[ID]cocoon.Nano{}
	for _, r := range state.Receipts {
		p.done[r.ID] = r.Cost
	}
	if p.agreed.Cmp(state.Agreed) < 0 { // it was settled without an answer
		p.agreed = state.Agreed
	}
}

// durably syncs until f returns.
func (s *sim) durably(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	for {
		select {
		case err := <-done:
			return err
		default:
			if err := s.journal.sync(); err != nil {
				return err
			}
		}
	}
}
