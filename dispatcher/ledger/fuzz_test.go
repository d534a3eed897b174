package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzReplay(f *testing.F) {
	_, content := logged(f)
	f.Add(content, uint64(0))
	f.Add(content[:len(content)-3], uint64(2))
	f.Fuzz(func(t *testing.T, content []byte, seq uint64) {
		n := uint64(0)
		last, err := replayFile(content, seq, func([]byte) error { n++; return nil })
		if err == nil {
			require.Equal(t, seq+n, last)
		}
	})
}

func FuzzChange(f *testing.F) {
	for _, c := range []change{&greeted{account(1), 2}, &covered{Channel: account(1)}, &admitted{Request: Request{ID: ID{1}, Channel: account(1)}, Reserve: reserve},
		&committed{Request: ID{1}, Number: 1, Cost: cost}, &answered{ID: ID{1}, Cost: cost}, &numbered{2, true}, &promised{Number: 1}} {
		b, err := encodeChange(c)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeChange(b)
		if err != nil {
			return
		}
		s := newState()
		for range 2 {
			c.apply(s)
		}
		again, err := encodeChange(c)
		require.NoError(t, err)
		back, err := decodeChange(again)
		require.NoError(t, err)
		require.Equal(t, c, back)
		_, err = s.snapshot(1)
		require.NoError(t, err)
	})
}
