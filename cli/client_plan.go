package cli

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// planOptions are what a developer knows, and what nobody does: rates are not on chain.
type planOptions struct {
	api, model             string
	requests, in, out      uint64
	decode, prefill, peaks float64
}

func newClientPlan(e *env) *cobra.Command {
	o := planOptions{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what a load would cost, and whether workers are registered for it",
		Long: `Asks an index which workers are registered for a model, and answers with their
capacity, the price of a day, what to fund a channel with and what is short first.

Workers register how many requests they take at a time, not how fast they are, so
that --decode and --prefill are assumptions, for each such request. --peak is how much busier than the
mean the busiest hour is. What others declare to need counts as taken.`,
		Example: "  cocoon client plan --model Qwen/Qwen3-32B --requests 50000 --in 800 --out 300",
		Args:    exactly(),
		RunE:    func(c *cobra.Command, _ []string) error { return runClientPlan(c.Context(), e, o) },
	}
	f := c.Flags()
	f.StringVar(&o.api, "api", "http://127.0.0.1:8080", "base URL of an indexer's API")
	f.StringVar(&o.model, "model", "", "name of the model")
	f.Uint64Var(&o.requests, "requests", 0, "requests a day")
	f.Uint64Var(&o.in, "in", 1000, "mean tokens of a prompt")
	f.Uint64Var(&o.out, "out", 300, "mean tokens of an answer")
	f.Float64Var(&o.decode, "decode", 30, "assumed: tokens a second of one answer")
	f.Float64Var(&o.prefill, "prefill", 2000, "assumed: prompt tokens a second of one request")
	f.Float64Var(&o.peaks, "peak", 3, "assumed: the busiest hour over the mean")
	return c
}

// planned is the answer. Slots are requests at a time.
type planned struct {
	Model         string      `json:"model"`
	Requests      uint64      `json:"requests_day"`
	In            uint64      `json:"tokens_in"`
	Out           uint64      `json:"tokens_out"`
	Decode        float64     `json:"assumed_decode"`
	Prefill       float64     `json:"assumed_prefill"`
	Peak          float64     `json:"assumed_peak"`
	Workers       int         `json:"workers"`
	Owners        int         `json:"providers"`
	Slots         uint64      `json:"slots"`
	SlotsDeclared uint64      `json:"slots_declared"`
	SlotsNeeded   uint64      `json:"slots_needed"`
	Capacity      uint64      `json:"capacity_requests_day"`
	Price         cocoon.Nano `json:"price_request_nano"`
	PriceDay      cocoon.Nano `json:"price_day_nano"`
	Deposit       cocoon.Nano `json:"deposit_nano"`
	Settled       cocoon.Nano `json:"settled_week_nano"`
	Bottleneck    string      `json:"bottleneck"`
}

func (o *planOptions) validate() error {
	const most = 1e12
	switch {
	case o.model == "" || o.requests == 0:
		return cocoon.WithHint(cocoon.Invalid.Errorf("a plan needs a model and a number of requests a day"), "--model NAME --requests N; /v1/models of an index lists models")
	case o.in == 0 || o.out == 0 || o.in > most || o.out > most || o.requests > most:
		return cocoon.Invalid.Errorf("--requests, --in and --out are from 1 to 10^12")
	case !(o.decode > 0 && o.prefill > 0 && o.peaks >= 1) || math.IsInf(o.decode+o.prefill+o.peaks, 0):
		return cocoon.Invalid.Errorf("--decode and --prefill are above 0, --peak is 1 or more")
	}
	return nil
}

func runClientPlan(ctx context.Context, e *env, o planOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	l := &librarian{strings.TrimRight(o.api, "/"), &http.Client{Timeout: 30 * time.Second}}
	workers, err := fetch[market.Worker](ctx, l, "/v1/workers")
	if err != nil {
		return err
	}
	demand, err := fetch[market.ModelDemand](ctx, l, "/v1/demand")
	if err != nil {
		return err
	}
	days, err := fetch[market.Rollup](ctx, l, "/v1/rollups?period=day")
	if err != nil {
		return err
	}
	p, err := o.plan(workers, demand, days)
	if err != nil {
		return err
	}
	return e.show("plan", p, [2]string{"workers", fmt.Sprintf("%d of %d providers", p.Workers, p.Owners)},
		[2]string{"at a time", fmt.Sprintf("%d registered, %d declared by others, %d needed", p.Slots, p.SlotsDeclared, p.SlotsNeeded)},
		[2]string{"capacity", strconv.FormatUint(p.Capacity, 10) + " such requests a day"}, [2]string{"a request", p.Price.String()},
		[2]string{"a day", p.PriceDay.String()}, [2]string{"fund with", p.Deposit.String()}, [2]string{"settled in 7 days", p.Settled.String() + ", all models"}, [2]string{"bottleneck", p.Bottleneck},
		[2]string{"assumed", fmt.Sprintf("%g tokens/s of answers, %g of prompts, a peak of %g", p.Decode, p.Prefill, p.Peak)})
}

// offer is a worker's, as far as the plan is concerned.
type offer struct {
	owner cocoon.Account
	slots uint64
	price cocoon.Price
	cost  cocoon.Nano // of a request
}

// plan is what workers that are registered, and the demand that is declared, come to.
func (o *planOptions) plan(workers []market.Worker, demand []market.ModelDemand, days []market.Rollup) (p planned, err error) {
	id := cocoon.NewModelID(o.model)
	p = planned{Model: o.model, Requests: o.requests, In: o.in, Out: o.out, Decode: o.decode, Prefill: o.prefill, Peak: o.peaks}
	offers, err := o.offers(workers, id)
	if err != nil {
		return p, err
	}
	owners := map[cocoon.Account]bool{}
	for _, f := range offers {
		p.Workers, p.Slots, owners[f.owner] = p.Workers+1, p.Slots+f.slots, true
	}
	p.Owners = len(owners)
	seconds := float64(o.in)/o.prefill + float64(o.out)/o.decode
	p.SlotsNeeded = ceil(float64(o.requests) * seconds * o.peaks / 86_400)
	for _, d := range demand {
		if tokens, ok := new(big.Float).SetString(d.Tokens); ok && d.Model == id {
			declared, _ := tokens.Float64()
			p.SlotsDeclared = ceil(declared / o.decode * o.peaks / 86_400)
		}
	}
	free := p.Slots - min(p.Slots, p.SlotsDeclared)
	p.Capacity = uint64(float64(free) * 86_400 / seconds / o.peaks)
	p.Bottleneck = p.short(free)
	if p.Settled, err = settledOf(days); err != nil || len(offers) == 0 {
		return p, err
	}
	return p, o.prices(&p, offers)
}

func ceil(n float64) uint64 { return uint64(min(math.Ceil(n), 1e18)) }

// settledOf is what channels paid in the last seven days that there are.
func settledOf(days []market.Rollup) (sum cocoon.Nano, err error) {
	for _, d := range days[max(0, len(days)-7):] {
		if sum, err = sum.Add(d.Settled); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// short is what stands in the way first.
func (p *planned) short(free uint64) string {
	switch {
	case p.Workers == 0:
		return "no worker is registered for the model"
	case p.SlotsNeeded > p.Slots:
		return "workers: fewer requests at a time are registered than needed"
	case p.SlotsNeeded > free:
		return "declared demand of others leaves too little"
	case p.Owners < 2:
		return "one provider alone: nobody takes over when it is gone"
	}
	return "none"
}

// offers are active workers for the model, the cheapest for such a request first.
func (o *planOptions) offers(workers []market.Worker, id cocoon.ModelID) (list []offer, err error) {
	for _, w := range workers {
		i := slices.IndexFunc(w.Models, func(m market.ModelOffer) bool { return m.Model == id })
		if w.RetiredAt != 0 || w.Slashed || i < 0 {
			continue
		}
		f := offer{owner: w.Provider, slots: uint64(w.Concurrency), price: w.Models[i].Price}
		if f.cost, err = f.price.Cost(cocoon.Usage{Prompt: o.in, Completion: o.out}); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b offer) int { return a.cost.Cmp(b.cost) })
	return list, nil
}

// bytesOfToken is what a prompt's token has at a guess: reserves are by bytes.
const bytesOfToken = 4

// prices are those of the dearest worker among the cheapest that suffice.
func (o *planOptions) prices(p *planned, offers []offer) (err error) {
	dearest, slots := offers[0], uint64(0)
	for _, f := range offers {
		if slots >= p.SlotsNeeded {
			break
		}
		dearest, slots = f, slots+f.slots
	}
	p.Price = dearest.cost
	if p.PriceDay, err = p.Price.Mul(o.requests); err != nil {
		return err
	}
	open, err := dearest.price.Cost(cocoon.Usage{Prompt: o.in * bytesOfToken, Completion: max(o.out, bound.Slice)})
	if err != nil {
		return err
	}
	if open, err = open.Mul(p.SlotsNeeded); err != nil {
		return err
	}
	p.Deposit, err = p.PriceDay.Add(open)
	return err
}
