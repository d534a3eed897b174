package trace

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// archive answers with what a stage was before a transaction.
type archive struct {
	*stage
	before *tvm.PreparedAccount
	libs   []*cell.Cell
	at     *ton.BlockIDExt // where it was asked for the account
}

func (a *archive) GetAccount(_ context.Context, at *ton.BlockIDExt, _ *address.Address) (*tlb.Account, error) {
	a.at = at
	shard := a.before.ShardAccount()
	return &tlb.Account{State: a.before.State(), LastTxLT: shard.LastTransLT, LastTxHash: shard.LastTransHash}, nil
}

func (a *archive) GetBlockchainConfig(context.Context, *ton.BlockIDExt, ...int32) (*tlb.BlockchainConfig, error) {
	return &tlb.BlockchainConfig{Root: a.root}, nil
}

func (a *archive) GetLibraries(_ context.Context, hashes ...[]byte) ([]*cell.Cell, error) {
	found := make([]*cell.Cell, len(hashes))
	for i, hash := range hashes {
		for _, lib := range a.libs {
			if string(lib.Hash()) == string(hash) {
				found[i] = lib
			}
		}
	}
	return found, nil
}

func TestReplay_BeginsWithTheParentThatHasTheAccount(t *testing.T) {
	t.Parallel()
	n, s, txs := journey(t)
	west, east := n.blocks[1].id, n.blocks[0].id // before the merge, before the split
	for i, parent := range []*ton.BlockIDExt{&genesisBlock, east, &masterGenesis, west} {
		a := &archive{stage: s, before: s.before[string(txs[i].Hash)]}
		run, err := (&Reader{Blocks: n}).Replay(t.Context(), a, txs[i], -1)
		require.NoError(t, err)
		require.True(t, run.Exact)
		require.Equal(t, parent, a.at, "transaction %d", i)
	}
}

// library is a cell that stands for another.
func library(t *testing.T, of *cell.Cell) *cell.Cell {
	t.Helper()
	c, err := cell.BeginCell().MustStoreUInt(2, 8).MustStoreSlice(of.Hash(), 256).EndCellSpecial(true)
	require.NoError(t, err)
	return c
}

func TestReplay_FetchesLibrariesTheCodeIsIn(t *testing.T) {
	t.Parallel()
	s, program := newStage(t), code(t, throws)
	outer := library(t, program)
	a := &archive{stage: s, libs: []*cell.Cell{program}}
	s.store(account(1), tlb.AccountStorage{Status: tlb.AccountStatusActive, Balance: tons(t, "1"), StateInit: &tlb.StateInit{Code: outer, Data: empty()}})
	a.before = s.account(account(1))
	m := s.internal(account(2), account(1), "1", empty())
	m.Bounce = false

	config, err := tvm.PrepareBlockchainConfig(s.root)
	require.NoError(t, err)
	blind := s.run(m)[0]
	tx := blind.Description.(tlb.TransactionDescriptionOrdinary).ComputePhase.Phase.(tlb.ComputePhaseVM)
	require.EqualValues(t, 9, tx.Details.ExitCode, "without the library there is no code")
	s.accounts[account(1).StringRaw()] = a.before
	libs, err := libraries(t.Context(), a, a.before, blind)
	require.NoError(t, err)
	s.block, err = config.NewBlockContext(tvm.BlockOptions{Now: genesis, BlockLT: 1_000_000, RandSeed: make([]byte, 32), GlobalID: -239, Libraries: libs})
	require.NoError(t, err)
	seeing := s.run(m)[0]

	n := &network{t: t}
	n.tops = []*ton.BlockIDExt{n.add(0, 1<<63, seeing.LT+2, []*ton.BlockIDExt{&genesisBlock}, seeing)}
	run, err := (&Reader{Blocks: n}).Replay(t.Context(), a, seeing, 1)
	require.NoError(t, err)
	require.True(t, run.Exact)
	require.Equal(t, "THROW 504", run.Steps[0].Op)

	a.libs = nil // the library is gone
	run, err = (&Reader{Blocks: n}).Replay(t.Context(), a, seeing, 1)
	require.NoError(t, err)
	require.False(t, run.Exact)
}

func TestReplay_FetchesLibrariesOfLibraries(t *testing.T) {
	t.Parallel()
	s, inner := newStage(t), code(t, throws)
	outer := cell.BeginCell().MustStoreRef(library(t, inner)).EndCell()
	a := &archive{stage: s, libs: []*cell.Cell{inner, outer}}
	s.store(account(1), tlb.AccountStorage{Status: tlb.AccountStatusActive, Balance: tons(t, "1"), StateInit: &tlb.StateInit{Code: library(t, outer), Data: empty()}})
	libs, err := libraries(t.Context(), a, s.account(account(1)), &Transaction{})
	require.NoError(t, err)
	require.Len(t, libs, 1)
	for _, want := range a.libs {
		_, err = libs[0].AsDict(256).LoadValue(cell.BeginCell().MustStoreSlice(want.Hash(), 256).EndCell())
		require.NoError(t, err)
	}
}

func TestReplay_KeepsWhatAContractWritesForDebugging(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	// SETCP0; 7 PUSHINT; s0 DUMP; 8 PUSHINT; <{ DROP }> PUSHCONT; DROP
	s.put(account(1), "1", "FF0077FE2078913030", empty())
	tx := s.run(s.internal(account(2), account(1), "1", empty()))[0]
	run, err := Replay(s.block, s.before[string(tx.Hash)], tx, -1)
	require.NoError(t, err)
	var notes, ops []string
	for _, step := range run.Steps {
		if step.Op == "" {
			notes = append(notes, step.Note)
		} else {
			ops = append(ops, step.Op)
		}
	}
	require.Equal(t, []string{"#DEBUG#: s0 = 7 [int]"}, notes)
	require.Contains(t, ops, "<…> SMALL PUSHCONT")
	require.Zero(t, run.Earlier)
	short, err := Replay(s.block, s.before[string(tx.Hash)], tx, 2)
	require.NoError(t, err)
	require.Len(t, short.Steps, 2)
	require.Equal(t, len(ops)-2, short.Earlier)

	v := Show(tx, names)
	v.Log = run
	var text strings.Builder
	require.NoError(t, v.WriteText(&text, Style{Steps: -1}))
	require.Contains(t, text.String(), "#DEBUG#: s0 = 7 [int]\n")
	require.NotContains(t, text.String(), "the last")
}
