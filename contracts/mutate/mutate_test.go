package mutate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each line and what it becomes, by operator.
func TestAll_MakesEachKindOfMistake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ operator, was, is string }{
		{"drop check", "throw_unless(error::x, a);", ""},
		{"drop check", "int a = s~load_uint(8); s.skip_bits(8).end_parse();", "int a = s~load_uint(8);"},
		{"drop save", "save_state(a, b); pay(to, 1, 2);", "pay(to, 1, 2);"},
		{"drop send", "save_state(a); give_change(b, to, c);", "save_state(a);"},
		{"drop update", "bond -= amount;", ""},
		{"drop update", "(leaving, tranches) = ripen(leaving, tranches);", ""},
		{"negate", "ifnot (a) { return (); }", "if (a) { return (); }"},
		{"negate", "throw_if(error::x, a);", "throw_unless(error::x, a);"},
		{"compare", "return a >= b;", "return a > b;"},
		{"compare", "return a < b;", "return a <= b;"},
		{"compare", "return a == b;", "return a != b;"},
		{"logic", "return a & b;", "return a | b;"},
		{"arithmetic", "a += b;", "a -= b;"},
		{"arithmetic", "return a - b;", "return a + b;"},
		{"bound", "return min(a, b);", "return max(a, b);"},
		{"mode", "send_raw_message(m, send::fees_apart | send::bounce_on_failure);", "send_raw_message(m, send::fees_apart);"},
		{"mode", "send_raw_message(m, send::rest | send::bounce_on_failure);", "send_raw_message(m, send::fees_apart | send::bounce_on_failure);"},
		{"width", "return s~load_uint(32);", "return s~load_uint(33);"},
		{"width", "return b.store_uint(f(a, b), 16);", "return b.store_uint(f(a, b), 15);"},
		{"width", "s = s.skip_bits(2 * 256);", "s = s.skip_bits(2 * 255);"},
		{"constant", "return a / 10;", "return a / 9;"},
		{"constant", "raw_reserve(keep, 0);", "raw_reserve(keep, 1);"},
		{"recipient", "int owner = 1; pay(sender, a, b);", "int owner = 1; pay(owner, a, b);"},
	} {
		text := "() f(int sender) impure {\n    " + c.was + "\n}\n"
		made := false
		for _, m := range All("a.fc", text) {
			if m.Operator == c.operator && m.Is == c.is {
				made = true
				require.Equal(t, c.was, m.Was)
				require.Equal(t, "f", m.In)
				require.Equal(t, 2, m.Line)
				require.Equal(t, c.is, strings.TrimSpace(strings.Split(m.Text, "\n")[1]))
			}
		}
		require.True(t, made, "%s: nobody makes %q of %q", c.operator, c.is, c.was)
	}
}

func TestAll_LeavesCommentsAndStringsAlone(t *testing.T) {
	t.Parallel()
	require.Empty(t, All("a.fc", ";; throw_if(1, a >= b);\nint f() asm \"a >= b\" \" 1 \";\n"))
}

func TestAll_NamesEveryMutantOfTheContractsOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*.fc")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		ids := map[string]bool{}
		kinds := map[string]bool{}
		for _, m := range All(filepath.Base(file), string(text)) {
			require.NotEqual(t, string(text), m.Text, m.ID())
			require.NotEqual(t, m.Was, m.Is, m.ID())
			require.NotEmpty(t, m.In, m.ID())
			require.False(t, ids[m.ID()], m.ID())
			ids[m.ID()], kinds[m.Operator] = true, true
		}
		require.Greater(t, len(kinds), len(operators)-2, "%s: %v", file, kinds)
	}
}

func TestShuffle_BeginsWithSomethingOfEverything(t *testing.T) {
	t.Parallel()
	text := "int f() {\n" + strings.Repeat("    return a >= b;\n", 50) + "    return min(a, b);\n}\n"
	all := append(All("a.fc", text), All("b.fc", text)...)
	order := Shuffle(all, 1)
	require.ElementsMatch(t, all, order)
	first := map[string]bool{}
	for _, m := range order[:4] {
		first[m.File+m.Operator] = true
	}
	require.Len(t, first, 4)
	require.Equal(t, order, Shuffle(all, 1))
	require.NotEqual(t, order, Shuffle(all, 2))
}
