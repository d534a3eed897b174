package indexer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// conformance is what this package promises whatever the database: its tests run
// on SQLite by themselves and here on PostgreSQL.
var conformance = map[string]func(*testing.T){
	"TestProject_OutlastsANameThatNoDatabaseTakes":        TestProject_OutlastsANameThatNoDatabaseTakes,
	"TestRebuild_OfALongLogMakesTheSameTables":            TestRebuild_OfALongLogMakesTheSameTables,
	"TestIndexer_TwoProcessesNeverBothWrite":              TestIndexer_TwoProcessesNeverBothWrite,
	"TestAPI_DescribesItself":                             TestAPI_DescribesItself,
	"TestAPI_PagesMissNothing":                            TestAPI_PagesMissNothing,
	"TestAPI_RefusesBadQuestions":                         TestAPI_RefusesBadQuestions,
	"TestAPI_ServesWhatTheIndexerKnows":                   TestAPI_ServesWhatTheIndexerKnows,
	"TestAudit_FollowsProofsHeirsAndKeys":                 TestAudit_FollowsProofsHeirsAndKeys,
	"TestAudit_TellsHowAChannelDiffers":                   TestAudit_TellsHowAChannelDiffers,
	"TestAudit_TellsWhatDiffers":                          TestAudit_TellsWhatDiffers,
	"TestAudit_TellsWhatDiffersOfRoles":                   TestAudit_TellsWhatDiffersOfRoles,
	"TestAudit_TheTablesAreTheChain":                      TestAudit_TheTablesAreTheChain,
	"TestBackfill_WritesWhatReadingEveryBlockWrites":      TestBackfill_WritesWhatReadingEveryBlockWrites,
	"TestBackfill_GoesOnWhereverTheLogEnds":               TestBackfill_GoesOnWhereverTheLogEnds,
	"TestBackfill_BeginsWhereTheLogIsToBegin":             TestBackfill_BeginsWhereTheLogIsToBegin,
	"TestBackfill_KilledAnywhereWritesTheSameLog":         TestBackfill_KilledAnywhereWritesTheSameLog,
	"TestBackfill_BelievesNoLiar":                         TestBackfill_BelievesNoLiar,
	"TestBackfill_AsksForWhatIsOurs":                      TestBackfill_AsksForWhatIsOurs,
	"TestBackfill_ReadsEveryBlockWhereThatIsLess":         TestBackfill_ReadsEveryBlockWhereThatIsLess,
	"TestBackfill_RefusesAChainThatLeavesSomethingOut":    TestBackfill_RefusesAChainThatLeavesSomethingOut,
	"TestBackfill_RefusesWhereRentMayHaveTakenAContract":  TestBackfill_RefusesWhereRentMayHaveTakenAContract,
	"TestBackfill_RefusesWhereAContractOfTheLogIsGone":    TestBackfill_RefusesWhereAContractOfTheLogIsGone,
	"TestBackfill_RefusesAnotherChain":                    TestBackfill_RefusesAnotherChain,
	"TestBackfill_TellsHowFarItIs":                        TestBackfill_TellsHowFarItIs,
	"TestChannels_AreToldAsTheirEventsLeftThem":           TestChannels_AreToldAsTheirEventsLeftThem,
	"TestIndexer_BelievesNoChannelOfAnImpostor":           TestIndexer_BelievesNoChannelOfAnImpostor,
	"TestIndexer_BelievesNoImpostor":                      TestIndexer_BelievesNoImpostor,
	"TestIndexer_CountsCoinsThatCameBeforeTheBirth":       TestIndexer_CountsCoinsThatCameBeforeTheBirth,
	"TestIndexer_KilledAnywhereWritesTheSameLog":          TestIndexer_KilledAnywhereWritesTheSameLog,
	"TestRun_AClockOffByAnHourIsToldAndChangesNothing":    TestRun_AClockOffByAnHourIsToldAndChangesNothing,
	"TestClocks_CatchingUpIsNoDifference":                 TestClocks_CatchingUpIsNoDifference,
	"TestClocks_ADifferenceIsLoggedOnce":                  TestClocks_ADifferenceIsLoggedOnce,
	"TestIndexer_KilledAmidFaultsWritesTheSameLog":        TestIndexer_KilledAmidFaultsWritesTheSameLog,
	"TestIndexer_KilledProcessWritesTheSameLog":           TestIndexer_KilledProcessWritesTheSameLog,
	"TestIndexer_SeesShardBlocksBetweenMasterBlocks":      TestIndexer_SeesShardBlocksBetweenMasterBlocks,
	"TestLease_AClockSetBackKeepsNobodyWaiting":           TestLease_AClockSetBackKeepsNobodyWaiting,
	"TestLease_AWriterWhoseClockWasOvertakenWritesNoMore": TestLease_AWriterWhoseClockWasOvertakenWritesNoMore,
	"TestLease_IsHeldThroughSilenceAndGivenBackByClose":   TestLease_IsHeldThroughSilenceAndGivenBackByClose,
	"TestMigrate_EveryEarlierVersionBecomesThisOne":       TestMigrate_EveryEarlierVersionBecomesThisOne,
	"TestMigrate_KeepsTheLogOfAnEarlierVersion":           TestMigrate_KeepsTheLogOfAnEarlierVersion,
	"TestMigrate_TwoProgramsThatStartAtOnceDoNotMeet":     TestMigrate_TwoProgramsThatStartAtOnceDoNotMeet,
	"TestOpen_RebuildsWhatOtherRulesMade":                 TestOpen_RebuildsWhatOtherRulesMade,
	"TestOpen_RefusesAChangedMigration":                   TestOpen_RefusesAChangedMigration,
	"TestOpen_RefusesADatabaseOfANewerProgram":            TestOpen_RefusesADatabaseOfANewerProgram,
	"TestOpen_RefusesALogThatLacksKindsOfEvents":          TestOpen_RefusesALogThatLacksKindsOfEvents,
	"TestOpen_RefusesAnotherMarket":                       TestOpen_RefusesAnotherMarket,
	"TestProject_OutlastsAChannelItCannotRead":            TestProject_OutlastsAChannelItCannotRead,
	"TestProject_OutlastsWhatItCannotRead":                TestProject_OutlastsWhatItCannotRead,
	"TestQueries_TellWhatTheEventsAddUpTo":                TestQueries_TellWhatTheEventsAddUpTo,
	"TestRebuild_MakesTheSameTables":                      TestRebuild_MakesTheSameTables,
	"TestReport_TakesTheStakeThenWhatWasUnstakedLast":     TestReport_TakesTheStakeThenWhatWasUnstakedLast,
	"TestRun_EndsWhereTheLeaseIsLost":                     TestRun_EndsWhereTheLeaseIsLost,
	"TestRun_HaltsWhereTheChainDoesNotGoOnFromTheLog":     TestRun_HaltsWhereTheChainDoesNotGoOnFromTheLog,
	"TestRun_OutlastsLiteserversThatDoNotAnswer":          TestRun_OutlastsLiteserversThatDoNotAnswer,
	"TestRun_ReadsWhileAnotherWritesAndTakesOver":         TestRun_ReadsWhileAnotherWritesAndTakesOver,
	"TestRun_RefusesAnotherChain":                         TestRun_RefusesAnotherChain,
	"TestStep_FullDiskStaysAtTheCursor":                   TestStep_FullDiskStaysAtTheCursor,
	"TestStep_GoesOnAfterACommitThatNobodyConfirmed":      TestStep_GoesOnAfterACommitThatNobodyConfirmed,
	"TestStep_TwoIndexersDoNotShareADatabase":             TestStep_TwoIndexersDoNotShareADatabase,
	"TestStep_WaitsForASlowDisk":                          TestStep_WaitsForASlowDisk,
	"TestStream_GoesOnWithoutLossOrDuplicate":             TestStream_GoesOnWithoutLossOrDuplicate,
	"TestStream_KnowsAnEventThatWasJustCommitted":         TestStream_KnowsAnEventThatWasJustCommitted,
	"TestStream_IsNeverSilentForLong":                     TestStream_IsNeverSilentForLong,
	"TestLink_AFeedThatSkipsATransactionHaltsTheIndexer":  TestLink_AFeedThatSkipsATransactionHaltsTheIndexer,
	"TestOpen_LinksALogThatWasBegunWithoutLinks":          TestOpen_LinksALogThatWasBegunWithoutLinks,
	"TestRollups_AddUpToWhatHappened":                     TestRollups_AddUpToWhatHappened,
	"TestRollups_AnEventOnTheEdgeBeginsAPeriod":           TestRollups_AnEventOnTheEdgeBeginsAPeriod,
	"TestDemand_IsWhatOpenChannelsDeclare":                TestDemand_IsWhatOpenChannelsDeclare,
	"TestAPI_ServesRollups":                               TestAPI_ServesRollups,
	"TestReconcile_CountsWhatAFalseRowSays":               TestReconcile_CountsWhatAFalseRowSays,
	"TestReconcile_TakesSilenceForNoDifference":           TestReconcile_TakesSilenceForNoDifference,
	"TestRun_ReconcilesOnItsSchedule":                     TestRun_ReconcilesOnItsSchedule,
	"TestAudit_SeesAFalseRowOfEveryTable":                 TestAudit_SeesAFalseRowOfEveryTable,
	"TestProof_ShowsRegistryAndVaultInOneAnswer":          TestProof_ShowsRegistryAndVaultInOneAnswer,
	"TestIndexer_FaultsSplitsAndMergesChangeNothing":      TestIndexer_FaultsSplitsAndMergesChangeNothing,
	"TestStream_LeavesAClientThatDoesNotRead":             TestStream_LeavesAClientThatDoesNotRead,
	"TestCommit_GivenUpAtAnyMomentChangesNothing":         TestCommit_GivenUpAtAnyMomentChangesNothing,
}

// onFiles and on both by themselves.
var onFiles = []string{"TestOpen_RefusesWhatIsNoDatabase", "TestDatabases_HoldTheSame", "TestRun_OutlastsACrashOfTheServer"}

func TestConformance_PostgreSQL(t *testing.T) {
	t.Parallel()
	postgresServer(t)
	for name, test := range conformance {
		t.Run(name, test)
	}
}

// A test that opens a database and is in no list would run on one only.
func TestConformance_MissesNoTest(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	listed := slices.Concat(slices.Collect(maps.Keys(conformance)), onFiles)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") && calls(f, "newPath", "opened", "history") {
				require.Contains(t, listed, f.Name.Name)
			}
		}
	}
}

func calls(f *ast.FuncDecl, names ...string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			if id, ok := c.Fun.(*ast.Ident); ok && slices.Contains(names, id.Name) {
				found = true
			}
		}
		return true
	})
	return found
}
