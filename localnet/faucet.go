package localnet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"
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

// pending tells whether somebody still waits.
func (f *faucet) pending() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.gifts) > 0
}
