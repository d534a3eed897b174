package trace

import (
	"fmt"
	"math/big"
	"strings"
)

// log writes actions and the end of the machine's log.
func (w *writer) log(v *View) {
	for i, a := range v.Log.Commands {
		w.row(fmt.Sprintf("action %d", i), "%s", a)
	}
	steps, ran := v.Log.Steps, v.Log.Earlier
	for _, s := range steps {
		if s.Op != "" {
			ran++
		}
	}
	n := w.style.Steps
	if n == 0 {
		n = 20
	}
	title := fmt.Sprintf("%d steps", ran)
	if n > 0 && len(steps) > n {
		steps = steps[len(steps)-n:]
	}
	if len(steps) < ran {
		title += fmt.Sprintf(", the last %d", len(steps))
	}
	w.row("log", "%s", title)
	if !v.Log.Exact {
		w.row("", "%s", w.warn("executed again it came out different: it read what is not known here, as earlier blocks"))
	}
	for i, s := range steps {
		w.step(s, i == len(steps)-1 && v.Compute != nil && !v.Compute.Success)
	}
	if c := v.Compute; c != nil && c.Skipped == "" {
		w.linef("  %s", withText(fmt.Sprintf("exit %d", c.Exit), c.Text))
	}
}

// shownStack is how much of the stack is written with a step.
const shownStack = 5

func (w *writer) step(s Step, failing bool) {
	if s.Op == "" {
		w.linef("  %6s %9s  %s", "", "", w.dim(s.Note))
		return
	}
	op := fmt.Sprintf("%-24s", s.Op)
	if failing {
		op = w.bad(op)
	}
	var stack []string
	hidden := max(0, len(s.Stack)-shownStack)
	for _, v := range s.Stack[hidden:] {
		stack = append(stack, shortValue(v))
	}
	if hidden > 0 {
		stack = append([]string{fmt.Sprintf("%d more …", hidden)}, stack...)
	}
	w.linef("  %6d %9d  %s  %s", s.N, s.Gas, op, w.dim("["+strings.Join(stack, " ")+"]"))
}

// shortValue writes large numbers, which are keys, hashes and addresses, as the
// ends of their hexadecimal digits.
func shortValue(s string) string {
	if len(s) <= 20 {
		return s
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return s
	}
	return brief(fmt.Sprintf("%#x", n))
}
