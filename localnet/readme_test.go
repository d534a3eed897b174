package localnet_test

import (
	"encoding/hex"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

func at(n byte) *address.Address { return address.NewAddress(0, 0, append(make([]byte, 31), n)) }

func code(assembled string) *cell.Cell {
	raw, err := hex.DecodeString(assembled)
	if err != nil {
		panic(err)
	}
	return cell.BeginCell().MustStoreSlice(raw, uint(8*len(raw))).EndCell()
}

// forward sends what comes in to the address in its data.
var forward = code("FF00ED44D08010C8CB05CE806FCF40C98040FB00")

func TestForwarder_SendsOnWhatItGets(t *testing.T) {
	forwarder := localnet.GenesisAccount{Address: at(7), Code: forward, Data: cell.BeginCell().MustStoreAddr(at(8)).EndCell(), Nano: big.NewInt(1e9)}
	chain := localnet.New(t, func(c *localnet.Config) { c.Accounts = append(c.Accounts, forwarder) })
	before := chain.Snapshot()
	_, err := chain.Impersonate(localnet.Message{From: at(1), To: at(7), Nano: big.NewInt(3e9)})
	require.NoError(t, err)
	got, err := chain.Balance(at(8))
	require.NoError(t, err)
	require.Positive(t, got.Cmp(big.NewInt(2_990_000_000)))
	require.NoError(t, chain.Revert(before)) // it never happened
}

func TestReadme_ShowsTheTestThatCompiles(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(source), "func TestForwarder_SendsOnWhatItGets")
	require.True(t, found)
	body, _, found := strings.Cut(rest, "\n}\n")
	require.True(t, found)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "func TestForwarder_SendsOnWhatItGets"+body+"\n}\n")
}
