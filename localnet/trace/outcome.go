package trace

import (
	"fmt"
	"strings"
	"unicode"
)

// conclude says in a few words how the transaction went.
func (v *View) conclude() {
	c, a := v.Compute, v.Action
	switch {
	case c == nil:
		v.Outcome = v.Kind
	case c.Skipped != "":
		v.Outcome = "skipped " + c.Skipped
		// money for an account without code is no failure, unless it goes back
		v.Failed = c.Skipped != "no_state" || v.Bounce != nil
	case !c.Success:
		v.Outcome, v.Failed = withText(fmt.Sprintf("exit %d", c.Exit), c.Text), true
	case a != nil && !a.Success:
		v.Outcome, v.Failed = withText(fmt.Sprintf("action %d", a.Code), a.Text), true
	case v.Aborted:
		v.Outcome, v.Failed = "aborted", true
	default:
		v.Outcome = "ok"
	}
	v.mark()
}

func withText(code, text string) string { return strings.TrimSpace(code + " " + text) }

// mark notes what happened to the account beside the run.
func (v *View) mark() {
	add := func(when bool, mark string) {
		if when {
			v.Marks = append(v.Marks, mark)
		}
	}
	add(v.Before != "active" && v.Before != "frozen" && v.After == "active", "deployed")
	add(v.Before == "frozen" && v.After == "active", "unfrozen")
	add(v.Before != "frozen" && v.After == "frozen", "frozen")
	add(v.Destroyed || v.Before != "nonexist" && v.After == "nonexist", "destroyed")
	if a := v.Action; a != nil {
		add(a.Skipped > 0, fmt.Sprintf("%d of %d actions skipped", a.Skipped, a.Total))
	}
	if v.Bounce != nil {
		add(v.Bounce.Kind == "ok", "bounced back")
		add(v.Bounce.Kind != "ok", "could not bounce: "+v.Bounce.Kind)
	}
}

// printable keeps what a stranger wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
