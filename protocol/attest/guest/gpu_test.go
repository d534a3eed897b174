package guest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/attest/guest"
)

func TestCountGPUs_CountsThoseOfTheDriver(t *testing.T) {
	t.Parallel()
	root := fstest.MapFS{}
	for i := range 8 {
		root[fmt.Sprintf("proc/driver/nvidia/gpus/0000:%02x:00.0/information", i)] = &fstest.MapFile{}
	}
	n, err := guest.CountGPUs(root)
	require.NoError(t, err)
	require.EqualValues(t, 8, n)
	for _, none := range []fstest.MapFS{{}, {"proc/driver/nvidia/version": &fstest.MapFile{}}} {
		_, err = guest.CountGPUs(none)
		require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
		require.NotEmpty(t, cocoon.HintOf(err))
	}
}

func TestProgram_IsGivenTheNonceAndPrintsTheToken(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the test's program is a shell script")
	}
	script := func(text string) guest.Program {
		file := filepath.Join(t.TempDir(), "attest.sh")
		require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o700))
		return guest.Program{Path: file}
	}
	token, err := script(`echo "[$#,\"$1\"]"`).Token(t.Context(), [32]byte{31: 0xab})
	require.NoError(t, err)
	require.Equal(t, `[1,"`+strings.Repeat("0", 62)+`ab"]`, string(token))
	for name, p := range map[string]guest.Program{
		"fails": script("echo x; exit 3"), "silent": script("true"), "too long": script(fmt.Sprintf("head -c %d /dev/zero", attest.MaxGPU+1)), "missing": {Path: filepath.Join(t.TempDir(), "none")},
	} {
		_, err = p.Token(t.Context(), [32]byte{})
		require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err), name)
	}
}
