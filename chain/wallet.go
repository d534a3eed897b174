package chain

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
)

var (
	// ErrRejected says that a message was not executed and never will be.
	ErrRejected = errors.New("rejected")
	// ErrOutcomeUnknown says that a message was sent, and that whether it was
	// executed is to be read from the chain: sending it again may pay twice.
	ErrOutcomeUnknown = errors.New("sent, but whether it was executed is unknown")
)

// Lifetime is how long a wallet's request stays valid, by the wall clock.
const Lifetime = time.Minute

// Wallet sends messages from the v5r1 wallet of one key, and deploys it with the
// first. It reads its seqno from the proven state, never older than its own last
// transaction. It is safe for concurrent use: what is sent while a request is
// under way goes out together in the next.
type Wallet struct {
	client   *Client
	key      ed25519.PrivateKey
	account  cocoon.Account
	lifetime time.Duration

	mu    sync.Mutex
	queue []*sending
	busy  bool   // somebody works on the queue
	after uint32 // seqno of the masterchain block with our newest transaction; of the worker
}

// Sent is where messages left the wallet.
type Sent struct {
	Tx    [32]byte // hash of the wallet's transaction
	LT    uint64   // of that transaction
	Block *BlockID // a masterchain block at which it is final
}

// sending is one call of Send.
type sending struct {
	messages []Message
	size     int
	done     chan result
}

type result struct {
	sent Sent
	err  error
}

// NewWallet is the wallet of key on the client's network.
func NewWallet(c *Client, key ed25519.PrivateKey) (*Wallet, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, cocoon.Invalid.Errorf("a private key has %d bytes, not %d", ed25519.PrivateKeySize, len(key))
	}
	account, err := WalletAccount(key.Public().(ed25519.PublicKey), c.Network().GlobalID)
	if err != nil {
		return nil, err
	}
	return &Wallet{client: c, key: key, account: account, lifetime: Lifetime}, nil
}

// Account is the wallet's address.
func (w *Wallet) Account() cocoon.Account { return w.account }

// Send sends 1 to 255 messages and returns once they have left the wallet in a
// transaction that a masterchain block commits. Either all leave or, but for a
// race with another sender for the last coins, none. Too little money is
// NoMoney and sends nothing. An error that is ErrOutcomeUnknown leaves open
// whether they left; under any other they did not. Where ctx ends while the
// request is under way, it stays so.
func (w *Wallet) Send(ctx context.Context, messages ...Message) (Sent, error) {
	s, err := newSending(messages)
	if err != nil {
		return Sent{}, err
	}
	w.enqueue(s)
	select {
	case r := <-s.done:
		return r.sent, r.err
	case <-ctx.Done():
	}
	if w.withdraw(s) {
		return Sent{}, fmt.Errorf("nothing was sent: %w", context.Cause(ctx))
	}
	select {
	case r := <-s.done:
		return r.sent, r.err
	default:
		return Sent{}, fmt.Errorf("%w: %w", ErrOutcomeUnknown, context.Cause(ctx))
	}
}

// maxBatch keeps requests well below the size of an external message.
const maxBatch = maxExternal * 3 / 4

func newSending(messages []Message) (*sending, error) {
	u, err := newUnsigned(Unsigned{ValidUntil: time.Unix(0, 0)}, messages) // for its size only
	if err != nil {
		return nil, err
	}
	size := len(u.actions.ToBOC())
	if size > maxExternal-1024 { // signature, wallet code
		return nil, cocoon.Invalid.Errorf("the messages take %d bytes, more than a wallet can send at once", size)
	}
	return &sending{messages: messages, size: size, done: make(chan result, 1)}, nil
}

func (w *Wallet) enqueue(s *sending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, s)
	if !w.busy {
		w.busy = true
		go w.work()
	}
}

// withdraw takes s back and reports whether nobody had begun with it.
func (w *Wallet) withdraw(s *sending) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, queued := range w.queue {
		if queued == s {
			w.queue = append(w.queue[:i], w.queue[i+1:]...)
			return true
		}
	}
	return false
}

// work sends what is queued, then ends.
func (w *Wallet) work() {
	for batch := w.take(); len(batch) > 0; batch = w.take() {
		w.deliver(w.client.life, batch)
	}
}

// take removes as much from the queue as one request carries.
func (w *Wallet) take() []*sending {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, count, size := 0, 0, 0
	for ; n < len(w.queue); n++ {
		count, size = count+len(w.queue[n].messages), size+w.queue[n].size
		if n > 0 && (count > maxMessages || size > maxBatch) {
			break
		}
	}
	batch := w.queue[:n:n]
	w.queue = w.queue[n:]
	w.busy = n > 0
	return batch
}

// deliver sends a batch in one request. Where that would fail before it leaves,
// each goes alone, so that one that cannot be sent does not stop the others.
func (w *Wallet) deliver(ctx context.Context, batch []*sending) {
	var messages []Message
	for _, s := range batch {
		messages = append(messages, s.messages...)
	}
	done, err := w.transact(ctx, messages)
	if len(batch) > 1 && errors.Is(err, errRehearsal) {
		for _, s := range batch {
			w.deliver(ctx, []*sending{s})
		}
		return
	}
	for _, s := range batch {
		if err == nil {
			s.done <- result{done.sent, done.leave(s.messages)}
		} else {
			s.done <- result{err: err}
		}
	}
}
