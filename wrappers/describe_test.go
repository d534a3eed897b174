package wrappers

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/schema"
)

func TestExitName_NamesWhatTheContractsThrow(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../contracts/imports/errors.fc")
	require.NoError(t, err)
	declared := regexp.MustCompile(`const int error::([a-z_]+) = ([0-9a-fx]+);`).FindAllStringSubmatch(string(src), -1)
	require.Len(t, declared, len(exits))
	for _, d := range declared {
		code, err := strconv.ParseInt(d[2], 0, 32)
		require.NoError(t, err)
		require.Equal(t, d[1], ExitName(int32(code)))
	}
	require.Empty(t, ExitName(0))
	require.Empty(t, ExitName(9))
}

func TestDescribe_ReadsFieldsForPeople(t *testing.T) {
	t.Parallel()
	body, err := Cell(Stake{QueryID: 7, Amount: Coins{cocoon.NanoOf(1_500_000_000)}, Response: cocoon.Account{1}})
	require.NoError(t, err)
	name, fields := Describe(body)
	require.Equal(t, "stake", name)
	require.Equal(t, [][2]string{{"query_id", "7"}, {"amount", "1.5 TON"}, {"response", cocoon.Account{1}.String()}}, fields)

	body, err = Cell(SetOperator{QueryID: 1, Key: [32]byte{2}, Possession: &Signature{Bytes: [64]byte{3}}})
	require.NoError(t, err)
	name, fields = Describe(body)
	require.Equal(t, "set_operator", name)
	require.Equal(t, "possession.bytes", fields[3][0])
	require.True(t, strings.HasPrefix(fields[3][1], "030000"))

	name, fields = Describe(body.ToBuilder().MustStoreUInt(1, 1).EndCell())
	require.Equal(t, "set_operator", name, "what does not end as it should has a name still")
	require.Empty(t, fields)
	name, fields = Describe(cell.BeginCell().MustStoreUInt(0x12345678, 32).EndCell())
	require.Empty(t, name)
	require.Empty(t, fields)
}

// TestDescribe_NamesFieldsAsTheSchemaDoes puts zeros into every message.
func TestDescribe_NamesFieldsAsTheSchemaDoes(t *testing.T) {
	t.Parallel()
	declared := map[string]schema.Declaration{}
	for _, d := range readSchema(t) {
		declared[d.Name] = d
	}
	seen := 0
	for _, v := range layouts {
		body, err := tlb.ToCell(reflect.New(reflect.TypeOf(v)).Interface())
		if err != nil {
			continue // it has a reference that must not be nil
		}
		name, fields := Describe(body)
		for i, f := range fields {
			if d := declared[name]; !strings.Contains(f[0], ".") && i < len(d.Fields) {
				require.Equal(t, d.Fields[i].Name, f[0], name)
				seen++
			}
		}
	}
	require.Greater(t, seen, 40)
}

func FuzzDescribe(f *testing.F) {
	f.Add([]byte{0x7f, 0x0f, 0xb4, 0x4f, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 127 {
			return
		}
		name, fields := Describe(cell.BeginCell().MustStoreSlice(data, uint(8*len(data))).EndCell())
		require.True(t, name != "" || fields == nil)
	})
}
