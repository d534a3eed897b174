package chain

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

var errOvertaken = errors.New("another request of the same key was faster")

// maxRaces is how often a request is signed anew after another sender with the
// same key took its seqno.
const maxRaces = 8

// transact signs messages as one request and follows it into a block.
func (w *Wallet) transact(ctx context.Context, messages []Message) (landed, error) {
	var err error
	for range maxRaces {
		var done landed
		if done, err = w.attempt(ctx, messages); !errors.Is(err, errOvertaken) {
			return done, err
		}
		w.client.opts.Logger.Debug("wallet overtaken", "account", w.account.String(), "error", err)
	}
	return landed{}, cocoon.Conflict.Errorf("%w: %w, %d times in a row", ErrRejected, err, maxRaces)
}

func (w *Wallet) attempt(ctx context.Context, messages []Message) (landed, error) {
	from, err := w.client.accountFrom(ctx, w.after, w.account) // not before our own last transaction
	if err != nil {
		return landed{}, err
	}
	u, err := w.client.unsigned(from, w.key.Public().(ed25519.PublicKey), w.lifetime, messages)
	if err != nil {
		return landed{}, err
	}
	hash := u.Hash()
	external, err := u.Combine(ed25519.Sign(w.key, hash[:]))
	if err != nil {
		return landed{}, err
	}
	if err = w.client.rehearse(ctx, from, u, external, len(messages)); err != nil {
		return landed{}, err
	}
	done, err := w.client.follow(ctx, from, u, external)
	if err == nil {
		w.after = done.sent.Block.SeqNo
	}
	return done, err
}

// Unsigned is the request that sends messages from the wallet of key, for a
// signer elsewhere. It is valid for that long from now by the wall clock, and
// until the wallet sends anything else.
func (c *Client) Unsigned(ctx context.Context, key ed25519.PublicKey, lifetime time.Duration, messages ...Message) (Unsigned, error) {
	account, err := WalletAccount(key, c.Network().GlobalID)
	if err != nil {
		return Unsigned{}, err
	}
	from, err := c.Account(ctx, account)
	if err != nil {
		return Unsigned{}, err
	}
	return c.unsigned(from, key, lifetime, messages)
}

func (c *Client) unsigned(from Account, key ed25519.PublicKey, lifetime time.Duration, messages []Message) (Unsigned, error) {
	seqno, err := walletSeqno(from)
	if err != nil {
		return Unsigned{}, err
	}
	var nonce [8]byte
	if _, err = io.ReadFull(c.opts.Random, nonce[:]); err != nil {
		return Unsigned{}, fmt.Errorf("random number: %w", err)
	}
	return newUnsigned(Unsigned{Key: key, GlobalID: c.Network().GlobalID, Seqno: seqno, nonce: binary.BigEndian.Uint64(nonce[:]),
		ValidUntil: c.opts.Clock().Add(lifetime).Truncate(time.Second), Deploy: from.State != Active}, messages)
}

// walletSeqno is the number of the wallet's next request.
func walletSeqno(a Account) (uint32, error) {
	switch a.State {
	case Frozen:
		return 0, cocoon.Conflict.Errorf("wallet %s is frozen: it owes rent", a.ID)
	case Active:
		var data struct {
			Allow bool   `tlb:"bool"` // whether requests signed outside the chain are taken
			Seqno uint32 `tlb:"## 32"`
		}
		if err := tlb.Parse(&data, a.Data); err != nil {
			return 0, cocoon.Invalid.Errorf("account %s is no wallet: %w", a.ID, err)
		}
		return data.Seqno, nil
	}
	return 0, nil
}

// Deliver broadcasts a request that was signed elsewhere and follows it into a
// block, as Wallet.Send does.
func (c *Client) Deliver(ctx context.Context, u Unsigned, signature []byte) (Sent, error) {
	if u.GlobalID != c.Network().GlobalID {
		return Sent{}, cocoon.Invalid.Errorf("the request is for the network with global id %d, this one has %d", u.GlobalID, c.Network().GlobalID)
	}
	external, err := u.Combine(signature)
	if err != nil {
		return Sent{}, err
	}
	messages, err := u.Messages()
	if err != nil {
		return Sent{}, cocoon.Invalid.Errorf("messages of the request: %w", err)
	}
	account, err := u.Account()
	if err != nil {
		return Sent{}, err
	}
	from, err := c.Account(ctx, account)
	if err != nil {
		return Sent{}, err
	}
	if err = c.rehearse(ctx, from, u, external, len(messages)); err != nil {
		return Sent{}, err
	}
	done, err := c.follow(ctx, from, u, external)
	if err != nil {
		return Sent{}, err
	}
	return done.sent, done.leave(messages)
}

// landed is a request that was executed.
type landed struct {
	sent Sent
	out  []*tlb.InternalMessage // what left, in order
}

// leave takes messages off what left, in order, and tells if one is missing:
// then the wallet could not pay for it any more.
func (l *landed) leave(messages []Message) error {
	missing := 0
	for _, m := range messages {
		if len(l.out) > 0 && sameMessage(l.out[0], m.Internal()) {
			l.out = l.out[1:]
		} else {
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	return cocoon.NoMoney.Errorf("%d of %d messages did not leave the wallet in transaction %x: too little money was left for them", missing, len(messages), l.sent.Tx)
}

func sameMessage(a, b *tlb.InternalMessage) bool {
	return a.DstAddr.Equals(b.DstAddr) && a.Amount.Nano().Cmp(b.Amount.Nano()) == 0 && bytes.Equal(a.Body.Hash(), b.Body.Hash())
}

// bodyHash is the hash of what an external message says, by which it is found again.
func bodyHash(external *cell.Cell) ([]byte, error) {
	var m tlb.ExternalMessage
	if err := tlb.Parse(&m, external); err != nil {
		return nil, fmt.Errorf("external message: %w", err)
	}
	return m.Body.Hash(), nil
}
