package sandboxtests

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// stories are tests that become scenarios as they are: between them and the
// matrix' rows every exit code occurs.
var stories = []struct {
	name string
	test func(t *testing.T)
}{
	{"Registry_ChangeHasAForm", TestRegistry_ChangeHasAForm},
	{"Registry_AnnouncedChangesWaitForOneDelay", TestRegistry_AnnouncedChangesWaitForOneDelay},
	{"Registry_OwnershipTakesTwoStepsAndOneDelay", TestRegistry_OwnershipTakesTwoStepsAndOneDelay},
	{"Registry_SuspensionActsAtOnceAndLapses", TestRegistry_SuspensionActsAtOnceAndLapses},
	{"Registry_TermsAreTakenAwayAgain", TestRegistry_TermsAreTakenAwayAgain},
	{"Registry_OtherTermsThanAgreedAreRefusedByTheProvider", TestRegistry_OtherTermsThanAgreedAreRefusedByTheProvider},
	{"Provider_AcceptIsBoundToSignerTimeWorkerAndMoney", TestProvider_AcceptIsBoundToSignerTimeWorkerAndMoney},
	{"Provider_KeysThatSomebodyChoseDoNotDeepenTheRegister", TestProvider_KeysThatSomebodyChoseDoNotDeepenTheRegister},
	{"Provider_OneRecordIsSlashedOnce", TestProvider_OneRecordIsSlashedOnce},
	{"Provider_OperatorIsSetByTheOwnerAndProvesItsKey", TestProvider_OperatorIsSetByTheOwnerAndProvesItsKey},
	{"Provider_OrderIsBoundToKeyNetworkContractAndForm", TestProvider_OrderIsBoundToKeyNetworkContractAndForm},
	{"Provider_RecordNeverShrinks", TestProvider_RecordNeverShrinks},
	{"Provider_RegistersWorkersTheOperatorSigned", TestProvider_RegistersWorkersTheOperatorSigned},
	{"Provider_ReportIsBoundToTheWorkerAndItsSession", TestProvider_ReportIsBoundToTheWorkerAndItsSession},
	{"Provider_RetiredWorkerStaysDeadUntilPruned", TestProvider_RetiredWorkerStaysDeadUntilPruned},
	{"Provider_TermsComeOnlyFromTheRegistryAndOnlyAsAgreed", TestProvider_TermsComeOnlyFromTheRegistryAndOnlyAsAgreed},
	{"Provider_UnstakeIsBounded", TestProvider_UnstakeIsBounded},
	{"Provider_WorkerNeedsTermsAndStake", TestProvider_WorkerNeedsTermsAndStake},
	{"Job_NothingOpensThatCouldGetStuck", TestJob_NothingOpensThatCouldGetStuck},
	{"Job_OfferKeySaysWhoMayAccept", TestJob_OfferKeySaysWhoMayAccept},
	{"Job_OnlyAProviderOfAListedCodeAccepts", TestJob_OnlyAProviderOfAListedCodeAccepts},
	{"Job_TakesNothingThatTheWorkerDidNotSign", TestJob_TakesNothingThatTheWorkerDidNotSign},
	{"Job_TakesADeliveryFromOutsideOnItsOwnMoney", TestJob_TakesADeliveryFromOutsideOnItsOwnMoney},
	{"Job_WhatComesFromOutsideCostsNothingUntilItIsRight", TestJob_WhatComesFromOutsideCostsNothingUntilItIsRight},
	{"Rewards_BondLeavesOnlyWhenItIsRipe", TestRewards_BondLeavesOnlyWhenItIsRipe},
	{"Rewards_EndpointThatNobodyCouldReadIsRefused", TestRewards_EndpointThatNobodyCouldReadIsRefused},
	{"Rewards_HeirSucceedsAfterALongSilence", TestRewards_HeirSucceedsAfterALongSilence},
	{"Rewards_KeyProvesThatSomebodyHoldsIt", TestRewards_KeyProvesThatSomebodyHoldsIt},
	{"Rewards_OnlyItsOwnReceiptsAreLodged", TestRewards_OnlyItsOwnReceiptsAreLodged},
	{"Rewards_RefusesTermsItCannotKeep", TestRewards_RefusesTermsItCannotKeep},
	{"Rewards_WhoOwesCannotLeave", TestRewards_WhoOwesCannotLeave},
	{"Epoch_DishonestTreeDiesWhenItIsPublished", TestEpoch_DishonestTreeDiesWhenItIsPublished},
	{"Epoch_NothingButAShortfallRefutesATree", TestEpoch_NothingButAShortfallRefutesATree},
	{"Epoch_ProveNeedsAReceiptOfThisNumber", TestEpoch_ProveNeedsAReceiptOfThisNumber},
	{"Epoch_PublishesInOrderUntilTheSumIsRight", TestEpoch_PublishesInOrderUntilTheSumIsRight},
	{"Provider_ForgedEvidenceUnderWeakKeysIsRefused", TestProvider_ForgedEvidenceUnderWeakKeysIsRefused},
	{"Epoch_OpenedWithoutAKeyCannotBeRefuted", TestEpoch_OpenedWithoutAKeyCannotBeRefuted},
	{"Channel_BelievesNoWeakKey", TestChannel_BelievesNoWeakKey},
	{"Channel_KeyThatNobodyHoldsDoesNotEnter", TestChannel_KeyThatNobodyHoldsDoesNotEnter},
	{"Channel_CloseNowNeedsBothAndNeverUndoesASettlement", TestChannel_CloseNowNeedsBothAndNeverUndoesASettlement},
	{"Channel_OldKeyCountsForOneCloseDelayMore", TestChannel_OldKeyCountsForOneCloseDelayMore},
	{"Channel_PotGetsAllOfEachVoucher", TestChannel_PotGetsAllOfEachVoucher},
	{"Leave_Epoch_FailedComesBackFromFrozenRewards", TestLeave_Epoch_FailedComesBackFromFrozenRewards},
	{"Leave_Epoch_PassedIsSaidAgainOnceRewardsIsThawed", TestLeave_Epoch_PassedIsSaidAgainOnceRewardsIsThawed},
	{"Channel_TakesEachVoucherOnce", TestChannel_TakesEachVoucherOnce},
}

// perform plays a row: first what is refused, then the operation, then the same
// message again. It says what it played.
func perform(s *scene, r row) string {
	s.t.Helper()
	s.tape.takes = nil
	generous := plus(s.t, s.value, ton(1))
	var shown []string
	refused := func(what string, code int32, from cocoon.Account, value cocoon.Nano, b *cell.Cell) {
		s.post(from, value, b).requireExit(s.t, code)
		shown = append(shown, fmt.Sprintf("%s: %d", what, code))
	}
	if s.early != 0 {
		s.now--
		refused("a second too early", s.early, s.from, generous, s.body)
		s.now++
	}
	refused("an operation nobody knows", errUnknownOp, s.from, generous, cell.BeginCell().MustStoreUInt(7, 32).MustStoreUInt(9, 64).EndCell())
	if r.who == only {
		refused("from another sender", errWrongSender, s.others[0], generous, s.body)
	}
	if r.who != anywhere {
		s.fromElsewhere(generous)
		shown = append(shown, fmt.Sprintf("from another workchain: %d", errWrongWorkchain))
	}
	if !s.unpriced {
		refused("a nanoTON too little", errNotEnoughValue, s.from, less1(s.t, s.value), s.body)
	}
	if !s.unread {
		refused("a bit too many", errTrailing, s.from, generous, longer(s.body))
	}
	if s.bounced == nil {
		s.comeBack(s.t, wallet("stranger"), ton(1), bounces(s.body)["256 bits"])
		shown = append(shown, "as a bounce: ignored")
	}
	s.play().requireOK(s.t)
	again := s.play()
	return strings.Join(append(shown, "as it should be: 0", fmt.Sprintf("the same again: %d", again.steps[0].exit)), "; ")
}

// fromElsewhere sends the scene's message as the right sender's number in the masterchain.
func (s *scene) fromElsewhere(value cocoon.Nano) {
	s.t.Helper()
	in := chain.Message{To: s.at, Amount: value, Bounce: true, Body: s.body}.Internal()
	in.SrcAddr = address.NewAddress(0, 255, s.from[:])
	got, _ := s.deliver(s.letter(in))
	require.EqualValues(s.t, errWrongWorkchain, got.exit)
}

// recordRow makes the scenarios of a row: of its moment, of the second after that
// moment ends, and of values that pay a report only in part.
func recordRow(t *testing.T, r row) []scenario {
	t.Helper()
	title := fmt.Sprintf("%s of %s. ", r.op, r.kind)
	s := r.scene(t)
	shows := perform(s, r)
	made := []scenario{s.tape.scenario(t, fileName(string(r.kind), r.op), title+shows)}
	if s.until != 0 {
		late := r.scene(t)
		late.tape.takes = nil
		late.now = late.until
		late.post(late.from, late.value, late.body).requireExit(t, late.late)
		shows = fmt.Sprintf("in the second it ends: %d", late.late)
		made = append(made, late.tape.scenario(t, fileName(string(r.kind), r.op, "late"), title+shows))
	}
	if s.unpriced {
		poor := r.scene(t)
		shows = poor.underpay()
		made = append(made, poor.tape.scenario(t, fileName(string(r.kind), r.op, "underpaid"), title+shows))
	}
	return made
}

// underpay sends a report with ever more value until it is taken.
func (s *scene) underpay() string {
	s.t.Helper()
	s.tape.takes = nil
	var shown []string
	for _, n := range []uint64{0, 1, 70_000, 200_000, 400_000, 600_000, 800_000, 1_000_000, 10_000_000} {
		first := s.post(s.from, cocoon.NanoOf(n), s.body).steps[0]
		shown = append(shown, fmt.Sprintf("with %d nanoTON: exit %d, action %d", n, first.exit, first.action))
		if !first.aborted && first.exit == 0 {
			break
		}
	}
	return strings.Join(shown, "; ")
}

// recordStory makes a scenario of each world of a test that shows a refusal or an
// operation that no earlier one of the same test shows. Their order is that of
// what they show, since a test may make them in any.
func recordStory(t *testing.T, name string, tapes []*tape) (made []scenario) {
	t.Helper()
	worlds := make([]scenario, len(tapes))
	for i, p := range tapes {
		worlds[i] = p.scenario(t, fileName(sentence(name)), sentence(name))
	}
	slices.SortStableFunc(worlds, func(a, b scenario) int { return slices.Compare(a.kinds(), b.kinds()) })
	seen := map[string]bool{}
	for _, s := range worlds {
		before := len(seen)
		for _, kind := range s.kinds() {
			seen[kind] = true
		}
		if len(seen) == before {
			continue
		}
		if len(made) > 0 {
			s.Name += fmt.Sprintf("-%d", len(made)+1)
		}
		made = append(made, s)
	}
	return made
}

var (
	word      = regexp.MustCompile(`[A-Z][a-z0-9]*`)
	unnatural = regexp.MustCompile(`[^a-z0-9]+`)
)

// sentence is a test's name for people.
func sentence(test string) string {
	at := strings.LastIndex(test, "_")
	contract, says := strings.ReplaceAll(test[:at], "_", " "), test[at+1:]
	words := word.FindAllString(says, -1)
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	return contract + ": " + strings.Join(words, " ")
}

func fileName(parts ...string) string {
	return strings.Trim(unnatural.ReplaceAllString(strings.ToLower(strings.Join(parts, " ")), "-"), "-")
}

// everyRow is the matrix, with the births: there, those may send who may later.
func everyRow() []row {
	rows := matrix()
	for _, r := range births {
		later := slices.IndexFunc(rows, func(m row) bool { return m.kind == r.kind && m.op == r.op })
		r.op, r.who = r.op+", the first", rows[later].who
		rows = append(rows, r)
	}
	return rows
}

// Not -update, which would take the gas constants from the few tests that run here.
var recordAgain = flag.Bool("record", false, "record the scenarios again: make scenarios")

func TestScenarios_AreRecorded(t *testing.T) {
	if !*recordAgain {
		t.Skip("the files are written by make scenarios")
	}
	keep := map[string]bool{}
	save := func(t *testing.T, made []scenario, tapes []*tape) {
		for i := range made {
			require.False(t, keep[made[i].file()], "two scenarios are called %s", made[i].Name)
			keep[made[i].file()] = true
			made[i].save(t, tapes[0].config.Root())
		}
	}
	for _, r := range everyRow() {
		t.Run(string(r.kind)+" "+r.op, func(t *testing.T) {
			tapes := record(t)
			save(t, recordRow(t, r), tapes())
		})
	}
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			tapes := record(t)
			t.Run("", func(t *testing.T) { t.Run("", story.test) }) // ends when what is parallel in it has
			save(t, recordStory(t, story.name, tapes()), tapes())
		})
	}
	files, err := filepath.Glob(filepath.Join(scenarioDir, "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		if !keep[file] && !t.Failed() {
			require.NoError(t, os.Remove(file))
		}
	}
}
