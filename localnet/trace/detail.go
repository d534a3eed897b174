package trace

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// WriteText writes the transaction with everything that is known of it.
func (v *View) WriteText(to io.Writer, s Style) error {
	w := newWriter(to, s)
	w.row("transaction", "%s", v.Tx)
	w.row("account", "%s", full(v.Account, v.Name))
	w.row("time", "%s, lt %d", time.Unix(int64(v.Now), 0).UTC().Format(time.RFC3339), v.LT)
	w.row("kind", "%s", v.Kind)
	w.row("status", "%s → %s", v.Before, v.After)
	w.row("outcome", "%s", strings.Join(append([]string{w.outcome(v)}, v.Marks...), ", "))
	w.row("fees", "%s", v.Fees.full())
	if v.In != nil {
		w.message("in", v.In)
	}
	w.storage(v.Storage)
	w.credit(v.Credit)
	w.compute(v.Compute)
	w.action(v.Action)
	w.bounce(v.Bounce)
	for i, m := range v.Out {
		w.message(fmt.Sprintf("out %d", i), m)
	}
	if v.Log != nil {
		w.log(v)
	}
	return w.Flush()
}

// row is one figure with its name; what is within something has a name that
// begins with spaces.
func (w *writer) row(name, format string, args ...any) {
	if !strings.HasPrefix(name, " ") {
		name = w.bold(fmt.Sprintf("%-17s", name))
	}
	w.linef("%-17s %s", name, fmt.Sprintf(format, args...))
}

func (w *writer) amount(name string, n *Nano) {
	if n != nil {
		w.row(name, "%s", n.full())
	}
}

func full(address, name string) string {
	switch {
	case address == "":
		return "none"
	case name == "":
		return address
	}
	return address + " (" + name + ")"
}

func (w *writer) message(title string, m *MessageView) {
	w.row(title, "%s %s", m.Kind, m.Hash)
	w.row("  from", "%s", full(m.From, m.FromName))
	w.row("  to", "%s", full(m.To, m.ToName))
	w.amount("  value", m.Value)
	for _, amount := range m.extras() {
		w.row("  value", "%s", amount)
	}
	w.amount("  forward fee", m.ForwardFee)
	w.amount("  import fee", m.ImportFee)
	if m.Kind != "external_in" {
		w.row("  created", "lt %d, %s", m.CreatedLT, time.Unix(int64(m.CreatedAt), 0).UTC().Format(time.RFC3339))
	}
	if m.Kind == "internal" {
		w.row("  flags", "bounce %t, bounced %t%s", m.Bounce, m.Bounced, prefixed(", extra flags ", m.ExtraFlags))
	}
	if m.Init != "" {
		w.row("  brings a state", "code %s", m.Init)
	}
	w.body(m)
}

func prefixed(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

func (w *writer) body(m *MessageView) {
	if m.Op != "" {
		w.row("  operation", "%s", strings.TrimSpace(m.Op+" "+m.Operation))
	}
	if m.Comment != "" {
		w.row("  comment", "%q", m.Comment)
	}
	for _, f := range m.Fields {
		w.row("    "+f[0], "%s", printable(f[1]))
	}
	if m.Body == "" {
		w.row("  body", "empty")
		return
	}
	for i, line := range strings.Split(strings.TrimRight(m.body.Dump(maxDump), "\n"), "\n") {
		w.row([]string{"  body", "  "}[min(i, 1)], "%s", line)
	}
}

// maxDump is how much of a body is written, in characters.
const maxDump = 2048

// extras are amounts of other currencies, by id.
func (m *MessageView) extras() (list []string) {
	for _, id := range slices.Sorted(maps.Keys(m.Extra)) {
		list = append(list, m.Extra[id]+" of currency "+id)
	}
	return list
}

func (w *writer) storage(p *StoragePhase) {
	if p == nil {
		return
	}
	w.row("storage", "%s", w.dim("rent"))
	w.amount("  collected", &p.Collected)
	w.amount("  due", p.Due)
	if p.Change != "" {
		w.row("  account", "%s", w.warn(p.Change))
	}
}

func (w *writer) credit(p *CreditPhase) {
	if p == nil {
		return
	}
	w.row("credit", "%s", w.dim("value that came in"))
	w.amount("  value", &p.Value)
	for _, id := range slices.Sorted(maps.Keys(p.Extra)) {
		w.row("  value", "%s of currency %s", p.Extra[id], id)
	}
	w.amount("  due collected", p.Due)
}

func (w *writer) compute(p *ComputePhase) {
	switch {
	case p == nil:
	case p.Skipped != "":
		w.row("compute", "%s", w.warn(withText("skipped "+p.Skipped+":", p.Text)))
	default:
		paint := w.bad
		if p.Success {
			paint = w.good
		}
		w.row("compute", "%s", paint(withText(fmt.Sprintf("exit %d", p.Exit), p.Text)))
		if p.Arg != nil {
			w.row("  argument", "%d", *p.Arg)
		}
		w.row("  gas", "%d of %d%s, %d steps", p.GasUsed, p.GasLimit, gasCredit(p.GasCredit), p.Steps)
		w.amount("  gas fees", &p.GasFees)
		if p.StateUsed || p.Activated {
			w.row("  state", "that of the message used %t, account activated %t", p.StateUsed, p.Activated)
		}
	}
}

func gasCredit(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (on credit %d)", n)
}

func (w *writer) action(p *ActionPhase) {
	if p == nil {
		return
	}
	paint := w.bad
	if p.Success {
		paint = w.good
	}
	w.row("action", "%s", paint(withText(fmt.Sprintf("result %d", p.Code), p.Text)))
	if p.Arg != nil {
		w.row("  failed at", "action %d", *p.Arg)
	}
	w.row("  actions", "%d: %d messages sent, %d special, %d skipped", p.Total, p.Messages, p.Special, p.Skipped)
	if !p.Success {
		w.row("  list", "valid %t, no funds %t", p.Valid, p.NoFunds)
	}
	w.amount("  forward fees", p.ForwardFee)
	w.amount("  action fees", p.ActionFee)
	w.row("  messages", "%d cells, %d bits", p.Cells, p.Bits)
	if p.Change != "" {
		w.row("  account", "%s", w.warn(p.Change))
	}
}

func (w *writer) bounce(p *BouncePhase) {
	if p == nil {
		return
	}
	w.row("bounce", "%s", p.Kind)
	w.amount("  message fee", p.MessageFee)
	w.amount("  forward fee", p.ForwardFee)
	w.amount("  required fee", p.RequiredFee)
	if p.Kind != "negative_funds" {
		w.row("  message", "%d cells, %d bits", p.Cells, p.Bits)
	}
}
