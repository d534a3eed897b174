package audit

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// account is a ShardAccount; hash is of the Account in it.
type account struct {
	account  *cell.Cell
	lastHash hash
	lastLT   uint64
}

// loadAccount reads account_descr$_ account:^Account last_trans_hash last_trans_lt.
func loadAccount(s *cell.Slice) (a account, err error) {
	if a.account, err = s.LoadRefCell(); err != nil {
		return a, err
	}
	if err = s.LoadSliceInto(a.lastHash[:], 256); err != nil {
		return a, err
	}
	a.lastLT, err = s.LoadUInt(64)
	return a, err
}

// none is account_none$0, the state of what is not in the dictionary.
var none = cell.BeginCell().MustStoreUInt(0, 1).EndCell()

// find an account; one that is absent has the hash of account_none.
func find(accounts *tlb.ShardAccountsAugDict, id [32]byte) (account, bool, error) {
	value, err := accounts.LoadValue(idCell(id))
	if errors.Is(err, cell.ErrNoSuchKeyInDict) {
		return account{account: none}, false, nil
	}
	if err != nil {
		return account{}, false, err
	}
	a, err := loadAccount(value)
	return a, true, err
}

func idCell(id [32]byte) *cell.Cell { return cell.BeginCell().MustStoreSlice(id[:], 256).EndCell() }

func prefixCell(s shard) *cell.Cell {
	n := uint(s.length())
	if n == 0 {
		return cell.BeginCell().EndCell()
	}
	return cell.BeginCell().MustStoreUInt(s.prefix>>(64-n), n).EndCell()
}

func half(n *big.Int, up bool) *big.Int {
	if up {
		n = new(big.Int).Add(n, big.NewInt(1))
	}
	return new(big.Int).Rsh(n, 1)
}

// depthBalance is the extra of ShardAccounts.
type depthBalance struct {
	depth   uint64
	balance money
}

func (d depthBalance) String() string { return d.balance.String() }

func newBalances() aug[depthBalance] {
	return aug[depthBalance]{name: "accounts", bits: 256, load: loadDepthBalance, leaf: accountBalance, memo: map[memoKey]depthBalance{},
		add: func(a, b depthBalance) depthBalance {
			return depthBalance{max(a.depth, b.depth), a.balance.plus(b.balance)}
		},
		equal: func(a, b depthBalance) bool { return a.depth == b.depth && a.balance.equal(b.balance) }}
}

func loadDepthBalance(s *cell.Slice) (depthBalance, error) {
	depth, err := s.LoadUInt(5)
	if err != nil {
		return depthBalance{}, err
	}
	m, err := loadMoney(s)
	return depthBalance{depth, m}, err
}

// accountBalance opens account$1 addr storage_stat:StorageInfo storage:AccountStorage.
func accountBalance(key []byte, value *cell.Slice) (depthBalance, error) {
	a, err := loadAccount(value)
	if err != nil {
		return depthBalance{}, err
	}
	var parsed tlb.AccountState
	s, err := a.account.BeginParse()
	if err != nil {
		return depthBalance{}, err
	}
	if err = parsed.LoadFromCell(s.Copy()); err != nil {
		return depthBalance{}, err
	}
	if !parsed.IsValid {
		return depthBalance{}, errors.New("account_none has an entry")
	}
	if !bytes.Equal(parsed.Address.Data(), key) {
		return depthBalance{}, fmt.Errorf("it is account %s", parsed.Address)
	}
	if parsed.LastTransactionLT != 0 && parsed.LastTransactionLT <= a.lastLT {
		return depthBalance{}, fmt.Errorf("storage says %d is free, the last transaction is %d", parsed.LastTransactionLT, a.lastLT)
	}
	balance, err := balanceOf(s)
	return depthBalance{balance: balance}, err
}

// balanceOf skips to balance:CurrencyCollection of an existing account.
func balanceOf(s *cell.Slice) (money, error) {
	if err := s.SkipBits(1); err != nil {
		return money{}, err
	}
	if _, _, err := loadAddress(s); err != nil {
		return money{}, err
	}
	for range 2 { // storage_used$_ cells:(VarUInteger 7) bits:(VarUInteger 7)
		if _, err := s.LoadVarUInt(7); err != nil {
			return money{}, err
		}
	}
	extra, err := s.LoadUInt(3)
	if err != nil {
		return money{}, err
	}
	if extra == 0b001 { // storage_extra_info$001 dict_hash:uint256
		if err = s.SkipBits(256); err != nil {
			return money{}, err
		}
	}
	if err = s.SkipBits(32); err != nil { // last_paid
		return money{}, err
	}
	due, err := s.LoadBoolBit()
	if err != nil {
		return money{}, err
	}
	if due {
		if _, err = s.LoadBigCoins(); err != nil {
			return money{}, err
		}
	}
	if err = s.SkipBits(64); err != nil { // last_trans_lt
		return money{}, err
	}
	return loadMoney(s)
}

// loadAccounts reads accounts:^ShardAccounts, adds them up and sees that the
// shard's prefix begins every address.
func (st *state) loadAccounts(c *cell.Cell, balances *aug[depthBalance]) error {
	s, err := c.BeginParse()
	if err != nil {
		return err
	}
	sum, err := balances.check(s)
	if err != nil {
		return err
	}
	st.total = sum.balance
	if s, err = c.BeginParse(); err != nil {
		return err
	}
	st.accounts = new(tlb.ShardAccountsAugDict)
	if err = st.accounts.LoadFromCell(s); err != nil {
		return err
	}
	ok, err := st.accounts.HasCommonPrefix(prefixCell(st.shard))
	if err == nil && !ok {
		return fmt.Errorf("an account is not of shard %s", st.shard)
	}
	return err
}

func rootBalance(accounts *tlb.ShardAccountsAugDict) (money, error) {
	s, err := accounts.LoadRootExtra()
	if err != nil {
		return money{}, err
	}
	d, err := loadDepthBalance(s)
	return d.balance, err
}
