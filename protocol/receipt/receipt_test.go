package receipt_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

func key(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(append(make([]byte, 31), n)) }

func public(n byte) [32]byte { return [32]byte(key(n).Public().(ed25519.PublicKey)) }

const (
	ledger  = 1
	worker  = 2
	session = 3
)

var boot = [16]byte{4, 15: 5}

func someEarned() receipt.Earned {
	return receipt.Earned{GlobalID: -239, Rewards: cocoon.Account{1, 31: 2}, Number: 3, Provider: cocoon.Account{6, 31: 7}, Amount: cocoon.TON(7)}
}

func someCertificate() receipt.Certificate {
	return receipt.Certificate{GlobalID: -239, Provider: cocoon.Account{6, 31: 7}, SessionKey: public(session), Boot: boot, NotAfter: 1_800_000_000}
}

func someBook() receipt.Book {
	return receipt.Book{GlobalID: -239, Rewards: cocoon.Account{1, 31: 2}, Seqno: 3, Earned: cocoon.TON(7), Unsettled: cocoon.NanoOf(9)}
}

func someUsage() receipt.Usage {
	return receipt.Usage{
		Scope: receipt.Scope{GlobalID: -239, Provider: cocoon.Account{6, 31: 7}, Rewards: cocoon.Account{1, 31: 2}, Worker: public(worker), Boot: boot, Number: 9},
		Content: receipt.Content{Request: [16]byte{8}, Attempt: 1, Reason: 2, Route: [32]byte{3}, Frames: [32]byte{4}, Usage: cocoon.Usage{Prompt: 5, Cached: 6, Completion: 7, Reasoning: 8},
			Price: cocoon.Price{Prompt: cocoon.NanoOf(9), Cached: cocoon.NanoOf(10), Completion: cocoon.NanoOf(11), Reasoning: cocoon.NanoOf(1 << 20)}, Cost: cocoon.NanoOf(9)}}
}

// signed is one of the four, as the tests that they share see it.
type signed interface {
	Hash() ([32]byte, error)
	Verify(key [32]byte) error
	Bytes() []byte
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	require.NoError(t, err)
	return v
}

func earnedOf(t testing.TB, e receipt.Earned) receipt.SignedEarned {
	s, err := e.Sign(key(ledger))
	return must(t, s, err)
}

func certificateOf(t testing.TB, c receipt.Certificate) receipt.SignedCertificate {
	s, err := c.Sign(key(worker))
	return must(t, s, err)
}

func bookOf(t testing.TB, b receipt.Book) receipt.SignedBook {
	s, err := b.Sign(key(ledger))
	return must(t, s, err)
}

func usageOf(t testing.TB, u receipt.Usage) receipt.SignedUsage {
	s, err := u.Sign(key(session))
	return must(t, s, err)
}

// kinds are the four with their signers, sizes and parsers.
func kinds(t testing.TB) map[string]struct {
	signed signed
	signer byte
	size   int
	parse  func([]byte) (signed, error)
} {
	return map[string]struct {
		signed signed
		signer byte
		size   int
		parse  func([]byte) (signed, error)
	}{
		"earned":      {earnedOf(t, someEarned()), ledger, receipt.EarnedSize, parser(receipt.ParseEarned)},
		"book":        {bookOf(t, someBook()), ledger, receipt.BookSize, parser(receipt.ParseBook)},
		"certificate": {certificateOf(t, someCertificate()), worker, receipt.CertificateSize, parser(receipt.ParseCertificate)},
		"usage":       {usageOf(t, someUsage()), session, receipt.UsageSize, parser(receipt.ParseUsage)},
	}
}

func parser[T signed](parse func([]byte) (T, error)) func([]byte) (signed, error) {
	return func(b []byte) (signed, error) { return parse(b) }
}

func TestSigned_TravelUnchangedAndVerifyForTheirKeyOnly(t *testing.T) {
	t.Parallel()
	for name, k := range kinds(t) {
		b := k.signed.Bytes()
		require.Len(t, b, k.size, name)
		got, err := k.parse(b)
		require.NoError(t, err, name)
		require.Equal(t, k.signed, got, name)
		require.NoError(t, got.Verify(public(k.signer)), name)
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(got.Verify(public(9))), name)
	}
}

func TestSigned_EveryBitIsSigned(t *testing.T) {
	t.Parallel()
	for name, k := range kinds(t) {
		for i := 4 * 8; i < k.size*8; i++ { // behind the tag
			b := k.signed.Bytes()
			b[i/8] ^= 1 << (i % 8)
			got, err := k.parse(b)
			require.NoError(t, err, name)
			require.Equal(t, cocoon.Forbidden, cocoon.KindOf(got.Verify(public(k.signer))), "%s: bit %d", name, i)
		}
	}
}

func TestSigned_BelieveNoKeyThatContractsRefuse(t *testing.T) {
	t.Parallel()
	forged := [64]byte{1} // R is the identity, S is zero
	for _, weak := range [][32]byte{{}, {1}} {
		for _, s := range []signed{receipt.SignedEarned{Earned: someEarned(), Signature: forged}, receipt.SignedBook{Book: someBook(), Signature: forged},
			receipt.SignedCertificate{Certificate: someCertificate(), Signature: forged}, receipt.SignedUsage{Usage: someUsage(), Signature: forged}} {
			require.Equal(t, cocoon.Forbidden, cocoon.KindOf(s.Verify(weak)))
		}
	}
}

func TestParse_RefusesWhatWasNotWritten(t *testing.T) {
	t.Parallel()
	for name, k := range kinds(t) {
		good := k.signed.Bytes()
		for what, bad := range map[string][]byte{
			"nothing":     nil,
			"cut short":   good[:len(good)-1],
			"too long":    append(append([]byte{}, good...), 0),
			"another tag": append([]byte{good[0], good[1], good[2], good[3] ^ 1}, good[4:]...),
		} {
			_, err := k.parse(bad)
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "%s: %s", name, what)
		}
	}
}

func TestSigned_LookAsDocumented(t *testing.T) {
	t.Parallel()
	const network, provider, rewards = "ffffff11", "0600000000000000000000000000000000000000000000000000000000000007", "0100000000000000000000000000000000000000000000000000000000000002"
	const boot, sessionKey, workerKey = "04000000000000000000000000000005", "f381626e41e7027ea431bfe3009e94bdd25a746beec468948d6c3c7c5dc9a54b", "7422b9887598068e32c4448a949adb290d0f4e35b9e01b0ee5f1a1e600fe2674"
	for name, want := range map[string]struct{ hash, begins string }{
		"earned":      {"c4217f53d5989b3ca328970e91856003724ef1be0f8ea23f0bdf0763da2f306e", "1c10961d" + network + rewards + "00000003" + provider + "0000000000000000000001a13b8600"},
		"book":        {"a90c5ebdd8f72a71cef1f3f7967888005c7326b629918477e684407d46ac4d15", "27bf9887" + network + rewards + "00000003" + "0000000000000000000001a13b8600" + "000000000000000000000000000009"},
		"certificate": {"e6d271c1119822955e686804c8266133ad063a3e9ef9773ed1aaabe287320823", "0a075312" + network + provider + sessionKey + boot + "6b49d200"},
		"usage":       {"f167355173ea07d9c8adfa58810386c5c6b6d5b195c1124847f51063ab2e4f09", "2c794c3a" + network + provider + rewards + workerKey + boot + "00000009" + "08"},
	} {
		h, err := kinds(t)[name].signed.Hash()
		require.NoError(t, err)
		require.Equal(t, want.hash, hex.EncodeToString(h[:]), name)
		require.Equal(t, want.begins, hex.EncodeToString(kinds(t)[name].signed.Bytes())[:len(want.begins)], name)
	}
}

func TestEquivocation_IsOneNumberWithTwoContents(t *testing.T) {
	t.Parallel()
	a, b := someUsage(), someUsage()
	require.False(t, receipt.Equivocates(a, b), "a receipt does not contradict itself")
	b.Content.Cost = cocoon.NanoOf(8)
	require.True(t, receipt.Equivocates(a, b))
	for name, change := range map[string]func(*receipt.Usage){
		"network":  func(u *receipt.Usage) { u.GlobalID = -3 },
		"provider": func(u *receipt.Usage) { u.Provider[0]++ },
		"rewards":  func(u *receipt.Usage) { u.Rewards[0]++ },
		"worker":   func(u *receipt.Usage) { u.Worker[0]++ },
		"boot":     func(u *receipt.Usage) { u.Boot[0]++ },
		"number":   func(u *receipt.Usage) { u.Number++ },
	} {
		c := b
		change(&c)
		require.False(t, receipt.Equivocates(a, c), name)
	}
}

func TestEquivocation_VerifiesAsTheContractDoes(t *testing.T) {
	t.Parallel()
	other := someUsage()
	other.Content.Usage.Completion++
	good := receipt.Equivocation{Worker: public(worker), Certificate: certificateOf(t, someCertificate()), First: usageOf(t, someUsage()), Second: usageOf(t, other)}
	require.NoError(t, good.Verify())
	certificate := func(change func(*receipt.Certificate)) receipt.SignedCertificate {
		c := someCertificate()
		change(&c)
		return certificateOf(t, c)
	}
	for name, change := range map[string]func(*receipt.Equivocation){
		"another worker":    func(e *receipt.Equivocation) { e.Worker = public(9) },
		"another's receipt": func(e *receipt.Equivocation) { e.First.Signature[0] ^= 1 },
		"a forged second":   func(e *receipt.Equivocation) { e.Second.Signature[0] ^= 1 },
		"one receipt twice": func(e *receipt.Equivocation) { e.Second = e.First },
		"another boot": func(e *receipt.Equivocation) {
			e.Certificate = certificate(func(c *receipt.Certificate) { c.Boot[0]++ })
		},
		"another provider": func(e *receipt.Equivocation) {
			e.Certificate = certificate(func(c *receipt.Certificate) { c.Provider[0]++ })
		},
		"another network": func(e *receipt.Equivocation) {
			e.Certificate = certificate(func(c *receipt.Certificate) { c.GlobalID++ })
		},
		"another session": func(e *receipt.Equivocation) {
			e.Certificate = certificate(func(c *receipt.Certificate) { c.SessionKey = public(8) })
		},
		"the identity's own": func(e *receipt.Equivocation) {
			e.Certificate = certificate(func(c *receipt.Certificate) { c.SessionKey = [32]byte{1} })
		},
	} {
		e := good
		change(&e)
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(e.Verify()), name)
	}
}

// fuzz wants a parser to read what is written and nothing else.
func fuzz[T signed](f *testing.F, some T, parse func([]byte) (T, error)) {
	f.Add(some.Bytes())
	f.Add(some.Bytes()[:4])
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parse(b)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.Equal(t, b, s.Bytes())
		_, err = s.Hash()
		require.NoError(t, err)
		if err := s.Verify(public(worker)); err != nil {
			require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
		}
	})
}

func FuzzParseEarned(f *testing.F) { fuzz(f, earnedOf(f, someEarned()), receipt.ParseEarned) }

func FuzzParseBook(f *testing.F) { fuzz(f, bookOf(f, someBook()), receipt.ParseBook) }

func FuzzParseCertificate(f *testing.F) {
	fuzz(f, certificateOf(f, someCertificate()), receipt.ParseCertificate)
}

func FuzzParseUsage(f *testing.F) { fuzz(f, usageOf(f, someUsage()), receipt.ParseUsage) }
