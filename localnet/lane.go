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

// stats are the storage statistics of accounts of a shard as of its last block.
// They save counting cells; where one is missing the executor counts.
type stats map[accountID]*cell.Cell

// statsKept bounds the memory spent on the statistics of a shard.
const statsKept = 1 << 15

// of are the statistics of a part of a shard.
func (l stats) of(shard shardID) stats {
	part := stats{}
	for id, stat := range l {
		if shard.contains(id.in(shard.workchain).place()) {
			part[id] = stat
		}
	}
	return part
}

// move takes over the accounts that a block touched.
func (l stats) move(touched map[accountID]*touched) {
	if len(l) > statsKept {
		clear(l)
	}
	for id, t := range touched {
		if t.gone() || t.stat == nil {
			delete(l, id)
			continue
		}
		l[id] = t.stat
	}
}

func openLane(accounts *tlb.ShardAccountsAugDict, id fullID) (*lane, error) {
	a, err := loadAccount(accounts, id.accountID)
	if err != nil {
		return nil, err
	}
	if a == nil {
		a = noAccount()
	}
	prepared, err := tvm.PrepareAccount(a, id.address())
	if err != nil {
		return nil, err
	}
	return &lane{account: prepared}, nil
}

func noAccount() *tlb.ShardAccount {
	return &tlb.ShardAccount{Account: cell.BeginCell().MustStoreUInt(0, 1).EndCell(), LastTransHash: make([]byte, 32)}
}

// touched is an account with the transactions a block gave it.
type touched struct {
	lane
	used   bool   // by a transaction, which leaves traces
	before []byte // hash of the account when the block began
	// endLT is kept beside the account: one that does not exist remembers nothing,
	// and two of its transactions must not share a logical time.
	endLT uint64
	txs   *augTree
}

func (t *touched) active() bool {
	return !t.gone() && t.account.State().Status == tlb.AccountStatusActive
}

// gone tells that the account no longer exists.
func (t *touched) gone() bool {
	state := t.account.State()
	return state == nil || !state.IsValid
}

// block is the account's AccountBlock.
func (t *touched) block(id accountID) (*cell.Builder, error) {
	txs, _, err := t.txs.root()
	if err != nil {
		return nil, err
	}
	// HASH_UPDATE#72 old_hash:bits256 new_hash:bits256
	update := cell.BeginCell().MustStoreUInt(0x72, 8).MustStoreSlice(t.before, 256).
		MustStoreSlice(t.account.ShardAccount().Account.Hash(), 256).EndCell()
	// acc_trans#5 account_addr transactions state_update
	b := cell.BeginCell().MustStoreUInt(5, 4).MustStoreSlice(id[:], 256).MustStoreBuilder(txs.ToBuilder())
	return b.MustStoreRef(update), nil
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
func randSeed(key ed25519.PrivateKey, shard shardID, startLT uint64) []byte {
	b := append([]byte("rand_seed"), key.Seed()...)
	b = binary.BigEndian.AppendUint32(b, uint32(shard.workchain))
	b = binary.BigEndian.AppendUint64(b, shard.prefix)
	h := sha256.Sum256(binary.BigEndian.AppendUint64(b, startLT))
	return h[:]
}

func isMissing(err error) bool { return errors.Is(err, cell.ErrNoSuchKeyInDict) }
