package market

import (
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon"
	told "github.com/cocoon-network/cocoon/protocol/market"
)

// Network says where the running market can be reached.
type Network struct {
	File       string         `json:"network_file"`
	API        string         `json:"api"`
	Dispatcher string         `json:"dispatcher"`
	Registry   cocoon.Account `json:"registry"`
	GlobalID   int32          `json:"global_id"`
	Data       string         `json:"data"`
}

// Step is what just happened, for people.
type Step struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Transaction is one transaction of one of our contracts, with the contract's
// name as in the summary.
type Transaction struct {
	Name     string         `json:"name"`
	Contract string         `json:"contract"`
	From     string         `json:"from"` // a name where it is known, else the address
	To       cocoon.Account `json:"to"`
	Value    cocoon.Nano    `json:"value_nano"`
	Tx       string         `json:"tx"`
	Seqno    uint32         `json:"mc_seqno"`
	ExitCode int32          `json:"exit_code"` // 0 unless the contract refused
}

// Result is where a job's answers lie.
type Result struct {
	Job  string `json:"job"`
	File string `json:"file"`
}

// Summary is how it ended. Opened jobs are paid, refunded, slashed or still open.
type Summary struct {
	Jobs      JobCount                  `json:"jobs"`
	Channels  ChannelCount              `json:"channels"`
	Money     told.Money                `json:"money"`
	Index     IndexCount                `json:"index"`
	Contracts map[string]cocoon.Account `json:"contracts"`
}

// JobCount counts jobs by their end.
type JobCount struct {
	Opened   int `json:"opened"`
	Paid     int `json:"paid"`
	Refunded int `json:"refunded"`
	Slashed  int `json:"slashed"`
}

// ChannelCount counts channels; Settled is what they paid to rewards.
type ChannelCount struct {
	Opened  int         `json:"opened"`
	Settled cocoon.Nano `json:"settled_nano"`
	Closed  int         `json:"closed"`
}

// IndexCount is how far the indexer has read.
type IndexCount struct {
	Seqno  uint32 `json:"head_seqno"`
	Events uint64 `json:"events"`
}

// step tells every transaction since the last step, and then what they came to.
func (m *Market) step(ctx context.Context, name, format string, args ...any) error {
	if m.index != nil {
		if err := m.caughtUp(ctx); err != nil {
			return err
		}
	}
	if err := m.narrate(ctx); err != nil {
		return err
	}
	return m.cfg.Tell.Tell("step", Step{name, fmt.Sprintf(format, args...)})
}

// narrate tells the transactions that the indexer has read since the last time.
func (m *Market) narrate(ctx context.Context) error {
	for m.index != nil {
		events, err := m.index.Events(ctx, m.narrated, 100)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			m.narrated = e.Seq
			if err = m.cfg.Tell.Tell("transaction", Transaction{e.Name, m.nameOf(e.Account), m.nameOf(e.From), e.Account, e.Value, e.Tx, e.Seqno, e.ExitCode}); err != nil {
				return err
			}
		}
	}
	return nil
}

// nameOf is what the story calls an account.
func (m *Market) nameOf(a cocoon.Account) string {
	for _, p := range m.parties() {
		if p.wallet != nil && p.wallet.Account() == a {
			return p.name
		}
	}
	for name, c := range m.contracts {
		if c == a {
			return name
		}
	}
	if a.IsZero() {
		return "outside"
	}
	return a.String()
}
