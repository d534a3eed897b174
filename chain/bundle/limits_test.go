package bundle_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain/bundle"
)

// large is a bundle of so many of everything; it proves nothing.
func large(links, signatures, accounts int) *bundle.Bundle {
	some := cell.BeginCell().MustStoreUInt(7, 8).EndCell()
	pair := bundle.Pair{Block: some, State: some}
	b := &bundle.Bundle{GlobalID: -3}
	signed := bundle.Signatures{ValidatorSet: 1, Catchain: 2, Simplex: &bundle.Simplex{Slot: -4, Session: [32]byte{5}, Candidate: bytes.Repeat([]byte{6}, 300)}}
	for i := range signatures {
		signed.List = append(signed.List, bundle.Signature{Node: [32]byte{byte(i >> 8), byte(i)}, Bytes: [64]byte{9}})
	}
	for i := range links {
		b.Links = append(b.Links, bundle.Link{Forward: i > 0, ToKey: i%2 == 0, To: bundle.Block{Seqno: uint32(i)}, Dest: some})
		l := &b.Links[i]
		if l.Forward {
			l.Config, l.Signed = some, signed
		} else {
			l.State, l.Header = some, some
		}
	}
	for i := range accounts {
		b.Accounts = append(b.Accounts, bundle.Proof{Account: cocoon.Account{byte(i >> 8), byte(i)}, Master: pair, Shard: pair, AccountState: some})
	}
	return b
}

func TestParse_ReadsTheLargestAndNothingLarger(t *testing.T) {
	t.Parallel()
	want := large(bundle.MaxLinks, bundle.MaxSignatures, bundle.MaxAccounts)
	data, err := want.Marshal()
	require.NoError(t, err)
	got, err := bundle.Parse(data)
	require.NoError(t, err)
	require.Equal(t, want.Links[1].Signed, got.Links[1].Signed)
	require.Equal(t, want.Head(), got.Head())
	again, err := got.Marshal()
	require.NoError(t, err)
	require.Equal(t, data, again)
	for name, b := range map[string]*bundle.Bundle{
		"links":      large(bundle.MaxLinks+1, 1, 1),
		"signatures": large(2, bundle.MaxSignatures+1, 1),
		"accounts":   large(2, 1, bundle.MaxAccounts+1),
	} {
		data, err := b.Marshal()
		require.NoError(t, err, name)
		_, err = bundle.Parse(data)
		require.ErrorIs(t, err, bundle.ErrMalformed, name)
		require.ErrorContains(t, err, name)
	}
}

func TestParse_WantsEverythingInOrder(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bundle.Bundle){
		"accounts":         func(b *bundle.Bundle) { b.Accounts[0], b.Accounts[1] = b.Accounts[1], b.Accounts[0] },
		"the same account": func(b *bundle.Bundle) { b.Accounts[1] = b.Accounts[0] },
		"signatures":       func(b *bundle.Bundle) { s := b.Links[1].Signed.List; s[0], s[1] = s[1], s[0] },
		"the same signer":  func(b *bundle.Bundle) { s := b.Links[1].Signed.List; s[1] = s[0] },
	} {
		b := large(2, 2, 2)
		change(b)
		data, err := b.Marshal()
		require.NoError(t, err, name)
		_, err = bundle.Parse(data)
		require.ErrorIs(t, err, bundle.ErrMalformed, name)
		require.ErrorContains(t, err, "out of order", name)
	}
	b := large(2, 2, 2)
	b.Links[1].Config = nil
	_, err := b.Marshal()
	require.ErrorContains(t, err, "a proof is missing")
}

// BenchmarkVerify is of 2 accounts and the links of the test vector.
func BenchmarkVerify(b *testing.B) {
	data, n := readVector(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		_, err := bundle.Verify(data, n)
		require.NoError(b, err)
	}
}
