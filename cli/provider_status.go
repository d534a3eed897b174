package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newProviderStatus(e *env) *cobra.Command {
	var owner, wallet string
	var index uint32
	c := &cobra.Command{Use: "status", Short: "Show a provider as the chain proves it", Args: exactly(), RunE: func(c *cobra.Command, _ []string) error {
		d, err := e.look(c.Context(), owner, wallet)
		if err != nil {
			return err
		}
		defer d.client.Close()
		return runProviderStatus(c.Context(), e, d, d.Provider(d.account, index))
	}}
	lookFlags(c.Flags(), &owner, &wallet)
	c.Flags().Uint32Var(&index, "index", 0, "which of the owner's providers")
	return c
}

type providerStatus struct {
	Account   cocoon.Account   `json:"account"`
	Balance   cocoon.Nano      `json:"balance_nano"`
	Stake     cocoon.Nano      `json:"stake_nano"`
	Unbonding cocoon.Nano      `json:"unbonding_nano"`
	Free      cocoon.Nano      `json:"free_nano"`
	Allowance cocoon.Nano      `json:"allowance_nano"`
	GPUs      uint32           `json:"gpus"`
	Tranches  []trancheStatus  `json:"tranches"`
	Workers   []providerWorker `json:"workers"`
}

type trancheStatus struct {
	At     uint32      `json:"at"`
	Amount cocoon.Nano `json:"amount_nano"`
}

type providerWorker struct {
	Key       string `json:"key"`
	GPUs      uint16 `json:"gpus"`
	RetiredAt uint32 `json:"retired_at"`
	Slashed   bool   `json:"slashed"`
}

// proven is a provider as it is on chain.
type proven struct {
	account chain.Account
	state   wrappers.Provider
	money   wrappers.ProviderMoney
}

func (d *desk) provider(ctx context.Context, b wrappers.ProviderBirth) (p proven, err error) {
	a, err := b.Account()
	if err != nil {
		return p, err
	}
	if p.account, err = d.client.Account(ctx, a); err != nil {
		return p, err
	}
	if p.account.Data == nil {
		return p, cocoon.WithHint(cocoon.NotFound.Errorf("there is no provider at %s yet", a), "cocoon provider stake AMOUNT")
	}
	if p.state, err = wrappers.DecodeProvider(p.account.Data); err != nil {
		return p, err
	}
	p.money, err = wrappers.GetProviderMoney(ctx, d.client, a)
	return p, err
}

func runProviderStatus(ctx context.Context, e *env, d *desk, b wrappers.ProviderBirth) error {
	p, err := d.provider(ctx, b)
	if err != nil {
		return err
	}
	now, err := d.client.Time(ctx, p.account.Block)
	if err != nil {
		return err
	}
	s := providerStatus{p.account.ID, p.account.Balance, p.state.Stake, p.state.Unbonding, p.money.Free, p.state.Allowance, p.state.GPUs,
		[]trancheStatus{}, []providerWorker{}}
	rows := [][2]string{{"provider", s.Account.String()}, {"balance", s.Balance.String()}, {"stake", s.Stake.String()}, {"unbonding", s.Unbonding.String()},
		{"free", s.Free.String()}, {"allowance", s.Allowance.String()}, {"GPUs", strconv.Itoa(int(s.GPUs))}}
	for _, t := range p.state.Tranches {
		s.Tranches = append(s.Tranches, trancheStatus{t.At, t.Amount})
		rows = append(rows, [2]string{"unbonded " + e.when(t.At, uint32(now.Unix())), t.Amount.String()})
	}
	for _, w := range p.state.Workers {
		s.Workers = append(s.Workers, providerWorker{fmt.Sprintf("%x", w.Key), w.GPUs, w.RetiredAt, w.Slashed})
		state := "active"
		if w.Slashed {
			state = "slashed, retired " + e.when(w.RetiredAt, uint32(now.Unix()))
		} else if !w.Active() {
			state = "retired " + e.when(w.RetiredAt, uint32(now.Unix()))
		}
		rows = append(rows, [2]string{fmt.Sprintf("worker %x", w.Key[:4]), state})
	}
	return e.show("provider", s, rows...)
}
