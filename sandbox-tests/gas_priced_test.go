package sandboxtests

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm"

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
func requirePriced(t *testing.T, account *tvm.PreparedAccount, s *step) {
	t.Helper()
	state := account.State()
	if s.exit != 0 || s.bounced || state == nil || state.StateInit == nil || state.StateInit.Code == nil {
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
	noteConstant(constant, bound{s.gas, t.Name()})
	if name == "request_terms" { // provider and rewards pay for it
		noteConstant("gas::request_terms", bound{s.gas, t.Name()})
	}
	if *update {
		return
	}
	require.LessOrEqual(t, s.gas, constantOf(t, constant), "%s of %s uses more gas than %s: run make gas", name, kind, constant)
}

// constantFor names the constant that prices an operation, "" where it is not
// one alone: pages are priced by the leaf, settle and its change apart.
func constantFor(kind wrappers.Kind, operation string) string {
	switch operation {
	case "publish", "push", "settle", "income":
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
