// Package sandboxtests puts the compiled contracts under test in a TVM, with
// real messages, fees and bounces but without blocks.
package sandboxtests

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math/big"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

const (
	globalID = -239
	genesis  = 1_800_000_000 // unix seconds
)

// world is a set of accounts at one moment. Wallets are accounts without code:
// they send what a test makes them send and keep what arrives.
type world struct {
	t        rapid.TB
	now      uint32
	lt       uint64
	config   *tvm.PreparedBlockchainConfig
	machine  *tvm.TVM
	accounts map[cocoon.Account]*tvm.PreparedAccount
	instead  map[string]*cell.Cell // code that runs in the place of ours, by our code's hash
	tape     *tape                 // what happens, where it becomes a scenario
	recent   []shot                // what the last message did, for a test that fails
	// received, paid and fees add up over all accounts that hold code.
	received, paid, fees *big.Int
}

func newWorld(t rapid.TB) *world {
	t.Helper()
	endWhenNoticed(t)
	dict, err := localnet.BlockchainConfig(localnet.ConfigOptions{GlobalID: globalID})
	require.NoError(t, err)
	config, err := tvm.PrepareBlockchainConfig(dict.AsCell())
	require.NoError(t, err)
	require.EqualValues(t, 14, config.GlobalVersion(), "these tests assume global_version 14")
	w := &world{t: t, now: genesis, lt: 1_000_000, config: config, machine: tvm.NewTVM(), tape: tapeOf(t, config),
		accounts: map[cocoon.Account]*tvm.PreparedAccount{}, received: new(big.Int), paid: new(big.Int), fees: new(big.Int)}
	w.showWhenFailed()
	return w
}

// wallet is an account without code, named so that failures read well.
func wallet(name string) cocoon.Account { return sha256.Sum256([]byte("wallet " + name)) }

// keyOf is the key that belongs to name.
func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("key " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicOf(name string) (key [32]byte) {
	copy(key[:], keyOf(name).Public().(ed25519.PublicKey))
	return key
}

// advance lets time pass.
func (w *world) advance(d time.Duration) { w.now += uint32(d / time.Second) }

func (w *world) account(a cocoon.Account) *tvm.PreparedAccount {
	if acc := w.accounts[a]; acc != nil {
		return acc
	}
	acc, err := tvm.PrepareAccount(noAccount(), chain.Address(a))
	require.NoError(w.t, err)
	return acc
}

func noAccount() *tlb.ShardAccount {
	return &tlb.ShardAccount{Account: cell.BeginCell().MustStoreUInt(0, 1).EndCell(), LastTransHash: make([]byte, 32)}
}

// balance is what a holds, in nanoTON.
func (w *world) balance(a cocoon.Account) cocoon.Nano {
	state := w.account(a).State()
	if state == nil || !state.IsValid {
		return cocoon.Nano{}
	}
	n, err := cocoon.NanoFromBig(state.Balance.Nano())
	require.NoError(w.t, err)
	return n
}

// data is the contract's storage, read anew: cells out of the machine go on
// counting its gas.
func (w *world) data(a cocoon.Account) *cell.Cell {
	state := w.account(a).State()
	require.True(w.t, state != nil && state.IsValid && state.StateInit != nil, "%s holds no contract", a)
	c, err := cell.FromBOC(state.StateInit.Data.ToBOC())
	require.NoError(w.t, err)
	return c
}

// send delivers m from a wallet and everything that follows from it.
func (w *world) send(from cocoon.Account, m chain.Message) trace {
	w.t.Helper()
	in := m.Internal()
	in.SrcAddr, in.CreatedLT, in.CreatedAt = chain.Address(from), w.lt, w.now
	c, err := tlb.ToCell(in)
	require.NoError(w.t, err)
	return w.run(c)
}

// sendExternal delivers an external message; the trace is empty where the contract does not accept it.
func (w *world) sendExternal(to cocoon.Account, body *cell.Cell) trace {
	w.t.Helper()
	c, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: chain.Address(to), Body: body})
	require.NoError(w.t, err)
	return w.run(c)
}

func (w *world) run(first *cell.Cell) (tr trace) {
	w.recent = w.recent[:0]
	for queue := []*cell.Cell{first}; len(queue) > 0; queue = queue[1:] {
		require.Less(w.t, len(tr.steps), 2000, "messages without end")
		s, out := w.deliver(queue[0])
		if s == nil {
			return tr
		}
		tr.steps = append(tr.steps, *s)
		queue = append(queue, out...)
	}
	return tr
}

// deliver executes one message; a nil step means it was not accepted.
func (w *world) deliver(c *cell.Cell) (*step, []*cell.Cell) {
	msg, err := tvm.PrepareMessage(c)
	require.NoError(w.t, err)
	s := step{}
	if in, ok := msg.Message().Msg.(*tlb.InternalMessage); ok {
		s.to, err = chain.AccountOf(in.DstAddr)
		require.NoError(w.t, err)
		s.from, _ = chain.AccountOf(in.SrcAddr)
		s.value, s.body, s.bounced = in.Amount.Nano(), in.Body, in.Bounced
	} else {
		ext := msg.Message().AsExternalIn()
		s.to, err = chain.AccountOf(ext.DstAddr)
		require.NoError(w.t, err)
		s.value, s.body, s.external = new(big.Int), ext.Body, true
	}
	seed := sha256.Sum256([]byte(fmt.Sprint(w.lt)))
	block, err := w.config.NewBlockContext(tvm.BlockOptions{Now: w.now, BlockLT: int64(w.lt), RandSeed: seed[:], GlobalID: globalID})
	require.NoError(w.t, err)
	w.lt += 1000
	res, err := w.machine.EmulateTransaction(block, w.account(s.to), msg, tvm.TransactionOptions{LogicalTime: int64(w.lt)})
	require.NoError(w.t, err)
	w.tape.add(w, s.to, c, res)
	w.recent = append(w.recent, shot{block, w.account(s.to), res.TransactionCell})
	if res.TransactionCell == nil {
		return nil, nil
	}
	w.lt = res.EndLT
	w.accounts[s.to] = res.NextAccount
	tx, err := res.ParseTransaction()
	require.NoError(w.t, err)
	s.fill(w.t, tx, res)
	var out []*cell.Cell
	for _, o := range res.OutMessages {
		if m, ok := o.Msg.Msg.(*tlb.InternalMessage); ok {
			s.fees.Add(s.fees, m.FwdFee.Nano())
			s.out = append(s.out, m)
			out = append(out, o.Cell)
		}
	}
	w.book(&s)
	requirePriced(w.t, w.account(s.to), &s)
	w.requireModes(w.account(s.to), res)
	w.substitute(s.to)
	return &s, out
}

// holdsCode tells a contract from a wallet.
func (w *world) holdsCode(a cocoon.Account) bool {
	state := w.account(a).State()
	return state != nil && state.IsValid && state.StateInit != nil && state.StateInit.Code != nil
}

func (w *world) book(s *step) {
	if !w.holdsCode(s.to) {
		return
	}
	w.fees.Add(w.fees, s.fees)
	if !w.holdsCode(s.from) {
		w.received.Add(w.received, s.value)
	}
	for _, m := range s.out {
		if to, err := chain.AccountOf(m.DstAddr); err != nil || !w.holdsCode(to) && m.StateInit == nil {
			w.paid.Add(w.paid, m.Amount.Nano())
		}
	}
}

// requireBooks checks that no nanoTON came or went: received = paid + fees + held.
func (w *world) requireBooks() {
	w.t.Helper()
	sum := new(big.Int).Add(w.paid, w.fees)
	for a := range w.accounts {
		if w.holdsCode(a) {
			sum.Add(sum, w.balance(a).Big())
		}
	}
	require.Equal(w.t, w.received.String(), sum.String(), "received = paid + fees + held")
}

func ton(n uint64) cocoon.Nano { return cocoon.TON(n) }
