package localnet

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func TestLibraries_AreWhatMasterchainAccountsPublish(t *testing.T) {
	t.Parallel()
	raw, err := hex.DecodeString(passOn)
	require.NoError(t, err)
	code := cell.BeginCell().MustStoreSlice(raw, uint(len(raw)*8)).EndCell()
	reference, err := cell.BeginCell().MustStoreUInt(2, 8).MustStoreSlice(code.Hash(), 256).EndCellSpecial(true)
	require.NoError(t, err)
	user := GenesisAccount{Address: account(7), Code: reference, Data: cell.BeginCell().MustStoreAddr(account(9)).EndCell(), Nano: coins(1)}
	c := New(t, manual, with(user))
	run := func() uint16 {
		tx, err := c.Impersonate(Message{From: account(1), To: account(7), Nano: coins(1)})
		require.NoError(t, err)
		return tx.OutMsgCount
	}
	require.Zero(t, run(), "nobody publishes the code yet")

	// two accounts publish it: it is there until both are gone
	publish := func(n byte) GenesisAccount {
		// SETCP0; c4 CTOS; LDREF; 8 LDU; DROP; SETLIBCODE
		g := contract(t, n, "FF00"+"ED44D0"+"D4"+"D307"+"30"+"FB06", nil)
		g.Address, g.Data, g.Nano = spread(-1, n, n), cell.BeginCell().MustStoreRef(code).MustStoreUInt(2, 8).EndCell(), coins(10)
		require.NoError(t, c.SetAccount(g))
		_, err := c.Impersonate(Message{From: account(1), To: g.Address, Nano: coins(1)})
		require.NoError(t, err)
		return GenesisAccount{Address: g.Address, Nano: coins(0)}
	}
	first := publish(1)
	require.NoError(t, c.Mine(), "shards see it after the masterchain block")
	require.EqualValues(t, 1, run())
	second := publish(2)
	require.NoError(t, c.Mine())

	api := connect(t, c, ton.ProofCheckPolicyFast)
	found, err := api.GetLibraries(t.Context(), code.Hash(), make([]byte, 32))
	require.NoError(t, err)
	require.Equal(t, code.Hash(), found[0].Hash())

	require.NoError(t, c.SetAccount(first))
	require.NoError(t, c.Mine())
	require.EqualValues(t, 1, run())
	require.NoError(t, c.SetAccount(second))
	require.NoError(t, c.Mine())
	require.Zero(t, run())
	require.Nil(t, c.view().head.rules.libraries)
	requireSound(t, c)
}
