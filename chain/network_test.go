package chain

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func someNetwork() Network {
	block := func(seqno uint32, fill byte) BlockID {
		return BlockID{Workchain: -1, Shard: math.MinInt64, SeqNo: seqno,
			RootHash: bytes.Repeat([]byte{fill}, 32), FileHash: bytes.Repeat([]byte{fill + 1}, 32)}
	}
	return Network{Name: "home", GlobalID: -217, Registry: cocoon.Account{1, 2, 3},
		Liteservers: []Liteserver{{"127.0.0.1:4000", bytes.Repeat([]byte{7}, ed25519.PublicKeySize)},
			{"203.0.113.9:65535", bytes.Repeat([]byte{8}, ed25519.PublicKeySize)}},
		Trusted: block(21, 10), ZeroState: block(0, 20)}
}

// edited is the text of someNetwork after change had its way with the JSON.
func edited(t testing.TB, change func(map[string]any)) []byte {
	data, err := json.Marshal(someNetwork())
	require.NoError(t, err)
	var f map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	require.NoError(t, d.Decode(&f))
	change(f)
	data, err = json.Marshal(f)
	require.NoError(t, err)
	return data
}

func TestNetwork_IsReadAsItWasSaved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "home.json")
	require.NoError(t, Network{Name: "older", Liteservers: someNetwork().Liteservers}.Save(path))
	require.NoError(t, someNetwork().Save(path))
	n, err := LoadNetwork(path)
	require.NoError(t, err)
	require.Equal(t, someNetwork(), n)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left beside the file")
}

func TestNetwork_IsNotHalfSaved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "home.json")
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Error(t, someNetwork().Save(path))
	named := someNetwork()
	named.Liteservers[0].Addr = "localhost:1"
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(named.Save(filepath.Join(dir, "other.json"))))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left beside what was there")
}

func TestNetwork_ReadsAPlainGlobalConfig(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "my-net.json")
	require.NoError(t, os.WriteFile(path, edited(t, func(f map[string]any) {
		delete(f, "cocoon")
		f["dht"] = map[string]any{"k": 6}
	}), 0o600))
	n, err := LoadNetwork(path)
	require.NoError(t, err)
	require.Equal(t, "my-net", n.Name)
	require.Zero(t, n.GlobalID)
	require.True(t, n.Registry.IsZero())
}

func TestNetwork_RefusesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	validator := func(f map[string]any) map[string]any { return f["validator"].(map[string]any) }
	server := func(f map[string]any) map[string]any { return f["liteservers"].([]any)[0].(map[string]any) }
	for want, change := range map[string]func(map[string]any){
		"no liteserver is listed":              func(f map[string]any) { f["liteservers"] = []any{} },
		"zero_state is missing":                func(f map[string]any) { delete(validator(f), "zero_state") },
		"init_block is missing":                func(f map[string]any) { delete(validator(f), "init_block") },
		"init_block is not in the masterchain": func(f map[string]any) { validator(f)["init_block"].(map[string]any)["workchain"] = 0 },
		"a hash is not 32 bytes":               func(f map[string]any) { validator(f)["init_block"].(map[string]any)["root_hash"] = "AAAA" },
		"zero_state has seqno 1":               func(f map[string]any) { validator(f)["zero_state"].(map[string]any)["seqno"] = 1 },
		"not an IPv4 address":                  func(f map[string]any) { server(f)["ip"] = int64(1) << 33 },
		"port 0":                               func(f map[string]any) { server(f)["port"] = 0 },
		"id.key is not 32 bytes":               func(f map[string]any) { server(f)["id"] = map[string]any{"key": "AAAA"} },
		"not a global.config.json":             func(f map[string]any) { f["liteservers"] = "none" },
		"neither raw":                          func(f map[string]any) { f["cocoon"].(map[string]any)["registry"] = "EQ" },
		"named mainnet, but its global id":     func(f map[string]any) { f["cocoon"].(map[string]any)["name"] = "mainnet" },
	} {
		_, err := ParseNetwork(edited(t, change))
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), want)
	}
}

func TestNetwork_PublicOnesAreNotGuessed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mainnet", "testnet", "localnet", "moonnet", filepath.Join(t.TempDir(), "none.json")} {
		_, err := LoadNetwork(name)
		require.Equal(t, cocoon.NotFound, cocoon.KindOf(err), name)
		require.NotEmpty(t, cocoon.HintOf(err), name)
	}
}

func TestNetwork_NamedPublicTakesItsGlobalID(t *testing.T) {
	t.Parallel()
	n, err := ParseNetwork(edited(t, func(f map[string]any) { f["cocoon"] = map[string]any{"name": "testnet"} }))
	require.NoError(t, err)
	require.Equal(t, Testnet, n.GlobalID)
	require.True(t, n.Testing())
}

func FuzzParseNetwork(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(strings.Repeat("[", 99)))
	f.Add(edited(f, func(map[string]any) {}))
	f.Add(edited(f, func(f map[string]any) { delete(f, "cocoon") }))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := ParseNetwork(data)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		text, err := json.Marshal(n)
		require.NoError(t, err)
		again, err := ParseNetwork(text)
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}
