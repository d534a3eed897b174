package sandboxtests

import (
	"maps"
	"slices"
	"testing"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

// operations are the ops of each contract's rows.
func operations(t *testing.T) map[wrappers.Kind][]uint64 {
	t.Helper()
	ops := map[wrappers.Kind][]uint64{}
	for _, r := range matrix() {
		ops[r.kind] = append(ops[r.kind], r.scene(t).body.MustBeginParse().MustLoadUInt(32))
	}
	return ops
}

func TestMatrix_ContractsKnowNoOtherOperation(t *testing.T) {
	t.Parallel()
	ops := operations(t)
	strange := slices.Concat(slices.Collect(maps.Values(ops))...)
	strange = append(strange, 1, opExcesses, opPayout, opReport)
	for _, r := range oneOfEach() {
		t.Run(string(r.kind), func(t *testing.T) {
			t.Parallel()
			s := r.scene(t)
			for _, op := range strange {
				if !slices.Contains(ops[r.kind], op) {
					s.requireRefused(t, errUnknownOp, s.from, ton(1), cell.BeginCell().MustStoreUInt(op, 32).MustStoreUInt(9, 64).EndCell())
				}
			}
		})
	}
}

// oneOfEach is a row of each contract.
func oneOfEach() []row {
	return []row{registryRows[0], providerRows[0], jobRows[0], rewardsRows[0], epochRows[0], channelRows[0]}
}

func TestMatrix_HeaderIsReadWhole(t *testing.T) {
	t.Parallel()
	for _, r := range oneOfEach() {
		t.Run(string(r.kind), func(t *testing.T) {
			t.Parallel()
			s := r.scene(t)
			header := s.body.MustBeginParse()
			for _, bits := range []uint{1, 31, 32, 95} {
				b := cell.BeginCell().MustStoreSlice(header.MustPreloadSlice(bits), bits).EndCell()
				if r.kind == wrappers.KindRegistry && bits < 32 { // which Tact takes for a top-up
					s.requireKept(t, b)
					continue
				}
				s.requireRefused(t, errTrailing, s.from, ton(1), b)
			}
		})
	}
}
