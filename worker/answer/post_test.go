package answer

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// newTestPost is a post of windows that nobody sees the end of, as edit changes it.
func newTestPost(t *testing.T, send func(node string, frame []byte) error, edit ...func(*Config)) *post {
	sealer, err := stream.NewSealer(stream.Secret{}, stream.RequestID{}, 1, stream.Nonce{})
	require.NoError(t, err)
	cfg := DefaultConfig()
	cfg.Window = time.Hour
	for _, f := range edit {
		f(&cfg)
	}
	return newPost(cfg, "node", sealer, send, func() {}, func() {})
}

func heard(string, []byte) error { return nil }

// It is not parallel: another would use the buffer while it is looked at.
func TestPost_LeavesNothingOfAnAnswerInTheBufferOfTheNext(t *testing.T) {
	p := newTestPost(t, heard)
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

// Frames are sent by whoever is there first: who adds, the time, who resumes.
func TestPost_SendsEveryFrameThoughTheLinkFailsAndReadersResume(t *testing.T) {
	t.Parallel()
	for range 10 {
		var mu sync.Mutex
		var came uint32 // frames, in order
		var final bool
		p := newTestPost(t, func(_ string, frame []byte) error {
			if rand.N(8) == 0 {
				return io.ErrClosedPipe
			}
			h, err := stream.ParseFrameHeader(frame)
			mu.Lock()
			defer mu.Unlock()
			if h.Seq == came {
				came, final = came+1, h.Final
			}
			return err
		}, func(c *Config) { c.Window = time.Millisecond })
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				for range 20 {
					time.Sleep(rand.N(time.Millisecond))
					mu.Lock()
					p.resume("node", rand.N(came+1))
					mu.Unlock()
				}
			})
		}
		for i := range 100 {
			require.True(t, p.add(nil, []byte("item"), uint64(i)))
			time.Sleep(rand.N(200 * time.Microsecond))
		}
		_, err := p.end()
		require.NoError(t, err)
		readers.Wait()
		<-p.flushed
		require.Eventually(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return final
		}, 10*time.Second, time.Millisecond)
		p.quit()
	}
}
