package trace

import (
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

const genesis = 1_800_000_000 // unix seconds

// Small contracts, assembled by hand.
const (
	// SETCP0 ACCEPT; c4 becomes c5: it wishes for the actions that are its data
	acts = "FF00F800ED44ED55"
	// SETCP0; 7 PUSHINT; 504 THROW
	throws = "FF0077F2C1F8"
)

// stage is a set of accounts without blocks.
type stage struct {
	t        testing.TB
	lt       uint64
	root     *cell.Cell // of the configuration
	block    *tvm.BlockContext
	accounts map[string]*tvm.PreparedAccount
	before   map[string]*tvm.PreparedAccount // by hash of the transaction
}

func newStage(t testing.TB) *stage {
	t.Helper()
	dict, err := localnet.BlockchainConfig(localnet.ConfigOptions{GlobalID: -239})
	require.NoError(t, err)
	config, err := tvm.PrepareBlockchainConfig(dict.AsCell())
	require.NoError(t, err)
	s := &stage{t: t, lt: 1_000_000, root: dict.AsCell(), accounts: map[string]*tvm.PreparedAccount{}, before: map[string]*tvm.PreparedAccount{}}
	s.block, err = config.NewBlockContext(tvm.BlockOptions{Now: genesis, BlockLT: int64(s.lt), RandSeed: make([]byte, 32), GlobalID: -239})
	require.NoError(t, err)
	return s
}

func account(n byte) *address.Address {
	data := make([]byte, 32)
	data[0], data[31] = n, n
	return address.NewAddress(0, 0, data)
}

func tons(t testing.TB, s string) tlb.Coins {
	t.Helper()
	c, err := tlb.FromTON(s)
	require.NoError(t, err)
	return c
}

func code(t testing.TB, text string) *cell.Cell {
	t.Helper()
	raw, err := hex.DecodeString(text)
	require.NoError(t, err)
	return cell.BeginCell().MustStoreSlice(raw, uint(len(raw)*8)).EndCell()
}

func empty() *cell.Cell { return cell.BeginCell().EndCell() }

// put makes an account; without code it is uninit.
func (s *stage) put(a *address.Address, balance, program string, data *cell.Cell) {
	s.t.Helper()
	storage := tlb.AccountStorage{Status: tlb.AccountStatusUninit, Balance: tons(s.t, balance)}
	if program != "" {
		storage.Status, storage.StateInit = tlb.AccountStatusActive, &tlb.StateInit{Code: code(s.t, program), Data: data}
	}
	s.store(a, storage)
}

func (s *stage) store(a *address.Address, storage tlb.AccountStorage) {
	s.t.Helper()
	state := cellOf(s.t, tlb.AccountState{IsValid: true, Address: a, AccountStorage: storage, StorageInfo: tlb.StorageInfo{
		StorageUsed: tlb.StorageUsed{CellsUsed: big.NewInt(3), BitsUsed: big.NewInt(500)}, StorageExtra: tlb.StorageExtraNone{}, LastPaid: genesis}})
	var err error
	s.accounts[a.StringRaw()], err = tvm.PrepareAccount(&tlb.ShardAccount{Account: state, LastTransHash: make([]byte, 32)}, a)
	require.NoError(s.t, err)
}

func (s *stage) account(a *address.Address) *tvm.PreparedAccount {
	s.t.Helper()
	if found := s.accounts[a.StringRaw()]; found != nil {
		return found
	}
	none, err := tvm.PrepareAccount(&tlb.ShardAccount{Account: cell.BeginCell().MustStoreUInt(0, 1).EndCell(), LastTransHash: make([]byte, 32)}, a)
	require.NoError(s.t, err)
	return none
}

// run delivers a message and all that follows.
func (s *stage) run(m any) (txs []*Transaction) {
	s.t.Helper()
	for queue := []*cell.Cell{cellOf(s.t, m)}; len(queue) > 0; queue = queue[1:] {
		t := s.deliver(queue[0])
		txs = append(txs, t)
		for _, out := range t.Out {
			if out.MsgType == tlb.MsgTypeInternal {
				queue = append(queue, out.Cell)
			}
		}
	}
	return txs
}

func cellOf(t testing.TB, v any) *cell.Cell {
	t.Helper()
	c, err := tlb.ToCell(v)
	require.NoError(t, err)
	return c
}

func (s *stage) deliver(m *cell.Cell) *Transaction {
	s.t.Helper()
	msg, err := tvm.PrepareMessage(m)
	require.NoError(s.t, err)
	to := msg.Message().Msg.DestAddr()
	before := s.account(to)
	s.lt += 1000
	res, err := tvm.NewTVM().EmulateTransaction(s.block, before, msg, tvm.TransactionOptions{LogicalTime: int64(s.lt)})
	require.NoError(s.t, err)
	require.NotNil(s.t, res.TransactionCell, "the message was not accepted")
	s.lt, s.accounts[to.StringRaw()] = res.EndLT, res.NextAccount
	c, err := cold(res.TransactionCell)
	require.NoError(s.t, err)
	t, err := Parse(c)
	require.NoError(s.t, err)
	s.before[string(t.Hash)] = before
	return t
}

// external is a message from outside.
func external(to *address.Address, body *cell.Cell) *tlb.ExternalMessage {
	return &tlb.ExternalMessage{DstAddr: to, Body: body}
}

// internal is a message that bounces.
func (s *stage) internal(from, to *address.Address, amount string, body *cell.Cell) *tlb.InternalMessage {
	return &tlb.InternalMessage{IHRDisabled: true, Bounce: true, SrcAddr: from, DstAddr: to, Amount: tons(s.t, amount), Body: body, CreatedLT: s.lt, CreatedAt: genesis}
}

// list links actions, the first of them first.
func list(t testing.TB, actions ...any) *cell.Cell {
	t.Helper()
	c := empty()
	for _, a := range actions {
		c = cellOf(t, tlb.OutList{Prev: c, Out: a})
	}
	return c
}

// send is an action that sends m.
func send(t testing.TB, mode uint8, m any) tlb.ActionSendMsg {
	t.Helper()
	return tlb.ActionSendMsg{Mode: mode, Msg: cellOf(t, m)}
}

// to is a message for an action.
func to(t testing.TB, a *address.Address, amount string, bounce bool, body *cell.Cell) *tlb.InternalMessage {
	t.Helper()
	return &tlb.InternalMessage{IHRDisabled: true, Bounce: bounce, DstAddr: a, Amount: tons(t, amount), Body: body}
}

func op(n uint64) *cell.Cell { return cell.BeginCell().MustStoreUInt(n, 32).EndCell() }

// names know some accounts, an operation and an exit code.
var names = Names{
	Account: func(a *address.Address) string {
		return map[byte]string{1: "alice", 2: "bob", 3: "carol"}[a.Data()[0]]
	},
	Operation: func(_ *address.Address, body *cell.Cell) (string, [][2]string) {
		if n, ok := opOf(body); !ok || n != 0x7f0fb44f {
			return "", nil
		}
		return "stake", [][2]string{{"query_id", "0"}, {"amount", "1 TON"}}
	},
	Exit: func(_ *address.Address, code int32) string {
		return map[int32]string{504: "wrong_amount"}[code]
	},
}

// comment is the body of a transfer with a text.
func comment(text string) *cell.Cell {
	return cell.BeginCell().MustStoreUInt(0, 32).MustStoreSlice([]byte(text), uint(len(text)*8)).EndCell()
}
