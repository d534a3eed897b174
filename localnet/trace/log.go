package trace

import (
	"fmt"
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
		w.row("", "%s", w.warn("executed again it came out different: it read what is not known here, as the libraries or earlier blocks"))
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
	stack := s.Stack
	hidden := ""
	if cut := len(stack) - shownStack; cut > 0 {
		stack, hidden = stack[cut:], fmt.Sprintf("%d more … ", cut)
	}
	w.linef("  %6d %9d  %s  %s", s.N, s.Gas, op, w.dim("["+hidden+strings.Join(stack, " ")+"]"))
}
