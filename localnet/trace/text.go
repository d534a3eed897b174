package trace

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Style is how text looks.
type Style struct {
	Colour bool // for terminals
	Steps  int  // of a log, the last so many; 0 means 20, less than 0 all
}

// writer paints and lays out; it keeps the first error.
type writer struct {
	*bufio.Writer
	style Style
}

func newWriter(w io.Writer, s Style) *writer { return &writer{bufio.NewWriter(w), s} }

func (w *writer) linef(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) paint(code, s string) string {
	if !w.style.Colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (w *writer) bad(s string) string  { return w.paint("31", s) }
func (w *writer) good(s string) string { return w.paint("32", s) }
func (w *writer) warn(s string) string { return w.paint("33", s) }
func (w *writer) bold(s string) string { return w.paint("1", s) }
func (w *writer) dim(s string) string  { return w.paint("2", s) }

// WriteText writes the tree, a line for each transaction: what came, to whom,
// how it went, gas used of the limit, fees, what else happened, and the
// beginning of the transaction's hash.
func (t *Tree) WriteText(to io.Writer, s Style) error {
	w := newWriter(to, s)
	w.branch(t, "", "")
	return w.Flush()
}

func (w *writer) branch(t *Tree, head, tail string) {
	w.linef("%s%s", w.dim(head), strings.Join(w.node(t), "  "))
	for i, c := range t.Children {
		if i < len(t.Children)-1 {
			w.branch(c, tail+"├─ ", tail+"│  ")
		} else {
			w.branch(c, tail+"└─ ", tail+"   ")
		}
	}
}

// node is one line, in columns.
func (w *writer) node(t *Tree) []string {
	v := t.Transaction
	if v == nil {
		line := w.arrival(t.Message, w.label(t.Message.To, t.Message.ToName))
		if t.End == Outside { // which the line says
			return []string{line}
		}
		return []string{line, w.warn(string(t.End))}
	}
	columns := []string{v.Kind + " of " + w.label(v.Account, v.Name)}
	if v.In != nil {
		columns[0] = w.arrival(v.In, w.label(v.Account, v.Name))
	}
	columns = append(columns, w.outcome(v))
	if c := v.Compute; c != nil && c.Skipped == "" {
		columns = append(columns, fmt.Sprintf("gas %d/%d", c.GasUsed, max(c.GasLimit, c.GasCredit)))
	}
	columns = append(columns, "fees "+v.Fees.String())
	for _, m := range v.Marks {
		columns = append(columns, w.warn(m))
	}
	return append(columns, w.dim("#"+v.Tx[:8]))
}

func (w *writer) outcome(v *View) string {
	if v.Failed {
		return w.bad(v.Outcome)
	}
	return w.good(v.Outcome)
}

// arrival is a message on its way: "1.5 TON  stake(amount 1 TON) → provider 0:8f3a…77c2".
func (w *writer) arrival(m *MessageView, receiver string) string {
	what := map[string]string{"external_in": "external", "external_out": "event"}[m.Kind]
	if m.Value != nil {
		what = m.Value.String()
	}
	for _, amount := range m.extras() {
		what += " + " + amount
	}
	if m.Bounced {
		what = w.warn("bounced") + " " + what
	}
	if op := m.operation(); op != "" {
		what += "  " + w.bold(op) + w.arguments(m)
	}
	return what + " → " + receiver
}

// operation is its name, or else the number.
func (m *MessageView) operation() string {
	switch {
	case m.Operation != "":
		return m.Operation
	case m.Comment != "":
		return fmt.Sprintf("%q", beginning(m.Comment, 40))
	case m.Op == "0x00000000" || m.Kind == "external_in": // which mostly begins with a signature
		return ""
	}
	return m.Op
}

// arguments are the fields in brief; a query_id tells nothing here.
func (w *writer) arguments(m *MessageView) string {
	var list []string
	for _, f := range m.Fields {
		if f[0] != "query_id" {
			list = append(list, printable(f[0]+" "+brief(f[1])))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return w.dim("(" + strings.Join(list, ", ") + ")")
}

// label is an account for a line: its name and the ends of its address.
func (w *writer) label(address, name string) string {
	if address == "" {
		return "outside"
	}
	short := w.dim(brief(address))
	if name == "" {
		return brief(address)
	}
	return printable(name) + " " + short
}

// brief keeps the ends of what is long: an address, a key or a hash.
func brief(s string) string {
	r := []rune(s)
	if len(r) <= 20 {
		return s
	}
	return string(r[:8]) + "…" + string(r[len(r)-4:])
}

// beginning keeps the first n characters.
func beginning(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
