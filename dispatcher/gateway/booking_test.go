package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// final is the next bill that the daemon hears of, whatever else it hears.
func (w *town) final() []byte {
	w.t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case event := <-w.events:
			if stream.KindOf(event) == "final" {
				return event
			}
		case <-late:
			require.FailNow(w.t, "no bill came")
		}
	}
}

func TestGateway_BillsOfAMomentAreBookedAndAcknowledgedTogether(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Gather = 300 * time.Millisecond
	w := newTown(t, cfg, answers)
	const many = 5
	asked := map[stream.RequestID]bool{}
	for range many {
		asked[w.ask(100)] = true
	}
	for range many { // of each of them, in whatever order they come
		final, err := stream.ParseFinal(w.final())
		require.NoError(t, err)
		require.True(t, asked[final.Request])
		require.Equal(t, [16]byte(final.Request), mustParse(receipt.ParseUsage(final.Receipt)).Content.Request)
		delete(asked, final.Request)
	}
	require.EqualValues(t, many, w.acked(w.workers[0]))
	w.idle()
	require.Empty(t, w.workers[0].acks, "one is for all")
	require.Equal(t, many, w.purse.charged)
}

func TestGateway_OneBadBillDoesNotHoldTheOthers(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Gather = 300 * time.Millisecond
	w := newTown(t, cfg, func(a *work) {
		a.took()
		a.frame("one", 1, true)
		a.forge(1)
		a.bill(stream.Finished, 1)
	})
	for range 3 {
		w.ask(100)
	}
	for range 3 {
		w.final()
	}
	w.idle()
	require.Equal(t, 3, w.purse.charged)
}

func TestEvents_AreToldByWhoeverReleasesThemFirst(t *testing.T) {
	t.Parallel()
	var sent []int
	e := events{send: func(_ [32]byte, m []byte) { sent = append(sent, len(mustParse(stream.Unbundle(m)))) }}
	say := func() { e.tell([32]byte{1}, stream.Final{}.Bytes()) }
	say()
	require.Equal(t, []int{1}, sent)
	e.hold()
	say()
	e.hold()
	say()
	require.Equal(t, []int{1}, sent, "they wait")
	e.release()
	require.Equal(t, []int{1, 2}, sent, "nobody keeps the others' for longer")
	say()
	require.Equal(t, []int{1, 2}, sent)
	e.release()
	require.Equal(t, []int{1, 2, 1}, sent)
	say()
	require.Equal(t, []int{1, 2, 1, 1}, sent)
}
