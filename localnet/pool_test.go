package localnet

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func deep(levels int) *cell.Cell {
	c := cell.BeginCell().EndCell()
	for range levels {
		c = cell.BeginCell().MustStoreRef(c).EndCell()
	}
	return c
}

func TestPush_RefusesBadMessagesAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	c := New(t, byHand, with(r.genesis(t)))
	good := r.send(t, coins(1), account(20))
	forged := bytes.Clone(good)
	forged[len(forged)/2] ^= 1
	external := func(to *address.Address, body *cell.Cell) []byte {
		m, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: to, Body: body})
		require.NoError(t, err)
		return m.ToBOC()
	}
	internal, err := tlb.ToCell(&tlb.InternalMessage{DstAddr: account(3), Amount: tlb.FromNanoTONU(1)})
	require.NoError(t, err)
	root, err := cell.FromBOC(good)
	require.NoError(t, err)
	trailing := root.ToBuilder().MustStoreUInt(1, 1).EndCell()
	twice := r.send(t, coins(1), account(20)) // seqno 1 before seqno 0
	body := cell.BeginCell().MustStoreUInt(7, 32).EndCell()

	for name, message := range map[string][]byte{
		"nothing":          nil,
		"noise":            []byte("hello"),
		"cut short":        good[:len(good)-3],
		"too long":         make([]byte, maxExternalBytes+1),
		"too deep":         external(r.WalletAddress(), deep(maxExternalDepth)),
		"empty cell":       cell.BeginCell().EndCell().ToBOC(),
		"internal message": internal.ToBOC(),
		"trailing bit":     trailing.ToBOC(),
		"wrong signature":  forged,
		"wrong seqno":      twice,
		"no contract":      external(account(99), body),
		"masterchain":      external(address.NewAddress(0, 255, make([]byte, 32)), body),
		"workchain 5":      external(address.NewAddress(0, 5, make([]byte, 32)), body),
		"no address":       external(address.NewAddressNone(), body),
	} {
		require.Error(t, c.Push(message), name)
	}
	require.NoError(t, c.Mine())
	require.Empty(t, transactions(t, c))

	require.NoError(t, c.Push(good))
	require.NoError(t, c.Push(good), "the same message again is no error")
	require.NoError(t, c.Mine())
	require.Len(t, transactions(t, c), 2)
	require.ErrorIs(t, c.Push(good), errNotAccepted, "but it cannot be replayed")
}

func FuzzPush(f *testing.F) {
	r := newRich(f, "rich")
	good := r.send(f, coins(1), account(20))
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte("\xb5\xee\x9c\x72\x01\x01\x01\x01\x00\x02\x00\x00\x00"))
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		bad := bytes.Clone(good)
		bad[rnd.IntN(len(bad))] ^= byte(1 + rnd.IntN(255))
		f.Add(bad)
	}
	c := New(f, byHand, with(r.genesis(f)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := c.Head()
		if c.Push(raw) == nil {
			m, err := cell.FromBOC(raw)
			require.NoError(t, err)
			_, err = newExternal(m)
			require.NoError(t, err)
		}
		c.pool.take()
		require.Equal(t, before, c.Head())
	})
}
