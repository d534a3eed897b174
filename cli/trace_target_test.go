package cli

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func TestTraceTarget_IsAHashOrAnAddress(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("1f", 32)
	bytes, err := hex.DecodeString(hash)
	require.NoError(t, err)
	a := cocoon.Account(bytes)
	for text, want := range map[string]traceTarget{
		hash: {hash: bytes}, hash[:8]: {hash: bytes[:4]}, base64.StdEncoding.EncodeToString(bytes): {hash: bytes},
		base64.URLEncoding.EncodeToString(bytes): {hash: bytes},
	} {
		got, err := parseTarget(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for text, lt := range map[string]uint64{
		"0:" + hash: 0, "-1:" + hash: 0, "0:" + hash + ":47000001": 47000001, "-1:" + hash + ":1": 1,
		a.Friendly(true, false): 0, a.Friendly(false, true) + ":9": 9,
	} {
		got, err := parseTarget(text)
		require.NoError(t, err, text)
		require.Nil(t, got.hash)
		require.Equal(t, bytes, got.account.Data())
		require.Equal(t, lt, got.lt)
		require.Equal(t, strings.HasPrefix(text, "-1"), got.account.Workchain() == -1)
	}
	for _, text := range []string{"", ":", "0", "0:", hash[:6], hash + "00", hash + "0", "0:" + hash + ":", "0:" + hash + ":0", "0:" + hash + ":-1",
		"0:" + hash + ":1:2", "0:" + hash[:62], a.Friendly(true, false) + ":x", a.Friendly(true, false)[:47] + "A"} {
		_, err := parseTarget(text)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), text)
	}
}
