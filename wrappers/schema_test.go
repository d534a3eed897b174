package wrappers

import (
	"fmt"
	"hash/crc32"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/schema"
)

// readSchema reads schema.tlb.
func readSchema(t *testing.T) []schema.Declaration {
	t.Helper()
	src, err := os.ReadFile("../contracts/schema.tlb")
	require.NoError(t, err)
	all, err := schema.Parse(string(src))
	require.NoError(t, err)
	require.Greater(t, len(all), 80)
	return all
}

// layouts are the Go side of the schema, in its order.
var layouts = []any{
	Excesses{}, Payout{},
	Announce{}, Apply{}, Retract{}, Launch{}, TakeOwnership{}, Suspend{}, RequestTerms{},
	RefreshTerms{}, TermsAnswer{}, Withdraw{},
	Stake{}, RequestUnstake{}, SetOperator{}, PutWorker{}, RetireWorker{}, Prune{}, AcceptJob{}, ReportEquivocation{}, Income{},
	OpenJob{}, Accept{}, Cancel{}, Expire{}, Deliver{}, Approve{}, Dispute{}, Rule{}, Finish{},
	Bond{}, Fund{}, RequestUnbond{}, Appoint{}, SetHeir{}, TransferOwnership{}, AcceptOwnership{}, Succeed{}, RotateKey{}, SetEndpoint{}, Owe{}, OpenEpoch{}, Passed{}, Failed{}, Remainder{}, Settlement{},
	Open{}, Publish{}, Prove{}, Fail{}, Pass{}, Push{}, Claim{},
	OpenChannel{}, Settle{}, Rotate{}, RequestClose{}, CloseNow{},
	Signature{}, Possession{}, PutWorkerOrder{}, RetireWorkerOrder{}, AcceptJobOrder{}, PassFor{}, Delivery{}, voucherLayout{}, ClosePromise{},
	earnedLayout{}, certificateLayout{}, usageLayout{}, receiptContent{}, receiptBill{}, SignedCell{}, SignedCell{},
	Terms{}, ProviderTerms{}, RewardsTerms{}, EpochTerms{}, JobTerms{}, BirthCode{},
	ModelData{}, ImageData{}, CodeData{}, workerRecord{}, modelOffer{}, Prices{},
	RegistryBirth{}, registryState{}, registryMore{}, registryLists{}, changeEntry{}, listedEntry{},
	ProviderBirth{}, providerState{}, tranche{}, ties{}, takenTerms{}, workerEntry{},
	jobData{}, JobOffer{}, JobWork{}, JobMoney{}, Bound{},
	RewardsBirth{}, rewardsState{}, roles{}, ReceiptKeys{}, Endpoint{}, takenRewardsTerms{},
	EpochBirth{}, epochState{}, EpochOpened{}, Leaf{},
	channelData{}, ChannelTerms{},
}

// TestSchema_IsOneInEveryLanguage compares tags and layouts in TL-B, FunC, Tact,
// Go and TypeScript: what one of them says otherwise, two programs would read apart.
func TestSchema_IsOneInEveryLanguage(t *testing.T) {
	t.Parallel()
	for name, compare := range map[string]func(*testing.T){
		"TL-B: tags are their declarations' checksums":  tagsAreChecksums,
		"FunC: each tag once, in the schema's order":    funcHasEachTag,
		"Tact: the registry's messages, field by field": tactHasTheRegistrysMessages,
		"Go: each layout, field by field":               goHasEachLayout,
		"Go: each contract knows its messages":          eachContractKnowsItsMessages,
		"TypeScript: each layout and op, generated":     typeScriptHasEachLayout,
	} {
		t.Run(name, compare)
	}
}

func tagsAreChecksums(t *testing.T) {
	t.Helper()
	t.Parallel()
	seen := map[uint32]string{}
	for _, d := range readSchema(t) {
		n, ok := d.Op()
		if !ok {
			continue
		}
		require.Empty(t, seen[n], "%s has the tag of another", d.Name)
		seen[n] = d.Name
		if d.Name == "excesses" {
			require.EqualValues(t, 0xd53276db, n, "TEP-74's op")
			continue
		}
		sum := crc32.ChecksumIEEE([]byte(d.Text))
		if reply := map[string]bool{"payout": true, "terms": true, "passed": true, "failed": true, "remainder": true, "settlement": true}[d.Name]; reply {
			sum |= 0x80000000
		} else {
			sum &= 0x7fffffff
		}
		require.Equal(t, sum, n, "%s should have the tag #%08x", d.Name, sum)
	}
}

func funcHasEachTag(t *testing.T) {
	t.Helper()
	t.Parallel()
	src, err := os.ReadFile("../contracts/imports/ops.fc")
	require.NoError(t, err)
	var got, want []string
	for _, m := range regexp.MustCompile(`const int (op|tag)::(\w+) = 0x([0-9a-f]{1,8});`).FindAllStringSubmatch(string(src), -1) {
		if m[2] != "unknown_op" {
			got = append(got, m[1]+" "+m[2]+" #"+m[3])
		}
	}
	for _, d := range readSchema(t) {
		if _, ok := d.Op(); !ok {
			continue
		}
		sort := "tag"
		if strings.HasSuffix(d.Of, "Msg") {
			sort = "op"
		}
		want = append(want, sort+" "+d.Name+" "+d.Tag)
	}
	require.Equal(t, want, got)
}

func tactHasTheRegistrysMessages(t *testing.T) {
	t.Helper()
	t.Parallel()
	src, err := os.ReadFile("../contracts/registry.tact")
	require.NoError(t, err)
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)message\(0x([0-9a-f]{8})\) (\w+) \{(.*?)\n\}`).FindAllStringSubmatch(string(src), -1) {
		var is []string
		for _, f := range regexp.MustCompile(`(\w+): ([^;]+);`).FindAllStringSubmatch(m[3], -1) {
			if f[2] != "Slice as remaining" { // which has to be empty
				is = append(is, snake(f[1])+":"+tactType(f[2]))
			}
		}
		got[snake(m[2])+"#"+m[1]] = strings.Join(is, " ")
	}
	want := map[string]string{}
	for _, d := range readSchema(t) {
		if d.Of == "RegistryMsg" || d.Name == "terms" || d.Name == "excesses" {
			name := strings.Replace(d.Name, "terms", "terms_answer", map[bool]int{true: 1}[d.Name == "terms"])
			var is []string
			for _, f := range d.Fields {
				is = append(is, f.Name+":"+strings.Replace(strings.Replace(f.Is, "^Terms", "^Cell", 1), "bits256", "uint256", 1))
			}
			want[name+d.Tag] = strings.Join(is, " ")
		}
	}
	require.Equal(t, want, got)
}

func tactType(s string) string {
	switch s {
	case "Cell":
		return "^Cell"
	case "Cell?":
		return "(Maybe ^Cell)"
	}
	return strings.TrimPrefix(s, "Int as ")
}

// snake is a Go or Tact name as the schema writes it.
func snake(s string) string {
	s = regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(s, "${1}_$2")
	s = regexp.MustCompile(`([A-Z]+)([A-Z][a-z])`).ReplaceAllString(s, "${1}_$2")
	return strings.ToLower(s)
}

func goHasEachLayout(t *testing.T) {
	t.Helper()
	t.Parallel()
	all := readSchema(t)
	require.Len(t, layouts, len(all), "every line of the schema has its struct")
	for i, d := range all {
		require.Equal(t, declared(t, d), goLayout(t, reflect.TypeOf(layouts[i])), "%s is %T", d.Name, layouts[i])
	}
}

// declared is the declaration as a list of tlb tags.
func declared(t *testing.T, d schema.Declaration) (tags []string) {
	t.Helper()
	if d.Tag != "#_" && d.Tag != "$_" {
		tags = append(tags, d.Tag)
	}
	for _, f := range d.Fields {
		tags = append(tags, tagFor(t, f.Is))
	}
	return tags
}

// tagFor is how a field of the schema is tagged in Go.
func tagFor(t *testing.T, is string) string {
	t.Helper()
	for _, rule := range []struct{ form, tag string }{
		{`^uint120$`, "."}, {`^uint(\d+)$`, "## $1"}, {`^int(\d+)$`, "## $1 signed"}, {`^bits(\d+)$`, "bits $1"}, {`^Bool$`, "bool"},
		{`^(?:Coins|Text|Prices|ProviderTerms)$`, "."}, {`^\^\w+$`, "^"}, {`^\(Maybe \^\w+\)$`, "maybe ^"}, {`^\(HashmapE (\d+) \^?\w+\)$`, "dict $1"},
	} {
		if form := regexp.MustCompile(rule.form); form.MatchString(is) {
			return form.ReplaceAllString(is, rule.tag)
		}
	}
	require.Failf(t, "unknown type", "%s", is)
	return ""
}

// goLayout is the same for a struct.
func goLayout(t *testing.T, of reflect.Type) (tags []string) {
	t.Helper()
	for i := range of.NumField() {
		f := of.Field(i)
		tag := f.Tag.Get("tlb")
		require.NotEmpty(t, tag, "%s.%s", of, f.Name)
		if strings.HasPrefix(tag, "##") && strings.HasPrefix(f.Type.Kind().String(), "int") {
			tag += " signed"
		}
		if bits, ok := strings.CutPrefix(tag, "bits "); ok && f.Type.Kind() == reflect.Array {
			require.Equal(t, bits, fmt.Sprint(f.Type.Len()*8), "%s.%s", of, f.Name)
		}
		tags = append(tags, tag)
	}
	return tags
}

// messageGroups are the types of the messages that each contract takes.
var messageGroups = map[Kind][]string{
	KindRegistry: {"RegistryMsg"},
	KindProvider: {"OwnedMsg", "ProviderMsg"},
	KindJob:      {"JobMsg", "DueMsg"},
	KindRewards:  {"OwnedMsg", "RewardsMsg"},
	KindEpoch:    {"DueMsg", "EpochMsg"},
	KindChannel:  {"DueMsg", "ChannelMsg"},
}

func eachContractKnowsItsMessages(t *testing.T) {
	t.Helper()
	t.Parallel()
	all := readSchema(t)
	for kind, of := range messageGroups {
		var want, got []string
		for _, d := range all {
			for _, group := range of {
				if d.Of == group {
					want = append(want, d.Name+d.Tag)
				}
			}
		}
		for _, l := range messages[kind] {
			got = append(got, fmt.Sprintf("%s#%08x", l.name, l.op))
		}
		require.Equal(t, want, got, "messages of %s", kind)
	}
}
