package localnet

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// BenchmarkTick makes rounds of blocks of 200 transfers, two transactions each.
// Admission is measured apart, by BenchmarkPush.
func BenchmarkTick(b *testing.B) {
	for _, shards := range []int{1, 2, 4} {
		b.Run(fmt.Sprint("shards ", shards), func(b *testing.B) { benchTick(b, shards) })
	}
}

func benchTick(b *testing.B, shards int) {
	const wallets = 1000
	var all []*rich
	options := []func(*Config){byHand, func(c *Config) { c.Shards = shards }}
	for i := range wallets {
		r := newRich(b, fmt.Sprint(i))
		all, options = append(all, r), append(options, with(r.genesis(b)))
	}
	c := New(b, options...)
	for b.Loop() {
		b.StopTimer()
		var messages []*external
		for i, r := range all {
			c, err := cell.FromBOC(r.send(b, coins(1), all[(i+1)%wallets].WalletAddress()))
			require.NoError(b, err)
			m, err := newExternal(c)
			require.NoError(b, err)
			messages = append(messages, m)
		}
		b.StartTimer()
		for _, m := range messages {
			require.NoError(b, c.pool.add(m))
		}
		require.NoError(b, c.Mine())
	}
	b.ReportMetric(float64(2*wallets*b.N)/b.Elapsed().Seconds(), "tx/s")
}

func BenchmarkPush(b *testing.B) {
	r := newRich(b, "rich")
	c := New(b, byHand, with(r.genesis(b)))
	m := r.send(b, coins(1), account(20))
	for b.Loop() {
		require.NoError(b, c.Push(m))
	}
}

func BenchmarkEmptyTick(b *testing.B) {
	c := New(b, byHand)
	for b.Loop() {
		require.NoError(b, c.Mine())
	}
}
