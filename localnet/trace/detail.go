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
