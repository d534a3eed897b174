package chain

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

func someMessages() []Message {
	body := cell.BeginCell().MustStoreUInt(7, 32).EndCell()
	return []Message{
		{To: cocoon.Account{1}, Amount: cocoon.TON(1), Body: body},
		{To: cocoon.Account{2}, Amount: cocoon.NanoOf(5), Bounce: true, Body: emptyCell(),
			Init: &tlb.StateInit{Code: body, Data: emptyCell()}},
	}
}

func emptyCell() *cell.Cell { return cell.BeginCell().EndCell() }

func someUnsigned(t testing.TB) Unsigned {
	u, err := newUnsigned(Unsigned{Key: testKey(1).Public().(ed25519.PublicKey), GlobalID: -217, Seqno: 9, nonce: 1 << 60,
		ValidUntil: time.Unix(1_900_000_000, 0), Deploy: true}, someMessages())
	require.NoError(t, err)
	return u
}

func TestWalletAccount_IsThatOfOtherWallets(t *testing.T) {
	t.Parallel()
	key := testKey(1).Public().(ed25519.PublicKey)
	for _, id := range []int32{Mainnet, Testnet, -217} {
		want, err := wallet.AddressFromPubKey(key, wallet.ConfigV5R1Final{NetworkGlobalID: id}, 0)
		require.NoError(t, err)
		got, err := WalletAccount(key, id)
		require.NoError(t, err)
		require.Equal(t, want.Data(), got[:])
	}
	_, err := WalletAccount(key[:31], Mainnet)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

func TestUnsigned_ShowsWhatItWillSend(t *testing.T) {
	t.Parallel()
	u, err := ParseUnsigned(someUnsigned(t).BoC())
	require.NoError(t, err)
	require.Equal(t, someUnsigned(t).Hash(), u.Hash())
	messages, err := u.Messages()
	require.NoError(t, err)
	require.Len(t, messages, 2)
	for i, m := range messages {
		want, err := tlb.ToCell(someMessages()[i].Internal())
		require.NoError(t, err)
		got, err := tlb.ToCell(m.Internal())
		require.NoError(t, err)
		require.Equal(t, want.Hash(), got.Hash())
	}
}

func TestUnsigned_TakesOnlyItsKeysSignature(t *testing.T) {
	t.Parallel()
	u := someUnsigned(t)
	hash := u.Hash()
	external, err := u.Combine(ed25519.Sign(testKey(1), hash[:]))
	require.NoError(t, err)
	var m tlb.ExternalMessage
	require.NoError(t, tlb.Parse(&m, external))
	account, err := u.Account()
	require.NoError(t, err)
	require.Equal(t, account[:], m.DstAddr.Data())
	require.NotNil(t, m.StateInit)

	for _, bad := range [][]byte{nil, make([]byte, 64), ed25519.Sign(testKey(2), hash[:]), ed25519.Sign(testKey(1), hash[:31])} {
		_, err = u.Combine(bad)
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
	}
}

func TestUnsigned_RefusesWhatAWalletCannotSend(t *testing.T) {
	t.Parallel()
	until := time.Unix(1_900_000_000, 0)
	for _, n := range []int{0, maxMessages + 1} {
		_, err := newUnsigned(Unsigned{ValidUntil: until}, make([]Message, n))
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
	_, err := newUnsigned(Unsigned{ValidUntil: until}, make([]Message, maxMessages))
	require.NoError(t, err)
	for _, until := range []time.Time{{}, time.Unix(1<<32, 0)} {
		_, err = newUnsigned(Unsigned{ValidUntil: until}, make([]Message, 1))
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}

func FuzzParseUnsigned(f *testing.F) {
	f.Add([]byte{})
	f.Add(emptyCell().ToBOC())
	f.Add(someUnsigned(f).BoC())
	f.Fuzz(func(t *testing.T, boc []byte) {
		u, err := ParseUnsigned(boc)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := ParseUnsigned(u.BoC())
		require.NoError(t, err)
		require.Equal(t, u.Hash(), again.Hash())
	})
}
