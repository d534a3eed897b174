package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math/big"
	"time"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

// registry is whose jobs the segment is made of. A job names it and needs
// nothing of it, so that none has to be there.
var registry = cocoon.Account(sha256.Sum256([]byte("registry of the benchmark")))

// purse is a wallet of the genesis that opens jobs in every block, and cancels
// in the next those it has opened.
type purse struct {
	wallet *wallet.Wallet
	init   *tlb.StateInit
	me     cocoon.Account
	seqno  uint32
	salt   uint64
	opened []cocoon.Account
}

var version = wallet.ConfigV5R1Final{NetworkGlobalID: localnet.DefaultGlobalID}

func newPurse(n int) (*purse, error) {
	seed := sha256.Sum256(fmt.Appendf(nil, "indexer benchmark %d", n))
	key := ed25519.NewKeyFromSeed(seed[:])
	w, err := wallet.FromPrivateKey(nil, key, version)
	if err != nil {
		return nil, err
	}
	p := &purse{wallet: w, me: cocoon.Account(w.WalletAddress().Data())}
	spec, ok := w.GetSpec().(*wallet.SpecV5R1Final)
	if !ok {
		return nil, fmt.Errorf("a v5r1 wallet is %T", w.GetSpec())
	}
	spec.SetSeqnoFetcher(func(context.Context, uint32) (uint32, error) { return p.seqno, nil })
	spec.SetMessagesTTL(1 << 29)
	p.init, err = wallet.GetStateInit(key.Public().(ed25519.PublicKey), version, w.GetSubwalletID())
	return p, err
}

func (p *purse) genesis() localnet.GenesisAccount {
	return localnet.GenesisAccount{Address: p.wallet.WalletAddress(), Code: p.init.Code, Data: p.init.Data, Nano: new(big.Int).SetUint64(1e18)}
}

// next is the message of the next block: it opens jobs, cancels the last ones
// and pays people who are nothing to us.
func (p *purse) next(l load, now time.Time) ([]byte, error) {
	cancel, err := wrappers.Cell(wrappers.Cancel{})
	if err != nil {
		return nil, err
	}
	var list []*wallet.Message
	for _, job := range p.opened {
		list = append(list, letter(job, cocoon.TON(1), nil, cancel))
	}
	p.opened = nil
	for n := range l.transfers {
		stranger := sha256.Sum256(fmt.Appendf(p.me[:], "%d %d", p.seqno, n))
		list = append(list, letter(stranger, cocoon.NanoOf(1e7), nil, nil))
	}
	for range l.jobs {
		m, job, err := p.open(now)
		if err != nil {
			return nil, err
		}
		list, p.opened = append(list, m), append(p.opened, job)
	}
	external, err := p.wallet.PrepareExternalMessageForMany(context.Background(), false, list)
	if err != nil {
		return nil, err
	}
	p.seqno++
	c, err := tlb.ToCell(external)
	if err != nil {
		return nil, err
	}
	return c.ToBOC(), nil
}

// open is the message that opens a new job, which anyone may accept for a day.
func (p *purse) open(now time.Time) (*wallet.Message, cocoon.Account, error) {
	p.salt++
	code, err := wrappers.ProviderCode()
	if err != nil {
		return nil, cocoon.Account{}, err
	}
	caps := wrappers.PricesOf(cocoon.Price{Prompt: cocoon.NanoOf(1e6), Completion: cocoon.NanoOf(2e6)})
	offer := wrappers.JobOffer{Client: p.me, Dispatcher: p.me, DispatcherBps: 500, Salt: p.salt,
		Terms: &wrappers.JobTerms{Registry: registry, NetworkBps: 100, Treasury: p.me, Codes: wrappers.BirthCodes{List: []wrappers.BirthCode{code}}},
		Work:  &wrappers.JobWork{Model: cocoon.NewModelID(fmt.Sprint("model ", p.salt%8)), Caps: &caps},
		Money: &wrappers.JobMoney{Budget: wrappers.Coins{Nano: cocoon.TON(2)}, MinBond: wrappers.Coins{Nano: cocoon.TON(1)}, AcceptBy: uint32(now.Unix()) + 86_400, Work: 60, Review: 30}}
	init, err := offer.Init()
	if err != nil {
		return nil, cocoon.Account{}, err
	}
	job, err := offer.Account()
	if err != nil {
		return nil, job, err
	}
	body, err := wrappers.Cell(wrappers.OpenJob{})
	return letter(job, cocoon.TON(3), init, body), job, err
}

func letter(to cocoon.Account, value cocoon.Nano, init *tlb.StateInit, body *cell.Cell) *wallet.Message {
	m := chain.Message{To: to, Amount: value, Init: init, Bounce: body != nil, Body: body}
	return &wallet.Message{Mode: wallet.PayGasSeparately | wallet.IgnoreErrors, // as v5 wants it
		InternalMessage: m.Internal()}
}
