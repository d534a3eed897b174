package freeport_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/freeport"
)

func TestLoopback_IsOneThatTheSystemGivesToNobody(t *testing.T) {
	t.Parallel()
	for range 100 {
		at, err := freeport.Loopback()
		require.NoError(t, err)
		tcp, err := net.ResolveTCPAddr("tcp", at)
		require.NoError(t, err)
		require.True(t, tcp.IP.IsLoopback())
		require.Less(t, tcp.Port, 32_768, "where Linux begins to give")
		require.Greater(t, tcp.Port, 1_023, "for root alone")
		l, err := net.Listen("tcp", at)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}
