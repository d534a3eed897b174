package voucher_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

func key(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(append(make([]byte, 31), n)) }

func public(n byte) [32]byte { return [32]byte(key(n).Public().(ed25519.PublicKey)) }

func some() voucher.Voucher {
	return voucher.Voucher{GlobalID: -239, Channel: cocoon.Account{1, 31: 2}, Cumulative: cocoon.TON(7)}
}

func sign(t testing.TB, v voucher.Voucher) voucher.Signed {
	t.Helper()
	s, err := v.Sign(key(1))
	require.NoError(t, err)
	return s
}

func TestSigned_VerifiesForItsKeyAndItsContentOnly(t *testing.T) {
	t.Parallel()
	good := sign(t, some())
	require.NoError(t, good.Verify(public(1)))
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(good.Verify(public(2))))
	for name, change := range map[string]func(*voucher.Signed){
		"network":   func(s *voucher.Signed) { s.GlobalID = -3 },
		"channel":   func(s *voucher.Signed) { s.Channel[0]++ },
		"more":      func(s *voucher.Signed) { s.Cumulative = cocoon.TON(8) },
		"nothing":   func(s *voucher.Signed) { s.Cumulative = cocoon.Nano{} },
		"signature": func(s *voucher.Signed) { s.Signature[63] ^= 1 },
	} {
		bad := good
		change(&bad)
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(bad.Verify(public(1))), name)
	}
}

func TestSigned_BelievesNoKeyThatTheContractRefuses(t *testing.T) {
	t.Parallel()
	s := voucher.Signed{Voucher: some(), Signature: [64]byte{1}} // R is the identity, S is zero
	for _, weak := range [][32]byte{{}, {1}} {
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(s.Verify(weak)))
	}
}

func TestSigned_TravelsUnchanged(t *testing.T) {
	t.Parallel()
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575")
	require.NoError(t, err)
	for _, amount := range []cocoon.Nano{{}, cocoon.NanoOf(1), cocoon.TON(7), most} {
		v := some()
		v.Cumulative = amount
		want := sign(t, v)
		require.Len(t, want.Bytes(), voucher.Size)
		got, err := voucher.Parse(want.Bytes())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, got.Verify(public(1)))
	}
}

func TestSigned_LooksAsDocumented(t *testing.T) {
	t.Parallel()
	hash, err := some().Hash()
	require.NoError(t, err)
	require.Equal(t, "d25af2578ec03c99873a8c6be52e1cb51b5deb32da09fa6520724c9bb8d9f85d", hex.EncodeToString(hash[:]))
	require.Equal(t, "686caeb8"+"ffffff11"+"0100000000000000000000000000000000000000000000000000000000000002"+"0000000000000000000001a13b8600",
		hex.EncodeToString(sign(t, some()).Bytes()[:voucher.Size-64]))
}

func TestParse_RefusesWhatIsNoVoucher(t *testing.T) {
	t.Parallel()
	good := sign(t, some()).Bytes()
	for name, bad := range map[string][]byte{
		"nothing":     nil,
		"cut short":   good[:len(good)-1],
		"too long":    append(append([]byte{}, good...), 0),
		"another tag": append([]byte{0x68, 0x6c, 0xae, 0xb9}, good[4:]...),
	} {
		_, err := voucher.Parse(bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sign(f, some()).Bytes())
	f.Add([]byte{0x68, 0x6c, 0xae, 0xb8})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := voucher.Parse(b)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.Equal(t, b, s.Bytes())
		_, err = s.Hash()
		require.NoError(t, err)
		if err := s.Verify(public(1)); err != nil {
			require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
		}
	})
}
