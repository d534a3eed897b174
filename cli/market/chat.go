package market

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

// chat lets an application that speaks OpenAI's interface ask a worker: through
// a daemon of its own, encrypted, streamed, and paid from a channel.
func (m *Market) chat(ctx context.Context) error {
	if err := m.openDaemon(ctx); err != nil {
		return err
	}
	said, err := m.question(ctx)
	if err != nil {
		return err
	}
	if err = m.billed(ctx); err != nil {
		return err
	}
	return m.step(ctx, "chat", "an application asked %s over OpenAI's interface: %d events streamed from a worker the dispatcher cannot listen to, paid %s from its channel",
		qwen, said.events, said.cost)
}

// openDaemon starts the application's daemon, and waits until its channel is open.
func (m *Market) openDaemon(ctx context.Context) error {
	cfg := daemon.DefaultConfig()
	cfg.Data, cfg.Tiers, cfg.API.Listen = m.path("client"), []attest.Tier{attest.TierSimulated}, "127.0.0.1:0"
	cfg.Channel.Dispatchers, cfg.Channel.CloseDelay = []cocoon.Account{m.contracts["rewards/0"]}, time.Duration(m.rules.CloseDelay)*time.Second
	cfg.Channel.Interval = time.Second
	cfg.Session.Caps = deepseekPrice
	key, secret, err := api.NewKey(daemon.KeysFolder(cfg.Data), "first", api.Limits{}, rand.Reader, time.Now())
	if err != nil {
		return err
	}
	d, err := daemon.Open(ctx, cfg, daemon.Deps{Client: m.app.client, Registry: m.net.Registry, Sender: m.app.wallet, Logger: m.cfg.Logger})
	if err != nil {
		return err
	}
	url, err := d.Listen()
	if err != nil {
		return err
	}
	m.services.Go(func() error { return d.Run(m.life) })
	m.daemon, m.openai = d, OpenAI{url, secret, key.ID}
	if err = d.Ready(ctx); err != nil {
		return fmt.Errorf("open the application's channel: %w", err)
	}
	for _, c := range d.Channels() {
		name := fmt.Sprintf("channel/%d", len(m.channels))
		m.channels, m.contracts[name] = append(m.channels, name), c.Account
	}
	return m.cfg.Tell.Tell("openai", m.openai)
}

// billed waits until the receipts of all that was asked are answered: they follow their
// answers, and belong to the epoch that is measured now.
func (m *Market) billed(ctx context.Context) error {
	for _, c := range m.daemon.Channels() {
		for c.Ledger.Figures().Open > 0 {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("await receipts of channel %s: %w", c.Account, ctx.Err())
			}
		}
	}
	return nil
}

// OpenAI is how applications reach the scenario's daemon.
type OpenAI struct {
	URL string `json:"base_url"`
	Key string `json:"api_key"`
	ID  string `json:"key_id"`
}

// exchange is what came of a question.
type exchange struct {
	events int
	text   string
	cost   cocoon.Nano
}

// question streams one answer, as any client of OpenAI's does.
func (m *Market) question(ctx context.Context) (h exchange, err error) {
	body, err := json.Marshal(map[string]any{"model": qwen, "stream": true, "max_tokens": 64, "stream_options": map[string]any{"include_usage": true},
		"messages": []map[string]string{{"role": "user", "content": "What becomes of a caterpillar?"}}})
	if err != nil {
		return h, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.openai.URL+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return h, err
	}
	r.Header.Set("Authorization", "Bearer "+m.openai.Key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return h, fmt.Errorf("ask the daemon: %w", err)
	}
	defer answer.Body.Close()
	whole := false
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if data == "[DONE]" {
			whole = true
		}
		var e struct {
			Choices []struct {
				Delta struct{ Content string } `json:"delta"`
			} `json:"choices"`
			Usage *struct {
				Cost cocoon.Nano `json:"cost_nano"`
			} `json:"usage"`
		}
		if !ok || whole || json.Unmarshal([]byte(data), &e) != nil {
			continue
		}
		h.events++
		for _, c := range e.Choices {
			h.text += c.Delta.Content
		}
		if e.Usage != nil {
			h.cost = e.Usage.Cost
		}
	}
	if answer.StatusCode != http.StatusOK || !whole {
		return h, errors.Join(fmt.Errorf("ask the daemon: %s after %d events: %s", answer.Status, h.events, lines.Text()), lines.Err())
	}
	return h, nil
}
