package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newProvider(e *env) *cobra.Command {
	return group("provider", "Stake, register GPU workers, be paid", newProviderStake(e), newProviderTopUp(e), newProviderOperator(e), newProviderRegister(e),
		newProviderStatus(e), newProviderUnstake(e), newProviderWithdraw(e))
}

// providerOptions name one provider contract and who pays for what it is told.
type providerOptions struct {
	payer
	index uint32
}

func (o *providerOptions) flags(f *pflag.FlagSet) {
	o.payer.flags(f)
	f.Uint32Var(&o.index, "index", 0, "which of the owner's providers")
}

// providerCommand is a command on one provider; run gets an open desk and the provider.
func providerCommand(e *env, use, short string, o *providerOptions, args cobra.PositionalArgs,
	run func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		n, err := e.needRegistry()
		if err != nil {
			return err
		}
		d, err := o.open(c.Context(), e, n)
		if err != nil {
			return err
		}
		defer d.client.Close()
		return run(c.Context(), d, d.Provider(d.account, o.index), args)
	}}
	o.flags(c.Flags())
	return c
}

func newProviderStake(e *env) *cobra.Command {
	o := &providerOptions{}
	c := providerCommand(e, "stake AMOUNT", "Lock a stake, and take the network's terms", o, exactly("AMOUNT"),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error {
			return runProviderStake(ctx, e, d, b, args[0])
		})
	c.Long = `Locks AMOUNT in your provider, which is deployed by the first stake. With the
first stake you also take the terms that the registry publishes now; later ones
you take by staking again.`
	return c
}

func runProviderStake(ctx context.Context, e *env, d *desk, b wrappers.ProviderBirth, amount string) error {
	n, err := parseAmount(amount)
	if err != nil {
		return err
	}
	stake, err := d.Stake(ctx, b, n)
	if err != nil {
		return err
	}
	terms, err := d.ProviderTerms(ctx, b)
	if err != nil {
		return err
	}
	a, err := b.Account()
	if err != nil {
		return err
	}
	e.say("provider %s", a)
	return d.send(ctx, e, "stake "+n.String(), stake, terms)
}

func newProviderTopUp(e *env) *cobra.Command {
	return providerCommand(e, "top-up AMOUNT", "Add free balance, out of which jobs are bonded", &providerOptions{}, exactly("AMOUNT"),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error {
			n, err := parseAmount(args[0])
			if err != nil {
				return err
			}
			m, err := d.TopUp(ctx, b, n)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "top up "+n.String(), m)
		})
}

func newProviderOperator(e *env) *cobra.Command {
	o := &providerOptions{}
	key, allowance := "operator", ""
	c := providerCommand(e, "operator", "Let a key accept jobs, within an allowance", o, exactly(),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, _ []string) error {
			n, err := parseAmount(allowance)
			if err != nil {
				return err
			}
			operator, err := e.loadOrMakeKey(key)
			if err != nil {
				return err
			}
			m, err := d.SetOperator(ctx, b, operator, n)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "set the operator", m)
		})
	c.Flags().StringVar(&key, "key", key, "name or file of the operator's key; made where missing")
	c.Flags().StringVar(&allowance, "allowance", "0", "TON that the key may bond in all")
	return c
}

// loadOrMakeKey loads a signing key of this home, or makes it.
func (e *env) loadOrMakeKey(name string) (ed25519.PrivateKey, error) {
	file := e.keyFile(name)
	key, err := chain.LoadKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if _, key, err = ed25519.GenerateKey(nil); err != nil {
		return nil, err
	}
	if err = os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	if err = chain.SaveKey(file, key); err != nil {
		return nil, err
	}
	e.say("made key %s", file)
	return key, nil
}

type workerFlags struct {
	operator, key, gpu, region string
	gpus, uptime, concurrency  uint16
	vram                       uint32
	models                     []string
}

func newProviderRegister(e *env) *cobra.Command {
	o, w := &providerOptions{}, workerFlags{}
	c := providerCommand(e, "register", "Register a GPU worker, or change what it offers", o, exactly(),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, _ []string) error {
			return runProviderRegister(ctx, e, d, b, w)
		})
	f := c.Flags()
	f.StringVar(&w.operator, "operator-key", "operator", "name or file of the operator's key")
	f.StringVar(&w.key, "worker-key", "worker", "name or file of the worker's key; made where missing")
	f.StringVar(&w.gpu, "gpu", "", `GPU model, as in "NVIDIA H100"`)
	f.Uint16Var(&w.gpus, "gpus", 1, "number of GPUs")
	f.Uint32Var(&w.vram, "vram", 0, "memory of one GPU in MiB")
	f.StringVar(&w.region, "region", "", "where it stands, as in eu-west")
	f.Uint16Var(&w.uptime, "uptime", 9900, "committed uptime in basis points")
	f.Uint16Var(&w.concurrency, "concurrency", 1, "requests at a time")
	f.StringArrayVar(&w.models, "model", nil, "NAME=PROMPT/COMPLETION: a model and its prices in nanoTON per million tokens; repeatable")
	return c
}

func runProviderRegister(ctx context.Context, e *env, d *desk, b wrappers.ProviderBirth, w workerFlags) error {
	r := wrappers.WorkerRecord{GPU: w.gpu, Region: w.region, GPUs: w.gpus, VRAMMiB: w.vram, UptimeBps: w.uptime, Concurrency: w.concurrency}
	for _, s := range w.models {
		m, err := parseModel(s)
		if err != nil {
			return err
		}
		r.Models = append(r.Models, m)
	}
	if len(r.Models) == 0 || r.GPU == "" || r.VRAMMiB == 0 {
		return cocoon.Invalid.Errorf("a worker needs --gpu, --vram and at least one --model")
	}
	if err := r.Validate(); err != nil {
		return err
	}
	operator, err := chain.LoadKey(e.keyFile(w.operator))
	if err != nil {
		return cocoon.WithHint(err, "appoint one with: cocoon provider operator")
	}
	worker, err := e.loadOrMakeKey(w.key)
	if err != nil {
		return err
	}
	m, err := d.PutWorker(ctx, b, operator, worker, r, d.account)
	if err != nil {
		return err
	}
	return d.send(ctx, e, "register worker", m)
}

// parseModel reads NAME=PROMPT/COMPLETION. Cached tokens cost as prompt,
// reasoning as completion.
func parseModel(s string) (wrappers.ModelOffer, error) {
	name, prices, _ := strings.Cut(s, "=")
	prompt, completion, ok := strings.Cut(prices, "/")
	if name == "" || !ok {
		return wrappers.ModelOffer{}, cocoon.Invalid.Errorf("--model %q is not NAME=PROMPT/COMPLETION", s)
	}
	p, err := cocoon.ParseNano(prompt)
	if err != nil {
		return wrappers.ModelOffer{}, cocoon.Invalid.Errorf("--model %q: %w", s, err)
	}
	c, err := cocoon.ParseNano(completion)
	if err != nil {
		return wrappers.ModelOffer{}, cocoon.Invalid.Errorf("--model %q: %w", s, err)
	}
	return wrappers.ModelOffer{Model: cocoon.NewModelID(name), Price: cocoon.Price{Prompt: p, Cached: p, Completion: c, Reasoning: c}}, nil
}

func newProviderUnstake(e *env) *cobra.Command {
	return providerCommand(e, "unstake AMOUNT", "Start the unbonding of a part of the stake", &providerOptions{}, exactly("AMOUNT"),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error {
			n, err := parseAmount(args[0])
			if err != nil {
				return err
			}
			m, err := d.RequestUnstake(ctx, b, n)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "unstake "+n.String(), m)
		})
}

func newProviderWithdraw(e *env) *cobra.Command {
	amount := "0"
	c := providerCommand(e, "withdraw", "Pay what is unbonded and free to the owner", &providerOptions{}, exactly(),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, _ []string) error {
			n, err := parseAmount(amount)
			if err != nil {
				return err
			}
			m, err := d.WithdrawProvider(ctx, b, n)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "withdraw", m)
		})
	c.Flags().StringVar(&amount, "amount", amount, "TON to pay; 0 is all there is")
	return c
}

func newProviderStatus(e *env) *cobra.Command {
	return providerCommand(e, "status", "Show a provider as the chain proves it", &providerOptions{}, exactly(),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, _ []string) error {
			return runProviderStatus(ctx, e, d, b)
		})
}

type providerStatus struct {
	Account   cocoon.Account `json:"account"`
	Balance   cocoon.Nano    `json:"balance_nano"`
	Stake     cocoon.Nano    `json:"stake_nano"`
	Unbonding cocoon.Nano    `json:"unbonding_nano"`
	Free      cocoon.Nano    `json:"free_nano"`
	Allowance cocoon.Nano    `json:"allowance_nano"`
	GPUs      uint32         `json:"gpus"`
	Workers   []string       `json:"workers"`
}

func runProviderStatus(ctx context.Context, e *env, d *desk, b wrappers.ProviderBirth) error {
	a, err := b.Account()
	if err != nil {
		return err
	}
	acc, err := d.client.Account(ctx, a)
	if err != nil {
		return err
	}
	if acc.Data == nil {
		return cocoon.WithHint(cocoon.NotFound.Errorf("there is no provider at %s yet", a), "cocoon provider stake AMOUNT")
	}
	p, err := wrappers.DecodeProvider(acc.Data)
	if err != nil {
		return err
	}
	money, err := wrappers.GetProviderMoney(ctx, d.client, a)
	if err != nil {
		return err
	}
	s := providerStatus{a, acc.Balance, p.Stake, p.Unbonding, money.Free, p.Allowance, p.GPUs, []string{}}
	rows := [][2]string{{"provider", a.String()}, {"balance", acc.Balance.String()}, {"stake", p.Stake.String()}, {"unbonding", p.Unbonding.String()},
		{"free", money.Free.String()}, {"allowance", p.Allowance.String()}, {"GPUs", strconv.Itoa(int(p.GPUs))}}
	for _, w := range p.Workers {
		s.Workers = append(s.Workers, fmt.Sprintf("%x", w.Key))
		state := "active"
		if !w.Active() {
			state = "retired"
		}
		rows = append(rows, [2]string{fmt.Sprintf("worker %x", w.Key[:4]), state})
	}
	return e.show("provider", s, rows...)
}
