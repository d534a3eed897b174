package answer

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// newTestPost is a post whose frames are heard by nobody.
func newTestPost(t *testing.T) *post {
	sealer, err := stream.NewSealer(stream.Secret{}, stream.RequestID{}, 1, stream.Nonce{})
	require.NoError(t, err)
	cfg := DefaultConfig()
	cfg.Window = time.Hour
	return newPost(cfg, "node", sealer, func(string, []byte) error { return nil }, nil)
}

// It is not parallel: another would use the buffer while it is looked at.
func TestPost_LeavesNothingOfAnAnswerInTheBufferOfTheNext(t *testing.T) {
	p := newTestPost(t)
	require.True(t, p.add(nil, []byte("first"), 1))
	for range 100 {
		require.True(t, p.add(nil, []byte("secret"), 2))
	}
	p.mu.Lock()
	used := p.content[:cap(p.content)]
	p.mu.Unlock()
	require.Contains(t, string(used), "secret")
	_, err := p.end()
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte{0}, len(used)), used)
	require.Nil(t, p.content)
}
