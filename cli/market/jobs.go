package market

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client"
	told "github.com/cocoon-network/cocoon/protocol/market"
)

// terms are what the client offers in the scenario.
func terms(caps cocoon.Price) client.Terms {
	return client.Terms{Budget: cocoon.TON(1), Caps: caps, MinBond: cocoon.NanoOf(200_000_000),
		AcceptIn: time.Minute, Work: time.Minute, Review: 30 * time.Second, DefaultBps: 5000}
}

// payer is the client's side, made once the dispatcher serves.
func (m *Market) payer() (*client.Client, error) {
	cfg := client.DefaultConfig()
	cfg.Dispatcher, cfg.Data, cfg.GlobalID, cfg.Registry = m.api+"/dispatch", m.path("client"), m.net.GlobalID, m.net.Registry
	return client.New(cfg, client.Deps{Chain: client.Proven{Client: m.client.client, Contract: m.net.Registry}, Sender: m.client.wallet,
		HTTP: &http.Client{}, Logger: m.cfg.Logger})
}

// submit opens a job and gives it the next name.
func (m *Market) submit(ctx context.Context, c *client.Client, batch []byte, t client.Terms) (string, cocoon.Account, error) {
	job, err := c.Submit(ctx, bytes.NewReader(batch), t)
	if err != nil {
		return "", job, err
	}
	name := fmt.Sprintf("job/%d", len(m.jobs))
	m.jobs, m.contracts[name] = append(m.jobs, name), job
	return name, job, m.step(ctx, "job", "the client escrows %s for %s, encrypted: the chain sees hashes", t.Budget, name)
}

// deliveredJobs are three jobs that end well: two are approved, the third is
// paid when its review is over.
func (m *Market) deliveredJobs(ctx context.Context) error {
	c, err := m.payer()
	if err != nil {
		return err
	}
	lines := bytes.SplitAfter(bytes.TrimSpace(m.cfg.Batch), []byte("\n"))
	batches := [][]byte{m.cfg.Batch, lines[0], lines[len(lines)-1]}
	for i, batch := range batches {
		name, job, err := m.submit(ctx, c, batch, terms(qwenPrice))
		if err != nil {
			return fmt.Errorf("submit job %d: %w", i, err)
		}
		if err = m.collect(ctx, c, name, job); err != nil {
			return err
		}
		if i < len(batches)-1 {
			if err = c.Approve(ctx, job); err != nil {
				return fmt.Errorf("approve %s: %w", name, err)
			}
		} else if err = m.advance(ctx, terms(qwenPrice).Review); err != nil {
			return err
		}
		j, err := m.awaitJob(ctx, job, told.Paid)
		if err != nil {
			return err
		}
		if err = m.step(ctx, "paid", "%s: %d tokens for %s; the provider got %s and its bond, the client %s back", name, j.Usage.Total(), j.Amount, j.ToProvider, j.ToClient); err != nil {
			return err
		}
	}
	return nil
}

// collect attends to a job until its result is here, and keeps it.
func (m *Market) collect(ctx context.Context, c *client.Client, name string, job cocoon.Account) error {
	r, err := c.Attend(ctx, job)
	if err != nil {
		return fmt.Errorf("attend to %s: %w", name, err)
	}
	file := m.path(fmt.Sprintf("results-%d.jsonl", len(m.jobs)-1))
	if err = os.WriteFile(file, r.File, 0o600); err != nil {
		return fmt.Errorf("keep the results of %s: %w", name, err)
	}
	return m.cfg.Tell.Tell("result", Result{name, file})
}

// refusedJob offers less than any worker asks: nobody accepts, and the escrow returns.
func (m *Market) refusedJob(ctx context.Context) error {
	c, err := m.payer()
	if err != nil {
		return err
	}
	t := terms(price(1, 1))
	name, job, err := m.submit(ctx, c, m.cfg.Batch, t)
	if err != nil {
		return err
	}
	attended := make(chan error, 1)
	go func() {
		_, err := c.Attend(ctx, job)
		attended <- err
	}()
	if _, err = m.awaitJob(ctx, job, told.Open); err != nil {
		return err
	}
	if err = m.advance(ctx, t.AcceptIn); err != nil {
		return err
	}
	j, err := m.awaitJob(ctx, job, told.Refunded)
	if err != nil {
		return err
	}
	if err = <-attended; cocoon.KindOf(err) != cocoon.Conflict {
		return fmt.Errorf("attending to %s, which nobody accepted, ended with: %w", name, err)
	}
	return m.step(ctx, "refunded", "%s offered less than any worker asks; nobody accepted, and %s went back to the client", name, j.ToClient)
}

// abandonedJob is accepted by the machine whose engine hangs: the client gets
// its money back, and the bond.
func (m *Market) abandonedJob(ctx context.Context) error {
	c, err := m.payer()
	if err != nil {
		return err
	}
	batch := bytes.ReplaceAll(m.cfg.Batch, []byte(qwen), []byte(deepseek))
	t := terms(deepseekPrice)
	name, job, err := m.submit(ctx, c, batch, t)
	if err != nil {
		return err
	}
	attended := make(chan error, 1)
	go func() {
		_, err := c.Attend(ctx, job)
		attended <- err
	}()
	if _, err = m.awaitJob(ctx, job, told.Accepted); err != nil {
		return err
	}
	if err = m.step(ctx, "silence", "%s was accepted by a worker of bob, whose engine hangs", name); err != nil {
		return err
	}
	if err = m.advance(ctx, t.Work); err != nil {
		return err
	}
	j, err := m.awaitJob(ctx, job, told.Slashed)
	if err != nil {
		return err
	}
	if err = <-attended; cocoon.KindOf(err) != cocoon.Conflict {
		return fmt.Errorf("attending to %s, which was abandoned, ended with: %w", name, err)
	}
	return m.step(ctx, "slashed", "%s: the client got %s back, the bond of %s in it", name, j.ToClient, j.Bond)
}

// awaitJob waits until the indexer has the job in that status.
func (m *Market) awaitJob(ctx context.Context, a cocoon.Account, status told.Status) (j told.Job, err error) {
	err = m.awaitIndex(ctx, fmt.Sprintf("job %s to be %s", a, status), func() (bool, error) {
		if j, err = m.index.Job(ctx, a); cocoon.KindOf(err) == cocoon.NotFound && err != nil {
			return false, nil
		}
		return j.Status == status, err
	})
	return j, err
}
