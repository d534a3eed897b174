package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// Turns of one conversation look the same to the dispatcher, for a day; nothing
// else does.
func TestAffinity_IsOfOneConversationKeyModelAndDay(t *testing.T) {
	t.Parallel()
	w := newTown(t, scripted(func(api.Request) *script { return said() }), func(c *api.Config, _ *api.Limits) { c.AffinitySecret = []byte("s") })
	_, other := w.newKey("another", api.Limits{})
	long := strings.Repeat("a long book ", 500)
	message := func(role, content string) map[string]string {
		return map[string]string{"role": role, "content": content}
	}
	of := func(model, cacheKey string, messages ...map[string]string) string {
		body := map[string]any{"model": model, "messages": messages}
		if cacheKey != "" {
			body["prompt_cache_key"] = cacheKey
		}
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		require.Equal(t, 200, w.post(openai.Chat, string(raw)).status)
		return string((<-w.backend.seen).Affinity)
	}
	system, hi := message("system", long), message("user", "hi")
	first := of("m", "", system, hi)
	require.Len(t, first, 32)
	require.Equal(t, first, of("m", "", system, hi, message("assistant", "hello"), message("user", "more")), "a later turn")
	require.Empty(t, of("m", "", hi), "nothing worth a cache")
	require.NotEqual(t, first, of("m", "", system, message("user", "hey")))
	require.NotEqual(t, first, of("lab/other", "", system, hi))
	named := of("m", "k", hi)
	require.Len(t, named, 32)
	require.Equal(t, named, of("m", "k", message("user", "hey")))
	require.NotEqual(t, named, of("m", "l", hi))
	w.clock.advance(24 * time.Hour)
	require.NotEqual(t, first, of("m", "", system, hi), "another day")
	w.clock.advance(-24 * time.Hour)
	w.secret = other
	require.NotEqual(t, first, of("m", "", system, hi), "another key")

	off := newTown(t, scripted(func(api.Request) *script { return said() }), nil)
	require.Equal(t, 200, off.post(openai.Chat, `{"model":"m","prompt_cache_key":"k","messages":[1]}`).status)
	require.Nil(t, (<-off.backend.seen).Affinity)
}
