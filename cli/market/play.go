package market

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	told "github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// play is the scenario, in the order things happen.
func (m *Market) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for _, act := range []func(context.Context) error{
		m.deploy, m.bond, m.enrolAll, m.start, m.announce,
		m.deliveredJobs, m.refusedJob, m.abandonedJob,
		m.paidByChannel, m.chat, m.fund, m.epoch, m.leave, m.summary,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *Market) enrolAll(ctx context.Context) error {
	h100 := wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: 1, VRAMMiB: 81_920, UptimeBps: 9900, Concurrency: 2,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(qwen), Price: qwenPrice}}}
	l40s := h100
	l40s.GPU, l40s.Region, l40s.VRAMMiB, l40s.UptimeBps = "NVIDIA L40S", "us-east", 46_068, 9500
	h200 := wrappers.WorkerRecord{GPU: "NVIDIA H200", Region: "us-east", GPUs: 8, VRAMMiB: 144_384, UptimeBps: 9500, Concurrency: 2,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(deepseek), Price: deepseekPrice}}}
	if err := m.enrol(ctx, m.providers[0], cocoon.TON(10), h100); err != nil {
		return err
	}
	return m.enrol(ctx, m.providers[1], cocoon.TON(30), l40s, h200)
}

// announce opens the HTTP port and says where everything is.
func (m *Market) announce(context.Context) error {
	api, err := m.serve()
	if err != nil {
		return err
	}
	m.api = api
	return m.cfg.Tell.Tell("network", Network{m.path("network.json"), api, api + "/dispatch", m.net.Registry, m.net.GlobalID, m.cfg.Data})
}

// epoch lets the period pass and follows what the dispatcher pays out: pages it
// pushes, and one leaf that its provider claims ahead of them.
func (m *Market) epoch(ctx context.Context) error {
	if err := m.advance(ctx, time.Duration(m.rules.Period)*time.Second); err != nil {
		return err
	}
	e, err := m.awaitEpoch(ctx, "window", func(e told.Epoch) bool { return e.Phase == "window" })
	if err != nil {
		return err
	}
	m.contracts[fmt.Sprintf("epoch/%d", e.Number)] = e.Account
	if err = m.step(ctx, "epoch", "epoch %d is open: %d leaves, %s, published on chain leaf by leaf", e.Number, e.Count, e.Total); err != nil {
		return err
	}
	if err = m.advance(ctx, time.Duration(m.rules.Window)*time.Second); err != nil {
		return err
	}
	if _, err = m.awaitEpoch(ctx, "paying", func(e told.Epoch) bool { return e.Phase == "paying" }); err != nil {
		return err
	}
	if err = m.claim(ctx, e); err != nil {
		return err
	}
	if err = m.advance(ctx, time.Minute); err != nil {
		return err
	}
	if e, err = m.awaitEpoch(ctx, "finished", func(e told.Epoch) bool { return e.Phase == "finished" }); err != nil {
		return err
	}
	return m.step(ctx, "epoch", "epoch %d paid %s: one leaf by claim, the others by pushed pages", e.Number, e.Paid)
}

// claim lets the provider of the last leaf claim it.
func (m *Market) claim(ctx context.Context, e told.Epoch) error {
	leaves, err := m.index.Leaves(ctx, e.Account, 0, int(e.Count))
	if err != nil {
		return err
	}
	if len(leaves) == 0 {
		return fmt.Errorf("epoch %d has no leaves", e.Number)
	}
	tree, err := treeOf(leaves)
	if err != nil {
		return err
	}
	for i := len(leaves) - 1; i >= 0; i-- { // one leaf may be the dispatcher's own share
		for _, p := range m.providers {
			if p.account == leaves[i].Provider {
				return m.claimLeaf(ctx, p, e, tree, i, leaves[i].Amount)
			}
		}
	}
	return fmt.Errorf("epoch %d pays nobody who is here", e.Number)
}

func (m *Market) claimLeaf(ctx context.Context, p *provider, e told.Epoch, tree *wrappers.EpochTree, i int, amount cocoon.Nano) error {
	msg, err := p.Claim(ctx, e.Account, tree, i, p.wallet.Account())
	if err != nil {
		return err
	}
	if _, err = p.wallet.Send(ctx, msg); err != nil {
		return fmt.Errorf("%s claims its leaf: %w", p.name, err)
	}
	if _, err = m.awaitEpoch(ctx, "claimed", func(e told.Epoch) bool { return len(e.Claimed) > 0 }); err != nil {
		return err
	}
	return m.step(ctx, "claim", "%s claimed leaf %d, %s, by Merkle proof", p.name, i, amount)
}

// treeOf builds the tree again from what was published on chain.
func treeOf(leaves []told.Leaf) (*wrappers.EpochTree, error) {
	list := make([]wrappers.Leaf, len(leaves))
	for i, l := range leaves {
		list[i] = wrappers.Leaf{Provider: l.Provider, Amount: wrappers.Coins{Nano: l.Amount}, Requests: l.Requests, Tokens: l.Tokens,
			Failures: l.Failures, UptimeBps: l.Uptime, P50Ms: l.P50}
	}
	return wrappers.NewEpochTree(list)
}

// leave lets the second provider take its stake home.
func (m *Market) leave(ctx context.Context) error {
	p := m.providers[1]
	for _, w := range p.machines {
		if err := w.close(); err != nil {
			return err
		}
	}
	birth := p.Provider(p.wallet.Account(), 0)
	unstake, err := p.RequestUnstake(ctx, birth, cocoon.Nano{})
	if err != nil {
		return err
	}
	if _, err = p.wallet.Send(ctx, unstake); err != nil {
		return fmt.Errorf("%s unstakes: %w", p.name, err)
	}
	if err = p.await(ctx, p.account, func(s wrappers.Provider) bool { return s.Stake.IsZero() && !s.Unbonding.IsZero() }); err != nil {
		return err
	}
	if err = m.step(ctx, "unstake", "%s asked for its stake back; it stays slashable for %d s", p.name, m.rules.Unbonding); err != nil {
		return err
	}
	if err = m.advance(ctx, time.Duration(m.rules.Unbonding)*time.Second); err != nil {
		return err
	}
	before, err := p.client.Account(ctx, p.wallet.Account())
	if err != nil {
		return err
	}
	withdraw, err := p.WithdrawProvider(ctx, birth, cocoon.Nano{})
	if err != nil {
		return err
	}
	if _, err = p.wallet.Send(ctx, withdraw); err != nil {
		return fmt.Errorf("%s withdraws: %w", p.name, err)
	}
	if err = p.await(ctx, p.account, func(s wrappers.Provider) bool { return s.Unbonding.IsZero() }); err != nil {
		return err
	}
	after, err := p.client.Account(ctx, p.wallet.Account())
	if err != nil {
		return err
	}
	return m.step(ctx, "withdraw", "%s withdrew: its wallet went from %s to %s", p.name, before.Balance, after.Balance)
}

// advance moves the chain's time and waits until the indexer has seen it.
func (m *Market) advance(ctx context.Context, d time.Duration) error {
	if err := m.chain.Advance(d); err != nil {
		return err
	}
	if err := m.caughtUp(ctx); err != nil {
		return err
	}
	return m.step(ctx, "time", "%s pass on the chain", d)
}

// caughtUp waits until the indexer has read what is on chain now.
func (m *Market) caughtUp(ctx context.Context) error {
	head, err := m.network.client.Head(ctx)
	if err != nil {
		return err
	}
	return m.index.WaitSeqno(ctx, head.SeqNo)
}

// summary reconciles every contract twice, from the chain's transactions and
// from what the indexer's API says, and tells the result.
func (m *Market) summary(ctx context.Context) error {
	if err := m.caughtUp(ctx); err != nil {
		return err
	}
	head, err := m.network.client.LookupMaster(ctx, m.index.Head().Seqno)
	if err != nil {
		return err
	}
	proven, err := Audit(ctx, m.network.client, head, m.contracts)
	if err != nil {
		return err
	}
	var indexed told.Money
	if err = m.ask(ctx, "/v1/money", &indexed); err != nil {
		return err
	}
	if proven != indexed {
		return fmt.Errorf("the chain says %+v, the indexer %+v", proven, indexed)
	}
	differences, err := m.index.Audit(ctx)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		return fmt.Errorf("the indexer's tables differ from proven state: %+v", differences)
	}
	at := m.index.Head()
	s := Summary{Money: proven, Index: IndexCount{at.Seqno, at.Events}, Contracts: m.contracts}
	if s.Jobs, err = m.countJobs(ctx); err != nil {
		return err
	}
	if s.Channels, err = m.countChannels(ctx); err != nil {
		return err
	}
	return m.cfg.Tell.Tell("summary", s)
}

// ask reads one answer of the API.
func (m *Market) ask(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.api+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the API: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answers %s with %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

func (m *Market) countJobs(ctx context.Context) (n JobCount, err error) {
	for _, name := range m.jobs {
		j, err := m.index.Job(ctx, m.contracts[name])
		if err != nil {
			return n, err
		}
		n.Opened++
		switch j.Status {
		case told.Paid:
			n.Paid++
		case told.Refunded:
			n.Refunded++
		case told.Slashed:
			n.Slashed++
		}
	}
	return n, nil
}

var _ History = (*chain.Client)(nil)
