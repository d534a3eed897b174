package cli

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newNetwork(e *env) *cobra.Command {
	return group("network", "Found a market of your own, and change it", newNetworkDeploy(e), newNetworkStatus(e), newNetworkAnnounce(e), newNetworkApply(e),
		newNetworkRetract(e), newNetworkSuspend(e), newNetworkTakeOwnership(e))
}

type networkDeploy struct {
	payer
	delay    time.Duration
	treasury string
	models   []string
	quick    bool
}

func newNetworkDeploy(e *env) *cobra.Command {
	o := networkDeploy{}
	c := &cobra.Command{
		Use:   "deploy",
		Short: "Deploy a registry with terms and models, and launch it",
		Long: `Deploys a registry owned by your wallet, publishes terms and models in it, and
launches it: from then on every change is announced one delay before it counts.
The network file of this home then names the registry.

On localnet the terms are those for trying things out, in minutes rather than
days, and the image of the simulated TEE is listed; elsewhere say --quick for such
terms, and list images with: cocoon network announce image`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runNetworkDeploy(c.Context(), e, o) },
	}
	o.flags(c.Flags())
	c.Flags().DurationVar(&o.delay, "delay", 0, "how long changes wait (default: 7 days, on localnet 30 s)")
	c.Flags().StringVar(&o.treasury, "treasury", "", "address of the network's share (default: the paying wallet)")
	c.Flags().StringArrayVar(&o.models, "model", []string{"Qwen/Qwen3-32B", "deepseek-ai/DeepSeek-V3"}, "a model that may be served; repeatable")
	c.Flags().BoolVar(&o.quick, "quick", false, "terms for trying things out")
	return c
}

type deployed struct {
	Registry    cocoon.Account `json:"registry"`
	NetworkFile string         `json:"network_file"`
}

func runNetworkDeploy(ctx context.Context, e *env, o networkDeploy) error {
	n, err := e.loadNetwork()
	if err != nil {
		return err
	}
	if filepath.Base(n.Name) != n.Name {
		return cocoon.Invalid.Errorf("the network file names its network %q, which cannot be the name of a file", n.Name)
	}
	rules, err := o.rules(n.Name)
	if err != nil {
		return err
	}
	treasury, err := o.payee()
	if err != nil {
		return err
	}
	d, err := o.open(ctx, e, n)
	if err != nil {
		return err
	}
	defer d.client.Close()
	if treasury.IsZero() {
		treasury = d.account
	}
	registry, messages, err := d.Deploy(ctx, wrappers.RegistryBirth{Owner: d.account, Delay: rules.Delay}, rules, treasury, o.models...)
	if err != nil {
		return err
	}
	if err = d.send(ctx, e, "deploy registry "+registry.String(), messages...); err != nil || d.wallet == nil {
		return err
	}
	if _, err = d.client.WaitAccount(ctx, registry, isLaunched); err != nil {
		return err
	}
	known := d.client.Network()
	known.Registry = registry
	file := e.networkFile(known.Name)
	if err = os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err = known.Save(file); err != nil {
		return err
	}
	return e.show("deployed", deployed{registry, file}, [2]string{"registry", registry.String()}, [2]string{"network file", file})
}

func isLaunched(a chain.Account) bool {
	if a.Data == nil {
		return false
	}
	r, err := wrappers.DecodeRegistry(a.Data)
	return err == nil && r.Launched
}

// rules are those to found a network of that name with.
func (o *networkDeploy) rules(network string) (action.Rules, error) {
	r := action.RealRules()
	if o.quick || network == "localnet" {
		r = action.QuickRules()
	}
	if o.delay == 0 {
		return r, nil
	}
	if o.delay < time.Second || o.delay > 365*24*time.Hour {
		return r, cocoon.Invalid.Errorf("--delay %s is not between a second and a year", o.delay)
	}
	r.Delay = uint32(o.delay / time.Second)
	return r, nil
}

// payee gets the network's share; nobody where the flag names nobody.
func (o *networkDeploy) payee() (cocoon.Account, error) {
	if o.treasury == "" {
		return cocoon.Account{}, nil
	}
	return cocoon.ParseAccount(o.treasury)
}
