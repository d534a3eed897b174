package chain

import (
	"context"
	"crypto/ed25519"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet"
)

func receiver(n byte) cocoon.Account { return cocoon.Account{n, 0xcc} }

func balance(t testing.TB, c *Client, a cocoon.Account) cocoon.Nano {
	found, err := c.Account(t.Context(), a)
	require.NoError(t, err)
	return found.Balance
}

func TestWallet_ValueArrivesWhole(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 10)
	for i := range 3 { // the first deploys the wallet
		sent, err := w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)}, Message{To: receiver(2), Amount: cocoon.TON(2)})
		require.NoError(t, err)
		require.NotZero(t, sent.LT)
		list, err := c.Transactions(t.Context(), w.Account(), sent.LT, sent.Tx, 1)
		require.NoError(t, err)
		require.Equal(t, sent.Tx[:], list[0].Hash)
		require.Equal(t, cocoon.TON(uint64(i+1)), balance(t, c, receiver(1)))
	}
	require.Equal(t, cocoon.TON(6), balance(t, c, receiver(2)))
}

func TestWallet_ConcurrentSendsAllLand(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 100)
	var all sync.WaitGroup
	txs := make([][32]byte, 40)
	for i := range txs {
		all.Go(func() {
			sent, err := w.Send(t.Context(), Message{To: receiver(byte(i)), Amount: cocoon.TON(1)})
			if err != nil {
				t.Error(err)
			}
			txs[i] = sent.Tx
		})
	}
	all.Wait()
	different := map[[32]byte]bool{}
	for i, tx := range txs {
		require.Equal(t, cocoon.TON(1), balance(t, c, receiver(byte(i))))
		different[tx] = true
	}
	require.Less(t, len(different), len(txs), "what waits goes out together")
}

func TestWallet_TwoSendersOfOneKeyBothLand(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, one := walletOn(t, local, testKey(1), 100)
	_, two := walletOn(t, local, testKey(1), 0)
	var all sync.WaitGroup
	for i := range 6 {
		for _, w := range []*Wallet{one, two} {
			all.Go(func() {
				if _, err := w.Send(t.Context(), Message{To: receiver(byte(i)), Amount: cocoon.TON(1)}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for i := range 6 {
		require.Equal(t, cocoon.TON(2), balance(t, c, receiver(byte(i))))
	}
}

func TestWallet_EqualRequestsAreTwo(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 100)
	from, err := c.Account(t.Context(), w.Account())
	require.NoError(t, err)
	c.opts.Clock = func() time.Time { return time.Unix(1_900_000_000, 0) }
	one, err := c.unsigned(from, testKey(1).Public().(ed25519.PublicKey), Lifetime, someMessages())
	require.NoError(t, err)
	two, err := c.unsigned(from, testKey(1).Public().(ed25519.PublicKey), Lifetime, someMessages())
	require.NoError(t, err)
	require.NotEqual(t, one.Hash(), two.Hash(), "or two senders would both take one payment for theirs")
}

func TestWallet_SendsTheMostAndNoMore(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, w := walletOn(t, local, testKey(1), 10)
	many := make([]Message, maxMessages)
	for i := range many {
		many[i] = Message{To: receiver(byte(i)), Amount: cocoon.NanoOf(1_000_000)}
	}
	_, err := w.Send(t.Context(), many...)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(1_000_000), balance(t, c, receiver(254)))

	_, err = w.Send(t.Context(), append(many, many[0])...)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	_, err = w.Send(t.Context())
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	_, err = w.Send(t.Context(), Message{To: receiver(1), Body: tree(9, 1)})
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "64 KB fit no external message")
	_, err = w.Send(t.Context(), Message{To: receiver(1), Body: deep(1000)})
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "deeper than a message may be")
}

// tree is 2^depth different cells of 100 bytes.
func tree(depth int, path uint64) *cell.Cell {
	b := cell.BeginCell().MustStoreUInt(path, 64).MustStoreSlice(make([]byte, 92), 736)
	if depth > 0 {
		b.MustStoreRef(tree(depth-1, 2*path)).MustStoreRef(tree(depth-1, 2*path+1))
	}
	return b.EndCell()
}

// deep is a chain of cells, each in the next.
func deep(n int) *cell.Cell {
	c := emptyCell()
	for range n {
		c = cell.BeginCell().MustStoreRef(c).EndCell()
	}
	return c
}

func TestWallet_TooLittleMoneySendsNothing(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, w := walletOn(t, local, testKey(1), 0)
	_, err := w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	require.Contains(t, cocoon.HintOf(err), w.Account().Friendly(false, true))

	require.NoError(t, local.Faucet(t.Context(), Address(w.Account()), big.NewInt(2e9)))
	_, err = w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)}, Message{To: receiver(2), Amount: cocoon.TON(1)})
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err), "fees come on top")
	require.ErrorContains(t, err, "holds 2 TON, sending needs 2.0")
	require.True(t, balance(t, c, receiver(1)).IsZero())
	require.Equal(t, cocoon.TON(2), balance(t, c, w.Account()))
}

func TestWallet_RehearsalKnowsThePriceToTheNano(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, w := walletOn(t, local, testKey(1), 1)
	_, err := w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)})
	need := needed(t, err)
	more, err := need.Sub(cocoon.TON(1))
	require.NoError(t, err)
	less, err := more.Sub(cocoon.NanoOf(1))
	require.NoError(t, err)
	require.NoError(t, local.Faucet(t.Context(), Address(w.Account()), less.Big()))
	_, err = w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err), "one nanoTON too little")

	again := needed(t, err) // rent has grown with the time
	more, err = again.Sub(balance(t, c, w.Account()))
	require.NoError(t, err)
	spare, err := more.Add(cocoon.NanoOf(10_000)) // and grows until it is sent
	require.NoError(t, err)
	require.NoError(t, local.Faucet(t.Context(), Address(w.Account()), spare.Big()))
	_, err = w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.NoError(t, err)
	require.Equal(t, -1, balance(t, c, w.Account()).Cmp(cocoon.NanoOf(10_001)))
}

// needed is the amount a refusal for lack of money names.
func needed(t testing.TB, err error) cocoon.Nano {
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	text := err.Error()
	const before = "sending needs "
	at := len(text) - len(" TON")
	for at > 0 && text[at-1] != ' ' {
		at--
	}
	require.Equal(t, before, text[at-len(before):at])
	n, err := cocoon.ParseTON(text[at : len(text)-len(" TON")])
	require.NoError(t, err)
	return n
}

func TestWallet_OneThatCannotPayStopsNoOther(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 10)
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if i%2 == 0 {
				if _, err := w.Send(t.Context(), Message{To: receiver(byte(i)), Amount: cocoon.TON(1)}); err != nil {
					t.Error(err)
				}
			} else if _, err := w.Send(t.Context(), Message{To: receiver(byte(i)), Amount: cocoon.TON(100)}); cocoon.KindOf(err) != cocoon.NoMoney {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 10 {
		require.Equal(t, i%2 == 0, balance(t, c, receiver(byte(i))) == cocoon.TON(1))
	}
}

func TestWallet_ABounceComesBack(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 10)
	sent, err := w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(4), Bounce: true})
	require.NoError(t, err)
	back, err := c.WaitAccount(t.Context(), w.Account(), func(a Account) bool { return a.LastLT > sent.LT })
	require.NoError(t, err)
	require.Equal(t, 1, back.Balance.Cmp(cocoon.TON(9)), "all but the fees")
	list, err := c.Transactions(t.Context(), w.Account(), back.LastLT, back.LastHash, 1)
	require.NoError(t, err)
	require.True(t, list[0].IO.In.AsInternal().Bounced)
	require.True(t, balance(t, c, receiver(1)).IsZero())
}

// newRelayed is a wallet of 10 TON that speaks to the chain through a relay.
func newRelayed(t testing.TB, o Options) (*relay, *Client, *Wallet) {
	local := localnet.New(t)
	n := networkOf(t, local)
	r := newRelay(t, n.Liteservers[0])
	n.Liteservers = []Liteserver{r.self}
	c := dial(t, n, o)
	w, err := NewWallet(c, testKey(1))
	require.NoError(t, err)
	require.NoError(t, local.Faucet(t.Context(), Address(w.Account()), big.NewInt(10e9)))
	return r, c, w
}

func TestWallet_SendsAgainWhatALiteserverLost(t *testing.T) {
	t.Parallel()
	r, c, w := newRelayed(t, Options{})
	lost := 0
	dropFirst(r, &lost)
	_, err := w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.NoError(t, err)
	require.Equal(t, 1, lost)
	require.Equal(t, cocoon.TON(1), balance(t, c, receiver(1)))
}

// dropFirst makes the relay confirm the first message to send and forget it.
func dropFirst(r *relay, lost *int) {
	r.filter(func(question tl.Serializable) tl.Serializable {
		if _, ok := question.(ton.SendMessage); ok && *lost == 0 {
			*lost++
			return ton.SendMessageStatus{Status: 1}
		}
		return nil
	})
}

func TestWallet_RefusalIsCertain(t *testing.T) {
	t.Parallel()
	r, c, w := newRelayed(t, Options{})
	r.filter(func(question tl.Serializable) tl.Serializable {
		if _, ok := question.(ton.SendMessage); ok {
			return ton.LSError{Text: "cannot apply external message"}
		}
		return nil
	})
	_, err := w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.ErrorIs(t, err, ErrRejected)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.Equal(t, cocoon.TON(10), balance(t, c, w.Account()))
}

func TestWallet_SaysWhenItDoesNotKnow(t *testing.T) {
	t.Parallel()
	r, _, w := newRelayed(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	r.filter(func(question tl.Serializable) tl.Serializable {
		if _, ok := question.(ton.SendMessage); ok {
			cancel()
			return ton.SendMessageStatus{Status: 1} // and lost
		}
		return nil
	})
	_, err := w.Send(ctx, Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.ErrorIs(t, err, ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.Canceled)
}

func TestWallet_WithdrawsWhatHasNotBegun(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 10)
	w.busy = true // as if another request were under way
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Send(ctx, Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, ErrOutcomeUnknown)
	require.Empty(t, w.queue)
	require.Equal(t, cocoon.TON(10), balance(t, c, w.Account()))
}

func TestWallet_ExpiredRequestIsCertain(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.Genesis = time.Now().Add(-time.Hour) })
	c, w := walletOn(t, local, testKey(1), 10)
	from, err := c.Account(t.Context(), w.Account())
	require.NoError(t, err)
	u, err := newUnsigned(Unsigned{Key: testKey(1).Public().(ed25519.PublicKey), GlobalID: c.Network().GlobalID, Deploy: true,
		ValidUntil: local.Now().Add(-time.Minute)}, someMessages())
	require.NoError(t, err)
	c.opts.Clock = func() time.Time { return u.ValidUntil.Add(time.Second) }
	hash := u.Hash()
	external, err := u.Combine(ed25519.Sign(testKey(1), hash[:]))
	require.NoError(t, err)
	err = c.rehearse(t.Context(), from, u, external, 2)
	require.ErrorIs(t, err, ErrRejected, "the rehearsal sees it")
	t1 := &chase{client: c, from: from, request: u, external: external, escaped: true}
	_, ended, err := t1.look(t.Context(), from)
	require.True(t, ended)
	require.ErrorIs(t, err, ErrRejected)
}

func TestWallet_AClockOffByAnHourSendsOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, w := walletOn(t, local, testKey(1), 10)
	send := func(off time.Duration) error {
		c.opts.Clock = func() time.Time { return local.Now().Add(off) }
		_, err := w.Send(t.Context(), Message{To: receiver(1), Amount: cocoon.TON(1)})
		return err
	}
	err := send(-time.Hour)
	require.ErrorIs(t, err, ErrRejected)
	require.ErrorContains(t, err, "the chain's time is")
	require.Contains(t, cocoon.HintOf(err), "set this machine's clock")
	require.Equal(t, cocoon.TON(10), balance(t, c, w.Account()), "nothing was sent")
	require.NoError(t, send(time.Hour), "its requests are valid for longer")
	require.NoError(t, send(0))
	require.Equal(t, cocoon.TON(2), balance(t, c, receiver(1)))
}

func TestUnsigned_IsSignedElsewhereAndDelivered(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 10)
	request, err := c.Unsigned(t.Context(), testKey(1).Public().(ed25519.PublicKey), time.Hour, Message{To: receiver(1), Amount: cocoon.TON(1)})
	require.NoError(t, err)
	elsewhere, err := ParseUnsigned(request.BoC())
	require.NoError(t, err)
	hash := elsewhere.Hash()
	signature := ed25519.Sign(testKey(1), hash[:])
	c.opts.Clock = func() time.Time { return request.ValidUntil }
	_, err = c.Deliver(t.Context(), request, signature)
	require.ErrorIs(t, err, ErrRejected, "expired")
	c.opts.Clock = time.Now
	foreign := request
	foreign.GlobalID++
	hash = foreign.Hash()
	_, err = c.Deliver(t.Context(), foreign, ed25519.Sign(testKey(1), hash[:]))
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "another network's")

	sent, err := c.Deliver(t.Context(), request, signature)
	require.NoError(t, err)
	require.Equal(t, cocoon.TON(1), balance(t, c, receiver(1)))

	_, err = c.Deliver(t.Context(), request, signature)
	require.ErrorIs(t, err, ErrRejected, "a request is executed once")
	found, err := c.Account(t.Context(), w.Account())
	require.NoError(t, err)
	require.Equal(t, sent.Tx, found.LastHash)
}

func TestBroadcast_TakesExternalMessagesOnly(t *testing.T) {
	t.Parallel()
	c := dial(t, networkOf(t, localnet.New(t)), Options{})
	internal, err := tlb.ToCell(Message{To: receiver(1)}.Internal())
	require.NoError(t, err)
	large, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: Address(receiver(1)), Body: tree(9, 1)})
	require.NoError(t, err)
	for _, m := range []*cell.Cell{nil, emptyCell(), internal, large} {
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(c.Broadcast(t.Context(), m)))
	}
	toNobody, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: Address(receiver(1)), Body: emptyCell()})
	require.NoError(t, err)
	require.ErrorIs(t, c.Broadcast(t.Context(), toNobody), ErrRejected)
}
