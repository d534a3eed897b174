package localnet

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
)

// spread is an address whose first byte decides the shard.
func spread(workchain int32, first, last byte) *address.Address {
	return accountID{0: first, 31: last}.in(workchain).address().Bounce(false)
}

// crowd is wallets at genesis, in all shards.
func crowd(t testing.TB, n int) (all []*rich, option func(*Config)) {
	t.Helper()
	var accounts []GenesisAccount
	for i := range n {
		r := newRich(t, fmt.Sprint("crowd ", i))
		all, accounts = append(all, r), append(accounts, r.genesis(t))
	}
	return all, with(accounts...)
}

func TestShards_MessagesArriveWhereverTheyGo(t *testing.T) {
	t.Parallel()
	all, option := crowd(t, 8)
	c := New(t, option, func(c *Config) { c.Manual, c.Shards = true, 4 })
	require.Len(t, c.Shards(), 4)
	for i, r := range all {
		require.NoError(t, c.Push(r.send(t, coins(1), spread(0, byte(i*32+1), 1), spread(0, byte(255-i*32), 2), spread(-1, byte(i*32), 3))))
	}
	require.NoError(t, c.MineAll())
	for i := range all {
		for _, a := range []*address.Address{spread(0, byte(i*32+1), 1), spread(0, byte(255-i*32), 2), spread(-1, byte(i*32), 3)} {
			require.Equal(t, coins(1), balance(t, c, a), "to %s", a.StringRaw())
		}
	}
	requireSound(t, c)
}

func TestShards_SplitAndMergeKeepEverything(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			reshards(t, rand.New(rand.NewPCG(seed, 7)), 100)
		})
	}
}

func reshards(t *testing.T, rnd *rand.Rand, steps int) {
	all, option := crowd(t, 12)
	wall := newWallClock()
	c := New(t, option, func(c *Config) { c.Manual, c.ShardBlocks, c.Clock = true, 3, wall.read })
	paid := map[string]*big.Int{}
	c.making.Lock()
	c.deliveries = 6
	c.making.Unlock()
	for range steps {
		for _, r := range all {
			if rnd.IntN(2) == 0 {
				continue
			}
			var to []*address.Address
			for range 1 + rnd.IntN(4) {
				a := spread(int32(-rnd.IntN(8)/7), byte(rnd.IntN(256)), byte(rnd.IntN(4)))
				to = append(to, a)
				if paid[a.StringRaw()] == nil {
					paid[a.StringRaw()] = new(big.Int)
				}
				paid[a.StringRaw()].Add(paid[a.StringRaw()], coins(1))
			}
			require.NoError(t, c.Push(r.send(t, coins(1), to...)))
		}
		if rnd.IntN(15) == 0 {
			require.NoError(t, c.aim(randomGoal(rnd)))
		}
		wall.move(500 * time.Millisecond)
		require.NoError(t, c.Mine())
	}
	wall.move(2 * time.Second)
	require.NoError(t, c.MineAll())
	for raw, nano := range paid {
		rent := nano.Sub(nano, balance(t, c, address.MustParseRawAddr(raw))).Int64()
		require.True(t, rent >= 0 && rent < 1000, "%s: %d nanoTON are missing", raw, rent)
	}
	requireSound(t, c)
	requireDeliveredOnce(t, c)
	requireAudited(t, c)
}

func randomGoal(rnd *rand.Rand) (g goal) {
	var visit func(shardID)
	visit = func(s shardID) {
		if s.depth() < maxShardDepth && rnd.IntN(3) > 0 {
			visit(s.child(false))
			visit(s.child(true))
			return
		}
		g = append(g, s)
	}
	visit(wholeBasechain)
	return g
}

// requireDeliveredOnce follows every message from the transaction that sent it
// to the one that it led to.
func requireDeliveredOnce(t testing.TB, c *Chain) {
	t.Helper()
	sent, received := map[string]uint64{}, map[string]uint64{}
	for shard, list := range c.view().history {
		for _, b := range list {
			for _, tx := range b.txs {
				require.True(t, shard.contains(tx.account.in(shard.workchain).place()))
				var parsed tlb.Transaction
				require.NoError(t, tlb.Parse(&parsed, tx.cell))
				if parsed.IO.Out != nil {
					items, err := parsed.IO.Out.List.LoadAll()
					require.NoError(t, err)
					for _, item := range items {
						out, err := item.Value.LoadRefCell()
						require.NoError(t, err)
						sent[string(out.Hash())] = tx.lt
					}
				}
				if in := parsed.IO.In; in != nil && in.MsgType == tlb.MsgTypeInternal {
					hash := string(tx.cell.MustPeekRef(0).MustPeekRef(0).Hash())
					require.NotContains(t, received, hash, "delivered twice")
					received[hash] = tx.lt
				}
			}
		}
	}
	require.Len(t, received, len(sent))
	for hash, lt := range received {
		require.Contains(t, sent, hash)
		require.Greater(t, lt, sent[hash])
	}
}
