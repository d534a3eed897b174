package sandboxtests

import (
	"maps"
	"math/big"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
)

// Anyone can leave. Each of these tests puts a contract into a state, lets
// dispatcher, heir and the registry's owner fall silent for ever, and looks at
// what those get back who still act. The states of a contract stand in one
// table; a field of its storage, a phase or an operation that no line of the
// table has met fails the test.

// met collects which fields of a contract's state were neither zero nor empty.
type met struct {
	sync.Mutex
	fields map[string]bool
}

func (m *met) note(state any) {
	m.Lock()
	defer m.Unlock()
	if m.fields == nil {
		m.fields = map[string]bool{}
	}
	v := reflect.ValueOf(state)
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.IsZero() && (f.Kind() != reflect.Slice || f.Len() > 0) {
			m.fields[v.Type().Field(i).Name] = true
		}
	}
}

// requireAll wants every field of the state to have been met.
func (m *met) requireAll(t *testing.T, state any) {
	t.Helper()
	for _, f := range reflect.VisibleFields(reflect.TypeOf(state)) {
		require.True(t, m.fields[f.Name], "nobody has left a state in which %s is set", f.Name)
	}
}

// A new contract has to say how one leaves it.
func TestLeave_EveryContractHasItsStory(t *testing.T) {
	t.Parallel()
	known := slices.Collect(maps.Keys(testsOf(t)))
	for _, a := range contracts.All() {
		prefix := "TestLeave_" + strings.ToUpper(a.Name[:1]) + a.Name[1:] + "_"
		require.True(t, slices.ContainsFunc(known, func(name string) bool { return strings.HasPrefix(name, prefix) }), "no %s", prefix)
	}
}

// phasesOf are the phases that a contract's source names, by number.
func phasesOf(t *testing.T, contract string) map[string]string {
	t.Helper()
	phases := map[string]string{}
	for _, m := range regexp.MustCompile(`const int phase::(\w+) = (\d+);`).FindAllStringSubmatch(sourceOf(t, contract), -1) {
		phases[m[2]] = m[1]
	}
	require.NotEmpty(t, phases)
	return phases
}

// operationsOf are the operations that a contract's router tells apart.
func operationsOf(t *testing.T, contract string) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`\(op [!=]= op::(\w+)\)`).FindAllStringSubmatch(sourceOf(t, contract), -1) {
		names = append(names, m[1])
	}
	require.NotEmpty(t, names)
	return names
}

func sourceOf(t *testing.T, contract string) string {
	t.Helper()
	src, err := os.ReadFile("../contracts/" + contract + ".fc")
	require.NoError(t, err)
	return string(src)
}

const fiveYears = 5 * 365 * 24 * time.Hour

// rent is what the largest state of a contract costs in d; at five years it is the reserve.
func (w *world) rent(contract string, d time.Duration) cocoon.Nano {
	w.t.Helper()
	getStorageFee := cell.BeginCell().MustStoreUInt(0xf837, 16).EndCell()
	cells, bits := constantOf(w.t, "cells::"+contract), constantOf(w.t, "bits::"+contract)
	values, err := w.execute(cocoon.Account{}, getStorageFee, cell.BeginCell().EndCell(), new(big.Int), int(cells), int(bits), int(d/time.Second), 0)
	require.NoError(w.t, err)
	fee, err := cocoon.NanoFromBig(values[0].(*big.Int))
	require.NoError(w.t, err)
	return fee
}

// touch makes a transaction at a, so that the rent until now is off its balance.
func (w *world) touch(a cocoon.Account) {
	w.t.Helper()
	w.send(wallet("stranger"), chain.Message{To: a, Amount: cocoon.NanoOf(1)})
}

// waitUntil lets time pass until then, which may be over.
func (w *world) waitUntil(then uint32) { w.now = max(w.now, then) }

// since is the time that has passed.
func (w *world) since(then uint32) time.Duration { return time.Duration(w.now-then) * time.Second }

// requireAbout wants got to be want, less the rent of that contract for d at most, and more by change at most: what the
// price of an operation did not use.
func (w *world) requireAbout(want, got cocoon.Nano, contract string, d time.Duration, change cocoon.Nano) {
	w.t.Helper()
	rounding := cocoon.NanoOf(1000) // of one rent a transaction
	least := plus(w.t, w.rent(contract, d), rounding)
	require.NotEqual(w.t, -1, plus(w.t, got, least).Cmp(want), "%s came, %s were due", got, want)
	require.NotEqual(w.t, 1, got.Cmp(plus(w.t, want, change)), "%s came, no more than %s were due", got, want)
}

// depart delivers m and leaves in the air what it causes.
func (w *world) depart(from cocoon.Account, m chain.Message) (air []*cell.Cell) {
	w.t.Helper()
	in := m.Internal()
	in.SrcAddr, in.CreatedLT, in.CreatedAt = chain.Address(from), w.lt, w.now
	c, err := tlb.ToCell(in)
	require.NoError(w.t, err)
	s, air := w.deliver(c)
	require.False(w.t, s.aborted)
	return air
}

// land delivers what was in the air, and all that follows.
func (w *world) land(air []*cell.Cell) (all trace) {
	w.t.Helper()
	for _, c := range air {
		all.steps = append(all.steps, w.run(c).steps...)
	}
	return all
}
