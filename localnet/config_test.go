package localnet

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/boc"
	tongotlb "github.com/tonkeeper/tongo/tlb"
	"github.com/tonkeeper/tongo/ton"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func TestBlockchainConfig_IsWhatTheExecutorReads(t *testing.T) {
	t.Parallel()
	dict, err := BlockchainConfig(ConfigOptions{GlobalID: -239})
	require.NoError(t, err)
	prepared, err := tvm.PrepareBlockchainConfig(dict.AsCell())
	require.NoError(t, err)
	require.EqualValues(t, 14, prepared.GlobalVersion())

	param := func(id int64, into any) {
		value, err := dict.LoadValueByIntKey(big.NewInt(id))
		require.NoError(t, err)
		require.NoError(t, tlb.Parse(into, value.MustLoadRef().MustToCell()))
	}
	var gas tlb.ConfigGasLimitsPrices
	param(21, &gas)
	require.EqualValues(t, 66, gas.GasPrice>>16, "nanoTON per gas on mainnet since June 2026")
	var id tlb.GlobalIDConfig
	param(19, &id)
	require.EqualValues(t, -239, id.GlobalID)
}

func TestBlockchainConfig_IsReadWholeByAnotherClient(t *testing.T) {
	t.Parallel()
	dict, err := BlockchainConfig(ConfigOptions{})
	require.NoError(t, err)
	cells, err := boc.DeserializeBoc(dict.AsCell().ToBOC())
	require.NoError(t, err)
	var params tongotlb.ConfigParams
	require.NoError(t, tongotlb.Unmarshal(cells[0], &params.Config))
	config, _, err := ton.ConvertBlockchainConfig(params, true)
	require.NoError(t, err)
	require.NotNil(t, config.ConfigParam34)
}

func TestBlockchainConfig_RefusesShortHashes(t *testing.T) {
	t.Parallel()
	for _, o := range []ConfigOptions{{Validator: make([]byte, 31)}, {ZeroRootHash: []byte{1}}, {ZeroFileHash: make([]byte, 33)}} {
		_, err := BlockchainConfig(o)
		require.ErrorContains(t, err, "not 32")
	}
}

func TestParameters_OfAnotherNetworkAreTakenOver(t *testing.T) {
	t.Parallel()
	theirs, err := BlockchainConfig(ConfigOptions{GlobalVersion: 12})
	require.NoError(t, err)
	prices := basechainTariff
	prices.flatGas, prices.gas16 = 400_000, 400<<16
	dear, err := tlb.ToCell(prices.gas())
	require.NoError(t, err)
	require.NoError(t, theirs.SetIntKey(big.NewInt(21), cell.BeginCell().MustStoreRef(dear).EndCell()))
	params, err := ParseParameters(theirs.AsCell().ToBOC())
	require.NoError(t, err)
	all, option := crowd(t, 1)
	c := New(t, option, func(c *Config) { c.Manual, c.Parameters = true, params })
	require.EqualValues(t, 12, c.view().head.rules.config.GlobalVersion())
	before := balance(t, c, all[0].WalletAddress())
	require.NoError(t, c.Push(all[0].send(t, coins(1), account(1))))
	require.NoError(t, c.MineAll())
	paid := before.Sub(before, balance(t, c, all[0].WalletAddress()))
	require.Greater(t, paid.Sub(paid, coins(1)).Int64(), int64(1_000_000), "at their price of gas")
	requireSound(t, c)

	for name, boc := range map[string][]byte{"noise": []byte("noise"), "no dictionary": cell.BeginCell().MustStoreUInt(7, 40).EndCell().ToBOC(), "nothing": nil} {
		_, err = ParseParameters(boc)
		require.Error(t, err, name)
	}
}

// FuzzParameters starts chains with configs of any bytes.
func FuzzParameters(f *testing.F) {
	good, err := BlockchainConfig(ConfigOptions{})
	require.NoError(f, err)
	f.Add(good.AsCell().ToBOC())
	for _, id := range []int64{8, 14, 20, 21, 24, 25, 28, 45} {
		noise := good.Copy()
		require.NoError(f, noise.SetIntKey(big.NewInt(id), cell.BeginCell().MustStoreRef(cell.BeginCell().MustStoreUInt(1<<40, 60).EndCell()).EndCell()))
		f.Add(noise.AsCell().ToBOC())
	}
	f.Fuzz(func(t *testing.T, boc []byte) {
		params, err := ParseParameters(boc)
		if err != nil {
			return
		}
		cfg := Config{Manual: true, Parameters: params}
		require.NoError(t, cfg.complete())
		c, err := newChain(cfg)
		if err != nil {
			return
		}
		require.NoError(t, c.Mine(), "what is accepted makes blocks")
	})
}
