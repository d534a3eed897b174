package sandboxtests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/schema"
	"github.com/cocoon-network/cocoon/wrappers"
)

// tooManyEntries is where a dictionary ends to be storable: with a cell and a
// fork for each entry an account reaches the 65,536 cells that it may have.
const tooManyEntries = 33_000

// storedBound is why something stored cannot grow without end.
type storedBound struct {
	file, line string // the line of a source in contracts/ that bounds it
	most       int    // entries of a dictionary or list, cells of an opaque tree
	test       string // shows that one more is refused
	refusal    string // with this exit code
}

var (
	fourTranches = func(test string) storedBound {
		return storedBound{"imports/tranches.fc", "const int max_tranches = 4;", 4, test, "errTooMany"}
	}
	listedBound = storedBound{"registry.tact", "const MAX_LISTED: Int = 1000;", wrappers.MaxListed, "TestRegistry_ListsAreBounded", "errTooMany"}
	// three trees share the words of 131,072 leaves, a thousand a word
	claimWords = storedBound{"rewards.fc", "const int max_leaves = 131072;", 44, "TestRewards_OpensOneEpochWithinItsPot", "errTooMany"}
	// two offers a cell: nothing may lie below it, and a cell has no room for a third
	twoOffers = storedBound{"provider.fc", "const int max_record_depth = 1;", 2, "TestProvider_RecordIsBounded", "errWrongRecord"}
)

// storedBounds has every dictionary, list and opaque tree of cells that a
// contract stores, by declaration and field of schema.tlb.
var storedBounds = map[string]storedBound{
	"registry_more.announced":  {"registry.tact", "const MAX_ANNOUNCED: Int = 16;", wrappers.MaxAnnounced, "TestRegistry_HoldsAtMost16AnnouncedChanges", "errTooMany"},
	"registry_more.models":     listedBound,
	"registry_lists.images":    listedBound,
	"registry_lists.codes":     {"registry.tact", "const MAX_CODES: Int = 64;", wrappers.MaxCodes, "TestRegistry_ListsAreBounded", "errTooMany"},
	"change.value":             {"registry.tact", "const MAX_TERMS_CELLS: Int = CELLS_REWARDS_TERMS + CELLS_EPOCH_CODE - 1;", 52, "TestRegistry_ChangeHasAForm", "errTooManyCells"},
	"listed.data":              {"registry.tact", "const MAX_ENTRY_CELLS: Int = 1;", 1, "TestRegistry_ChangeHasAForm", "errTooManyCells"},
	"rewards_terms.epoch_code": {"imports/fees.fc", "const int cells::epoch_code = 48;", 48, "TestRewards_RefusesTermsItCannotKeep", "errTooManyCells"},
	"job_terms.codes":          {"job.fc", "throw_if(error::wrong_offer, s.slice_refs());", 3, "TestJob_OpensOffersOfTheSchemaOnly", "errWrongOffer"},
	"provider_state.tranches":  fourTranches("TestProvider_UnstakeIsBounded"),
	"provider_state.workers":   {"provider.fc", "const int max_workers = 128;", wrappers.MaxWorkers, "TestProvider_HoldsAtMost128WorkersRetiredOnesIncluded", "errTooMany"},
	// only workers are in it, and each leaves with its worker
	"provider_state.slashed": {"provider.fc", "slashed~udict_delete?(worker_key_bits, key);", wrappers.MaxWorkers, "TestProvider_SlashedAreNoMoreThanWorkers", "errUnknownWorker"},
	"worker_record.models0":  twoOffers,
	"worker_record.models1":  twoOffers,
	"worker_record.models2":  twoOffers,
	"worker_record.models3":  twoOffers,
	"rewards_state.tranches": fourTranches("TestRewards_UnbondsInFourTranchesAtMost"),
	"epoch_state.claims0":    claimWords,
	"epoch_state.claims1":    claimWords,
	"epoch_state.claims2":    claimWords,
}

func TestStored_NothingReaches33000Entries(t *testing.T) {
	t.Parallel()
	found := storedWithoutForm(t)
	for field, b := range storedBounds {
		require.Contains(t, found, field, "the schema stores no such thing any more")
		require.Less(t, b.most, tooManyEntries, field)
		source, err := os.ReadFile(filepath.Join("../contracts", b.file))
		require.NoError(t, err)
		require.Contains(t, string(source), b.line, "the bound of %s", field)
		require.Contains(t, testSource(t, b.test), b.refusal, "%s is to show that one more in %s is refused", b.test, field)
	}
	for field, is := range found {
		require.Contains(t, storedBounds, field, "%s has no bound here: name the constant and the test that one more is refused", is)
	}
}

// Storage that the schema does not know has no bound above either.
func TestStored_DictionariesAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	count := func(file, form string) int {
		source, err := os.ReadFile(filepath.Join("../contracts", file))
		require.NoError(t, err)
		return len(regexp.MustCompile(form).FindAllString(string(source), -1))
	}
	dicts := map[string]int{}
	for field, is := range storedWithoutForm(t) {
		if strings.HasPrefix(is, "(HashmapE ") {
			dicts[strings.SplitN(field, "_", 2)[0]]++
		}
	}
	files, err := filepath.Glob("../contracts/*.fc")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".fc")
		require.Equal(t, dicts[name], count(filepath.Base(file), `\bstore_dict\(`), "dictionaries that %s stores", name)
	}
	require.Equal(t, dicts["registry"], count("registry.tact", `: map<`), "dictionaries that the registry stores")
}

// storedWithoutForm are the fields of what contracts store whose type says
// nothing about how large they are, with their type.
func storedWithoutForm(t *testing.T) map[string]string {
	t.Helper()
	byType := map[string][]schema.Declaration{}
	for _, d := range parsedSchema(t) {
		byType[d.Of] = append(byType[d.Of], d)
	}
	found, seen := map[string]string{}, map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, d := range byType[name] {
			for _, f := range d.Fields {
				inner := innermost(f.Type)
				if f.Type.Kind == schema.Dict || inner.Name == "Cell" {
					found[d.Name+"."+f.Name] = f.Is
				}
				if inner.Kind == schema.Named {
					visit(inner.Name)
				}
			}
		}
	}
	for _, kind := range []string{"Registry", "Provider", "Job", "Rewards", "Epoch", "Channel"} {
		require.NotEmpty(t, byType[kind+"Data"], "the schema has no storage of %s", kind)
		visit(kind + "Data")
	}
	return found
}

// innermost is what a reference, a Maybe or a dictionary is of, at last.
func innermost(t schema.Type) schema.Type {
	for t.Of != nil {
		t = *t.Of
	}
	return t
}

func parsedSchema(t *testing.T) []schema.Declaration {
	t.Helper()
	src, err := os.ReadFile("../contracts/schema.tlb")
	require.NoError(t, err)
	all, err := schema.Parse(string(src))
	require.NoError(t, err)
	return all
}

// testSource is the text of a test of this package.
func testSource(t *testing.T, name string) string {
	t.Helper()
	form := regexp.MustCompile(`(?ms)^func ` + name + `\(.*?^}$`)
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		if text := form.Find(src); text != nil {
			return string(text)
		}
	}
	require.Fail(t, "no such test", name)
	return ""
}

func TestProvider_SlashedAreNoMoreThanWorkers(t *testing.T) {
	t.Parallel()
	s := fullProvider(t, workerRecordOf(1))
	for i := range wrappers.MaxWorkers {
		s.report(fmt.Sprint("worker ", i)).requireOK(t)
	}
	s.unchanged(func() {
		s.requireRefused(errUnknownWorker, s.report("one more"))
		s.requireRefused(errTooMany, s.putWorker("one more", workerRecordOf(1)))
	})
	s.advance(unbonding)
	for i := range wrappers.MaxWorkers {
		ask(s, wallet("stranger"), s.fees().Prune, s.prune(fmt.Sprint("worker ", i))).requireOK(t)
	}
	data := s.data(s.provider)
	bits := data.BitsSize()
	state := data.MustBeginParse()
	state.MustLoadSlice(bits - 2)
	require.Zero(t, state.MustLoadUInt(2), "workers and slashed are the last two bits, both empty")
	s.requireSolvent()
}
