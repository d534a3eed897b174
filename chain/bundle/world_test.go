package bundle_test

import (
	"encoding/binary"
	"hash/crc32"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/localnet"
)

// world is a chain that split, merged and changed its config, and accounts in
// all of its shards.
type world struct {
	t      testing.TB
	local  *localnet.Chain
	client *chain.Client
	rich   []cocoon.Account
	nobody cocoon.Account
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, local: localnet.New(t), nobody: cocoon.Account{0x77, 1}}
	for i := range 8 {
		w.rich = append(w.rich, cocoon.Account{byte(i * 0x20), 5})
	}
	for step, shards := range []int{1, 4, 2, 8, 1, 4} {
		require.NoError(t, w.local.SetShards(shards))
		w.rekey(step)
		a := chain.Address(w.rich[step])
		require.NoError(t, w.local.Faucet(t.Context(), a, big.NewInt(int64(step+1)*1e9)))
	}
	for _, a := range w.rich[6:] {
		require.NoError(t, w.local.Faucet(t.Context(), chain.Address(a), big.NewInt(9e9)))
	}
	w.client = w.dial(w.local.GlobalConfig())
	return w
}

// rekey makes a key block.
func (w *world) rekey(step int) {
	require.NoError(w.t, w.local.SetConfig(map[uint32]*cell.Cell{71: cell.BeginCell().MustStoreUInt(uint64(step), 32).EndCell()}))
}

func (w *world) dial(config []byte) *chain.Client {
	n, err := chain.ParseNetwork(config)
	require.NoError(w.t, err)
	c, err := chain.Dial(w.t.Context(), n, chain.Options{})
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) all() []cocoon.Account {
	return append(append([]cocoon.Account{}, w.rich...), w.nobody)
}

// make makes a bundle of every account, about block at, for who trusts from.
func (w *world) make(at, from uint32) []byte {
	data, err := bundle.NewMaker(w.client).Make(w.t.Context(), at, from, w.all()...)
	require.NoError(w.t, err)
	return data
}

// trusting is the network for who trusts that block.
func (w *world) trusting(seqno uint32) chain.Network {
	n := w.client.Network()
	id, err := w.client.LookupMaster(w.t.Context(), seqno)
	require.NoError(w.t, err)
	n.Trusted = *id
	return n
}

// repair writes the checksum that the bag of cells would have.
func repair(data []byte) {
	body := data[:len(data)-4]
	binary.LittleEndian.PutUint32(data[len(body):], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}
