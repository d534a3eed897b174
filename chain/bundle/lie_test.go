package bundle_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/localnet"
)

// lies are those that could spoil a bundle.
var lies = []localnet.Lie{localnet.LieHead, localnet.LieSignature, localnet.LieSigner, localnet.LieState, localnet.LieBalance, localnet.LieAbsent,
	localnet.LieProof, localnet.LieLookup}

func TestMaker_BelievesNoLiteserver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	liar, err := w.local.Serve(localnet.Faults{})
	require.NoError(t, err)
	alone := w.dial(liar.Config())
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	for _, lie := range lies {
		require.NoError(t, liar.SetFaults(localnet.Faults{}))
		n := alone.Network()
		if lie == localnet.LieSignature || lie == localnet.LieSigner { // what makes the way has to be asked for again
			w.rekey(1)
		}
		require.NoError(t, liar.SetFaults(localnet.Faults{Lie: lie}))
		data, err := bundle.NewMaker(alone).Make(t.Context(), head.SeqNo-1, head.SeqNo-2, w.all()...)
		if err == nil { // it lied about what is not asked, or about nothing
			requireTrue(t, w, data, n, head.SeqNo-1, head.SeqNo-2)
			require.Contains(t, []localnet.Lie{localnet.LieHead, localnet.LieSignature, localnet.LieSigner}, lie)
			_, err = bundle.NewMaker(alone).Make(t.Context(), 0, 0, w.all()...)
		}
		require.Error(t, err, lie)
		require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err), "%s: %v", lie, err)
	}
}

func requireTrue(t *testing.T, w *world, data []byte, n chain.Network, at, from uint32) {
	t.Helper()
	p, err := bundle.Verify(data, w.trusting(from))
	require.NoError(t, err)
	require.Equal(t, at, p.Block.SeqNo)
	_, err = bundle.Verify(data, n)
	require.ErrorIs(t, err, bundle.ErrUntrusted)
}

func TestMaker_AsksTheNextWhereOneLies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	liar, err := w.local.Serve(localnet.Faults{})
	require.NoError(t, err)
	both := w.dial(w.local.ConfigOf(liar, w.local.Server()))
	for _, lie := range lies {
		require.NoError(t, liar.SetFaults(localnet.Faults{Lie: lie}))
		data, err := bundle.NewMaker(both).Make(t.Context(), 0, 0, w.all()...)
		require.NoError(t, err, lie)
		p, err := bundle.Verify(data, both.Network())
		require.NoError(t, err, lie)
		require.Equal(t, cocoon.TON(1), p.Accounts[0].Balance, lie)
	}
}

func TestMaker_AsksOnceForOneBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := &counting{Client: w.client}
	maker := bundle.NewMaker(s)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	first, err := maker.Make(t.Context(), head.SeqNo, 0, w.all()...)
	require.NoError(t, err)
	asked := s.asked
	for range 3 {
		again, err := maker.Make(t.Context(), head.SeqNo, 0, w.all()...)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
	require.Equal(t, asked, s.asked)
	_, err = maker.Make(t.Context(), head.SeqNo-1, 0, w.rich[0], w.rich[0])
	require.NoError(t, err)
	require.Greater(t, s.asked, asked)
}

// counting counts questions for blocks.
type counting struct {
	*chain.Client
	asked int
}

func (c *counting) LookupMaster(ctx context.Context, seqno uint32) (*chain.BlockID, error) {
	c.asked++
	return c.Client.LookupMaster(ctx, seqno)
}

func TestMaker_RefusesWhatItCannotMake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	maker := bundle.NewMaker(w.client)
	for name, c := range map[string]struct {
		kind     cocoon.Kind
		at, from uint32
		accounts []cocoon.Account
	}{
		"nobody":      {cocoon.Invalid, 0, 0, nil},
		"a crowd":     {cocoon.Invalid, 0, 0, crowd()},
		"the future":  {cocoon.NotFound, 1 << 20, 0, w.all()},
		"from future": {cocoon.NotFound, 0, 1 << 20, w.all()},
	} {
		_, err := maker.Make(t.Context(), c.at, c.from, c.accounts...)
		require.Equal(t, c.kind, cocoon.KindOf(err), "%s: %v", name, err)
	}
}

func crowd() (list []cocoon.Account) {
	for i := range bundle.MaxAccounts + 1 {
		list = append(list, cocoon.Account{byte(i)})
	}
	return list
}
