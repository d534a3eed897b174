package localnet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// lane is one account, ready to execute its next transaction.
type lane struct {
	account *tvm.PreparedAccount
	stat    *cell.Cell // storage statistics the executor carries along
}

func openLane(accounts *tlb.ShardAccountsAugDict, id accountID) (*lane, error) {
	a, err := loadAccount(accounts, id)
	if err != nil {
		return nil, err
	}
	if a == nil {
		a = &tlb.ShardAccount{Account: cell.BeginCell().MustStoreUInt(0, 1).EndCell(), LastTransHash: make([]byte, 32)}
	}
	prepared, err := tvm.PrepareAccount(a, id.address())
	if err != nil {
		return nil, err
	}
	return &lane{account: prepared}, nil
}

// touched is an account with the transactions a block gave it.
type touched struct {
	lane
	before []byte // hash of the account when the block began
	// endLT is kept beside the account: one that does not exist remembers nothing,
	// and two of its transactions must not share a logical time.
	endLT uint64
	txs   *tlb.AccountTransactionsAugDict
}

func (t *touched) active() bool {
	return !t.gone() && t.account.State().Status == tlb.AccountStatusActive
}

// gone tells that the account no longer exists.
func (t *touched) gone() bool {
	state := t.account.State()
	return state == nil || !state.IsValid
}

// sorted lists the block's transactions as a block is searched.
func (d *draft) sorted() []transaction {
	slices.SortFunc(d.txs, func(a, b transaction) int {
		if a.before(b.account, b.lt) {
			return -1
		}
		return 1
	})
	return d.txs
}

// randSeed of a block: nobody without the chain's key can foretell it.
func randSeed(key ed25519.PrivateKey, startLT uint64) []byte {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("rand_seed"), key.Seed()...), startLT))
	return h[:]
}

func isMissing(err error) bool { return errors.Is(err, cell.ErrNoSuchKeyInDict) }
