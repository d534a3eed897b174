package sandboxtests

import (
	"context"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// receiptKey asks the contract which key signs the receipts of a number, and
// wants the wrapper to know the same.
func (s *rewardsStory) receiptKey(number uint32) [32]byte {
	s.t.Helper()
	values, err := s.Get(context.Background(), s.rewards, "get_receipt_key", int(number))
	require.NoError(s.t, err)
	want := s.state().Keys.Of(number)
	require.Equal(s.t, want, keyIn(s.t, values[0]), "the wrapper says otherwise of %d", number)
	return want
}

// keyIn reads a key or a hash that a get-method returned.
func keyIn(t *testing.T, v any) (key [32]byte) {
	t.Helper()
	n, ok := v.(*big.Int)
	require.True(t, ok, "%T is no integer", v)
	n.FillBytes(key[:])
	return key
}

func TestRewards_FirstKeyCountsAtOnceLaterOnesTwoNumbersOn(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	require.Zero(t, s.receiptKey(1))
	requireGuarded(s, s.owner, s.fees(0).RotateKey, s.rotation("receipts"))
	require.Equal(t, publicOf("receipts"), s.receiptKey(1))
	require.Equal(t, publicOf("receipts"), s.receiptKey(9))
	requireGuarded(s, s.owner, s.fees(0).RotateKey, s.rotation("second"))
	for number, name := range map[uint32]string{1: "receipts", 2: "receipts", 3: "second", 4: "second"} {
		require.Equal(t, publicOf(name), s.receiptKey(number), "number %d", number)
	}
	third := func() trace { return s.rotate("third") }
	for range 2 {
		s.requireRefused(t, errTooEarly, s.rewards, third)
		s.passNumber()
	}
	third().requireOK(t)
	for number, name := range map[uint32]string{3: "second", 4: "second", 5: "third"} {
		require.Equal(t, publicOf(name), s.receiptKey(number), "number %d", number)
	}
	s.requireBooks()
}

// Receipts of the present number and the next were signed by the old key, and
// stay good: where they are lodged, and in the epochs that are opened for them.
func TestRewards_RotationLeavesReceiptsGood(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	s.rotate("second").requireOK(t)
	owe := func(number uint32, name string) func() trace {
		return func() trace { return try(s, wallet("stranger"), ton(1), s.owing(number, name)) }
	}
	for number := uint32(1); number < 3; number++ {
		s.requireRefused(t, errWrongSignature, s.rewards, owe(number, "second"))
		owe(number, "receipts")().requireOK(t)
	}
	for i, name := range []string{"receipts", "receipts", "second"} {
		number := uint32(i + 1)
		e, tr := s.openEpoch(oddLeaves(3))
		tr.requireOK(t)
		require.Equal(t, publicOf(name), e.state().Opened.ReceiptKey, "epoch %d", number)
		e.publish()
		under := func(name string) wrappers.Prove {
			return e.proofAt(1, signedBy(t, name, earnedIn(s.rewards, number, providerAt(3), ton(5))))
		}
		other := map[string]string{"receipts": "second", "second": "receipts"}[name]
		s.requireRefused(t, errWrongSignature, e.epoch, func() trace { return tell(e, ton(1), under(other)) })
		s.undone(func() trace { return tell(e, e.fees(0).Prove, under(name)) }).requireOK(t)
		e.pass()
		if number == 1 { // so that the next number is the new key's
			s.requireRefused(t, errWrongSignature, s.rewards, owe(3, "receipts"))
			owe(3, "second")().requireOK(t)
		}
	}
	s.requireBooks()
}

// An epoch that was opened without a key cannot be refuted: no receipt of its
// number may be worth anything.
func TestRewards_FirstKeyCountsForNoEpochThatIsPending(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	e, tr := s.openEpoch(leavesOf(3))
	tr.requireOK(t)
	s.rotate("receipts").requireOK(t)
	require.Zero(t, s.receiptKey(1))
	require.Equal(t, publicOf("receipts"), s.receiptKey(2))
	s.requireRefused(t, errWrongKey, s.rewards, func() trace { return try(s, wallet("stranger"), ton(1), s.owing(1, "receipts")) })
	try(s, wallet("stranger"), ton(1), s.owing(2, "receipts")).requireOK(t)
	s.requireRefused(t, errTooEarly, s.rewards, func() trace { return s.rotate("second") })
	e.publish()
	e.pass()
	s.rotate("second").requireOK(t)
	require.Equal(t, []any{publicOf("receipts"), publicOf("receipts"), publicOf("second")}, []any{s.receiptKey(2), s.receiptKey(3), s.receiptKey(4)})

	failed := withTerms(t)
	e, tr = failed.openEpoch(leavesOf(3))
	tr.requireOK(t)
	failed.failPending(e)
	failed.rotate("receipts").requireOK(t) // its retry will know the key
	retry, tr := failed.openEpoch(leavesOf(3))
	tr.requireOK(t)
	require.Equal(t, publicOf("receipts"), retry.state().Opened.ReceiptKey)
}

func TestRewards_KeyProvesThatSomebodyHoldsIt(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	possession := func(key string, network int32, contract cocoon.Account) *wrappers.Signature {
		p, err := wrappers.ProvePossession(keyOf(key), network, contract)
		require.NoError(t, err)
		return &p
	}
	for name, m := range map[string]wrappers.RotateKey{
		"of another":           {Key: publicOf("receipts"), Possession: possession("other", globalID, s.rewards)},
		"for another contract": {Key: publicOf("receipts"), Possession: possession("receipts", globalID, s.owner)},
		"on another network":   {Key: publicOf("receipts"), Possession: possession("receipts", globalID+1, s.rewards)},
		"the zero key":         {Possession: &wrappers.Signature{}},
		"the identity":         {Key: [32]byte{1}, Possession: &wrappers.Signature{Bytes: [64]byte{1}}},
	} {
		s.requireRefused(t, errWrongKey, s.rewards, func() trace { return try(s, s.owner, ton(1), m) })
		require.Zero(t, s.state().Keys, name)
	}
	m := s.rotation("receipts")
	long := cell.BeginCell().MustStoreUInt(0x0879eeb4, 32).MustStoreUInt(0, 64).MustStoreSlice(m.Key[:], 256).
		MustStoreRef(longer(body(t, *m.Possession))).EndCell()
	s.requireRefused(t, errTrailing, s.rewards, func() trace {
		return s.from(s.owner, chain.Message{To: s.rewards, Amount: ton(1), Bounce: true, Body: long})
	})
	s.requireBooks()
}

func TestRewards_EndpointIsSetAndRemoved(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	for _, url := range []string{"https://a.example", strings.Repeat("u", 120), ""} {
		m := wrappers.SetEndpoint{Endpoint: &wrappers.Endpoint{TLSKeyHash: [32]byte{9}, URL: wrappers.Text(url)}}
		requireGuarded(s, s.owner, s.fees(0).SetEndpoint, m)
		require.Equal(t, m.Endpoint, s.state().Keys.Endpoint)
		values, err := s.Get(context.Background(), s.rewards, "get_endpoint")
		require.NoError(t, err)
		require.EqualValues(t, -1, integer(t, values[0]))
		require.Equal(t, m.Endpoint.TLSKeyHash, keyIn(t, values[1]))
		require.Equal(t, body(t, m.Endpoint.URL).Hash(), values[2].(*cell.Cell).Hash())
	}
	require.Equal(t, publicOf("receipts"), s.state().Keys.Key, "the keys stay")
	s.rotate("second").requireOK(t)
	require.NotNil(t, s.state().Keys.Endpoint, "and the endpoint where a key comes")
	requireGuarded(s, s.owner, s.fees(0).SetEndpoint, wrappers.SetEndpoint{})
	require.Nil(t, s.state().Keys.Endpoint)
	values, err := s.Get(context.Background(), s.rewards, "get_endpoint")
	require.NoError(t, err)
	require.Zero(t, integer(t, values[0]))
	s.requireBooks()
}

func TestRewards_EndpointThatNobodyCouldReadIsRefused(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	url := func(bytes string) *cell.Builder {
		return cell.BeginCell().MustStoreSlice([]byte(bytes), uint(8*len(bytes)))
	}
	endpoint := func(url *cell.Cell) *cell.Builder { return cell.BeginCell().MustStoreUInt(0, 256).MustStoreRef(url) }
	good, library := url("https://a.example").EndCell(), libraryOf(url("https://a.example").EndCell())
	for name, c := range map[string]struct {
		endpoint *cell.Cell
		code     int32
	}{
		"121 bytes":                 {endpoint(url(strings.Repeat("u", 121)).EndCell()).EndCell(), errWrongEndpoint},
		"half a byte":               {endpoint(url("u").MustStoreUInt(0, 4).EndCell()).EndCell(), errWrongEndpoint},
		"a reference in the url":    {endpoint(url("u").MustStoreRef(good).EndCell()).EndCell(), errWrongEndpoint},
		"the only byte above ASCII": {endpoint(url("\xc3").EndCell()).EndCell(), errWrongEndpoint},
		"a first byte above ASCII":  {endpoint(url("\xc3" + strings.Repeat("u", 119)).EndCell()).EndCell(), errWrongEndpoint},
		"a 70th byte above ASCII":   {endpoint(url(strings.Repeat("u", 69) + "\x80" + strings.Repeat("u", 50)).EndCell()).EndCell(), errWrongEndpoint},
		"a 31st byte above ASCII":   {endpoint(url(strings.Repeat("u", 30) + "\x80").EndCell()).EndCell(), errWrongEndpoint},
		"a last byte above ASCII":   {endpoint(url(strings.Repeat("u", 119) + "\xff").EndCell()).EndCell(), errWrongEndpoint},
		"a library for an url":      {endpoint(library).EndCell(), errWrongEndpoint},
		"a library":                 {library, errWrongEndpoint},
		"no url":                    {cell.BeginCell().MustStoreUInt(0, 256).EndCell(), errTrailing},
		"a short hash":              {cell.BeginCell().MustStoreUInt(0, 255).MustStoreRef(good).EndCell(), errTrailing},
		"a bit too many":            {endpoint(good).MustStoreUInt(1, 1).EndCell(), errTrailing},
		"a reference too many":      {endpoint(good).MustStoreRef(good).EndCell(), errTrailing},
	} {
		m := cell.BeginCell().MustStoreUInt(0x15ad4c81, 32).MustStoreUInt(0, 64).MustStoreMaybeRef(c.endpoint).EndCell()
		s.requireRefused(t, c.code, s.rewards, func() trace {
			return s.from(s.owner, chain.Message{To: s.rewards, Amount: ton(1), Bounce: true, Body: m})
		})
		require.Nil(t, s.state().Keys.Endpoint, name)
	}
	s.requireBooks()
}
