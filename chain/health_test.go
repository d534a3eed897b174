package chain

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet"
)

// fronts is a client of the chain's own liteserver and others with these faults;
// the last of them is what it believes to be the fastest.
func fronts(t *testing.T, local *localnet.Chain, faults ...localnet.Faults) (*Client, []*localnet.Server) {
	servers := []*localnet.Server{local.Server()}
	for range faults {
		s, err := local.Serve(localnet.Faults{})
		require.NoError(t, err)
		servers = append(servers, s)
	}
	n, err := ParseNetwork(local.ConfigOf(servers...))
	require.NoError(t, err)
	c := dial(t, n, Options{Timeout: 5 * time.Second})
	for i, f := range faults {
		require.NoError(t, servers[i+1].SetFaults(f))
	}
	favour(c)
	c.hedges.Store(-1 << 40) // a busy machine makes no server late
	return c, servers
}

// favour makes all but the first server look like the fastest.
func favour(c *Client) {
	for i, s := range c.servers {
		s.health.change(func() { s.health.usual = time.Duration(1 + max(0, 1-i)*int(10*time.Millisecond)) })
	}
}

// look asks all that following asks.
func look(ctx context.Context, c *Client, local *localnet.Chain, seqno uint32) error {
	head, err := c.Head(ctx)
	if err != nil {
		return err
	}
	favour(c)
	anchor, err := c.LookupMaster(ctx, seqno)
	if err != nil {
		return err
	}
	for _, id := range []*BlockID{head, anchor} {
		favour(c)
		if _, _, err = c.BlockOf(ctx, id.SeqNo, id); err != nil {
			return err
		}
	}
	tops, err := c.ShardTops(ctx, head)
	if err != nil {
		return err
	}
	if _, _, err = c.BlockOf(ctx, head.SeqNo, tops[0]); err != nil {
		return err
	}
	favour(c)
	_, err = c.Account(ctx, cocoon.Account(local.FaucetAddress().Data()))
	return err
}

func TestClient_QuarantinesAndNamesWhoLies(t *testing.T) {
	t.Parallel()
	believed := map[localnet.Lie]bool{localnet.LieResult: true, localnet.LieOmit: true, localnet.LieSent: true}
	unasked := map[localnet.Lie]bool{localnet.LieHeader: true, localnet.LieShards: true, localnet.LieConfig: true, localnet.LieTransaction: true, localnet.LieGap: true, localnet.LieAbsent: true}
	for _, lie := range localnet.Lies() {
		if believed[lie] || unasked[lie] {
			continue
		}
		t.Run(string(lie), func(t *testing.T) {
			t.Parallel()
			local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
			for range 5 {
				require.NoError(t, local.Mine())
			}
			c, servers := fronts(t, local, localnet.Faults{Lie: lie})
			require.NoError(t, local.Mine())
			require.NoError(t, look(t.Context(), c, local, 3))
			status := c.Status()
			require.Equal(t, Quarantined, status[1].State)
			require.Equal(t, servers[1].Addr(), status[1].Address)
			require.NotEmpty(t, status[1].Reason)
			require.Equal(t, Good, status[0].State)

			asked := servers[1].Stats().Total()
			require.NoError(t, servers[1].SetFaults(localnet.Faults{}))
			require.NoError(t, local.Mine())
			require.NoError(t, look(t.Context(), c, local, 2))
			require.Equal(t, asked, servers[1].Stats().Total(), "it is never asked again")
		})
	}
}

// The rest of what a proof shows to be a lie is told of questions that a follower does not ask.
func TestClient_QuarantinesWhoLiesOfOtherThings(t *testing.T) {
	t.Parallel()
	for lie, question := range map[localnet.Lie]func(*Client, *BlockID, Account) error{
		localnet.LieHeader: func(c *Client, head *BlockID, _ Account) error { _, err := c.Time(t.Context(), head); return err },
		localnet.LieAbsent: func(c *Client, head *BlockID, a Account) error {
			_, err := c.AccountAt(t.Context(), head, a.ID)
			return err
		},
		localnet.LieConfig: func(c *Client, head *BlockID, _ Account) error {
			c.config = nil
			_, err := c.ConfigAt(t.Context(), head)
			return err
		},
		localnet.LieTransaction: func(c *Client, _ *BlockID, a Account) error {
			_, err := c.Transactions(t.Context(), a.ID, a.LastLT, a.LastHash, 3)
			return err
		},
		localnet.LieGap: func(c *Client, _ *BlockID, a Account) error {
			_, err := c.Transactions(t.Context(), a.ID, a.LastLT, a.LastHash, 3)
			return err
		},
	} {
		t.Run(string(lie), func(t *testing.T) {
			local := localnet.New(t)
			for range 4 {
				require.NoError(t, local.Faucet(t.Context(), Address(cocoon.Account{5}), cocoon.TON(1).Big()))
			}
			c, _ := fronts(t, local, localnet.Faults{})
			head, err := c.Head(t.Context())
			require.NoError(t, err)
			a, err := c.AccountAt(t.Context(), head, cocoon.Account(local.FaucetAddress().Data()))
			require.NoError(t, err)
			c, _ = fronts(t, local, localnet.Faults{Lie: lie})
			require.NoError(t, question(c, head, a))
			require.Equal(t, Quarantined, c.Status()[1].State, "%+v", c.Status())
		})
	}
}

func TestClient_ASecondServerAnswersForALateOne(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, servers := fronts(t, local, localnet.Faults{SilenceRate: 1})
	_, err := c.Head(t.Context())
	require.NoError(t, err)
	require.Positive(t, servers[1].Stats().Silent)
	require.Eventually(t, func() bool { return c.order(question{})[0] == c.servers[0] }, 10*time.Second, time.Millisecond)
	silent := servers[1].Stats().Total()
	for range 5 {
		_, err = c.Head(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, silent, servers[1].Stats().Total(), "the late one is asked after the others")
}

func TestClient_AServerThatFailsRestsAndComesBack(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, servers := fronts(t, local, localnet.Faults{ErrorRate: 1})
	_, err := c.Head(t.Context())
	require.NoError(t, err)
	status := c.Status()[1]
	require.Equal(t, Resting, status.State)
	require.Equal(t, 1, status.Failures)
	require.NoError(t, servers[1].SetFaults(localnet.Faults{}))
	require.Eventually(t, func() bool { return c.order(question{})[0] == c.servers[1] }, 10*time.Second, time.Millisecond)
	_, err = c.Head(t.Context())
	require.NoError(t, err)
	require.Zero(t, c.Status()[1].Failures)
}

func TestHealth_ServersThatLackABlockAreAskedLater(t *testing.T) {
	t.Parallel()
	h := &health{}
	class := func(p part, seqno uint32) int {
		r, ok := h.rank(question{part: p, seqno: seqno})
		require.True(t, ok)
		return r.class
	}
	tell := func(f func(question), p part, seqno uint32) {
		h.begin(question{})
		f(question{part: p, seqno: seqno})
	}
	good := func(q question) { h.good(q, time.Millisecond) }
	tell(good, masterchain, 500)
	tell(h.lacks, masterchain, 100)
	require.Equal(t, []int{1, 1, 0, 0}, []int{class(masterchain, 99), class(masterchain, 100), class(masterchain, 101), class(shards, 99)})
	require.EqualValues(t, 101, h.status().Oldest)
	tell(good, masterchain, 499)
	tell(good, masterchain, 50)
	require.Zero(t, class(masterchain, 50), "it has it after all")

	tell(h.lacks, shards, 300)
	require.Equal(t, []int{1, 0}, []int{class(shards, 300), class(shards, 301)}, "no shard client is that far behind")

	tell(good, shards, 490)
	tell(h.lacks, shards, 495)
	require.Equal(t, []int{0, 1, 1}, []int{class(shards, 494), class(shards, 495), class(shards, 600)})
	require.Zero(t, class(masterchain, 600), "only its shard client is behind")
	tell(good, shards, 495)
	require.Zero(t, class(shards, 600))
	require.Equal(t, Good, h.status().State, "to lack a block is no fault")
	require.Zero(t, h.open)
}

func TestHealth_RestsLongerEachTime(t *testing.T) {
	t.Parallel()
	h := &health{}
	var last time.Duration
	for range 20 {
		h.begin(question{})
		h.failed(question{})
		left := time.Until(h.rest)
		require.LessOrEqual(t, left, longRest)
		require.Greater(t, left, min(last, longRest-time.Second))
		last = left
	}
	h.begin(question{})
	h.good(question{}, time.Millisecond)
	require.Zero(t, h.rest)
}

func TestHedge_ASlowNetworkIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	c := &Client{}
	s := &server{}
	s.health.good(question{}, time.Millisecond)
	second := 0
	for range 1000 {
		h := newHedge(c, question{})
		h.begin(s, 1)
		h.ring()
		if h.due {
			second++
		}
		h.stop()
	}
	require.InDelta(t, 1000/share, second, 1)
	h := newHedge(c, question{alone: true})
	h.begin(s, 1)
	require.False(t, h.due)
	h.begin(s, 0)
	h.ring()
	h.ring()
	require.False(t, h.due, "nobody is left to ask")
}

func TestClient_QuarantineOfAllSaysSo(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c := dial(t, networkOf(t, local), Options{})
	c.servers[0].health.begin(question{})
	c.servers[0].health.lied(question{}, errNotAbsent)
	_, err := c.Head(t.Context())
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	require.ErrorContains(t, err, "quarantine")
	_, err = ask(t.Context(), c, question{what: "think"}, func(context.Context, *ton.APIClient) (int, error) { return 1, nil })
	require.ErrorContains(t, err, errNotAbsent.Error())
}

// A head whose proof the server refuses is no lie for as long as it stands by it.
func TestClient_AServerThatOnlyRefusesIsNotInQuarantine(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, _ := fronts(t, local, localnet.Faults{ErrorRate: 1, Only: []string{"getBlockProof"}}, localnet.Faults{ShardLag: 1}, localnet.Faults{LagBlocks: 1})
	for range 5 {
		require.NoError(t, local.Mine())
		favour(c)
		require.NoError(t, look(t.Context(), c, local, 2))
	}
	for _, s := range c.Status() {
		require.NotEqual(t, Quarantined, s.State, s.Reason)
	}
	require.Positive(t, c.Status()[1].Failed)
}

func TestClient_WaitsAtWhoIsNotBehind(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
	for range 10 {
		require.NoError(t, local.Mine())
	}
	c, servers := fronts(t, local, localnet.Faults{LagBlocks: 3}, localnet.Faults{ShardLag: 3})
	for range 20 {
		require.NoError(t, local.Mine())
		newest := local.Head().SeqNo
		head, err := c.HeadFrom(t.Context(), newest)
		require.NoError(t, err, "those behind would answer three blocks later")
		require.Equal(t, newest, head.SeqNo)
	}
	require.Eventually(t, func() bool { return c.order(question{waits: true})[0] == c.servers[0] }, 10*time.Second, time.Millisecond)
	for _, s := range servers {
		require.Greater(t, s.Stats().Queries["getMasterchainInfo"], 5, "the second place takes turns")
	}
}

// sole is a client of one server that fails as f says from now on.
func sole(t *testing.T, local *localnet.Chain, f localnet.Faults) (*Client, *localnet.Server) {
	t.Helper()
	s, err := local.Serve(localnet.Faults{})
	require.NoError(t, err)
	n, err := ParseNetwork(s.Config())
	require.NoError(t, err)
	c := dial(t, n, Options{Timeout: 5 * time.Second})
	require.NoError(t, s.SetFaults(f))
	return c, s
}

func TestAsk_TheOnlyServerIsAskedAgainAtOnceAndNotForEver(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
	require.NoError(t, local.Mine())
	account := cocoon.Account(local.FaucetAddress().Data())
	for query, question := range map[string]func(*Client, *BlockID) error{
		"getMasterchainInfo": func(c *Client, _ *BlockID) error { _, err := c.Head(t.Context()); return err },
		"lookupBlock":        func(c *Client, _ *BlockID) error { _, err := c.LookupMaster(t.Context(), 1); return err },
		"getBlock":           func(c *Client, head *BlockID) error { _, err := c.Block(t.Context(), head); return err },
		"getAccountState": func(c *Client, head *BlockID) error {
			return c.AccountProof(t.Context(), head, account, func(ton.AccountState) error { return nil })
		},
	} {
		t.Run(query, func(t *testing.T) {
			for name, f := range map[string]localnet.Faults{"refused": {ErrorRate: 1}, "dropped": {DropRate: 1}} {
				c, s := sole(t, local, localnet.Faults{})
				head, err := c.Head(t.Context())
				require.NoError(t, err)
				f.Only = []string{query}
				require.NoError(t, s.SetFaults(f))
				before := s.Stats().Queries[query]
				err = question(c, head)
				require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err), "%s: %v", name, err)
				require.Equal(t, 1, strings.Count(err.Error(), s.Addr()), "it is named once")
				require.Equal(t, 1+retries, s.Stats().Queries[query]-before, name)
			}
		})
	}
}

// Every second question is refused.
func TestAsk_OneFailureOfTheOnlyServerIsNotSeen(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
	c, s := sole(t, local, localnet.Faults{})
	var refused atomic.Int64
	s.Hear(func(tl.Serializable) {
		rate := 0.0
		if refused.Add(1)%2 == 1 {
			rate = 1
		}
		_ = s.SetFaults(localnet.Faults{ErrorRate: rate}) // a rate of 0 or 1 is taken
	})
	for range 20 {
		_, err := c.Block(t.Context(), local.Head())
		require.NoError(t, err)
	}
	require.Positive(t, c.Status()[0].Failed)
}

func TestAsk_AMessageIsNotSentAgainBehindItsSendersBack(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
	c, s := sole(t, local, localnet.Faults{ErrorRate: 1, Only: []string{"sendMessage"}})
	message, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: local.FaucetAddress(), Body: cell.BeginCell().EndCell()})
	require.NoError(t, err)
	require.Error(t, c.Broadcast(t.Context(), message))
	require.Equal(t, 1, s.Stats().Queries["sendMessage"])
}

func TestAsk_SilenceOfTheOnlyServerIsNotWaitedForTwice(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
	c, s := sole(t, local, localnet.Faults{SilenceRate: 1})
	c.opts.Timeout = 200 * time.Millisecond
	before := s.Stats().Queries["getMasterchainInfo"]
	_, err := c.Head(t.Context())
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	require.Equal(t, 1, s.Stats().Queries["getMasterchainInfo"]-before)
}
