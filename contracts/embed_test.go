package contracts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func TestEmbedded_EveryContractLoads(t *testing.T) {
	t.Parallel()
	list, err := embedded()
	require.NoError(t, err)
	for _, a := range list {
		loaded, err := Load(a.Name)
		require.NoError(t, err)
		require.Equal(t, a.CodeHash, hex.EncodeToString(loaded.Code.Hash()))
		require.Equal(t, loaded.Code.Hash(), Code(a.Name).Hash())
		found, ok := ByCodeHash(loaded.Code.Hash())
		require.True(t, ok)
		require.Equal(t, a.Name, found.Name)
	}
}

// An edited contract must not be tested as the one compiled before the edit,
// and a new one not be forgotten.
func TestEmbedded_IsCompiledFromTheSourcesBesideIt(t *testing.T) {
	t.Parallel()
	var compiled []string
	for _, a := range All() {
		require.NotEmpty(t, a.Sources, a.Name)
		for source, want := range a.Sources {
			text, err := os.ReadFile(filepath.FromSlash(source))
			require.NoError(t, err)
			got := sha256.Sum256(text)
			require.Equal(t, want, hex.EncodeToString(got[:]), "%s has changed since %s was compiled: run make contracts", source, a.Name)
		}
		compiled = append(compiled, a.Name)
	}
	var written []string
	for _, pattern := range []string{"*.fc", "*.tact"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, f := range files {
			written = append(written, strings.TrimSuffix(f, filepath.Ext(f)))
		}
	}
	slices.Sort(written)
	require.Equal(t, written, compiled, "run make contracts")
}

func TestLoad_SaysWhichContractIsMissing(t *testing.T) {
	t.Parallel()
	_, err := Load("teapot")
	require.ErrorIs(t, err, ErrUnknown)
	require.ErrorContains(t, err, "teapot")
	require.Panics(t, func() { Code("teapot") })
	_, ok := ByCodeHash(make([]byte, 32))
	require.False(t, ok)
}

// sample is an artefact of three cells, two of them alike.
func sample(t testing.TB) Artifact {
	leaf := cell.BeginCell().MustStoreUInt(7, 32).EndCell()
	code := cell.BeginCell().MustStoreUInt(1, 8).MustStoreRef(leaf).MustStoreRef(leaf).EndCell()
	a, err := NewArtifact("sample", "func", Compiler{Package: "p", Version: "1", Integrity: "sha512-x"},
		map[string]string{"sample.fc": "00"}, code.ToBOC())
	require.NoError(t, err)
	return a
}

func TestArtifact_CountsACellOnce(t *testing.T) {
	t.Parallel()
	a := sample(t)
	require.Equal(t, 2, a.Cells)
	require.Equal(t, 40, a.Bits)
}

func TestArtifact_SurvivesTheFile(t *testing.T) {
	t.Parallel()
	a := sample(t)
	raw, err := a.Encode()
	require.NoError(t, err)
	back, err := Parse(raw)
	require.NoError(t, err)
	again, err := back.Encode()
	require.NoError(t, err)
	require.Equal(t, string(raw), string(again))
	require.Equal(t, a.Code.Hash(), back.Code.Hash())
}

func TestParse_RefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	raw, err := sample(t).Encode()
	require.NoError(t, err)
	for want, change := range map[string][2]string{
		"names no contract":            {`"sample"`, `""`},
		"its artefact says ":           {`"code_hash": "`, `"code_hash": "0`},
		"artefact says 3 and 40":       {`"cells": 2`, `"cells": 3`},
		"artefact says 2 and 41":       {`"bits": 40`, `"bits": 41`},
		"parse the code of contract":   {`"boc": "te6c`, `"boc": "AAAA`},
		"illegal base64 data":          {`"boc": "te6c`, `"boc": "?`},
		`unknown field "colour"`:       {`"lang"`, `"colour"`},
		"unexpected EOF":               {"\n}\n", ""},
		"something follows it":         {"\n}\n", "\n}{}"},
		"cannot unmarshal string into": {`"cells": 2`, `"cells": "2"`},
	} {
		changed := bytes.Replace(raw, []byte(change[0]), []byte(change[1]), 1)
		require.NotEqual(t, raw, changed)
		_, err := Parse(changed)
		require.ErrorContains(t, err, want)
	}
}

func TestReadAll_NamesTheFileItCannotRead(t *testing.T) {
	t.Parallel()
	raw, err := sample(t).Encode()
	require.NoError(t, err)
	list, err := ReadAll(fstest.MapFS{"README.md": {}, "sample.json": {Data: raw}})
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = ReadAll(fstest.MapFS{"other.json": {Data: raw}})
	require.EqualError(t, err, "other.json: it names contract sample")
	_, err = ReadAll(fstest.MapFS{"sample.json": {Data: raw[1:]}})
	require.ErrorContains(t, err, "sample.json: decode the artefact")
}

func FuzzParse(f *testing.F) {
	raw, err := sample(f).Encode()
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"name":"x","boc":"te6ccgEBAQEAAgAAAA=="}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := Parse(raw)
		if err != nil {
			return
		}
		out, err := a.Encode()
		require.NoError(t, err)
		_, err = Parse(out)
		require.NoError(t, err)
	})
}
