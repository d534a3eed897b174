package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

func newClient(e *env) *cobra.Command {
	return group("client", "Serve OpenAI's interface on this machine, paid on TON", newClientInit(e), newClientKey(e), newClientPlan(e), newClientRun(e), newClientLeave(e))
}

// dataFlag is the folder of a daemon.
func dataFlag(f *pflag.FlagSet, data *string) {
	f.StringVar(data, "data", "", "folder of keys, channels and the usage ledger (default: client in the home)")
}

func (e *env) clientData(data string) string {
	if data == "" {
		return filepath.Join(e.home, "client")
	}
	return data
}

// keyOptions are what a new API key may do.
type keyOptions struct {
	data, name, day, total string
	limits                 api.Limits
}

func (o *keyOptions) flags(f *pflag.FlagSet) {
	dataFlag(f, &o.data)
	f.StringVar(&o.day, "budget-day", "0", "most "+cocoon.Coin+" that the key may spend in a UTC day; 0 is no limit")
	f.StringVar(&o.total, "budget", "0", "most "+cocoon.Coin+" that it may ever spend; 0 is no limit")
	f.IntVar(&o.limits.Requests, "requests", 0, "most requests a minute; 0 is no limit")
	f.IntVar(&o.limits.Tokens, "tokens", 0, "most tokens a minute, of prompts and answers; 0 is no limit")
	f.IntVar(&o.limits.Open, "open", 0, "most requests at a time; 0 is no limit")
}

type keyMade struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Key  string `json:"api_key"` // shown this once
	Data string `json:"data"`
}

// makeKey makes an API key and shows it, once.
func (o *keyOptions) makeKey(e *env) (err error) {
	if o.limits.BudgetDay, err = amountFlag("--budget-day", o.day); err != nil {
		return err
	}
	if o.limits.BudgetTotal, err = amountFlag("--budget", o.total); err != nil {
		return err
	}
	o.data = e.clientData(o.data)
	k, secret, err := api.NewKey(daemon.KeysFolder(o.data), o.name, o.limits, rand.Reader, time.Now())
	if err != nil {
		return err
	}
	e.say("the key is shown this once: export OPENAI_API_KEY=%s", secret)
	return e.show("api_key", keyMade{k.ID, k.Name, secret, o.data}, [2]string{"id", k.ID}, [2]string{"name", k.Name}, [2]string{"API key", secret})
}

func newClientLeave(e *env) *cobra.Command {
	o := clientRun{}
	c := &cobra.Command{
		Use:   "leave REWARDS",
		Short: "Close the channel to a dispatcher",
		Long: `Closes the channel to a dispatcher. Where the dispatcher signs what it is paid and
that is what the daemon agreed to, the channel closes within seconds. Else this
asks the chain: what no voucher takes comes back to the wallet after the close
delay; run this again then, or the daemon. The daemon must not be running, and
opens no other channel to that dispatcher unless this one was closed with --forget:
then it has a new key, which is how a key that leaked is replaced.`,
		Args: exactly("REWARDS"),
		RunE: func(c *cobra.Command, args []string) error { return leaveClient(c.Context(), e, o, args[0]) },
	}
	dataFlag(c.Flags(), &o.data)
	c.Flags().StringVar(&o.wallet, "wallet", "wallet", "name or file of the wallet that pays")
	c.Flags().BoolVar(&o.forget, "forget", false, "once it is closed, let the daemon open another channel to that dispatcher, with a new key")
	return c
}

type clientLeft struct {
	Dispatcher cocoon.Account `json:"dispatcher"`
	Closed     bool           `json:"closed"` // false: come back after the close delay
}

func leaveClient(ctx context.Context, e *env, o clientRun, rewards string) error {
	a, err := cocoon.ParseAccount(rewards)
	if err != nil {
		return err
	}
	n, err := e.needRegistry()
	if err != nil {
		return err
	}
	c, err := e.dial(ctx, n)
	if err != nil {
		return err
	}
	defer c.Close()
	wallet, err := e.openWallet(c, o.wallet)
	if err != nil {
		return err
	}
	closed, err := daemon.Leave(ctx, e.clientData(o.data), a, o.forget, daemon.Deps{Client: c, Registry: n.Registry, Sender: wallet, Logger: e.log})
	if err != nil {
		return err
	}
	said := "asked to close: come back after the close delay"
	if closed {
		said = "closed"
	}
	return e.show("client_left", clientLeft{a, closed}, [2]string{"dispatcher", a.String()}, [2]string{"channel", said})
}

// amountFlag reads an amount of TON.
func amountFlag(flag, text string) (cocoon.Nano, error) {
	n, err := cocoon.ParseTON(text)
	if err != nil {
		return n, fmt.Errorf("%s: %w", flag, err)
	}
	return n, nil
}

func newClientInit(e *env) *cobra.Command {
	o := keyOptions{name: "first"}
	c := &cobra.Command{
		Use:   "init",
		Short: "Make the daemon's folder and a first API key",
		Long: `Makes the folder of a daemon and an API key for applications, which is shown this
once. The daemon answers nobody without a key. More keys, each with limits of its
own, come from: cocoon client key add NAME`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			keys, err := api.LoadKeys(daemon.KeysFolder(e.clientData(o.data)))
			if err == nil && len(keys) > 0 {
				err = cocoon.WithHint(cocoon.Conflict.Errorf("there are keys in %s already", e.clientData(o.data)), "cocoon client key add NAME")
			}
			if err != nil {
				return err
			}
			return o.makeKey(e)
		},
	}
	o.flags(c.Flags())
	return c
}

func newClientKey(e *env) *cobra.Command {
	return group("key", "API keys of applications", newClientKeyAdd(e), newClientKeyList(e), newClientKeyRemove(e))
}

func newClientKeyAdd(e *env) *cobra.Command {
	o := keyOptions{}
	c := &cobra.Command{Use: "add NAME", Short: "Make an API key, with limits", Args: exactly("NAME"), RunE: func(_ *cobra.Command, args []string) error {
		o.name = args[0]
		return o.makeKey(e)
	}}
	o.flags(c.Flags())
	return c
}

type keysListed struct {
	Keys []keyListed `json:"keys"`
}

type keyListed struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	api.Limits
}

func newClientKeyList(e *env) *cobra.Command {
	var data string
	c := &cobra.Command{Use: "list", Short: "List API keys", Args: exactly(), RunE: func(*cobra.Command, []string) error {
		keys, err := api.LoadKeys(daemon.KeysFolder(e.clientData(data)))
		if err != nil {
			return err
		}
		listed, rows := keysListed{Keys: []keyListed{}}, [][]string{}
		for _, k := range keys {
			listed.Keys = append(listed.Keys, keyListed{k.ID, k.Name, k.Created, k.Limits})
			rows = append(rows, []string{k.ID, k.Name, k.Created.Format(time.DateTime), budget(k.BudgetDay), budget(k.BudgetTotal)})
		}
		if e.json {
			return e.event("api_keys", listed)
		}
		return e.table([]string{"id", "name", "made", "a day", "in all"}, rows)
	}}
	dataFlag(c.Flags(), &data)
	return c
}

func budget(n cocoon.Nano) string {
	if n.IsZero() {
		return "any"
	}
	return n.String()
}

type keyRemoved struct {
	ID string `json:"id"`
}

func newClientKeyRemove(e *env) *cobra.Command {
	var data string
	c := &cobra.Command{Use: "remove ID", Short: "Revoke an API key", Args: exactly("ID"), RunE: func(_ *cobra.Command, args []string) error {
		keys, err := api.LoadKeys(daemon.KeysFolder(e.clientData(data)))
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.ID == args[0] {
				if err = os.Remove(filepath.Join(daemon.KeysFolder(e.clientData(data)), k.ID+".json")); err != nil {
					return fmt.Errorf("revoke key %s: %w", k.ID, err)
				}
				return e.show("api_key_removed", keyRemoved{k.ID}, [2]string{"revoked", k.ID})
			}
		}
		return cocoon.WithHint(cocoon.NotFound.Errorf("no API key has the id %q", args[0]), "cocoon client key list")
	}}
	dataFlag(c.Flags(), &data)
	return c
}

type clientRun struct {
	wallet, data, listen                  string
	remote, forget                        bool
	hosts, aliases, dispatchers, tiers    []string
	gpuKeys                               string
	gpuModels, tcb, platforms             []string
	price, promptPrice                    string
	deposit, topUp, most, daily, minStake string
	closeDelay                            time.Duration
	model                                 string
	tokens                                uint64
}

func newClientRun(e *env) *cobra.Command {
	o, d := clientRun{}, daemon.DefaultConfig()
	c := &cobra.Command{
		Use:   "run",
		Short: "Serve OpenAI's interface, encrypted to GPU workers",
		Long: `Serves OpenAI's interface on this machine. Applications change their base URL and
key and nothing else. Prompts are encrypted here to workers that the chain and
their evidence prove; a dispatcher carries what it cannot read; the wallet's
channel pays for what arrived, within the limits below.

Stops on Ctrl-C or SIGTERM: open answers have a while to end. Channels stay open
for the next start; cocoon client leave closes them.`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			return roomy(func() error { return runClient(c.Context(), e, o) })
		},
	}
	f := c.Flags()
	dataFlag(f, &o.data)
	f.StringVar(&o.wallet, "wallet", "wallet", "name or file of the wallet that pays")
	f.StringVar(&o.listen, "listen", d.API.Listen, "address for applications")
	f.BoolVar(&o.remote, "allow-remote", false, "listen on an address that other machines reach, in clear: put something that speaks TLS before it")
	f.StringSliceVar(&o.hosts, "host", nil, "name by which applications may call it, beside localhost; may be repeated")
	f.StringSliceVar(&o.aliases, "alias", nil, "NAME=MODEL: applications may call MODEL by NAME; may be repeated")
	f.StringSliceVar(&o.dispatchers, "dispatcher", nil, "rewards contract of the dispatcher that carries requests; repeated, of one that stands by")
	f.StringSliceVar(&o.tiers, "tier", nil, "attestation that workers must show: tdx+gpu, tdx, or open, where a worker's owner can read prompts; simulated on local networks only; repeated, of any (default: tdx+gpu, on local networks simulated)")
	f.StringVar(&o.gpuKeys, "gpu-keys", "", "for tdx+gpu: file of the keys of NVIDIA's attestation service, a JSON Web Key Set that you have checked")
	f.StringSliceVar(&o.gpuModels, "gpu-model", []string{"GH100", "GB100"}, "for tdx+gpu: chips that are accepted; may be repeated")
	f.StringSliceVar(&o.tcb, "tcb", []string{string(attest.UpToDate)}, "states of a platform's firmware that are accepted, in Intel's words; may be repeated")
	f.StringSliceVar(&o.platforms, "refuse-platform", nil, "PPID of a platform that is not believed, 32 hex digits; may be repeated")
	f.StringVar(&o.price, "max-price", "5", "most "+cocoon.Coin+" for 10^6 tokens of answers")
	f.StringVar(&o.promptPrice, "max-prompt-price", "2", "most "+cocoon.Coin+" for 10^6 tokens of prompts")
	f.StringVar(&o.minStake, "min-stake", "0", "least "+cocoon.Coin+" that a worker's provider has at stake beyond what the network wants")
	f.StringVar(&o.deposit, "deposit", coins(d.Channel.Deposit), cocoon.Coin+" that a channel is opened with; one that stands by gets half")
	f.StringVar(&o.topUp, "top-up", coins(d.Channel.TopUp), cocoon.Coin+" that a low channel gets")
	f.StringVar(&o.most, "max-deposit", coins(d.Channel.MaxDeposit), "most "+cocoon.Coin+" unspent in one channel")
	f.StringVar(&o.daily, "daily", coins(d.Channel.Daily), "most "+cocoon.Coin+" that leaves the wallet in 24 hours, fees apart")
	f.DurationVar(&o.closeDelay, "close-delay", d.Channel.CloseDelay, "how long a channel takes to close without its dispatcher")
	f.StringVar(&o.model, "declare-model", "", "model to declare demand for when a channel is opened, with --declare-tokens")
	f.Uint64Var(&o.tokens, "declare-tokens", 0, "tokens a day that are expected of it")
	return c
}

func coins(n cocoon.Nano) string { return strings.TrimSuffix(n.String(), " "+cocoon.Coin) }

type clientServing struct {
	URL  string `json:"base_url"`
	Data string `json:"data"`
}

func runClient(ctx context.Context, e *env, o clientRun) error {
	cfg, err := o.config(e)
	if err != nil {
		return err
	}
	n, err := e.needRegistry()
	if err != nil {
		return err
	}
	c, err := e.dial(ctx, n)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(cfg.Tiers) == 0 {
		cfg.Tiers = []attest.Tier{attest.TierGPU}
		if chain.Local(c.Network().GlobalID) {
			cfg.Tiers = []attest.Tier{attest.TierSimulated}
		}
	}
	wallet, err := e.openWallet(c, o.wallet)
	if err != nil {
		return err
	}
	d, err := daemon.Open(ctx, cfg, daemon.Deps{Client: c, Registry: n.Registry, Sender: wallet, Logger: e.log})
	if err != nil {
		return err
	}
	url, err := d.Listen()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.Run(ctx) })
	e.say("opening a channel to the dispatcher")
	g.Go(func() error {
		if d.Ready(ctx) != nil {
			return nil // it was stopped before
		}
		e.say("serving; Ctrl-C stops it")
		return e.show("client_serving", clientServing{url, cfg.Data}, [2]string{"base URL", url}, [2]string{"data", cfg.Data})
	})
	return g.Wait()
}

// config reads the flags.
func (o *clientRun) config(e *env) (cfg daemon.Config, err error) {
	cfg = daemon.DefaultConfig()
	cfg.Data = e.clientData(o.data)
	cfg.API.Listen, cfg.API.AllowRemote, cfg.API.Hosts = o.listen, o.remote, o.hosts
	cfg.API.Aliases = map[string]string{}
	for _, a := range o.aliases {
		name, model, ok := strings.Cut(a, "=")
		if !ok || name == "" || model == "" {
			return cfg, cocoon.Invalid.Errorf("--alias %q is not NAME=MODEL", a)
		}
		cfg.API.Aliases[name] = model
	}
	if len(o.dispatchers) == 0 {
		return cfg, cocoon.WithHint(cocoon.Invalid.Errorf("no dispatcher is named"), "--dispatcher REWARDS; /v1/rewards of an index lists them")
	}
	for _, text := range o.dispatchers {
		a, err := cocoon.ParseAccount(text)
		if err != nil {
			return cfg, fmt.Errorf("--dispatcher: %w", err)
		}
		cfg.Channel.Dispatchers = append(cfg.Channel.Dispatchers, a)
	}
	if err = o.attested(&cfg); err != nil {
		return cfg, err
	}
	cfg.Channel.CloseDelay = o.closeDelay
	if o.model != "" {
		cfg.Channel.Model, cfg.Channel.Tokens = cocoon.NewModelID(o.model), o.tokens
	}
	return cfg, o.amounts(&cfg)
}

// attested reads what workers must show.
func (o *clientRun) attested(cfg *daemon.Config) (err error) {
	for _, t := range o.tiers {
		cfg.Tiers = append(cfg.Tiers, attest.Tier(t))
	}
	cfg.Attest.GPUModels = o.gpuModels
	for _, s := range o.tcb {
		status, err := attest.ParseStatus(s)
		if err != nil {
			return fmt.Errorf("--tcb: %w", err)
		}
		cfg.Attest.TCB = append(cfg.Attest.TCB, status)
	}
	for _, p := range o.platforms {
		b, err := hex.DecodeString(p)
		if err != nil || len(b) != 16 {
			return cocoon.Invalid.Errorf("--refuse-platform %q is not 32 hex digits", p)
		}
		cfg.Attest.Platforms = append(cfg.Attest.Platforms, [16]byte(b))
	}
	if o.gpuKeys == "" {
		return nil
	}
	raw, err := os.ReadFile(o.gpuKeys)
	if err != nil {
		return cocoon.NotFound.Errorf("--gpu-keys: %w", err)
	}
	if cfg.Attest.GPU, err = attest.ParseGPUKeys(raw); err != nil {
		return fmt.Errorf("--gpu-keys %s: %w", o.gpuKeys, err)
	}
	return nil
}

// amounts reads the flags that are amounts.
func (o *clientRun) amounts(cfg *daemon.Config) error {
	caps := &cfg.Session.Caps
	for _, a := range []struct {
		flag, text string
		into       []*cocoon.Nano
	}{
		{"--max-price", o.price, []*cocoon.Nano{&caps.Completion, &caps.Reasoning}}, {"--max-prompt-price", o.promptPrice, []*cocoon.Nano{&caps.Prompt, &caps.Cached}},
		{"--min-stake", o.minStake, []*cocoon.Nano{&cfg.Trust.MinStake}}, {"--deposit", o.deposit, []*cocoon.Nano{&cfg.Channel.Deposit}},
		{"--top-up", o.topUp, []*cocoon.Nano{&cfg.Channel.TopUp}}, {"--max-deposit", o.most, []*cocoon.Nano{&cfg.Channel.MaxDeposit}}, {"--daily", o.daily, []*cocoon.Nano{&cfg.Channel.Daily}},
	} {
		n, err := amountFlag(a.flag, a.text)
		if err != nil {
			return err
		}
		for _, into := range a.into {
			*into = n
		}
	}
	half, err := cfg.Channel.Deposit.MulDiv(1, 2)
	cfg.Channel.Standby = half
	return err
}
