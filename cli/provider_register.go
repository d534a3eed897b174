package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

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
	c.Long = `Registers the machine whose key is --worker-key under your provider, or changes
its record where it is registered already. The stake has to cover all its GPUs,
and the registry has to list its models.`
	c.Example = `  cocoon provider register --gpu "NVIDIA H100" --vram 81920 --model Qwen/Qwen3-32B=50000000/200000000`
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
	operator, err := e.loadKey(w.operator, "appoint one with: cocoon provider operator")
	if err != nil {
		return err
	}
	worker, keep, err := e.loadOrMakeKey(w.key)
	if err != nil {
		return err
	}
	m, err := d.PutWorker(ctx, b, operator, worker, r, d.account)
	if err != nil {
		return err
	}
	if err = keep(); err != nil {
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
