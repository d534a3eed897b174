package localnet

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

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
