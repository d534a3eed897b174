package trace

import (
	"fmt"
	"maps"
	"slices"
)

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
