package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Fault is a way to break, and when. With neither Nth nor Chance it happens to
// every request.
type Fault struct {
	Kind   string        // one of FaultKinds()
	Wait   time.Duration // of kinds that take a duration
	Count  int           // of kinds that take a number
	Nth    uint64        // this request alone, counted from 1 as they start; 0: any
	Chance float64       // of each request, 0 to 1, drawn from the engine's seed and the request's number
}

type unit int

const (
	bare unit = iota
	duration
	number
)

// faultKind is what a kind takes, what that is by default, and what it does.
type faultKind struct {
	name  string
	takes unit
	wait  time.Duration
	count int
	does  string
}

const (
	maxWait  = 24 * time.Hour
	maxCount = 1 << 26
)

var faultKinds = []faultKind{
	{"slow-first", duration, time.Second, 0, "wait before the first token"},
	{"slow-steps", duration, 100 * time.Millisecond, 0, "wait after each token"},
	{"429", duration, time.Second, 0, "answer 429 with this Retry-After"},
	{"500", bare, 0, 0, "answer 500"},
	{"503", duration, time.Second, 0, "answer 503 with this Retry-After"},
	{"cut", number, 0, 4, "close the connection after so many tokens, in the middle of an event; 0: before anything is sent"},
	{"error", number, 0, 4, "send an error event after so many tokens and end; without a stream, answer 500"},
	{"hang", number, 0, 0, "never go on after so many tokens, until the client goes away"},
	{"no-done", bare, 0, 0, "end a stream without [DONE]"},
	{"usage-over", number, 0, 100, "count so many completion tokens too many"},
	{"usage-under", number, 0, 100, "count so many completion tokens too few, but not below 0"},
	{"usage-missing", bare, 0, 0, "leave the usage out"},
	{"sse-split", bare, 0, 0, "two data lines an event, each sent in two halves"},
	{"sse-crlf", bare, 0, 0, "end lines with CR LF"},
	{"sse-comments", bare, 0, 0, "a comment and an unknown field with each event"},
	{"sse-garbage", bare, 0, 0, "an event that is no JSON after the first"},
	{"sse-huge", number, 0, 1 << 20, "a line of about so many bytes"},
}

// FaultKinds lists the kinds for people: each with what it takes by default, and
// what it does.
func FaultKinds() []string {
	var out []string
	for _, k := range faultKinds {
		name := k.name
		switch k.takes {
		case duration:
			name += "=" + k.wait.String()
		case number:
			name += "=" + strconv.Itoa(k.count)
		}
		out = append(out, fmt.Sprintf("%-16s %s", name, k.does))
	}
	return out
}

func kindNamed(name string) (faultKind, bool) {
	i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.name == name })
	if i < 0 {
		return faultKind{}, false
	}
	return faultKinds[i], true
}

// ParseFault reads KIND[=VALUE][@WHEN]. VALUE is a duration or a number; WHEN
// is the number of a request, or a chance in percent: "cut=10@3", "503=2s@0.5%".
func ParseFault(text string) (Fault, error) {
	what, when, timed := strings.Cut(text, "@")
	name, value, valued := strings.Cut(what, "=")
	k, known := kindNamed(name)
	if !known {
		return Fault{}, cocoon.WithHint(cocoon.Invalid.Errorf("unknown fault %q", name), "the kinds are in: cocoon engine --help")
	}
	f := Fault{Kind: name, Wait: k.wait, Count: k.count}
	if valued {
		if err := f.setValue(k, value); err != nil {
			return Fault{}, err
		}
	}
	if timed {
		if err := f.setWhen(when); err != nil {
			return Fault{}, err
		}
	}
	return f, f.validate()
}

func (f *Fault) setValue(k faultKind, text string) (err error) {
	switch k.takes {
	case duration:
		f.Wait, err = time.ParseDuration(text)
	case number:
		f.Count, err = strconv.Atoi(text)
	default:
		return cocoon.Invalid.Errorf("fault %s takes no value", f.Kind)
	}
	if err != nil {
		return cocoon.Invalid.Errorf("fault %s: %q is not a value as in %s", f.Kind, text, Fault{Kind: k.name, Wait: k.wait, Count: k.count})
	}
	return nil
}

func (f *Fault) setWhen(text string) (err error) {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		f.Chance, err = strconv.ParseFloat(percent, 64)
		f.Chance /= 100
	} else {
		f.Nth, err = strconv.ParseUint(text, 10, 64)
	}
	if err != nil || f.Chance == 0 && f.Nth == 0 {
		return cocoon.Invalid.Errorf("fault %s: %q is neither the number of a request, from 1, nor a chance as in 10%%", f.Kind, text)
	}
	return nil
}

func (f Fault) validate() error {
	k, known := kindNamed(f.Kind)
	switch {
	case !known:
		return cocoon.Invalid.Errorf("unknown fault %q", f.Kind)
	case f.Wait < 0 || f.Wait > maxWait || f.Wait != 0 && k.takes != duration:
		return cocoon.Invalid.Errorf("fault %s cannot last %s", f.Kind, f.Wait)
	case f.Count < 0 || f.Count > maxCount || f.Count != 0 && k.takes != number:
		return cocoon.Invalid.Errorf("fault %s cannot count %d", f.Kind, f.Count)
	case !(f.Chance >= 0 && f.Chance <= 1) || f.Chance > 0 && f.Nth > 0:
		return cocoon.Invalid.Errorf("fault %s has a chance of 0 to 100%%, or the number of a request", f.Kind)
	}
	return nil
}

// String is f as ParseFault reads it.
func (f Fault) String() string {
	text := f.Kind
	switch k, _ := kindNamed(f.Kind); k.takes {
	case duration:
		text += "=" + f.Wait.String()
	case number:
		text += "=" + strconv.Itoa(f.Count)
	}
	switch {
	case f.Nth > 0:
		text += "@" + strconv.FormatUint(f.Nth, 10)
	case f.Chance > 0:
		text += "@" + strconv.FormatFloat(f.Chance*100, 'f', -1, 64) + "%"
	}
	return text
}
