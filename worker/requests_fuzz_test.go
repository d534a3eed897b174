package worker

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/answer"
)

// empty is a chain without contracts.
type empty struct{}

func (empty) Standing(context.Context, cocoon.Account, bus.ID) (Standing, error) {
	return Standing{}, cocoon.NotFound.Errorf("there is no provider")
}

func (empty) Job(context.Context, cocoon.Account) (Job, error) {
	return Job{}, cocoon.NotFound.Errorf("there is no job")
}

func (empty) WaitJob(context.Context, cocoon.Account, func(Job) bool) (Job, error) {
	return Job{}, context.DeadlineExceeded
}

func (empty) Dispatcher(context.Context, cocoon.Account) (answer.Dispatcher, error) {
	return answer.Dispatcher{}, cocoon.Invalid.Errorf("there is no rewards contract")
}

func (empty) Deliver(context.Context, cocoon.Account, bus.Deliver) error { return nil }

// FuzzRequests: whatever arrives is refused with a reason that can be sent.
func FuzzRequests(f *testing.F) {
	cfg := DefaultConfig()
	cfg.Key, cfg.Operator = ed25519.NewKeyFromSeed(make([]byte, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	cfg.GlobalID = -3
	cfg.Provider, cfg.Data, cfg.Engine, cfg.Dispatcher = cocoon.Account{1}, f.TempDir(), "http://127.0.0.1:1", "nats://127.0.0.1:1"
	w, err := New(cfg, Deps{Chain: empty{}})
	require.NoError(f, err)
	offer, err := bus.Encode(bus.Offer{Node: "d", ResultKey: make([]byte, envelope.PublicKeySize), PayloadSize: 1})
	require.NoError(f, err)
	f.Add(offer)
	grant, err := bus.Encode(bus.Grant{Wrap: make([]byte, envelope.WrapSize)})
	require.NoError(f, err)
	f.Add(grant)
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, serve := range []func(context.Context, []byte) (bus.Message, error){w.onOffer, w.onGrant} {
			_, err := serve(t.Context(), raw)
			require.Error(t, err)
			_, err = refusalOf(err).Encode()
			require.NoError(t, err)
		}
	})
}

// FuzzAnswers: whatever an engine says fits a results file, and is read back.
func FuzzAnswers(f *testing.F) {
	f.Add(200, []byte(`{"usage":{"prompt_tokens":3}}`))
	f.Add(500, []byte("no JSON \xff"))
	f.Add(200, []byte(""))
	batch, err := openai.ParseBatch([]byte(`{"custom_id":"a","method":"POST","url":"/v1/completions","body":{"model":"m"}}`))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		results := []openai.Result{{ID: "r", CustomID: "a"}}
		m := newMeter(cocoon.Price{}, cocoon.TON(1), results)
		m.take(&results[0], openai.Response{StatusCode: status, RequestID: "q", Body: asJSON(body)})
		file, err := openai.EncodeResults(results)
		require.NoError(t, err)
		again, err := batch.ParseResults(file)
		require.NoError(t, err)
		require.Equal(t, openai.TotalUsage(results), openai.TotalUsage(again))
	})
}

// FuzzKept: a damaged job.json is an error or a job, never a panic.
func FuzzKept(f *testing.F) {
	raw, err := json.Marshal(map[string]any{"offer": bus.Offer{}, "valid_until": 1})
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"accept":{"order":"AA=="}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var k kept
		if json.Unmarshal(raw, &k) == nil && k.Accept.Order.Cell != nil {
			_, err := json.Marshal(k)
			require.NoError(t, err)
		}
	})
}
