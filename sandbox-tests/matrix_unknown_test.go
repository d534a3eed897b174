package sandboxtests

import (
	"maps"
	"slices"
	"testing"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

func TestMatrix_ContractsKnowNoOtherOperation(t *testing.T) {
	t.Parallel()
	messages := declared(t)
	for _, r := range oneOfEach() {
		t.Run(string(r.kind), func(t *testing.T) {
			t.Parallel()
			s := r.scene(t)
			for _, d := range slices.Concat(slices.Collect(maps.Values(messages))...) {
				if op, _ := d.Op(); !knows(r.kind, d.Name) {
					s.requireRefused(t, errUnknownOp, s.from, ton(1), cell.BeginCell().MustStoreUInt(uint64(op), 32).MustStoreUInt(9, 64).EndCell())
				}
			}
		})
	}
}

// knows reports whether a contract has a row for the operation.
func knows(kind wrappers.Kind, op string) bool {
	return slices.ContainsFunc(matrix(), func(r row) bool { return r.kind == kind && r.operation() == op })
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
