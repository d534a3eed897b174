package wrappers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// voucherLayout is what protocol/voucher signs, as the schema has it.
type voucherLayout struct {
	_          tlb.Magic      `tlb:"#686caeb8"`
	GlobalID   int32          `tlb:"## 32"`
	Contract   cocoon.Account `tlb:"bits 256"`
	Cumulative Coins          `tlb:"."`
}

func someBirth() ChannelBirth {
	return ChannelBirth{Client: cocoon.Account{1}, ClientKey: [32]byte{2}, Rewards: cocoon.Account{3}, DispatcherKey: [32]byte{4}, CloseDelay: 86400, Salt: 5}
}

// channelCell is a channel's storage.
func channelCell(t testing.TB, c Channel) *cell.Cell {
	t.Helper()
	b := c.Birth
	data, err := Cell(channelData{c.Closed, Coins{c.Settled}, b.Rewards, c.Key, c.Previous, c.PreviousUntil, c.ClosesAt,
		&ChannelTerms{b.Client, b.ClientKey, b.DispatcherKey, b.CloseDelay, b.Salt}})
	require.NoError(t, err)
	return data
}

func TestVoucher_IsSignedAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	for _, v := range []voucher.Voucher{{GlobalID: -239, Channel: cocoon.Account{1}, Cumulative: cocoon.TON(7)}, {GlobalID: 1, Channel: cocoon.Account{31: 9}}} {
		c, err := Cell(voucherLayout{GlobalID: v.GlobalID, Contract: v.Channel, Cumulative: Coins{v.Cumulative}})
		require.NoError(t, err)
		hash, err := v.Hash()
		require.NoError(t, err)
		require.Equal(t, c.Hash(), hash[:])
	}
}

func TestDecodeChannel_ReadsWhatIsStored(t *testing.T) {
	t.Parallel()
	init, err := someBirth().Init()
	require.NoError(t, err)
	born, err := DecodeChannel(init.Data)
	require.NoError(t, err)
	require.Equal(t, Channel{Birth: someBirth(), Key: [32]byte{2}}, born)
	want := Channel{someBirth(), true, cocoon.TON(3), [32]byte{6}, [32]byte{2}, 7, 8}
	got, err := DecodeChannel(channelCell(t, want))
	require.NoError(t, err)
	require.Equal(t, want, got)
	a, err := someBirth().Account()
	require.NoError(t, err)
	again, err := got.Birth.Account()
	require.NoError(t, err)
	require.Equal(t, a, again, "whatever has happened, the address is the birth's")
}

func TestDecodeChannel_RefusesWhatNoContractStores(t *testing.T) {
	t.Parallel()
	good := channelCell(t, Channel{Birth: someBirth()})
	s := good.MustBeginParse()
	root := s.MustLoadSlice(s.BitsLeft())
	terms := s.MustLoadRef().MustToCell()
	for name, c := range map[string]*cell.Cell{
		"nothing":              nil,
		"no bits":              cell.BeginCell().EndCell(),
		"a bit too many":       good.ToBuilder().MustStoreUInt(0, 1).EndCell(),
		"a reference too many": good.ToBuilder().MustStoreRef(good).EndCell(),
		"terms that go on":     cell.BeginCell().MustStoreSlice(root, good.BitsSize()).MustStoreRef(terms.ToBuilder().MustStoreUInt(0, 1).EndCell()).EndCell(),
		"no terms":             cell.BeginCell().MustStoreSlice(root, good.BitsSize()).EndCell(),
	} {
		_, err := DecodeChannel(c)
		require.Error(t, err, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func TestChannelBirth_EveryFieldMakesAnotherAddress(t *testing.T) {
	t.Parallel()
	seen := map[cocoon.Account]string{}
	for name, change := range map[string]func(*ChannelBirth){
		"the same":       func(*ChannelBirth) {},
		"client":         func(b *ChannelBirth) { b.Client[31]++ },
		"client key":     func(b *ChannelBirth) { b.ClientKey[31]++ },
		"rewards":        func(b *ChannelBirth) { b.Rewards[31]++ },
		"dispatcher key": func(b *ChannelBirth) { b.DispatcherKey[31]++ },
		"close delay":    func(b *ChannelBirth) { b.CloseDelay++ },
		"salt":           func(b *ChannelBirth) { b.Salt++ },
	} {
		b := someBirth()
		change(&b)
		a, err := b.Account()
		require.NoError(t, err)
		require.Empty(t, seen[a], name)
		seen[a] = name
	}
}

func TestChannelBirth_ValidateRefusesWhatWouldNotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, someBirth().Validate())
	for name, change := range map[string]func(*ChannelBirth){
		"no client":                   func(b *ChannelBirth) { b.Client = cocoon.Account{} },
		"no rewards":                  func(b *ChannelBirth) { b.Rewards = cocoon.Account{} },
		"no client key":               func(b *ChannelBirth) { b.ClientKey = [32]byte{} },
		"the identity for a key":      func(b *ChannelBirth) { b.ClientKey = [32]byte{1} },
		"no dispatcher key":           func(b *ChannelBirth) { b.DispatcherKey = [32]byte{} },
		"the identity for that":       func(b *ChannelBirth) { b.DispatcherKey = [32]byte{1} },
		"no delay":                    func(b *ChannelBirth) { b.CloseDelay = 0 },
		"more than the contract does": func(b *ChannelBirth) { b.CloseDelay = MaxCloseDelay + 1 },
	} {
		b := someBirth()
		change(&b)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(b.Validate()), name)
	}
}

func TestChannel_AcceptsAKeyAsTheContractDoes(t *testing.T) {
	t.Parallel()
	c := Channel{Birth: someBirth(), Key: [32]byte{6}, Previous: [32]byte{2}, PreviousUntil: 100}
	require.True(t, c.Accepts([32]byte{6}, 100))
	require.True(t, c.Accepts([32]byte{2}, 99))
	require.False(t, c.Accepts([32]byte{2}, 100))
	require.False(t, c.Accepts([32]byte{3}, 99))
	c.Key = [32]byte{1}
	require.False(t, c.Accepts([32]byte{1}, 99))
	c.Closed = true
	require.False(t, c.Accepts([32]byte{2}, 99))
}

func TestDecodeMessage_KnowsTheChannels(t *testing.T) {
	t.Parallel()
	for _, m := range []struct {
		kind Kind
		name string
		v    any
		c    *cell.Cell
	}{
		encoded(t, KindChannel, "finish", Finish{QueryID: 1, Response: cocoon.Account{2}}),
		encoded(t, KindChannel, "open_channel", OpenChannel{QueryID: 1, Model: cocoon.NewModelID("m"), Tokens: 1 << 63}),
		encoded(t, KindChannel, "settle", Settle{QueryID: 1, Response: cocoon.Account{2}, Signature: [64]byte{3}, Cumulative: Coins{cocoon.TON(4)}}),
		encoded(t, KindChannel, "rotate", Rotate{QueryID: 1, Key: [32]byte{2}, Possession: &Signature{[64]byte{3}}}),
		encoded(t, KindChannel, "request_close", RequestClose{QueryID: 1}),
		encoded(t, KindChannel, "close_now", CloseNow{QueryID: 1, Signature: [64]byte{2}, Final: Coins{cocoon.TON(3)}}),
	} {
		name, v, err := DecodeMessage(m.kind, m.c)
		require.NoError(t, err, m.name)
		require.Equal(t, m.name, name)
		require.Equal(t, m.v, v)
		require.Equal(t, m.name, OperationName(m.c))
	}
}

func FuzzDecodeChannel(f *testing.F) {
	f.Add(channelCell(f, Channel{Birth: someBirth(), Key: [32]byte{2}}).ToBOC())
	f.Add(channelCell(f, Channel{someBirth(), true, cocoon.TON(3), [32]byte{6}, [32]byte{2}, 7, 8}).ToBOC())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		got, err := DecodeChannel(c)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := DecodeChannel(channelCell(t, got))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

func FuzzDecodeChannelMessage(f *testing.F) { fuzzMessages(f, KindChannel) }
