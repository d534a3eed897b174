package sandboxtests

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/internal/schema"
	"github.com/cocoon-network/cocoon/wrappers"
)

// row is one operation of one contract. Every facet of the matrix is shown for
// every row, each in a world of its own.
type row struct {
	kind  wrappers.Kind
	op    string // as in the schema; after a comma, which way it goes
	who   who
	again again
	scene func(t *testing.T) *scene
}

// operation is the schema's name of r.
func (r row) operation() string {
	op, _, _ := strings.Cut(r.op, ",")
	return op
}

// who may send an operation.
type who int

const (
	only     who = iota // the scene's sender; others are refused
	anyone              // whose message does the same
	anywhere            // likewise, from other workchains as well
	ignored             // anyone, but it does nothing and brings the value back
)

// again is what the very same message does a second time: the exit code that
// refuses it, or one of these.
type again int32

const (
	idle again = 0  // it succeeds and changes nothing
	acts again = -1 // it does the same once more, for which its sender has paid
)

// scene is a world in which an operation is about to succeed.
type scene struct {
	*world
	at     cocoon.Account   // the contract
	from   cocoon.Account   // who may send it
	others []cocoon.Account // who else has to do with this contract, and who claims to
	value  cocoon.Nano      // the least that it succeeds with
	amount cocoon.Nano      // of that, what is no fee
	body   *cell.Cell

	early int32  // what refuses it one second before, 0 where it waits for nothing
	until uint32 // the second from which on late refuses it, 0 where there is none
	late  int32

	unpriced bool // a report between contracts: its sender has paid, no value is asked for
	kept     bool // it comes without the bounce flag: what is refused stays
	unread   bool // what comes behind its fields, or in their place, is not looked at

	twice   func() // what two of them have done, where a second one acts
	bounced func() // what it has done once it arrived as a bounce, nothing where this is nil
	road    uint32 // the op of what it sends bounceable, 0 where that is nothing
	back    func() // where things stand when that has come back
}

// onStage is the scene of v, sent to a contract by from, with the others who are about.
func onStage[T any](w *world, at, from cocoon.Account, value cocoon.Nano, v T, others ...cocoon.Account) *scene {
	w.t.Helper()
	others = slices.DeleteFunc(append(others, wallet("stranger"), wallet("treasury")), func(a cocoon.Account) bool { return a == from })
	return &scene{world: w, at: at, from: from, others: others, value: value, body: body(w.t, v)}
}

// report makes s one of a contract that has paid for what follows.
func (s *scene) report() *scene {
	s.unpriced = true
	return s
}

// with makes s bring an amount on top of the fee.
func (s *scene) with(amount cocoon.Nano) *scene {
	s.t.Helper()
	s.amount, s.value = amount, plus(s.t, s.value, amount)
	return s
}

// waited makes s one at the first moment at which it succeeds.
func (s *scene) waited(early int32) *scene {
	s.early = early
	return s
}

// before makes s one that is refused from then on.
func (s *scene) before(until uint32, late int32) *scene {
	s.until, s.late = until, late
	return s
}

// post sends b to the contract. Where a test speaks for a contract, it brings the value.
func (s *scene) post(from cocoon.Account, value cocoon.Nano, b *cell.Cell) trace {
	s.t.Helper()
	if s.holdsCode(from) {
		s.received.Add(s.received, value.Big())
	}
	return s.send(from, chain.Message{To: s.at, Amount: value, Bounce: !s.kept, Body: b})
}

// play sends the scene's message.
func (s *scene) play() trace { s.t.Helper(); return s.post(s.from, s.value, s.body) }

// hash is that of the contract's storage.
func (s *scene) hash() string { return string(s.data(s.at).Hash()) }

// matrix is every operation of every contract.
func matrix() []row {
	return slices.Concat(registryRows, providerRows, jobRows, rewardsRows, epochRows, channelRows)
}

// wallets are no contracts of ours.
const wallets wrappers.Kind = ""

// receivers are the contracts that take a group of the schema's messages.
var receivers = map[string][]wrappers.Kind{
	"RegistryMsg": {wrappers.KindRegistry},
	"OwnedMsg":    {wrappers.KindProvider, wrappers.KindRewards},
	"ProviderMsg": {wrappers.KindProvider},
	"JobMsg":      {wrappers.KindJob},
	"DueMsg":      {wrappers.KindJob, wrappers.KindEpoch, wrappers.KindChannel},
	"RewardsMsg":  {wrappers.KindRewards},
	"EpochMsg":    {wrappers.KindEpoch},
	"ChannelMsg":  {wrappers.KindChannel},
	"AnyMsg":      {wallets},
}

// declared are the messages that the schema has each contract take, and wallets.
func declared(t *testing.T) map[wrappers.Kind][]schema.Declaration {
	t.Helper()
	src, err := os.ReadFile("../contracts/schema.tlb")
	require.NoError(t, err)
	all, err := schema.Parse(string(src))
	require.NoError(t, err)
	messages := map[wrappers.Kind][]schema.Declaration{}
	for _, d := range all {
		if !strings.HasSuffix(d.Of, "Msg") {
			continue
		}
		require.Contains(t, receivers, d.Of, "%s: no contract takes it", d.Name)
		for _, kind := range receivers[d.Of] {
			messages[kind] = append(messages[kind], d)
		}
	}
	return messages
}

func TestMatrix_HasARowForEveryOperationOfTheSchema(t *testing.T) {
	t.Parallel()
	rows := map[wrappers.Kind][]string{wallets: {"excesses", "payout"}}
	for _, r := range matrix() {
		if op := r.operation(); !slices.Contains(rows[r.kind], op) {
			rows[r.kind] = append(rows[r.kind], op)
		}
	}
	messages := declared(t)
	require.Len(t, rows, len(messages))
	for kind, declarations := range messages {
		var names []string
		for _, d := range declarations {
			names = append(names, d.Name)
		}
		require.ElementsMatch(t, names, rows[kind], "operations of %s", kind)
	}
}

// facets are what every operation is asked.
var facets = []struct {
	name string
	show func(t *testing.T, r row)
}{
	{"least value", showLeast},
	{"change", showChange},
	{"sender", showSender},
	{"workchain", showWorkchain},
	{"trailing bits", showTrailing},
	{"bounce", showBounce},
	{"way back", showWayBack},
	{"replay", showReplay},
	{"deadline", showDeadline},
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, r := range matrix() {
		t.Run(string(r.kind)+"/"+r.op, func(t *testing.T) {
			t.Parallel()
			for _, f := range facets {
				t.Run(f.name, func(t *testing.T) { t.Parallel(); f.show(t, r) })
			}
		})
	}
}
