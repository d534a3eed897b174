package indexer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// tape is what happened in one market, to be played again as other markets.
type tape struct {
	events []occurrence
	ours   map[cocoon.Account]bool
}

// recordTape takes the whole log of an indexer.
func recordTape(t *testing.T, x *Indexer) *tape {
	t.Helper()
	tp := &tape{ours: map[cocoon.Account]bool{}}
	for after := uint64(0); ; after = tp.events[len(tp.events)-1].Seq {
		rows, err := replayRows(t.Context(), x.store.read, after)
		require.NoError(t, err)
		if len(rows) == 0 {
			return tp
		}
		for i := range rows {
			o, err := rows[i].occurrence()
			require.NoError(t, err)
			tp.events = append(tp.events, o)
			tp.ours[o.Account] = true
		}
	}
}

// as is the account that stands for a in the n-th take.
func (tp *tape) as(a cocoon.Account, n uint32) cocoon.Account {
	if n == 0 || !tp.ours[a] {
		return a
	}
	return cocoon.Account(sha256.Sum256(binary.BigEndian.AppendUint32(a[:], n)))
}

// takeApart is how many seconds lie between two takes: they fill hours and days.
const takeApart = 977

// take is the market once more: other contracts, later, in the block after.
func (tp *tape) take(n uint32, at cursor) *batch {
	root := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("block"), n))
	b := &batch{from: at, to: cursor{seqno: at.seqno + 1, root: root, events: at.events}, first: root, born: map[cocoon.Account]wrappers.Kind{}}
	last := map[cocoon.Account]link{}
	for _, o := range tp.events {
		b.to.events++
		o.Seq, o.Seqno, o.Time = b.to.events, b.to.seqno, o.Time+n*takeApart
		o.Account, o.From, o.Tx = tp.as(o.Account, n), tp.as(o.From, n), againTx(o.Tx, n)
		out := make([]market.Out, len(o.Out))
		for i, m := range o.Out {
			m.To = tp.as(m.To, n)
			out[i] = m
		}
		o.Out = out
		o.prev, o.next.lt = last[o.Account], o.LT
		o.next.tx = [32]byte(must(hex.DecodeString(o.Tx)))
		last[o.Account] = o.next
		if o.birth != nil {
			b.born[o.Account] = o.birth.kind
		}
		b.to.time = o.Time
		b.occurrences = append(b.occurrences, o)
	}
	return b
}

func againTx(tx string, n uint32) string {
	if n == 0 {
		return tx
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(tx), n))
	return hex.EncodeToString(sum[:])
}

// crowd is an indexer whose log holds at least so many events of every kind,
// committed as those that were read are.
func crowd(t *testing.T, atLeast uint64) *Indexer {
	t.Helper()
	w := newWorld(t)
	played := w.open(newPath(t))
	w.finish(w.play())
	w.follow(played)
	tp := recordTape(t, played)
	x := w.open(newPath(t))
	for n := uint32(0); x.Head().Events < atLeast; n++ {
		require.NoError(t, x.commit(t.Context(), tp.take(n, x.position())))
	}
	return x
}

func TestRebuild_OfACrowdIsTheLiveTablesByteForByte(t *testing.T) {
	t.Parallel()
	events := uint64(100_000)
	if testing.Short() {
		events = 3_000
	}
	x := crowd(t, events)
	live := digests(t, x)
	_, err := x.store.write.ExecContext(t.Context(), `UPDATE money SET received = '1'; DELETE FROM workers; UPDATE jobs SET doc = '{}'`)
	require.NoError(t, err)
	for _, table := range projected {
		require.NotEqual(t, sha256.Sum256(nil), live[table], "%s is empty", table)
	}
	require.NotEqual(t, live, digests(t, x))
	require.NoError(t, x.Rebuild(t.Context()))
	require.Equal(t, live, digests(t, x))
	require.GreaterOrEqual(t, x.Head().Events, events)
}

// digests are a hash over every byte of each projection.
func digests(t *testing.T, x *Indexer) map[string][32]byte {
	t.Helper()
	sums := map[string][32]byte{}
	for _, table := range projected {
		h := sha256.New()
		lines := dump(t, x, table)
		for _, line := range lines {
			h.Write([]byte(line))
			h.Write([]byte{'\n'})
		}
		sums[table] = [32]byte(h.Sum(nil))
	}
	return sums
}
