package ledger

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// benched is a running ledger that trusts everyone, with channels that have cover.
func benched(b testing.TB, channels int) *Ledger {
	b.Helper()
	c := begun()
	cfg := testConfig(b.TempDir(), c)
	cfg.Flush, cfg.Free = time.Second, cocoon.TON(1_000_000)
	l, err := Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	l.SetIndex(c.now)
	if err = l.SetRewards(Rewards{Number: 1, Bond: cocoon.TON(1_000_000), Pot: cocoon.TON(1_000_000), Fees: 100}); err != nil {
		b.Fatal(err)
	}
	for n := range channels {
		if err = l.SetChannel(facts(n, cocoon.TON(1_000_000))); err != nil {
			b.Fatal(err)
		}
		if _, err = l.Hello(account(n), 1, promises(n, cocoon.TON(1_000_000)), 0); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

func numbered8(n int64) ID {
	return ID{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), 1}
}

func BenchmarkAdmit(b *testing.B) {
	l := benched(b, 16)
	var next atomic.Int64
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			n := next.Add(1)
			if err := l.Admit(1, Request{ID: numbered8(n), Channel: account(int(n % 16)), Route: Key{7}, Size: size, Price: price}, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "admits/s")
}

// BenchmarkCommit commits receipts that were signed before, 64 at a time, and
// waits until each is durable.
func BenchmarkCommit(b *testing.B) {
	l, workers := benched(b, 16), 64
	signed := make([][]receipt.SignedUsage, workers)
	hands := make([]*machine, workers)
	for w := range workers {
		hands[w] = &machine{n: w % 16, boot: w}
		for i := range (b.N + workers - 1) / workers {
			id := numbered8(int64(w)<<20 | int64(i))
			if err := l.Admit(1, Request{ID: id, Channel: account(w % 16), Route: Key{7}, Size: bound.Size{Prompt: 1000, Choices: 1, MaxOut: 512}, Price: price}, nil); err != nil {
				b.Fatal(err)
			}
			if err := l.Assign(id, hands[w].attempt()); err != nil {
				b.Fatal(err)
			}
			signed[w] = append(signed[w], hands[w].states(id, used))
		}
	}
	b.ResetTimer()
	var all errgroup.Group
	for w := range workers {
		all.Go(func() error {
			certificate := hands[w].certificate()
			for _, u := range signed[w] {
				t, err := l.Commit(b.Context(), u, certificate, 4096)
				if err == nil {
					_, err = t.Wait(b.Context())
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		b.Error(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkRequest has one request after the other admitted, assigned, committed,
// agreed to and paid, as an interactive client that asks one thing at a time does.
func BenchmarkRequest(b *testing.B) {
	l, m := benched(b, 1), &machine{}
	c := m.certificate()
	signed, agreed := make([]receipt.SignedUsage, b.N), make([]*voucher.Signed, b.N)
	for i := range signed {
		signed[i] = m.states(numbered8(int64(i)), used)
		agreed[i] = promises(0, cocoon.NanoOf(uint64(i+1)*18_000))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i, u := range signed {
		if err := cycle(b.Context(), l, m, u, c, *agreed[i]); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLedger_ARequestAllocatesLittle is over all that BenchmarkRequest does, some 105
// allocations, of which the journal's and the tables' are part.
func TestLedger_ARequestAllocatesLittle(t *testing.T) {
	l, m := benched(t, 1), &machine{}
	c, n := m.certificate(), int64(0)
	signing := func() (receipt.SignedUsage, voucher.Signed) {
		n++
		return m.states(numbered8(n), used), *promises(0, cocoon.NanoOf(uint64(n)*18_000))
	}
	own := testing.AllocsPerRun(100, func() { signing() })
	m.number, n = 0, 0
	all := testing.AllocsPerRun(100, func() {
		u, agreed := signing()
		require.NoError(t, cycle(t.Context(), l, m, u, c, agreed))
	})
	require.Less(t, all-own, 150.0)
}

func cycle(ctx context.Context, l *Ledger, m *machine, u receipt.SignedUsage, c receipt.SignedCertificate, agreed voucher.Signed) error {
	id := ID(u.Content.Request)
	if err := l.Admit(1, Request{ID: id, Channel: account(0), Route: Key{7}, Size: size, Price: price}, nil); err != nil {
		return err
	}
	if err := l.Assign(id, m.attempt()); err != nil {
		return err
	}
	t, err := l.Commit(ctx, u, c, 4096)
	if err == nil {
		_, err = t.Wait(ctx)
	}
	if err == nil {
		err = l.OK(ctx, 1, id, u.Content.Cost)
	}
	if err != nil {
		return err
	}
	return l.Pay(1, agreed)
}
