package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// accountBlock is what a block did to one account.
type accountBlock struct {
	account  [32]byte
	old, new hash // of the Account
	txs      []*transaction
}

// transaction is what an auditor reads of a Transaction.
type transaction struct {
	hash     hash
	account  [32]byte
	lt       uint64
	prevHash hash
	prevLT   uint64
	now      uint32
	in       *message // nil for tick and tock
	out      []*message
	fees     money
	old, new hash // of the Account
}

// openAccounts reads account_blocks:^ShardAccountBlocks.
func (b *block) openAccounts(s *cell.Slice) (err error) {
	dict := moneyAug("account_blocks", 256, func(key []byte, value *cell.Slice) (money, error) {
		a, fees, err := b.loadAccountBlock(value)
		if err != nil {
			return money{}, err
		}
		if !bytes.Equal(key, a.account[:]) {
			return money{}, fmt.Errorf("it is about account %x", a.account)
		}
		b.accounts = append(b.accounts, a)
		return fees, nil
	})
	b.txFees, err = dict.check(s)
	return err
}

// loadAccountBlock reads acc_trans#5 account_addr:bits256
// transactions:(HashmapAug 64 ^Transaction CurrencyCollection) state_update:^(HASH_UPDATE Account).
func (b *block) loadAccountBlock(s *cell.Slice) (*accountBlock, money, error) {
	a := &accountBlock{}
	if tag, err := s.LoadUInt(4); err != nil || tag != 5 {
		return nil, money{}, errors.Join(errors.New("not an account block"), err)
	}
	if err := s.LoadSliceInto(a.account[:], 256); err != nil {
		return nil, money{}, err
	}
	dict := moneyAug("transactions", 64, func(key []byte, value *cell.Slice) (money, error) {
		c, err := value.LoadRefCell()
		if err != nil {
			return money{}, err
		}
		tx, err := loadTransaction(c)
		if err != nil {
			return money{}, err
		}
		if tx.lt != binary.BigEndian.Uint64(key) || tx.account != a.account {
			return money{}, fmt.Errorf("it is transaction %d of account %x", tx.lt, tx.account)
		}
		a.txs = append(a.txs, tx)
		b.txs[tx.hash] = tx
		return tx.fees, nil
	})
	fees, err := dict.checkInline(s)
	if err != nil {
		return nil, money{}, err
	}
	a.old, a.new, err = loadHashUpdate(s)
	return a, fees, err
}

// loadHashUpdate reads a reference to update_hashes#72 old_hash:bits256 new_hash:bits256.
func loadHashUpdate(s *cell.Slice) (before, after hash, err error) {
	u, err := s.LoadRef()
	if err != nil {
		return before, after, err
	}
	if tag, err := u.LoadUInt(8); err != nil || tag != 0x72 {
		return before, after, errors.Join(errors.New("not a hash update"), err)
	}
	err = errors.Join(u.LoadSliceInto(before[:], 256), u.LoadSliceInto(after[:], 256))
	return before, after, err
}

// loadTransaction reads transaction$0111 account_addr lt prev_trans_hash
// prev_trans_lt now outmsg_cnt:uint15 orig_status end_status ^[in_msg out_msgs]
// total_fees state_update description.
func loadTransaction(c *cell.Cell) (*transaction, error) {
	s, err := c.BeginParse()
	if err != nil {
		return nil, err
	}
	t := &transaction{hash: c.HashKey()}
	if tag, err := s.LoadUInt(4); err != nil || tag != 0b0111 {
		return nil, errors.Join(errors.New("not a transaction"), err)
	}
	err1 := s.LoadSliceInto(t.account[:], 256)
	lt, err2 := s.LoadUInt(64)
	err3 := s.LoadSliceInto(t.prevHash[:], 256)
	prev, err4 := s.LoadUInt(64)
	now, err5 := s.LoadUInt(32)
	count, err6 := s.LoadUInt(15)
	err7 := s.SkipBits(4)
	messages, err8 := s.LoadRef()
	if err = errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		return nil, err
	}
	t.lt, t.prevLT, t.now = lt, prev, uint32(now)
	if err = t.loadMessages(messages, int(count)); err != nil {
		return nil, err
	}
	if t.fees, err = loadMoney(s); err != nil {
		return nil, err
	}
	t.old, t.new, err = loadHashUpdate(s)
	return t, err
}

// loadMessages reads in_msg:(Maybe ^Message) out_msgs:(HashmapE 15 ^Message),
// whose keys must be 0, 1, 2...
func (t *transaction) loadMessages(s *cell.Slice, count int) error {
	has, err := s.LoadBoolBit()
	if err != nil {
		return err
	}
	if has {
		c, err := s.LoadRefCell()
		if err != nil {
			return err
		}
		if t.in, err = loadMessage(c); err != nil {
			return fmt.Errorf("in_msg: %w", err)
		}
	}
	dict, err := s.LoadDict(15)
	if err != nil {
		return err
	}
	items, err := dict.LoadAll()
	if err != nil {
		return err
	}
	if len(items) != count {
		return fmt.Errorf("%d messages went out, outmsg_cnt is %d", len(items), count)
	}
	for i, item := range items {
		if key, err := item.Key.LoadUInt(15); err != nil || key != uint64(i) {
			return errors.Join(fmt.Errorf("out message %d has key %d", i, key), err)
		}
		c, err := item.Value.LoadRefCell()
		if err != nil {
			return err
		}
		m, err := loadMessage(c)
		if err != nil {
			return fmt.Errorf("out message %d: %w", i, err)
		}
		t.out = append(t.out, m)
	}
	return nil
}
