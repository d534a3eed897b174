package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newJob(e *env) *cobra.Command {
	return group("job", "Escrow batch jobs and get their results", newJobSubmit(e), newJobStatus(e), newJobDispute(e), newJobCancel(e))
}

// jobOptions lead to the client's side of the market.
type jobOptions struct {
	wallet, dispatcher, data string
}

func (o *jobOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.wallet, "wallet", "wallet", "name or file of the wallet that pays")
	f.StringVar(&o.dispatcher, "dispatcher", "http://127.0.0.1:8080/dispatch", "base URL of the dispatcher's API")
	f.StringVar(&o.data, "data", "", "folder of the jobs' secrets (default: in the home)")
}

// open connects, and is the client with its connection.
func (o *jobOptions) open(ctx context.Context, e *env) (*client.Client, *desk, error) {
	n, err := e.needRegistry()
	if err != nil {
		return nil, nil, err
	}
	p := payer{wallet: o.wallet}
	d, err := p.open(ctx, e, n)
	if err != nil {
		return nil, nil, err
	}
	cfg := client.DefaultConfig()
	cfg.Dispatcher, cfg.Data, cfg.GlobalID, cfg.Registry = o.dispatcher, o.data, d.GlobalID, n.Registry
	if cfg.Data == "" {
		cfg.Data = filepath.Join(e.home, "jobs")
	}
	c, err := client.New(cfg, client.Deps{Chain: client.Proven{Client: d.client, Contract: n.Registry}, Sender: d.wallet, Logger: e.log})
	if err != nil {
		d.client.Close()
		return nil, nil, err
	}
	return c, d, nil
}

type jobSubmit struct {
	jobOptions
	budget, model, out       string
	promptCap, completionCap uint64
	acceptIn, work, review   time.Duration
	approve, attendOnly      bool
}

func newJobSubmit(e *env) *cobra.Command {
	o := jobSubmit{}
	c := &cobra.Command{
		Use:   "submit FILE",
		Short: "Escrow a batch, stay until its result is here",
		Long: `Encrypts FILE, requests in OpenAI's batch format, escrows the budget on chain and
stays until a worker has delivered: the job's key is granted only to a worker that
the chain proves to be registered. The result is written in OpenAI's batch output
format, and the job approved.

If this is stopped, "cocoon job submit --attend JOB" goes on where it was.`,
		Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error { return runJobSubmit(c.Context(), e, o, args[0]) },
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.budget, "budget", "", "TON to escrow; what is not used comes back")
	f.StringVar(&o.model, "model", "", "refuse a batch that asks for another model")
	f.Uint64Var(&o.promptCap, "max-prompt", 1_000_000_000, "nanoTON per million prompt tokens, at most")
	f.Uint64Var(&o.completionCap, "max-completion", 4_000_000_000, "nanoTON per million completion tokens, at most")
	f.DurationVar(&o.acceptIn, "accept-in", 10*time.Minute, "how long a worker may take to accept")
	f.DurationVar(&o.work, "work", 24*time.Hour, "how long the work may take")
	f.DurationVar(&o.review, "review", 24*time.Hour, "how long you may look at the result")
	f.BoolVar(&o.approve, "approve", true, "pay as soon as the result was opened and checked")
	f.BoolVar(&o.attendOnly, "attend", false, "FILE is the address of a job submitted before")
	f.StringVarP(&o.out, "output", "o", "", "file for the results (default: stdout)")
	return c
}

func runJobSubmit(ctx context.Context, e *env, o jobSubmit, file string) error {
	if e.json && o.out == "" {
		return cocoon.WithHint(cocoon.Invalid.Errorf("with --json the results need a file of their own"), "name it with --output FILE")
	}
	var batch []byte
	var job cocoon.Account
	var err error
	terms := client.DefaultTerms()
	if o.attendOnly {
		job, err = cocoon.ParseAccount(file)
	} else {
		batch, terms, err = o.read(file)
	}
	if err != nil {
		return err
	}
	c, d, err := o.open(ctx, e)
	if err != nil {
		return err
	}
	defer d.client.Close()
	if !o.attendOnly {
		if job, err = c.Submit(ctx, bytes.NewReader(batch), terms); err != nil && !job.IsZero() {
			return cocoon.WithHint(err, "cocoon job submit --attend %s", job)
		}
		if err != nil {
			return err
		}
	}
	e.say("job %s: waiting for a worker; to go on later: cocoon job submit --attend %s", job, job)
	return o.attend(ctx, e, c, job)
}

// read checks everything that needs no network.
func (o *jobSubmit) read(file string) ([]byte, client.Terms, error) {
	t := client.DefaultTerms()
	if o.budget == "" {
		return nil, t, cocoon.WithHint(cocoon.Invalid.Errorf("a job needs a budget"), "say how much it may cost at most, as in --budget 0.5")
	}
	var err error
	if t.Budget, err = parseAmount(o.budget); err != nil {
		return nil, t, err
	}
	t.Model, t.AcceptIn, t.Work, t.Review = o.model, o.acceptIn, o.work, o.review
	prompt, completion := cocoon.NanoOf(o.promptCap), cocoon.NanoOf(o.completionCap)
	t.Caps = cocoon.Price{Prompt: prompt, Cached: prompt, Completion: completion, Reasoning: completion}
	batch, err := os.ReadFile(file)
	if err != nil {
		return nil, t, cocoon.Invalid.Errorf("read the batch: %w", err)
	}
	return batch, t, nil
}

type jobDone struct {
	Job      cocoon.Account `json:"job"`
	Provider cocoon.Account `json:"provider"`
	Worker   string         `json:"worker"`
	Answered int            `json:"answered"`
	Lines    int            `json:"lines"`
	Amount   cocoon.Nano    `json:"amount_nano"`
	Usage    cocoon.Usage   `json:"usage"`
	File     string         `json:"file"`
}

func (o *jobSubmit) attend(ctx context.Context, e *env, c *client.Client, job cocoon.Account) error {
	r, err := c.Attend(ctx, job)
	if err != nil {
		return err
	}
	if err = o.write(e.out, r.File); err != nil {
		return err
	}
	if o.approve {
		if err = approve(ctx, c, job); err != nil {
			return err
		}
	}
	if e.json {
		return e.event("job", jobDone{job, r.Provider, r.Worker.String(), r.Answered, r.Lines, r.Amount, r.Usage, o.out})
	}
	e.say("%d of %d requests answered for %s", r.Answered, r.Lines, r.Amount)
	return nil
}

// approve pays for a delivery, unless that is done already.
func approve(ctx context.Context, c *client.Client, job cocoon.Account) error {
	j, err := c.Status(ctx, job)
	if err != nil || j.Phase == wrappers.JobClosed {
		return err
	}
	return c.Approve(ctx, job)
}

func (o *jobSubmit) write(stdout io.Writer, results []byte) error {
	if o.out == "" {
		_, err := stdout.Write(results)
		return err
	}
	if err := os.WriteFile(o.out, results, 0o600); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

func jobCommand(e *env, use, short string, run func(ctx context.Context, c *client.Client, job cocoon.Account) error) *cobra.Command {
	o := jobOptions{}
	c := &cobra.Command{Use: use, Short: short, Args: exactly("JOB"), RunE: func(cmd *cobra.Command, args []string) error {
		job, err := cocoon.ParseAccount(args[0])
		if err != nil {
			return err
		}
		c, d, err := o.open(cmd.Context(), e)
		if err != nil {
			return err
		}
		defer d.client.Close()
		return run(cmd.Context(), c, job)
	}}
	o.flags(c)
	return c
}

type jobShown struct {
	Job    cocoon.Account `json:"job"`
	Status string         `json:"status"`
	Until  uint32         `json:"until"`
	Budget cocoon.Nano    `json:"budget_nano"`
	Amount cocoon.Nano    `json:"amount_nano"`
}

func newJobStatus(e *env) *cobra.Command {
	return jobCommand(e, "status JOB", "Show a job as the chain proves it", func(ctx context.Context, c *client.Client, job cocoon.Account) error {
		j, err := c.Status(ctx, job)
		if err != nil {
			return err
		}
		if j.Phase == wrappers.JobInert {
			return cocoon.NotFound.Errorf("there is no open job at %s", job)
		}
		s := jobShown{Job: job, Status: j.Phase.String(), Until: j.Until, Budget: j.Offer.Money.Budget.Nano}
		if j.Result != nil {
			s.Amount = j.Result.Amount.Nano
		}
		return e.show("job", s, [2]string{"job", job.String()}, [2]string{"status", s.Status}, [2]string{"until", e.when(s.Until, j.Now)},
			[2]string{"budget", s.Budget.String()}, [2]string{"amount", s.Amount.String()})
	})
}

func newJobDispute(e *env) *cobra.Command {
	return jobCommand(e, "dispute JOB", "Have a result judged, or paid in part where the job names no arbiter", func(ctx context.Context, c *client.Client, job cocoon.Account) error {
		if err := c.Dispute(ctx, job); err != nil {
			return err
		}
		return e.show("disputed", struct {
			Job cocoon.Account `json:"job"`
		}{job}, [2]string{"disputed", job.String()})
	})
}

func newJobCancel(e *env) *cobra.Command {
	return jobCommand(e, "cancel JOB", "Take the escrow of a job back that nobody has accepted", func(ctx context.Context, c *client.Client, job cocoon.Account) error {
		if err := c.Cancel(ctx, job); err != nil {
			return err
		}
		return e.show("cancelled", struct {
			Job cocoon.Account `json:"job"`
		}{job}, [2]string{"cancelled", job.String()})
	})
}
