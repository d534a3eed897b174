package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

// keys of wallets begin with this, so that they are nobody else's.
const purpose = "localnet benchmark "

// purse is a wallet that signs offline.
type purse struct {
	*wallet.Wallet
	init  *tlb.StateInit
	seqno uint32
}

var versions = map[string]wallet.VersionConfig{"v4r2": wallet.V4R2, "v5r1": wallet.ConfigV5R1Final{NetworkGlobalID: localnet.DefaultGlobalID}}

func newPurse(version, name string) (*purse, error) {
	seed := sha256.Sum256([]byte(purpose + version + name))
	key := ed25519.NewKeyFromSeed(seed[:])
	w, err := wallet.FromPrivateKey(nil, key, versions[version])
	if err != nil {
		return nil, err
	}
	p := &purse{Wallet: w}
	next := func(context.Context, uint32) (uint32, error) { return p.seqno, nil }
	switch spec := w.GetSpec().(type) {
	case *wallet.SpecV4R2:
		spec.SetSeqnoFetcher(next)
		spec.SetMessagesTTL(1 << 29)
	case *wallet.SpecV5R1Final:
		spec.SetSeqnoFetcher(next)
		spec.SetMessagesTTL(1 << 29)
	}
	p.init, err = wallet.GetStateInit(key.Public().(ed25519.PublicKey), versions[version], w.GetSubwalletID())
	return p, err
}

// pay signs a transfer of nanoTON and counts it; it is a bag of cells.
func (p *purse) pay(to *address.Address, nano int64) ([]byte, error) {
	message := wallet.SimpleMessageAutoBounce(to.Bounce(false), tlb.FromNanoTON(big.NewInt(nano)), nil)
	external, err := p.PrepareExternalMessageForMany(context.Background(), false, []*wallet.Message{message})
	if err != nil {
		return nil, err
	}
	c, err := tlb.ToCell(external)
	if err != nil {
		return nil, err
	}
	p.seqno++
	return c.ToBOC(), nil
}

func (p *purse) genesis() localnet.GenesisAccount {
	return localnet.GenesisAccount{Address: p.WalletAddress(), Code: p.init.Code, Data: p.init.Data, Nano: big.NewInt(1e15)}
}

// account is the purse's ShardAccount at a time in unix seconds.
func (p *purse) account(now uint32) (*cell.Cell, error) {
	storage := tlb.AccountStorage{Status: tlb.AccountStatusActive, Balance: tlb.FromNanoTON(big.NewInt(1e15)), StateInit: p.init}
	account, err := tlb.ToCell(tlb.AccountState{IsValid: true, Address: p.WalletAddress(), AccountStorage: storage,
		StorageInfo: tlb.StorageInfo{StorageUsed: tlb.StorageUsed{CellsUsed: new(big.Int), BitsUsed: new(big.Int)}, StorageExtra: tlb.StorageExtraNone{}, LastPaid: now}})
	if err != nil {
		return nil, err
	}
	return tlb.ToCell(tlb.ShardAccount{Account: account, LastTransHash: make([]byte, 32)})
}

// transfers are a chain of payments from one wallet to another: two
// transactions each, the wallet's and the receiver's. Bags of cells are base64.
type transfers struct {
	Version   string    `json:"version"`
	Config    string    `json:"config"`
	Now       uint32    `json:"now"` // unix seconds
	Sender    string    `json:"sender"`
	Receiver  string    `json:"receiver"`
	Accounts  [2]string `json:"accounts"` // ShardAccount of each
	Externals []string  `json:"externals"`
}

func newTransfers(version string, n int, now uint32) (*transfers, error) {
	config, err := localnet.BlockchainConfig(localnet.ConfigOptions{})
	if err != nil {
		return nil, err
	}
	t := &transfers{Version: version, Config: text(config.AsCell().ToBOC()), Now: now}
	sender, err := newPurse(version, "sender")
	if err != nil {
		return nil, err
	}
	receiver, err := newPurse(version, "receiver")
	if err != nil {
		return nil, err
	}
	t.Sender, t.Receiver = sender.WalletAddress().StringRaw(), receiver.WalletAddress().StringRaw()
	for i, p := range []*purse{sender, receiver} {
		c, err := p.account(now)
		if err != nil {
			return nil, err
		}
		t.Accounts[i] = text(c.ToBOC())
	}
	for range n {
		boc, err := sender.pay(receiver.WalletAddress(), 1e6)
		if err != nil {
			return nil, err
		}
		t.Externals = append(t.Externals, text(boc))
	}
	return t, nil
}

func text(boc []byte) string { return base64.StdEncoding.EncodeToString(boc) }

func parse(text string) (*cell.Cell, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return cell.FromBOC(raw)
}
