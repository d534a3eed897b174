package indexer

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/wrappers"
)

// fetch asks for a file.
func (s served) fetch(path string) (status int, header http.Header, body []byte) {
	s.t.Helper()
	r, err := http.Get(s.url + path)
	require.NoError(s.t, err)
	defer r.Body.Close()
	body, err = io.ReadAll(r.Body)
	require.NoError(s.t, err)
	return r.StatusCode, r.Header, body
}

func TestProof_ShowsRegistryAndVaultInOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(newPath(t))
	cfg.Prover = bundle.NewMaker(w.client)
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { x.Close() })
	api := serve(t, x)
	provider := w.stakeProvider()
	var refused struct{ Status int }
	status, _ := api.get("/v1/proof?account="+provider.String(), &refused)
	require.Equal(t, http.StatusNotFound, status, "nothing was read yet")
	w.follow(x)

	status, header, data := api.fetch("/v1/proof?account=" + w.registry.String() + "&account=" + provider.Friendly(true, true))
	require.Equal(t, http.StatusOK, status, "%s", data)
	require.Equal(t, bundleType, header.Get("Content-Type"))
	p, err := bundle.Verify(data, w.client.Network())
	require.NoError(t, err)
	require.Equal(t, x.Head().Seqno, p.Block.SeqNo)
	require.Equal(t, x.Head().Time, uint32(p.Time.Unix()))
	found, err := p.Of(w.registry, provider)
	require.NoError(t, err)
	registry, err := wrappers.DecodeRegistry(found[0].Data)
	require.NoError(t, err)
	require.True(t, registry.Launched)
	vault, err := wrappers.DecodeProvider(found[1].Data)
	require.NoError(t, err)
	require.Equal(t, cocoon.TON(15), vault.Stake)

	trusts := w.client.Network() // a client that remembers the block it proved last
	trusts.Trusted = p.Block
	w.settle()
	w.follow(x)
	_, _, data = api.fetch("/v1/proof?from=" + fmt.Sprint(p.Block.SeqNo) + "&account=" + w.registry.String())
	_, err = bundle.Verify(data, trusts)
	require.NoError(t, err)
	_, err = bundle.Verify(data, w.client.Network())
	require.ErrorIs(t, err, bundle.ErrUntrusted)

	for path, want := range map[string]int{"/v1/proof": 400, "/v1/proof?account=nonsense": 400, "/v1/proof?from=99999999&account=" + provider.String(): 404} {
		status, _, _ := api.fetch(path)
		require.Equal(t, want, status, path)
	}
	status, _, _ = serve(t, w.open(newPath(t))).fetch("/v1/proof?account=" + provider.String())
	require.Equal(t, http.StatusNotFound, status, "no prover")
	require.Equal(t, chain.Active, found[1].State)
}
