package sandboxtests

import (
	"slices"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

// kinds are our contracts by the hash of their code.
var kinds = sync.OnceValue(func() map[string]wrappers.Kind {
	kinds := map[string]wrappers.Kind{}
	for _, a := range contracts.All() {
		kinds[string(a.Code.Hash())] = wrappers.Kind(a.Name)
	}
	return kinds
})

// requirePriced wants the constant that prices an operation to cover what any
// test sees it use: whatever leads to the dearest case, no caller pays too little.
func requirePriced(t rapid.TB, account *tvm.PreparedAccount, s *step) {
	t.Helper()
	if *mutant != "" {
		return
	}
	state := account.State()
	if s.exit != 0 || s.aborted || s.bounced || state == nil || state.StateInit == nil || state.StateInit.Code == nil {
		return
	}
	kind, ours := kinds()[string(state.StateInit.Code.Hash())]
	name := wrappers.OperationName(s.body)
	if !ours || name == "" {
		return
	}
	constant := constantFor(kind, name)
	if constant == "" {
		return
	}
	if apart(name) && s.sends(opExcesses) {
		requireChangePriced(t, constant, name, s)
		return
	}
	noteConstant(constant, bound{s.gas, t.Name()})
	if name == "request_terms" { // provider and rewards pay for it
		noteConstant("gas::request_terms", bound{s.gas, t.Name()})
	}
	if *update {
		return
	}
	require.LessOrEqual(t, s.gas, constantOf(t, constant), "%s of %s uses more gas than %s: run make gas", name, kind, constant)
}

// apart tells the operations whose change is paid for out of the change.
func apart(name string) bool { return name == "settle" || name == "claim" || name == "prove" }

func requireChangePriced(t rapid.TB, constant, name string, s *step) {
	t.Helper()
	if !*update {
		require.LessOrEqual(t, s.gas, constantOf(t, constant)+constantOf(t, "gas::change"), "%s uses more gas than %s and gas::change: run make gas", name, constant)
	}
}

// sends reports whether a message with op came of the transaction.
func (s *step) sends(op uint32) bool {
	return slices.ContainsFunc(s.out, func(m *tlb.InternalMessage) bool { return (&step{body: m.Body}).op() == op })
}

// constantFor names the constant that prices an operation, "" where it is not
// one alone: pages are priced by the leaf.
func constantFor(kind wrappers.Kind, operation string) string {
	switch operation {
	case "publish", "push", "income":
		return ""
	case "finish":
		return "gas::finish_" + string(kind)
	case "refresh_terms", "terms", "withdraw":
		return "gas::" + string(kind) + "_" + operation
	}
	if kind == wrappers.KindRegistry {
		return "GAS_" + strings.ToUpper(operation)
	}
	return "gas::" + operation
}
