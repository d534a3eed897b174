package bundle_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/localnet"
)

var update = flag.Bool("update", false, "write the test vector anew")

var (
	vectorFile    = filepath.Join("testdata", "vector.bundle")
	vectorNetwork = filepath.Join("testdata", "network.json")
	somebody      = cocoon.Account{0x60, 5}
	nobody        = cocoon.Account{0x77, 1}
)

func readVector(t testing.TB) ([]byte, chain.Network) {
	data, err := os.ReadFile(vectorFile)
	require.NoError(t, err)
	n, err := chain.LoadNetwork(vectorNetwork)
	require.NoError(t, err)
	return data, n
}

func TestVector_IsReadByEveryVersion(t *testing.T) {
	t.Parallel()
	if *update {
		writeVector(t)
	}
	data, n := readVector(t)
	p, err := bundle.Verify(data, n)
	require.NoError(t, err)
	require.Equal(t, uint32(6), p.Block.SeqNo)
	require.Equal(t, "2026-10-01T00:00:00Z", p.Time.UTC().Format(time.RFC3339))
	found, err := p.Of(somebody, nobody)
	require.NoError(t, err)
	require.Equal(t, []any{chain.Uninit, cocoon.TON(4)}, []any{found[0].State, found[0].Balance})
	require.Equal(t, []any{chain.None, cocoon.Nano{}}, []any{found[1].State, found[1].Balance})
}

// FuzzVerify shows that nothing breaks the reader, that it reads one form only,
// and that every refusal has a name.
func FuzzVerify(f *testing.F) {
	data, n := readVector(f)
	f.Add(data)
	f.Add(data[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 {
			repair(data)
		}
		b, err := bundle.Parse(data)
		if err != nil {
			require.ErrorIs(t, err, bundle.ErrMalformed)
			return
		}
		again, err := b.Marshal()
		require.NoError(t, err)
		require.Equal(t, data, again)
		if p, err := b.Verify(n); err == nil {
			require.True(t, n.Trusted.Equals(b.From.ID()))
			require.Len(t, p.Accounts, len(b.Accounts))
		} else {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
		}
	})
}

// writeVector makes a chain of two shards that changes its config once.
func writeVector(t *testing.T) {
	local := localnet.New(t, func(c *localnet.Config) {
		c.Seed, c.Manual, c.Shards, c.Genesis = []byte("bundle vector"), true, 2, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
		c.Accounts = append(c.Accounts, localnet.GenesisAccount{Address: chain.Address(somebody), Nano: cocoon.TON(4).Big()})
	})
	require.NoError(t, local.Mine())
	require.NoError(t, local.SetConfig(map[uint32]*cell.Cell{71: cell.BeginCell().EndCell()}))
	require.NoError(t, local.Mine())
	w := &world{t: t, local: local}
	w.client = w.dial(local.GlobalConfig())
	data, err := bundle.NewMaker(w.client).Make(t.Context(), 0, 0, somebody, nobody)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	require.NoError(t, os.WriteFile(vectorFile, data, 0o644))
	require.NoError(t, w.client.Network().Save(vectorNetwork))
}

func TestDocs_DescribeTheVector(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "protocol", "bundle.md"))
	require.NoError(t, err)
	data, _ := readVector(t)
	require.Contains(t, string(text), fmt.Sprintf("sha256 %x", sha256.Sum256(data)))
	require.Contains(t, string(text), fmt.Sprintf("%d bytes", len(data)))
	_, rest, _ := strings.Cut(string(text), "proof_bundle#")
	tag, line, _ := strings.Cut(rest, " ")
	line, _, _ = strings.Cut(line, ";\n")
	require.Equal(t, tag, fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte("proof_bundle "+line))&0x7fffffff))
	require.Contains(t, fmt.Sprintf("%x", data[:64]), "02d9"+tag+"ffffff27518fb465")
}
