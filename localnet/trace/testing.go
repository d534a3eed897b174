package trace

import "strings"

// TB is what Log needs of a test.
type TB interface {
	Helper()
	Logf(format string, args ...any)
}

// Log writes the trees of txs, in whatever order they come, to a test's log.
func Log(t TB, n Names, txs ...*Transaction) {
	t.Helper()
	for _, root := range Build(Limits{}, txs...) {
		t.Logf("%s", root.Text(n))
	}
}

// Text is the tree in plain text.
func (n *Node) Text(names Names) string {
	var b strings.Builder
	_ = ShowTree(n, names).WriteText(&b, Style{}) // a builder takes everything
	return b.String()
}
