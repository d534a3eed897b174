package channel

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func someBook() *book {
	birth := wrappers.ChannelBirth{Client: cocoon.Account{1}, ClientKey: [32]byte{2}, Rewards: cocoon.Account{3}, DispatcherKey: [32]byte{4}, CloseDelay: 86400, Salt: 1 << 63}
	return &book{Channels: []*entry{{Birth: birth, Seed: make([]byte, 32), Phase: serving, Sent: &intent{"top up", cocoon.TON(1), cocoon.TON(2), time.Unix(5, 0).UTC()}}},
		Spent: []spend{{time.Unix(5, 0).UTC(), cocoon.TON(1)}}}
}

func TestBook_IsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	b := someBook()
	dir := t.TempDir()
	b.path = filepath.Join(dir, "channels.json")
	require.NoError(t, b.save())
	got, err := openBook(dir)
	require.NoError(t, err)
	var want error
	b.Channels[0].account, want = b.Channels[0].Birth.Account()
	require.NoError(t, want)
	require.Equal(t, b, got)
}

func TestBook_ADayHasItsLimit(t *testing.T) {
	t.Parallel()
	b := someBook()
	now := time.Unix(100, 0)
	require.NoError(t, b.mayLeave(cocoon.TON(9), cocoon.TON(10), now))
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(b.mayLeave(cocoon.NanoOf(9_000_000_001), cocoon.TON(10), now)))
	require.NoError(t, b.mayLeave(cocoon.TON(10), cocoon.TON(10), now.Add(24*time.Hour)), "another day")
	require.Empty(t, b.Spent)
}

func FuzzParseBook(f *testing.F) {
	f.Add([]byte(`{"channels":[{"birth":{},"seed":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","phase":"open"}],"spent":[{"at":"2026-01-01T00:00:00Z","amount_nano":"5"}]}`))
	f.Add([]byte(`{"channels":[null]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := &book{}
		if err := b.parse(raw); err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		for _, e := range b.Channels {
			require.Len(t, e.Seed, 32)
		}
	})
}
