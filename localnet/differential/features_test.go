package differential

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
)

// features are the noteworthy things about an outcome, so that a run can tell
// what it has seen.
func features(o outcome) []string {
	if o.tx == nil {
		if o.exit != nil {
			return []string{fmt.Sprintf("not accepted, exit %d", *o.exit)}
		}
		return []string{"refused"}
	}
	var tx tlb.Transaction
	if err := tlb.Parse(&tx, o.tx); err != nil {
		return []string{"unreadable"}
	}
	list := []string{fmt.Sprintf("%s to %s", tx.OrigStatus, tx.EndStatus)}
	switch d := tx.Description.(type) {
	case tlb.TransactionDescriptionOrdinary:
		list = append(list, phases(d.ComputePhase, d.ActionPhase)...)
		if d.StoragePhase != nil {
			list = append(list, storage(*d.StoragePhase)...)
		}
		if d.BouncePhase != nil {
			list = append(list, fmt.Sprintf("bounce %T", d.BouncePhase.Phase))
		}
		if d.Destroyed {
			list = append(list, "destroyed")
		}
	case tlb.TransactionDescriptionTickTock:
		list = append(list, "tick-tock")
		list = append(list, phases(d.ComputePhase, d.ActionPhase)...)
	}
	return list
}

func storage(p tlb.StoragePhase) (list []string) {
	if p.StorageFeesDue != nil {
		list = append(list, "storage fees due")
	}
	if p.StatusChange.Type != tlb.AccStatusChangeUnchanged {
		list = append(list, fmt.Sprintf("storage phase %s", p.StatusChange.Type))
	}
	return list
}

func phases(compute tlb.ComputePhase, action *tlb.ActionPhase) (list []string) {
	switch p := compute.Phase.(type) {
	case tlb.ComputePhaseVM:
		list = append(list, fmt.Sprintf("exit %d", p.Details.ExitCode))
	case tlb.ComputePhaseSkipped:
		list = append(list, fmt.Sprintf("skipped %s", p.Reason.Type))
	}
	if action != nil {
		list = append(list, fmt.Sprintf("action %d", action.ResultCode))
		if action.SkippedActions > 0 {
			list = append(list, "actions skipped")
		}
	}
	return list
}
