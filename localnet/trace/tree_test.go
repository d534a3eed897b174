package trace

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func played(t testing.TB, title string) []*Transaction {
	t.Helper()
	return stories[title](t, newStage(t))
}

// outline is the tree's shape: accounts by their first byte, ends by name.
func outline(n *Node) string {
	var inner []string
	for _, c := range n.Children {
		inner = append(inner, outline(c))
	}
	if n.Transaction == nil {
		return string(n.End)
	}
	s := string('0' + rune(n.Transaction.AccountAddr[0]))
	if len(inner) > 0 {
		s += "(" + strings.Join(inner, " ") + ")"
	}
	return s
}

func TestBuild_PutsTogetherWhateverTheOrder(t *testing.T) {
	t.Parallel()
	txs := played(t, "levels")
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(txs), func(i, j int) { txs[i], txs[j] = txs[j], txs[i] })
		roots := Build(Limits{}, txs...)
		require.Len(t, roots, 1)
		require.Equal(t, "1(2(3(4)) outside 4)", outline(roots[0]))
	}
}

func TestBuild_KeepsTreesApartByTime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first := s.run(s.internal(account(1), account(8), "1", empty()))
	second := s.run(s.internal(account(1), account(9), "1", empty()))
	roots := Build(Limits{}, append(second, first...)...)
	require.Len(t, roots, 2)
	require.Equal(t, "8(pending)", outline(Build(Limits{}, first[0])[0]))
	require.Equal(t, "8(1)", outline(roots[0]))
	require.Equal(t, "9(1)", outline(roots[1]))
}

func TestBuild_CutsWhereALimitIsReached(t *testing.T) {
	t.Parallel()
	txs := played(t, "levels")
	require.Equal(t, "1(2(cut) outside 4)", outline(Build(Limits{Depth: 1}, txs...)[0]))
	require.Equal(t, "1(2(cut) outside cut)", outline(Build(Limits{Transactions: 2}, txs...)[0]), "what happened last is cut")
	text := Build(Limits{Depth: 1}, txs...)[0].Text(names)
	require.Contains(t, text, "carol 0:030000…0003  cut")
}

func TestFind_PrefersWhoTookAMessage(t *testing.T) {
	t.Parallel()
	txs := played(t, "exit")
	root := Build(Limits{}, txs...)[0]
	require.Same(t, txs[1], root.Find(txs[1].Hash[:4]).Transaction)
	sent := txs[0].Out[0].Hash()
	require.Same(t, txs[1], root.Find(sent[:]).Transaction)
	back := txs[1].Out[0].Hash()
	require.Equal(t, Pending, root.Find(back[:]).End)
	normalised := txs[0].In.Msg.(interface{ NormalizedHash() []byte }).NormalizedHash()
	require.Same(t, txs[0], root.Find(normalised).Transaction)
	require.Nil(t, root.Find([]byte("nothing of this hash")))
}

type spoken struct {
	*testing.T
	said strings.Builder
}

func (s *spoken) Logf(format string, args ...any) {
	s.said.WriteString(args[0].(string))
}

func TestLog_WritesTheTreeIntoATest(t *testing.T) {
	t.Parallel()
	s := &spoken{T: t}
	Log(s, names, played(t, "exit")...)
	require.Contains(t, s.said.String(), "bob 0:020000…0002  exit 504 wrong_amount")
}

func TestText_IsPaintedForTerminalsOnly(t *testing.T) {
	t.Parallel()
	tree := ShowTree(Build(Limits{}, played(t, "exit")...)[0], names)
	var plain, painted strings.Builder
	require.NoError(t, tree.WriteText(&plain, Style{}))
	require.NoError(t, tree.WriteText(&painted, Style{Colour: true}))
	require.NotContains(t, plain.String(), "\x1b")
	require.Contains(t, painted.String(), "\x1b[31mexit 504 wrong_amount\x1b[0m")
	paint := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "")
	require.Equal(t, plain.String(), paint.Replace(painted.String()))
}

func TestText_PaintsMoneyForNobodyGreenAndWhatGoesBackRed(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	require.NoError(t, ShowTree(Build(Limits{}, played(t, "no_state")...)[0], names).WriteText(&text, Style{Colour: true}))
	require.Contains(t, text.String(), "\x1b[31mskipped no_state\x1b[0m", "it bounced")
	require.Contains(t, text.String(), "\x1b[32mskipped no_state\x1b[0m", "what came back is kept")
}

func TestNames_AreAskedAboutWhoseOperationItWas(t *testing.T) {
	t.Parallel()
	var asked []byte
	n := names
	n.Operation = func(to *address.Address, _ *cell.Cell) (string, [][2]string) {
		asked = append(asked, to.Data()[0])
		return "", nil
	}
	ShowTree(Build(Limits{}, played(t, "exit")...)[0], n)
	require.Subset(t, []byte{1, 2}, asked)
	require.Equal(t, []byte{2, 2, 2}, asked[1:4], "a message out and in, and what bounces of it, are of who took it")
}

func TestParse_RefusesWhatIsNoTransaction(t *testing.T) {
	t.Parallel()
	_, err := Parse(nil)
	require.ErrorContains(t, err, "no cell")
	for _, c := range []*cell.Cell{empty(), op(0x12345678), played(t, "exit")[0].In.Cell} {
		_, err = Parse(c)
		require.ErrorContains(t, err, "parse transaction")
	}
}
