package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// figures are ratios to the reverse proxy, and milliseconds more than asking the
// engine itself takes; medians of the rounds. A part that was left out is zero.
type figures struct {
	Burst1     float64 `json:"burst_c1"`
	Burst16    float64 `json:"burst_c16"`
	Burst64    float64 `json:"burst_c64"`
	Bare1      float64 `json:"bare_burst_c1"` // the same hops over the same bus, which only carry
	Bare16     float64 `json:"bare_burst_c16"`
	Bare64     float64 `json:"bare_burst_c64"`
	CPU        float64 `json:"cpu_ratio"`
	TTFT       float64 `json:"added_ttft_ms"`
	PerToken   float64 `json:"added_ms_per_token"` // without a window
	ProxyTTFT  float64 `json:"proxy_added_ttft_ms"`
	ProxyToken float64 `json:"proxy_added_ms_per_token"`

	InProcess1     float64 `json:"roundtripper_burst_c1"` // client.Transport, which saves a hop
	InProcess16    float64 `json:"roundtripper_burst_c16"`
	InProcess64    float64 `json:"roundtripper_burst_c64"`
	InProcessTTFT  float64 `json:"roundtripper_added_ttft_ms"`
	InProcessToken float64 `json:"roundtripper_added_ms_per_token"`
}

// side is one way to the engine.
type side struct {
	name      string
	generator *process
	url, key  string
	carriers  []*process // between generator and engine
}

// result is what one turn of a side came to.
type result struct {
	outcome
	cpu   float64   // microseconds of the carriers for 100 tokens
	parts []float64 // of each of them
}

func run(ctx context.Context, o options) (f figures, err error) {
	if o.only != "" && o.only != "burst" && o.only != "paced" {
		return f, fmt.Errorf("-only %q is neither burst nor paced", o.only)
	}
	note("%d rounds; load of the machine before: %s", o.rounds, load())
	b, err := open(ctx, o)
	defer func() { err = errors.Join(err, b.close()) }()
	if err != nil {
		return f, err
	}
	if o.only != "paced" {
		for _, c := range []struct {
			streams             int
			path, program, bare *float64
		}{{1, &f.Burst1, &f.InProcess1, &f.Bare1}, {16, &f.Burst16, &f.InProcess16, &f.Bare16}, {64, &f.Burst64, &f.InProcess64, &f.Bare64}} {
			by, err := b.bursts(ctx, c.streams)
			if err != nil {
				return f, err
			}
			for name, to := range map[string]*float64{"cocoon": c.path, "roundtripper": c.program, "bare": c.bare} {
				*to = compare(by[name], by["proxy"], ratio(rateOf))
			}
		}
	}
	if o.only != "burst" {
		err = b.paced(ctx, &f)
	}
	note("load of the machine after: %s", load())
	return f, err
}

// load is how many processes want a core, of late.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(raw))[:3], " ")
}

func (b *bench) sides(c crew) []side {
	return []side{{"direct", b.load, b.engine + "/v1", "none", nil}, {"proxy", b.load, b.proxy + "/v1", "none", b.hops},
		{"cocoon", b.load, b.daemon, b.key, slices.Concat(b.path, b.crew[c.model])}, {"roundtripper", b.keeper, "http://localhost/v1", b.keeperKey, nil}}
}

// rounds has every side, and more, do a turn in each round, one after the other, after one
// that does not count: connections, pools and contexts are there then.
func (b *bench) rounds(ctx context.Context, what string, c crew, t turn, more ...side) (map[string][]result, error) {
	by, sides := map[string][]result{}, append(b.sides(c), more...)
	t.Model = c.model
	for round := range b.o.rounds + 1 {
		for _, s := range sides {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r, err := s.play(t)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", what, err)
			}
			if round > 0 {
				by[s.name] = append(by[s.name], r)
			}
		}
	}
	for _, s := range sides {
		of := func(get func(result) float64) float64 { return medianOf(by[s.name], get) }
		note("%-22s %-12s %7.0f requests/s  first token %7.2f ms (p99 %7.2f)  later ones %6.2f ms  carriers %6.0f us of a core for 100 tokens  %.0f refused", what, s.name,
			of(rateOf), of(ttftOf), of(func(r result) float64 { return r.TTFT99 }), of(transitOf), of(cpuOf), of(func(r result) float64 { return float64(r.Refused) }))
		for i, p := range s.carriers {
			note("%-22s %-12s %6.0f us of it: %s", "", "", of(func(r result) float64 { return r.parts[i] }), p.name)
		}
	}
	return by, nil
}

func (s side) play(t turn) (r result, err error) {
	t.URL, t.Key = s.url, s.key
	before, err := cpu(s.carriers)
	if err != nil {
		return r, err
	}
	if r.outcome, err = s.generator.play(t); err != nil {
		return r, err
	}
	after, err := cpu(s.carriers)
	for i := range after {
		part := float64((after[i] - before[i]).Microseconds()) * 100 / float64(max(r.Tokens, 1))
		r.cpu, r.parts = r.cpu+part, append(r.parts, part)
	}
	return r, err
}

func rateOf(r result) float64    { return r.Rate }
func ttftOf(r result) float64    { return r.TTFT }
func transitOf(r result) float64 { return r.Transit }
func cpuOf(r result) float64     { return r.cpu }

func medianOf(all []result, get func(result) float64) float64 {
	values := make([]float64, len(all))
	for i, r := range all {
		values[i] = get(r)
	}
	return median(values)
}

// compare is the median of a comparison of two sides in the same round.
func compare(a, b []result, of func(a, b result) float64) float64 {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = of(a[i], b[i])
	}
	return median(values)
}

func ratio(get func(result) float64) func(a, b result) float64 {
	return func(a, b result) float64 { return get(a) / get(b) }
}

func more(get func(result) float64) func(a, b result) float64 {
	return func(a, b result) float64 { return get(a) - get(b) }
}

// bursts are answers as fast as they can be carried, by side.
func (b *bench) bursts(ctx context.Context, streams int) (map[string][]result, error) {
	return b.rounds(ctx, fmt.Sprintf("burst, %d at a time", streams), windowed, turn{Streams: streams, For: b.o.burst, Tokens: b.o.tokens, Prompt: b.o.prompt},
		side{"bare", b.load, b.bareURL + "/v1", "none", b.bare})
}

// paced are answers at the speed of an engine: with the window, for what it
// costs, and without, for how long a token takes.
func (b *bench) paced(ctx context.Context, f *figures) error {
	t := turn{Streams: b.o.streams, For: b.o.paced, Tokens: b.o.tokens, Prompt: b.o.prompt, Pace: b.o.pace}
	by, err := b.rounds(ctx, "paced", windowed, t)
	if err != nil {
		return err
	}
	f.CPU = compare(by["cocoon"], by["proxy"], ratio(cpuOf))
	f.TTFT = compare(by["cocoon"], by["direct"], more(ttftOf))
	f.ProxyTTFT = compare(by["proxy"], by["direct"], more(ttftOf))
	f.InProcessTTFT = compare(by["roundtripper"], by["direct"], more(ttftOf))
	if by, err = b.rounds(ctx, "paced, without window", immediate, t); err != nil {
		return err
	}
	f.PerToken = compare(by["cocoon"], by["direct"], more(transitOf))
	f.ProxyToken = compare(by["proxy"], by["direct"], more(transitOf))
	f.InProcessToken = compare(by["roundtripper"], by["direct"], more(transitOf))
	return nil
}
