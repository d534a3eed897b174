package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse_ReadsDeclarations(t *testing.T) {
	t.Parallel()
	all, err := Parse(`// A note on the file.

// Anyone.
// Twice.
pay#0000002a id:uint64 to:bits256 sum:Coins by:(Maybe ^Cell) = Msg;
at$01 open:Bool delta:int32 name:Text list:(HashmapE 32 ^At) = At;
none#_ = None;`)
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.Equal(t, []string{"Anyone.", "Twice."}, all[0].Doc, "what stands apart is about nothing")
	require.Equal(t, "pay id:uint64 to:bits256 sum:Coins by:(Maybe ^Cell) = Msg", all[0].Text)
	op, ok := all[0].Op()
	require.True(t, ok)
	require.EqualValues(t, 42, op)
	cell := &Type{Kind: Named, Name: "Cell"}
	require.Equal(t, []Field{
		{"id", "uint64", Type{Kind: Uint, Width: 64}},
		{"to", "bits256", Type{Kind: Bits, Width: 256}},
		{"sum", "Coins", Type{Kind: Coins}},
		{"by", "(Maybe ^Cell)", Type{Kind: Maybe, Of: &Type{Kind: Ref, Of: cell}}},
	}, all[0].Fields)
	value, width := all[1].TagBits()
	require.EqualValues(t, 1, value)
	require.Equal(t, 2, width)
	require.Equal(t, Type{Kind: Dict, Width: 32, Of: &Type{Kind: Ref, Of: &Type{Kind: Named, Name: "At"}}}, all[1].Fields[3].Type)
	_, width = all[2].TagBits()
	require.Zero(t, width)
	_, ok = all[2].Op()
	require.False(t, ok)
	require.Empty(t, all[2].Doc)
}

func TestParse_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"pay#2a id:uint64":                       "line 1: no declaration",
		"pay#2a {X:Type} id:X = Msg;":            "line 1: no declaration",
		"pay#2a id:uint64  to:bits256 = Msg;":    "line 1: no declaration",
		"pay$2 = Msg;":                           "line 1: no declaration",
		"pay#2a id:uint2000 = Msg;":              "id of pay: no 2000 bits",
		"pay#2a id:(HashmapE 2000 Coins) = M;":   "id of pay: no 2000 bits",
		"pay#2a id:(VarUInteger 16) = Msg;":      "id of pay: unknown type (VarUInteger 16)",
		"pay#2a id:(Maybe ^unknown) = Msg;":      "id of pay: unknown type unknown",
		"pay#2a id:(HashmapE 8 ^^) = Msg;":       "id of pay: unknown type",
		"a#_ = A;\n\na#_ = B;":                   "line 3: a is declared twice",
		"a#_ = A;\n// on nothing\nb id:x = A;\n": "line 3: no declaration",
	} {
		_, err := Parse(line)
		require.ErrorContains(t, err, want)
	}
}
