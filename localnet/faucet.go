package localnet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const (
	// faucetTON is what the faucet's wallet holds at genesis.
	faucetTON = 1_000_000_000
	// faucetReserve stays in the wallet for its fees, in nanoTON.
	faucetReserve = 1_000_000_000
	// maxGifts is how many messages a v5 wallet sends at once.
	maxGifts = 255
	// giftSeconds is how long a transfer of the faucet stays valid.
	giftSeconds = 60
)

var errFaucetEmpty = errors.New("the faucet does not hold that much")

// faucet is a v5r1 wallet of the genesis. It answers many requests with one
// transfer, made when a block is, so that its seqno is never in doubt.
type faucet struct {
	key      ed25519.PrivateKey
	id       fullID
	init     *tlb.StateInit
	walletID uint32

	mu       sync.Mutex
	gifts    []*gift
	underway map[cell.Hash]*gift // by message; only rounds touch it
}

type gift struct {
	to   *address.Address
	nano *big.Int
	done chan error // takes one value
}

func newFaucet(key ed25519.PrivateKey, globalID int32) (*faucet, error) {
	init, err := wallet.GetStateInit(publicOf(key), wallet.ConfigV5R1Final{NetworkGlobalID: globalID}, 0)
	if err != nil {
		return nil, err
	}
	c, err := tlb.ToCell(init)
	if err != nil {
		return nil, err
	}
	return &faucet{key: key, id: accountID(c.Hash()).in(basechainID), init: init,
		walletID: wallet.V5R1ID{NetworkGlobalID: globalID}.Serialized(), underway: map[cell.Hash]*gift{}}, nil
}

func (f *faucet) account() GenesisAccount {
	nano := new(big.Int).Mul(big.NewInt(faucetTON), big.NewInt(1e9))
	return GenesisAccount{Address: f.id.address(), Code: f.init.Code, Data: f.init.Data, Nano: nano}
}

// Faucet sends nanoTON from a genesis account and returns when the money has
// arrived; it does not bounce. In manual mode others have to make the blocks. A
// ctx that ends first leaves open whether the transfer will still be made.
func (c *Chain) Faucet(ctx context.Context, to *address.Address, nano *big.Int) error {
	if _, err := parseAddress(to); err != nil {
		return fmt.Errorf("faucet: %w", err)
	}
	if !isAmount(nano) || nano.Sign() == 0 {
		return fmt.Errorf("faucet: %v nanoTON is not an amount to send", nano)
	}
	g := &gift{to.Bounce(false), new(big.Int).Set(nano), make(chan error, 1)}
	c.faucet.mu.Lock()
	c.faucet.gifts = append(c.faucet.gifts, g)
	c.faucet.mu.Unlock()
	c.pool.signal()
	select {
	case err := <-g.done:
		if err != nil {
			return fmt.Errorf("faucet: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("faucet: %w", ctx.Err())
	case <-c.done:
		return fmt.Errorf("faucet: %w", errClosed)
	}
}

// FaucetKey is the key of the faucet's v5r1 wallet, so that another process can
// spend from it.
func (c *Chain) FaucetKey() ed25519.PrivateKey { return c.keys.faucet }

// FaucetAddress is the wallet that Faucet pays from.
func (c *Chain) FaucetAddress() *address.Address { return c.faucet.id.address() }

// take turns the gifts asked for into one transfer out of the wallet as it is
// now; nil when there are none.
func (f *faucet) take(v view, utime uint32) ([]*gift, *external) {
	f.mu.Lock()
	n := min(len(f.gifts), maxGifts)
	asked := f.gifts[:n:n]
	f.gifts = f.gifts[n:]
	f.mu.Unlock()
	if n == 0 {
		return nil, nil
	}
	gifts, message, err := f.transfer(v.holder(f.id).accounts, utime, asked)
	if err != nil {
		settle(gifts, err)
		return nil, nil
	}
	return gifts, message
}

// pending tells whether somebody still waits.
func (f *faucet) pending() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.gifts) > 0
}

// transfer drops the gifts the wallet cannot afford and signs for the others.
func (f *faucet) transfer(accounts *tlb.ShardAccountsAugDict, utime uint32, asked []*gift) (gifts []*gift, m *external, err error) {
	l, err := openLane(accounts, f.id)
	if err != nil {
		return asked, nil, err
	}
	state := l.account.State()
	if state == nil || state.StateInit == nil {
		return asked, nil, errors.New("the wallet is gone")
	}
	left := new(big.Int).Sub(state.Balance.Nano(), big.NewInt(faucetReserve))
	var messages []*wallet.Message
	for _, g := range asked {
		if left.Cmp(g.nano) < 0 {
			g.done <- errFaucetEmpty
			continue
		}
		left.Sub(left, g.nano)
		gifts = append(gifts, g)
		messages = append(messages, wallet.SimpleMessageAutoBounce(g.to, tlb.FromNanoTON(g.nano), nil))
	}
	if len(gifts) == 0 {
		return nil, nil, nil
	}
	c, err := f.sign(state.StateInit.Data, utime, messages)
	return gifts, &external{cell: c, to: f.id}, err
}

// sign makes the external message of a v5r1 wallet. Its deadline is told in the
// chain's time.
func (f *faucet) sign(data *cell.Cell, utime uint32, messages []*wallet.Message) (*cell.Cell, error) {
	s, err := data.BeginParse()
	if err != nil {
		return nil, err
	}
	if _, err = s.LoadBoolBit(); err != nil { // is_signature_allowed
		return nil, err
	}
	seqno, err := s.LoadUInt(32)
	if err != nil {
		return nil, err
	}
	actions, err := wallet.PackV5OutActions(messages)
	if err != nil {
		return nil, err
	}
	body := cell.BeginCell().MustStoreUInt(0x7369676e, 32).MustStoreUInt(uint64(f.walletID), 32).
		MustStoreUInt(uint64(utime)+giftSeconds, 32).MustStoreUInt(seqno, 32).MustStoreBuilder(actions)
	body.MustStoreSlice(ed25519.Sign(f.key, body.EndCell().Hash()), 512)
	return tlb.ToCell(&tlb.ExternalMessage{DstAddr: f.id.address(), Body: body.EndCell()})
}

// settle tells those who wait for gifts how it went.
func settle(gifts []*gift, err error) {
	for _, g := range gifts {
		g.done <- err
	}
}

// follow waits for the messages of a transfer that was made to arrive.
func (f *faucet) follow(gifts []*gift, m *external) {
	if m == nil {
		return
	}
	sent, err := outcome(gifts, m)
	if err != nil {
		settle(gifts, err)
		return
	}
	for _, out := range sent {
		to := out.AsInternal().DstAddr
		i := slices.IndexFunc(gifts, func(g *gift) bool { return g.to.Equals(to) })
		f.underway[out.hash] = gifts[i]
		gifts = slices.Delete(slices.Clone(gifts), i, i+1)
	}
}

// arrived settles the gifts whose messages blocks have brought in.
func (f *faucet) arrived(blocks []*block) {
	for _, b := range blocks {
		if len(f.underway) == 0 {
			return
		}
		var in tlb.InMsgDescrAugDict
		if err := tlb.Parse(&in, b.root.MustPeekRef(3).MustPeekRef(0)); err != nil {
			continue
		}
		for hash, g := range f.underway {
			if _, err := in.LoadValue(bits256(hash)); err == nil {
				delete(f.underway, hash)
				g.done <- nil
			}
		}
	}
}

// forget settles all gifts that are under way.
func (f *faucet) forget(err error) {
	for hash, g := range f.underway {
		delete(f.underway, hash)
		g.done <- err
	}
}

type sentMessage struct {
	tlb.Message
	hash cell.Hash
}

// outcome lists what a transfer sent, and checks that this is everything it was to send.
func outcome(gifts []*gift, m *external) (list []sentMessage, err error) {
	if m.err != nil {
		return nil, m.err
	}
	var tx tlb.Transaction
	if err = tlb.Parse(&tx, m.tx); err != nil {
		return nil, err
	}
	if int(tx.OutMsgCount) != len(gifts) {
		return nil, fmt.Errorf("the wallet sent %d of %d transfers", tx.OutMsgCount, len(gifts))
	}
	items, err := tx.IO.Out.List.LoadAll()
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		c, err := item.Value.LoadRefCell()
		if err != nil {
			return nil, err
		}
		out := sentMessage{hash: c.HashKey()}
		if err = tlb.Parse(&out.Message, c); err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}
