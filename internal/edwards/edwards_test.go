package edwards_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/edwards"
)

// agree has both say the same of a signature, and returns it.
func agree(t *testing.T, key [32]byte, message []byte, signature [64]byte) bool {
	t.Helper()
	want := ed25519.Verify(key[:], message, signature[:])
	require.Equal(t, want, edwards.Verify(key, message, signature), "key %x, message %x, signature %x", key, message, signature)
	return want
}

// TestVerify_TakesTheHardCasesAsTheStandardLibrary is over the vectors of "Taming the
// many EdDSAs" (Chalkias, Garillot, Nikolaenko), in which libraries differ.
func TestVerify_TakesTheHardCasesAsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for i, c := range speccheck {
		got := agree(t, [32]byte(unhex(t, c.key)), unhex(t, c.message), [64]byte(unhex(t, c.signature)))
		require.Equal(t, c.valid, got, "case %d: %s", i, c.what)
	}
}

// TestVerify_TakesEverySmallPointAsTheStandardLibrary has each point of small order,
// and each encoding that is not canonical, as the key and as R, with the S at the
// edges of the group's order.
func TestVerify_TakesEverySmallPointAsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	points, scalars := edges(t), scalarEdges()
	valid := 0
	for _, key := range points {
		for _, r := range points {
			for _, s := range scalars {
				for message := range byte(4) {
					if agree(t, key, []byte{message}, [64]byte(append(r[:], s[:]...))) {
						valid++
					}
				}
			}
		}
	}
	require.Positive(t, valid, "some of them are signatures, of nobody")
}

// TestVerify_TakesSignaturesAsTheStandardLibrary changes each bit of signatures and keys.
func TestVerify_TakesSignaturesAsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{1})
	for range 8 {
		var seed, message [32]byte
		_, _ = random.Read(seed[:])
		_, _ = random.Read(message[:])
		private := ed25519.NewKeyFromSeed(seed[:])
		key, signature := [32]byte(private.Public().(ed25519.PublicKey)), [64]byte(ed25519.Sign(private, message[:]))
		require.True(t, agree(t, key, message[:], signature))
		for bit := range 8 * len(signature) {
			other := signature
			other[bit/8] ^= 1 << (bit % 8)
			require.False(t, agree(t, key, message[:], other))
		}
		for bit := range 8 * len(key) {
			other := key
			other[bit/8] ^= 1 << (bit % 8)
			require.False(t, agree(t, other, message[:], signature))
		}
		require.False(t, agree(t, key, message[:], beyond(signature)), "S + L is no S")
	}
}

func FuzzVerify(f *testing.F) {
	for _, c := range speccheck {
		f.Add(unhex(f, c.key), unhex(f, c.message), unhex(f, c.signature))
	}
	f.Fuzz(func(t *testing.T, key, message, signature []byte) {
		agree(t, [32]byte(sized(key, 32)), message, [64]byte(sized(signature, 64)))
	})
}

func BenchmarkVerify(b *testing.B) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	key, signature := [32]byte(private.Public().(ed25519.PublicKey)), [64]byte(ed25519.Sign(private, make([]byte, 32)))
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			edwards.Verify(key, make([]byte, 32), signature)
		}
	})
	b.Run("standard", func(b *testing.B) {
		for b.Loop() {
			ed25519.Verify(key[:], make([]byte, 32), signature[:])
		}
	})
}

// order is that of the base point's group, prime that of the field.
var (
	order = new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 252), number("27742317777372353535851937790883648493"))
	prime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
)

func number(decimal string) *big.Int {
	n, _ := new(big.Int).SetString(decimal, 10)
	return n
}

// small is y of a point of order 8; 0, 1 and -1 are those of orders 4, 1 and 2.
const small = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"

// edges are all encodings of points of small order, and all that are not canonical.
func edges(t *testing.T) (all [][32]byte) {
	t.Helper()
	y := little(unhex(t, small))
	ys := []*big.Int{big.NewInt(0), big.NewInt(1), new(big.Int).Sub(prime, big.NewInt(1)), y, new(big.Int).Sub(prime, y)}
	for i := range int64(19) {
		ys = append(ys, new(big.Int).Add(prime, big.NewInt(i)))
	}
	for _, y := range ys {
		b := bytes32(y)
		all = append(all, b)
		b[31] |= 0x80 // the sign of x, also where x is 0
		all = append(all, b)
	}
	return all
}

// scalarEdges are around 0, the order, and what 253, 255 and 256 bits can hold.
func scalarEdges() (all [][32]byte) {
	one := big.NewInt(1)
	for _, n := range []*big.Int{new(big.Int), order, new(big.Int).Lsh(one, 252), new(big.Int).Lsh(one, 253), new(big.Int).Lsh(one, 255), new(big.Int).Lsh(one, 256)} {
		for _, n := range []*big.Int{new(big.Int).Sub(n, one), n, new(big.Int).Add(n, one)} {
			if n.Sign() >= 0 && n.BitLen() <= 256 {
				all = append(all, bytes32(n))
			}
		}
	}
	return all
}

// beyond is a signature with its S the group's order higher.
func beyond(signature [64]byte) [64]byte {
	s := bytes32(new(big.Int).Add(little(signature[32:]), order))
	copy(signature[32:], s[:])
	return signature
}

func little(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func bytes32(n *big.Int) (b [32]byte) {
	n.FillBytes(b[:])
	slices.Reverse(b[:])
	return b
}

func sized(b []byte, n int) []byte { return append(b, make([]byte, n)...)[:n] }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// speccheck are the vectors of github.com/novifinancial/ed25519-speccheck, with what
// ref10 and its kin say of them.
var speccheck = []struct {
	what                    string
	valid                   bool
	message, key, signature string
}{
	{
		"small order A, small order R", true,
		"8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
	},
	{
		"small order A, mixed order R", true,
		"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
	},
	{
		"mixed order A, small order R", true,
		"aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
		"f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
	},
	{
		"mixed order A, mixed order R", true,
		"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
		"cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
		"9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
	},
	{
		"valid only with the cofactor", false,
		"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
		"cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
		"160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
	},
	{
		"valid only with 8(hA) for (8h mod L)A", false,
		"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
		"cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
		"21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
	},
	{
		"S above the order", false,
		"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
		"442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
		"e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
	},
	{
		"S far above the order", false,
		"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
		"442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
		"8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
	},
	{
		"R not canonical, valid if it is reduced before hashing", false,
		"9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
		"f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
	},
	{
		"R not canonical, valid if it is not reduced before hashing", false,
		"9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
		"f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
	},
	{
		"A not canonical, valid if it is reduced before hashing", false,
		"e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
	},
	{
		"A not canonical, valid if it is not reduced before hashing", true,
		"39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
	},
}
