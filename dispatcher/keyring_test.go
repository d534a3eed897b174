package dispatcher

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestKeyring_SignsWithTheKeyOfTheNumber(t *testing.T) {
	t.Parallel()
	older, newer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	k, err := newKeyring([]crypto.Signer{newer, older})
	require.NoError(t, err)
	_, err = k.Sign(1, [32]byte{9})
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), "nobody said which")
	require.NotEmpty(t, cocoon.HintOf(err))
	k.tell(wrappers.ReceiptKeys{Key: wrappers.PublicKey(older), Next: wrappers.PublicKey(newer), NextFrom: 3})
	for number, key := range map[uint32]ed25519.PrivateKey{2: older, 3: newer, 4: newer} {
		sig, err := k.Sign(number, [32]byte{9})
		require.NoError(t, err)
		hash := [32]byte{9}
		require.True(t, ed25519.Verify(key.Public().(ed25519.PublicKey), hash[:], sig[:]), number)
	}
	k.tell(wrappers.ReceiptKeys{Key: [32]byte{7}})
	_, err = k.Sign(1, [32]byte{9})
	require.ErrorContains(t, err, "is not here")
	require.NotContains(t, fmt.Sprintf("%v %s %+v", k, k, k), fmt.Sprintf("%x", older.Seed()))
}
