package market

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/examples"
)

// record keeps what a market tells.
type record struct {
	mu     sync.Mutex
	events []heard
}

type heard struct {
	name string
	v    any
}

func (r *record) Tell(event string, v any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, heard{event, v})
	return nil
}

func (r *record) summary(t *testing.T) Summary {
	t.Helper()
	last := r.events[len(r.events)-1]
	require.Equal(t, "summary", last.name, "the summary comes last")
	return last.v.(Summary)
}

func play(t *testing.T, data string) *record {
	t.Helper()
	r := &record{}
	require.NoError(t, Run(context.Background(), Config{Data: data, API: "127.0.0.1:0", Batch: examples.Batch, Once: true, Tell: r}))
	return r
}

func TestMarket_EveryJobEndsAsItShouldAndTheBooksBalance(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "market")
	r := play(t, data)
	s := r.summary(t)
	require.Equal(t, JobCount{Opened: 5, Paid: 3, Refunded: 1, Slashed: 1}, s.Jobs)
	require.Equal(t, ChannelCount{Opened: 2, Settled: cocoon.TON(3), Closed: 1}, s.Channels)
	sum := new(big.Int).Add(s.Money.Paid.Big(), s.Money.Fees.Big())
	require.Equal(t, s.Money.Received.Big(), sum.Add(sum, s.Money.Held.Big()), "received = paid + fees + held")
	require.NotZero(t, s.Index.Events)
	for _, name := range []string{"registry", "rewards/0", "provider/0", "provider/1", "job/0", "job/4", "channel/0", "epoch/1"} {
		require.Contains(t, s.Contracts, name)
	}
	require.Equal(t, []string{"settle of channel/0: 504"}, refusals(r), "the replayed voucher alone")
	require.Equal(t, []string{"open_channel of channel/0 by client", "settle of channel/0 by dispatcher", "settlement of rewards/0 by channel/0",
		"settle of channel/0 by dispatcher", "request_close of channel/0 by client", "finish of channel/0 by client"}, r.about("channel/0"))
	requireResults(t, filepath.Join(data, "results-0.jsonl"), "greeting", "translation", "summary", "json")
}

// refusals are the transactions that a contract refused, with the exit code.
func refusals(r *record) (list []string) {
	for _, e := range r.events {
		if tx, ok := e.v.(Transaction); ok && tx.ExitCode != 0 {
			list = append(list, fmt.Sprintf("%s of %s: %d", tx.Name, tx.Contract, tx.ExitCode))
		}
	}
	return list
}

// about are the transactions of a contract, and those that it caused.
func (r *record) about(contract string) (list []string) {
	for _, e := range r.events {
		if tx, ok := e.v.(Transaction); ok && (tx.Contract == contract || tx.From == contract) {
			list = append(list, fmt.Sprintf("%s of %s by %s", tx.Name, tx.Contract, tx.From))
		}
	}
	return list
}

// requireResults wants an answer for each request, in OpenAI's batch output format.
func requireResults(t *testing.T, file string, ids ...string) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	answered := []string{}
	for dec := json.NewDecoder(f); dec.More(); {
		var line struct {
			CustomID string `json:"custom_id"`
			Response struct {
				StatusCode int `json:"status_code"`
				Body       struct {
					Choices []struct {
						Message struct{ Content string } `json:"message"`
					} `json:"choices"`
				} `json:"body"`
			} `json:"response"`
		}
		require.NoError(t, dec.Decode(&line))
		require.Equal(t, 200, line.Response.StatusCode)
		require.Contains(t, line.Response.Body.Choices[0].Message.Content, "not a language model")
		answered = append(answered, line.CustomID)
	}
	require.Equal(t, ids, answered)
}

func TestMarket_TwoRunBesideEachOther(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for range 2 {
		data := filepath.Join(t.TempDir(), "market")
		wg.Go(func() { play(t, data) })
	}
	wg.Wait()
}

func TestMarket_LeavesAFolderInUseAlone(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	precious := filepath.Join(data, "index.db")
	require.NoError(t, os.WriteFile(precious, []byte("precious"), 0o600))
	err := Run(context.Background(), Config{Data: data, API: "127.0.0.1:0", Batch: examples.Batch, Once: true, Tell: &record{}})
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	b, err := os.ReadFile(precious)
	require.NoError(t, err)
	require.Equal(t, "precious", string(b))
}

func TestMarket_RefusesABatchThatIsNone(t *testing.T) {
	t.Parallel()
	err := Run(context.Background(), Config{Data: filepath.Join(t.TempDir(), "market"), API: "127.0.0.1:0", Batch: []byte("{}"), Once: true, Tell: &record{}})
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

// serving is a record that also says when the scenario is over.
type serving struct {
	record
	api  string
	over chan struct{}
}

func (s *serving) Tell(event string, v any) error {
	switch x := v.(type) {
	case Network:
		s.api = x.API
	case Step:
		if x.Name == "serving" {
			close(s.over)
		}
	}
	return s.record.Tell(event, v)
}

func TestMarket_ServesOnUntilItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s := &serving{over: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{Data: filepath.Join(t.TempDir(), "market"), API: "127.0.0.1:0", Batch: examples.Batch, Tell: s})
	}()
	select {
	case <-s.over:
	case err := <-ended:
		require.NoError(t, err)
	}
	for _, path := range []string{"/v1/status", "/v1/registry", "/v1/money", "/v1/providers", "/v1/workers", "/v1/jobs", "/v1/channels", "/v1/rewards", "/v1/epochs", "/v1/contracts", "/v1/rollups?period=hour", "/v1/demand", "/v1/events", "/v1/openapi.json", "/dispatch/v1/dispatcher"} {
		res, err := http.Get(s.api + path)
		require.NoError(t, err, path)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode, path)
	}
	stop()
	require.NoError(t, <-ended, "being stopped is no failure")
}
