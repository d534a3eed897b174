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
