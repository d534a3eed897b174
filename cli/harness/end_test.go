package harness

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/cli/market"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	told "github.com/cocoon-network/cocoon/protocol/market"
)

// end closes all channels, lets epochs pay, and compares what the chain has with
// what everybody's books say.
func (j *judge) end() {
	j.Helper()
	for i := range 2 { // the hello of a new process is told of bills that none answered
		require.NoError(j, again(j.apps[i].process))
	}
	j.settleDown("what is open or not answered", func(c ledger.ChannelFigures) int { return c.Open + c.Answers })
	j.look()
	j.advance(bound.Aged + time.Second) // not before: who is silent for long pays by cover
	j.oldIsSettled()
	j.leave()
	j.epochs()
	j.balances()
	j.losses()
}

// house is a dispatcher's books.
func (j *judge) house(i int) ledger.Figures {
	j.Helper()
	f, err := j.houses[i].figures()
	require.NoError(j, err)
	return *f.Ledger
}

// cheats tells whether a client does.
func (j *judge) cheats(account cocoon.Account) bool {
	return j.ears[0].manners[account] != honest
}

// settleDown waits until there is no more of something under honest channels.
func (j *judge) settleDown(what string, count func(ledger.ChannelFigures) int) {
	j.Helper()
	j.await("an end of "+what, func() bool {
		for _, c := range j.house(0).Channels {
			if !j.cheats(c.Account) && count(c) > 0 {
				return false
			}
		}
		return true
	})
}

// advance lets time pass, and all who follow the chain see it.
func (j *judge) advance(d time.Duration) {
	j.Helper()
	require.NoError(j, j.local.Advance(d))
	j.caughtUp()
}

func (j *judge) caughtUp() {
	j.Helper()
	head, err := j.network.client.Head(j.Context())
	require.NoError(j, err)
	require.NoError(j, j.index.WaitSeqno(j.Context(), head.SeqNo))
}

// oldIsSettled is (6): what is worth it is settled after an hour.
func (j *judge) oldIsSettled() {
	j.Helper()
	worth, err := bound.Worth(cocoon.Nano{})
	require.NoError(j, err)
	j.await("(6) what is old is settled", func() bool {
		for _, c := range j.house(0).Channels {
			if !j.cheats(c.Account) && !c.Closed && c.Agreed.Minus(c.Settled).Cmp(worth) >= 0 {
				return false
			}
		}
		return true
	})
}

// leave has all clients stop and close their channels: what an honest one owes an
// honest dispatcher is settled before it may take the rest home.
func (j *judge) leave() {
	j.Helper()
	for i, a := range j.apps {
		if i < 2 {
			j.await("an honest client to still pay an honest dispatcher, which never was a liar to it", func() bool {
				f, err := a.figures()
				require.NoError(j, err)
				_, pays := f.Accounts[j.houses[0].rewards]
				return pays
			})
		}
		require.NoError(j, a.stop())
	}
	closed := j.left()
	j.await("(6) what is leaving is settled", func() bool {
		for _, c := range j.house(0).Channels {
			if !j.cheats(c.Account) && c.Settled != c.Agreed {
				return false
			}
		}
		return true
	})
	for !closed {
		j.advance(time.Duration(j.rules.CloseDelay) * time.Second)
		closed = j.left()
	}
	j.caughtUp()
	j.await("the dispatchers to know that all is closed", func() bool {
		for i := range j.houses {
			for _, c := range j.house(i).Channels {
				if !c.Closed {
					return false
				}
			}
		}
		return true
	})
}

// left takes the next step of closing everywhere.
func (j *judge) left() bool {
	j.Helper()
	all := true
	for _, a := range j.apps {
		for _, rewards := range a.party.Dispatchers {
			closed, err := daemon.Leave(j.Context(), a.party.Data, rewards, false, daemon.Deps{Client: a.client, Registry: j.net.Registry, Sender: a.wallet, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(j, err)
			all = all && closed
		}
	}
	return all
}

// epochs lets the honest dispatcher open and pay what it owes.
func (j *judge) epochs() {
	j.Helper()
	for range 20 {
		j.advance(time.Duration(j.rules.Period) * time.Second)
		rest(j.Context(), 500*time.Millisecond)
		j.await("what was opened to be published", func() bool { return len(j.opened("publishing")) == 0 })
		if len(j.opened("finished")) > 0 && len(j.opened("window", "paying")) == 0 && j.house(0).Payable.IsZero() {
			return
		}
	}
	require.Fail(j, "the honest dispatcher does not pay what it owes", "%+v", j.house(0))
}

// opened are the epochs in one of these phases. One that failed has another attempt.
func (j *judge) opened(phases ...string) (all []told.Epoch) {
	j.Helper()
	epochs, err := j.index.Epochs(j.Context())
	require.NoError(j, err)
	for _, e := range epochs {
		require.True(j, e.Proven.IsZero(), "no epoch was refuted")
		if slices.Contains(phases, e.Phase) {
			all = append(all, e)
		}
	}
	return all
}

// balances compares every contract's history and balance, as the chain proves
// them, with what the index says.
func (j *judge) balances() {
	j.Helper()
	ctx := j.Context()
	j.caughtUp()
	at, err := j.network.client.LookupMaster(ctx, j.index.Head().Seqno)
	require.NoError(j, err)
	list, err := j.index.Contracts(ctx)
	require.NoError(j, err)
	ours := map[string]cocoon.Account{}
	for i, c := range list {
		ours[fmt.Sprintf("%s/%d", c.Kind, i)] = c.Account
	}
	proven, err := market.Audit(ctx, j.network.client, at, ours)
	require.NoError(j, err)
	indexed, err := j.index.Money(ctx)
	require.NoError(j, err)
	require.Equal(j, indexed, proven, "to the nanoTON")
	differences, err := j.index.Audit(ctx)
	require.NoError(j, err)
	require.Empty(j, differences)
	j.Logf("%d contracts: received %s = paid %s + fees %s + held %s", len(list), proven.Received, proven.Paid, proven.Fees, proven.Held)
}

// losses are what everybody has lost in the end, on chain.
func (j *judge) losses() {
	j.Helper()
	ctx := j.Context()
	held, owed := j.claims(), map[cocoon.Account]cocoon.Nano{}
	for k, n := range held {
		owed[k.rewards] = plus(owed[k.rewards], n)
	}
	for i, h := range j.houses {
		channels, err := j.index.ChannelsOf(ctx, h.rewards)
		require.NoError(j, err)
		settled, allowance := cocoon.Nano{}, cocoon.Nano{}
		for _, c := range channels {
			settled = plus(settled, c.Settled)
			allowance = plus(allowance, j.disputable(c.Settled))
			j.lossOfClient(i, c)
		}
		if i == 0 {
			earned := bound.Fees(j.rules.NetworkBps + 200).Rest(settled)
			j.bounded("honest dispatcher, in the end", owed[h.rewards].Minus(earned), allowance)
		}
	}
	j.paid(held)
}

func (j *judge) lossOfClient(i int, c told.Channel) {
	j.Helper()
	used, ours := j.used[c.Account]
	if !ours || j.cheats(c.Account) {
		return
	}
	if c.Account != j.robbed {
		require.LessOrEqual(j, c.Settled.Cmp(used), 0, "dispatcher %d takes %s of channel %s, where %s were agreed", i, c.Settled, c.Account, used)
	}
	if i == 0 {
		require.Equal(j, used, c.Settled, "an honest client pays an honest dispatcher what it agreed to, to the nanoTON")
	}
	j.bounded("client, in the end", c.Settled.Minus(used), j.p[c.Account])
}

// paid compares the receipts that providers hold with the leaves that epochs paid.
func (j *judge) paid(held map[claimed]cocoon.Nano) {
	j.Helper()
	ctx, leaves := j.Context(), map[claimed]cocoon.Nano{}
	for _, e := range j.opened("finished") {
		list, err := j.index.Leaves(ctx, e.Account, 0, int(e.Count))
		require.NoError(j, err)
		for _, l := range list {
			leaves[claimed{e.Rewards, l.Provider, e.Number}] = l.Amount
		}
	}
	for k, n := range held {
		if k.rewards == j.houses[0].rewards {
			require.LessOrEqual(j, n.Cmp(leaves[k]), 0, "number %d pays provider %s %s, where %s were signed", k.number, k.provider, leaves[k], n)
			continue
		}
		slots, err := j.most.Mul(uint64(j.size.Concurrency))
		require.NoError(j, err)
		each, err := plus(slots, bound.Credit(cocoon.Nano{})).Mul(uint64(j.size.Machines))
		require.NoError(j, err)
		j.bounded("provider, signed and never opened (4)", n.Minus(leaves[k]), plus(maxOwed, each))
	}
}
