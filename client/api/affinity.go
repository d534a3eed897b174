package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"time"
)

const (
	affinityFrom = 4 << 10 // bytes of messages below which a worker's cache saves nothing
	affinityPart = 1 << 10 // bytes of the system's and of the user's first message
)

// conversation is what turns of one conversation have in common and others
// have not: the key the application gave, or how the messages begin.
func conversation(o object, messages []json.RawMessage) []byte {
	if key := o.get("prompt_cache_key"); key != nil {
		return key
	}
	if len(o.get("messages")) < affinityFrom {
		return nil
	}
	var out []byte
	for _, raw := range messages {
		out = append(out, raw[:min(len(raw), affinityPart)]...)
		if m, err := parseObject(raw); err != nil || string(m.get("role")) == `"user"` {
			break
		}
	}
	return out
}

// affinity hides a conversation: tokens of different days, keys or daemons have
// nothing in common.
func affinity(secret, conversation []byte, key, model string, now time.Time) []byte {
	if len(secret) == 0 || conversation == nil {
		return nil
	}
	mac := hmac.New(sha256.New, secret)
	for _, part := range [][]byte{[]byte(now.UTC().Format(time.DateOnly)), []byte(key), []byte(model), conversation} {
		sum := sha256.Sum256(part)
		mac.Write(sum[:])
	}
	return mac.Sum(nil)
}
