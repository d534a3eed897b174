package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/worker/engine"
)

type engineOptions struct {
	listen string
	faults []string
	cfg    engine.Config
}

func newEngine(e *env) *cobra.Command {
	o := engineOptions{}
	c := &cobra.Command{
		Use:   "engine",
		Short: "Serve the built-in test engine, which needs no GPU",
		Long: `Serves OpenAI's HTTP interface from a deterministic engine that is not a model,
and says so. Without flags it answers at once; with them it takes the time that a
GPU would, for batches of requests as they come, and breaks on purpose. There is
no API key. GET /counters tells what it has done (docs/engine.md).

A fault is KIND[=VALUE][@WHEN]; WHEN is the number of a request, from 1, or a
chance in percent, and without it every request meets the fault. Kinds, with
their default values:

  ` + strings.Join(engine.FaultKinds(), "\n  "),
		Example: `  cocoon engine --model Qwen/Qwen3-32B
  cocoon engine --prefill 8000 --step 6ms --sequence 350us --slots 256    # about one large GPU
  cocoon engine --fault cut=10@3 --fault 503=2s@5% --fault slow-first=4s@1%`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runEngine(c.Context(), e, o) },
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8000", "address of the HTTP interface")
	f.StringSliceVar(&o.cfg.Models, "model", nil, "name of a model it answers for; may be repeated (default: any)")
	f.Uint64Var(&o.cfg.Seed, "seed", 0, "of filler, log probabilities and chances of faults")
	f.IntVar(&o.cfg.Answer, "answer", 0, "tokens of an answer that no limit cuts; 0 is a short notice")
	f.Float64Var(&o.cfg.Reasoning, "reasoning", 0, "share of a chat's tokens that are reasoning_content, 0 to 0.9")
	f.IntVar(&o.cfg.Cache, "cache", 0, "prompt tokens whose prefixes are remembered and counted as cached")
	f.IntVar(&o.cfg.Cost.Prefill, "prefill", 0, "prompt tokens computed in a second; 0 takes no time")
	f.IntVar(&o.cfg.Cost.Chunk, "chunk", 0, "most prompt tokens of one step (default 2048)")
	f.DurationVar(&o.cfg.Cost.Step, "step", 0, "time of a step, in which every running answer gets a token")
	f.DurationVar(&o.cfg.Cost.Sequence, "sequence", 0, "what each running answer adds to a step")
	f.IntVar(&o.cfg.Cost.Slots, "slots", 0, "answers at once; 0 is any number")
	f.IntVar(&o.cfg.Cost.Queue, "queue", 0, "requests that may wait for a slot, more get 503; 0 is any number")
	f.StringArrayVar(&o.faults, "fault", nil, "a way to break, as above; may be repeated")
	return c
}

type engineStarted struct {
	URL    string   `json:"url"`
	Models []string `json:"models"` // none: any
}

func runEngine(ctx context.Context, e *env, o engineOptions) error {
	if err := checkListen("--listen", o.listen); err != nil {
		return err
	}
	for _, text := range o.faults {
		f, err := engine.ParseFault(text)
		if err != nil {
			return err
		}
		o.cfg.Faults = append(o.cfg.Faults, f)
	}
	eng, err := engine.Open(o.cfg)
	if err != nil {
		return err
	}
	s, err := engine.Listen(o.listen, eng)
	if err != nil {
		return cocoon.WithHint(err, "choose another address with --listen")
	}
	started := engineStarted{s.URL() + "/v1", append([]string{}, o.cfg.Models...)}
	if err = e.show("engine", started, [2]string{"url", started.URL}, [2]string{"models", strings.Join(started.Models, " ")}); err != nil {
		return err
	}
	e.say("serving a test engine, which is not a model; Ctrl-C stops it")
	err = s.Run(ctx)
	c := eng.Counters()
	e.say("requests: %d started, %d finished, %d failed, %d cancelled; %d tokens made", c.Started, c.Finished, c.Failed, c.Cancelled, c.Tokens)
	return err
}
