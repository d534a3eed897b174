package sandboxtests

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const flawsPage = "../docs/contracts/flaws.md"

// flaws are those of the review of the design that a contract can prevent. What
// the flawed design was is what its patch says.
var flaws = []struct{ id, attack, prevention string }{
	{"C1", "Right leaves, and behind them fake ones worth as much again: the dispatcher claims first, the honest find nothing",
		"`publish` sums the leaves before anything is paid; the last page must bring the sum to the total"},
	{"C2", "The dispatcher challenges itself with receipts of sybils until no slot is left, and answers at the last moment",
		"The tree is on chain, so `prove` refutes it in one message: no slots, no bond, no answer"},
	{"C3", "One fake epoch fails, the next has another number, of which nobody holds a receipt",
		"A number advances only by `passed`; a retry keeps it"},
	{"C4", "A job with oneself, never delivered, pays the locked stake to the client within minutes",
		"A bond comes from free balance, within the owner's allowance"},
	{"C5", "The message that slashes does not arrive: the client gets nothing and the bond stays noted for ever",
		"The bond travels with `accept`; the job holds it and pays it on"},
	{"C6", "Epochs that are never published, one after another, drain the pot by the dispatcher's share",
		"The network's share is of what was paid, at `finish`; the dispatcher's is a leaf"},
	{"C7", "Terms without unbonding, sent by the owner itself: the stake leaves before any report",
		"Terms come from the registry of the birth, with the hash that the owner asked for"},
	{"C8", "Receipts are out, nothing is opened, and after the unbonding the bond goes home",
		"`owe` lodges a receipt: nothing leaves until its number has passed"},
	{"H1", "A worker equivocates, and is retired before the report arrives",
		"A retired record stays reportable; it is pruned only after the unbonding"},
	{"H2", "The same two receipts are reported again and again: one worker's key takes the whole stake",
		"A record is slashed once, for the share of its own GPUs"},
	{"H3", "Dispatcher and client send one request twice, and report the two honest answers",
		"Receipts are of one scope: provider, rewards, worker, boot and a number that the session gives once"},
	{"H4", "A relayer holds the signed accept back until a moment before the work is due, and expires it",
		"Work time runs from the acceptance"},
	{"H5", "A random hash, delivered a moment before the end for the whole budget, earns it and brings the bond home",
		"`dispute` holds it up, and the arbiter may award the bond as well"},
	{"H6", "Every client disputes good work: it may win, and loses nothing",
		"The deposit goes to the arbiter from who loses; workers accept only arbiters and defaults on their list"},
	{"H7", "One leaf above the balance: every push of its page fails, those behind it are not paid, the crank loses its value",
		"Leaves are parsed and summed when they are published; failures bounce"},
	{"H8", "A closed channel is deployed again, and every old voucher pays again",
		"No account is destroyed: closed is a state for ever"},
	{"H9", "A tree of right amounts, whose leaf names the dispatcher's wallet as the payee",
		"The payee is the provider contract, in receipt and leaf"},
	{"H10", "The dispatcher rotates its receipt key, then opens a fake tree: receipts by the old key prove nothing",
		"A new key counts from two numbers later on"},
	{"H11", "The bond is unbonded in advance, and gone when the fake epoch is refuted",
		"An epoch opens only above the least bond; nothing leaves while one is pending"},
	{"H12", "The dispatcher alone closes the channel, for an amount of its choice",
		"`close_now` needs the client as its sender"},
	{"H13", "The dispatcher's share of a job, paid to its rewards contract, is pot",
		"The offer names the payee: an account of the dispatcher's own"},
	{"H14", "A provider born with another version of the code can accept nothing before it has unbonded",
		"Terms list three codes, `accept` says which"},
	{"H15", "A year of rent, and the stake cannot be withdrawn",
		"Debts bind, the reserve does not: it is what a birth brings"},
	{"M1", "A rival takes a job it holds no payload for, to ruin it at the price of the bond",
		"The offer key's pass names the provider"},
	{"M2", "A stranger replays an old order, and the old prices with it",
		"Orders carry a revision that must grow"},
	{"M3", "A delivery from outside for the whole budget leaves too little to pay it",
		"An opening brings the gas of one such delivery, and it may not touch what is owed"},
	{"M4", "Junk from outside burns the escrow, for nothing",
		"Everything is checked before the message is accepted"},
	{"M5", "Settlements with too little value let the escrow pay their fees",
		"The value of the whole trace is required first"},
	{"M6", "A voucher above the deposit counts as settled, and a top-up does not pay the rest",
		"Settled grows by what was paid"},
	{"M7", "The client rotates twice: what the first key signed is worth nothing",
		"A rotation is refused until the previous key's end"},
	{"M8", "A settlement to a rewards contract that is not there comes back, settled and unpaid",
		"Payouts never bounce; the pot is computed from the balance"},
	{"M9", "A leaked owner's key lists a bad image at once, a leaked guardian's stops a good one for ever",
		"Additions wait for the delay, suspensions act at once and lapse after it"},
	{"M10", "Terms that the owner never saw raise the required stake, and the provider can accept nothing",
		"Only the terms that are awaited are taken, by their hash"},
	{"M11", "Each claim makes the state, its rent and the next claim dearer",
		"Room for a bit of every leaf is there, and paid, from the opening on"},
	{"M12", "A stranger opens each epoch before the rewards contract does",
		"An epoch obeys its rewards contract only; strangers deploy an inert shell"},
	{"M13", "Workers are put and retired without end, beyond what the rent covers",
		"128 records together, retired ones included"},
	{"M19", "A first page as large as the others has too many actions, and never passes",
		"`pass` is an operation of its own"},
}

// lastOf is the last id of each letter that a contract can do something about;
// M19 is one more, and the others are told in peculiarities.md.
var lastOf = map[string]int{"C": 8, "H": 15, "M": 13}

func TestFlaws_EachHasATest(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"M19": true}
	for letter, last := range lastOf {
		for i := range last {
			known[fmt.Sprint(letter, i+1)] = true
		}
	}
	tests := testsOf(t)
	for _, f := range flaws {
		require.True(t, known[f.id], "%s is no flaw of the review, or stands twice", f.id)
		delete(known, f.id)
		attackOn(t, tests, f.id)
	}
	require.Empty(t, known, "flaws without a test")
	designs, err := flawedDesigns()
	require.NoError(t, err)
	for _, d := range designs {
		attackOn(t, tests, d.flaw())
	}
}

// attackOn is the one test of a flaw, of all tests there are.
func attackOn(t *testing.T, tests map[string]bool, id string) (test string) {
	t.Helper()
	for name := range tests {
		if strings.HasPrefix(name, "TestFlaw_"+id+"_") {
			require.Empty(t, test, "%s has two tests", id)
			test = name
		}
	}
	require.NotEmpty(t, test, "%s has no test", id)
	return test
}

func TestFlaws_PageIsMadeFromThem(t *testing.T) {
	t.Parallel()
	page := flawsText(t)
	if *update {
		require.NoError(t, os.WriteFile(flawsPage, []byte(page), 0o644))
		return
	}
	got, err := os.ReadFile(flawsPage)
	require.NoError(t, err)
	require.True(t, page == string(got), "%s is out of date: run go test ./sandbox-tests -run TestFlaws_Page -update", flawsPage)
}

func flawsText(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Flaws that were designed out

A first design of the contracts was attacked on paper. Each line is an attack that
it allowed, and a test that runs it twice: on the flawed design it steals or
blocks what the test says, on ours it is refused or gains nothing.

A flawed design is our source with the flaw put back, as a patch in
` + "`sandbox-tests/testdata/flawed/`" + `; its code lies beside it. ` + "`make contracts`" + ` compiles
both again and ` + "`make contracts-verify`" + ` compares; a patch that no longer fits the
sources is an error. What no contract can prevent is in
[peculiarities.md](peculiarities.md). This page is made by its test.

| id | attack | the flawed design | what prevents it | test |
|---|---|---|---|---|
`)
	tests := testsOf(t)
	for _, f := range flaws {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.id, f.attack, flawedDesignOf(t, f.id), f.prevention, attackOn(t, tests, f.id))
	}
	return b.String()
}

// unpatched are flaws that needed no other code than ours.
var unpatched = map[string]string{"H13": "The share went to the rewards contract"}

func flawedDesignOf(t *testing.T, id string) string {
	t.Helper()
	designs, err := flawedDesigns()
	require.NoError(t, err)
	var notes []string
	for _, d := range slices.Backward(designs) { // of two, the provider's is told first
		if d.flaw() == id {
			notes = append(notes, strings.TrimSuffix(d.Note, "."))
		}
	}
	if note := unpatched[id]; note != "" {
		notes = append(notes, note)
	}
	require.NotEmpty(t, notes, "%s has no flawed design", id)
	return strings.Join(notes, ". ")
}
