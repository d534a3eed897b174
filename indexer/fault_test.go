package indexer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

// troublesome are liteservers of which only a slow one does nothing wrong.
var troublesome = map[string]localnet.Faults{
	"slow":         {Latency: 20 * time.Millisecond, Jitter: 20 * time.Millisecond},
	"erring":       {Seed: 1, ErrorRate: 0.3, Latency: 5 * time.Millisecond},
	"losing":       {Seed: 2, DropRate: 0.05, SilenceRate: 0.05, Latency: 5 * time.Millisecond},
	"behind":       {LagBlocks: 2, Latency: 5 * time.Millisecond},
	"shard behind": {ShardLag: 3, Latency: 5 * time.Millisecond},
}

// liars, and what each lies about to whoever asks it first.
var liars = []localnet.Lie{localnet.LieHead, localnet.LieSignature, localnet.LieSigner, localnet.LieProof, localnet.LieBlock}

// mob are liteservers by what will be wrong with them.
type mob struct {
	faults map[string]localnet.Faults
	named  map[string]*localnet.Server
	config []byte // the global.config.json that names them all
}

// mob are the troublesome and a liar for each lie, all of them good until misbehave.
func (w *world) mob(lies []localnet.Lie) mob {
	w.t.Helper()
	c := mob{map[string]localnet.Faults{}, map[string]*localnet.Server{}, nil}
	for name, f := range troublesome {
		c.faults[name] = f
	}
	for _, lie := range lies {
		c.faults[string(lie)] = localnet.Faults{Lie: lie}
	}
	var servers []*localnet.Server
	for name := range c.faults {
		s, err := w.local.Serve(localnet.Faults{})
		require.NoError(w.t, err)
		c.named[name] = s
		servers = append(servers, s)
	}
	c.config = w.local.ConfigOf(servers...)
	return c
}

func (c mob) misbehave(t *testing.T) {
	t.Helper()
	for name, f := range c.faults {
		require.NoError(t, c.named[name].SetFaults(f))
	}
}

// tell logs what the mob was asked and did.
func (c mob) tell(t *testing.T) {
	for name, s := range c.named {
		st := s.Stats()
		t.Logf("%s: asked %d, refused %d, dropped %d, silent %d, lied %d", name, st.Total(), st.Refused, st.Dropped, st.Silent, st.Lied)
	}
}

// amid is a client of a mob that misbehaves.
func (w *world) amid(lies []localnet.Lie) (*chain.Client, mob) {
	w.t.Helper()
	mob := w.mob(lies)
	n, err := chain.ParseNetwork(mob.config)
	require.NoError(w.t, err)
	c, err := chain.Dial(w.t.Context(), n, chain.Options{Timeout: time.Second})
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	mob.misbehave(w.t)
	return c, mob
}

// playResharding is a story whose chain splits and merges between its parts.
func (w *world) playResharding() {
	w.t.Helper()
	p := w.stakeProvider()
	w.reshard(4)
	w.playJobs(p)
	w.reshard(16)
	w.playRegistry()
	w.playProvider(p)
	w.reshard(2)
	rewards, _, _ := w.playEpoch()
	w.reshard(1)
	w.playChannels(rewards)
	w.settle()
}

func (w *world) reshard(shards int) {
	w.t.Helper()
	require.NoError(w.t, w.local.SetShards(shards))
	w.settle()
}

func (w *world) openAmid(c *chain.Client) *Indexer {
	w.t.Helper()
	cfg := w.config(newPath(w.t))
	cfg.Chain = c
	x, err := Open(w.t.Context(), cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, x.Close()) })
	return x
}

func TestIndexer_FaultsSplitsAndMergesChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, mob := w.amid(liars)
	live := w.openAmid(client)
	stop := runs(t, live)
	w.playResharding()
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)

	clean := w.open(newPath(t))
	w.follow(clean)
	want := dump(t, clean, append(logged, projected...)...)
	require.Greater(t, len(want), 100)

	require.NoError(t, live.WaitSeqno(t.Context(), head.SeqNo))
	late := w.openAmid(client) // catches up through the same troublesome
	stopLate := runs(t, late)
	require.NoError(t, late.WaitSeqno(t.Context(), head.SeqNo))
	stopLate()
	api := serve(t, live)
	quarantined := func() map[string]string {
		var status struct {
			Liteservers []chain.ServerStatus `json:"liteservers"`
		}
		api.get("/v1/status", &status)
		reasons := map[string]string{}
		for _, s := range status.Liteservers {
			if s.State == chain.Quarantined {
				reasons[s.Address] = s.Reason
			}
		}
		return reasons
	}
	require.Eventually(t, func() bool {
		require.NoError(t, w.local.Mine())
		return len(quarantined()) >= len(liars)
	}, time.Minute, 20*time.Millisecond)
	stop()
	for _, lie := range liars {
		require.NotEmpty(t, quarantined()[mob.named[string(lie)].Addr()], lie)
	}
	require.Len(t, quarantined(), len(liars), "who only fails is not in quarantine")
	for name, x := range map[string]*Indexer{"live": live, "late": late} {
		require.Equal(t, want, dump(t, x, append(logged, projected...)...), name)
	}
	mob.tell(t)
	require.NotZero(t, mob.named["erring"].Stats().Refused)
}

// countBlocks counts the blocks of the chain by walking all of it backwards.
func (w *world) countBlocks() int {
	w.t.Helper()
	head, err := w.client.Head(w.t.Context())
	require.NoError(w.t, err)
	tops, err := w.client.ShardTops(w.t.Context(), head)
	require.NoError(w.t, err)
	seen := map[string]bool{}
	for queue := tops; len(queue) > 0; queue = queue[1:] {
		if id := queue[0]; id.SeqNo > 0 && !seen[string(id.RootHash)] {
			seen[string(id.RootHash)] = true
			b, err := w.client.Block(w.t.Context(), id)
			require.NoError(w.t, err)
			queue = append(queue, must(ton.GetParentBlocks(&b.BlockInfo))...)
		}
	}
	return len(seen) + int(head.SeqNo)
}

func TestIndexer_AsksForEachBlockOnceInCatchUp(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.BlockTime = time.Hour })
	w := (&world{t: t, local: local, byHand: true}).found()
	p := w.stakeProvider()
	w.reshard(4)
	w.playJobs(p)
	w.reshard(2)
	one, err := w.local.Serve(localnet.Faults{})
	require.NoError(t, err)
	n, err := chain.ParseNetwork(one.Config())
	require.NoError(t, err)
	client, err := chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	before := one.Stats()
	x := w.openAmid(client)
	w.follow(x)
	x.feed.Stop()
	after := one.Stats()
	blocks := w.countBlocks()
	got := after.Queries["getBlock"] - before.Queries["getBlock"]
	require.Equal(t, blocks, got)
	others := after.Total() - before.Total() - got
	t.Logf("%d blocks: %d getBlock, %d others", blocks, got, others)
	require.LessOrEqual(t, float64(others), 0.2*float64(blocks))
}
