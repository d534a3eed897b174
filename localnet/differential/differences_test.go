package differential

import (
	"slices"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// differences are tried in this order.
var differences = []known{
	{"sendmsg unread", sentUnread, []string{"*"}},
	{"dictionary", brokenDictionary, []string{description + "ComputePhase.Phase.Details.ExitCode"}},
	{"deep actions", deepActions, []string{"account.Balance", "messages", "tx.TotalFees.Coins", description + "BouncePhase*",
		description + "ComputePhase.Phase.GasFees", description + "ComputePhase.Phase.Details.GasUsed"}},
	{"sendmsg fee", sendFee, []string{"account.StateInit.Data"}},
	{"malformed", readBeforehand, afterCompute},
	{"order", checkedInAnotherOrder, []string{"messages", description + "ActionPhase.ResultCode", description + "ActionPhase.NoFunds",
		description + "ActionPhase.TotalActionFees"}},
	{"deletion", deletionKept, []string{"account.*", "tx.EndStatus", description + "Destroyed"}},
	{"fine since 15", fineSince15, []string{"account.Balance", "messages", "tx.TotalFees.Coins", description + "ActionPhase.TotalActionFees", description + "BouncePhase*"}},
	{"libraries since 15", librariesSince15, afterCompute},
	{"fee", failureFee, []string{description + "ActionPhase.TotalActionFees"}},
	{"special limit", specialLimit, []string{description + "ComputePhase.Phase.Details.GasLimit"}},
	{"no ticks", emptyTickTock, []string{"tx.EndStatus", "account.StateInit.TickTock*", "account.Status", "account.StateHash", "account.StorageInfo.StorageUsed.BitsUsed"}},
	{"size fine", sizeFine, []string{"account.Balance", "messages", "tx.TotalFees.Coins", description + "ActionPhase.TotalActionFees"}},
	{"moved init", movedInit, []string{"account.Balance", "messages", "tx.TotalFees.Coins", description + "ActionPhase.Total*"}},
}

// afterCompute is what the actions of a transaction can change.
var afterCompute = []string{"account.*", "messages", "tx.EndStatus", "tx.OutMsgCount", "tx.TotalFees.Coins", description + "Aborted",
	description + "Destroyed", description + "BouncePhase*", description + "ActionPhase.*"}

const sendMsg = "SENDMSG"

// vm is the compute phase of each, where both ran.
func (p *pair) vm() (ours, theirs tlb.ComputePhaseVM, ok bool) {
	ours, ok1 := p.ours.compute.Phase.(tlb.ComputePhaseVM)
	theirs, ok2 := p.theirs.compute.Phase.(tlb.ComputePhaseVM)
	return ours, theirs, ok1 && ok2
}

// threwAt is the instruction that threw, if so many steps were made: to throw is
// a step too.
func threwAt(r *rules, s *step, steps int) string {
	names := r.opcodes(s)
	if steps < 2 || len(names) < steps-1 {
		return ""
	}
	return names[steps-2]
}

// sentUnread: SENDMSG throws for a message that it cannot read; which ones it
// cannot, and with what, differs, and so does what comes after.
func sentUnread(p *pair) bool {
	a, b, ok := p.vm()
	if !ok || a.Details.ExitCode == b.Details.ExitCode {
		return false
	}
	threw := func(d tlb.ComputePhaseVMDetails) bool {
		return (d.ExitCode == 9 || d.ExitCode == 11) && threwAt(p.rules, p.step, int(d.VMSteps)) == sendMsg
	}
	return threw(a.Details) || threw(b.Details)
}

// brokenDictionary: an instruction that finds a dictionary broken throws 9 in one and 10 in the other.
func brokenDictionary(p *pair) bool {
	a, b, ok := p.vm()
	return ok && a.Details.ExitCode == 9 && b.Details.ExitCode == 10 && a.Details.VMSteps == b.Details.VMSteps &&
		strings.Contains(threwAt(p.rules, p.step, int(a.Details.VMSteps)), "DICT")
}

// deepActions: an action list that would be too deep for a cell is no list. The
// reference charges for making the cell, 500 gas.
func deepActions(p *pair) bool {
	a, b, ok := p.vm()
	return ok && a.Details.ExitCode == 8 && b.Details.ExitCode == 8 && b.Details.GasUsed.Int64()-a.Details.GasUsed.Int64() == 500
}

// sendFee: SENDMSG returns another fee. A puppet only keeps it.
func sendFee(p *pair) bool { return slices.Contains(p.rules.opcodes(p.step), sendMsg) }

// readBeforehand: the reference reads all actions before it runs the first. For
// one that it cannot read it refuses the list, or skips that action where it may.
func readBeforehand(p *pair) bool {
	a, b := p.ours.action, p.theirs.action
	if a == nil || b == nil {
		return false
	}
	return b.ResultCode == 34 && !b.Valid && b.MessagesCreated == 0 && b.SpecActions == 0 ||
		b.SkippedActions > 0 && b.SkippedActions >= a.SkippedActions && malformed(p.ours.actions)
}

// deletionKept: tonutils-go deletes the account of a failed action phase if an
// earlier action asked for it.
func deletionKept(p *pair) bool {
	return p.ours.failed() && p.theirs.failed() && p.ours.destroyed && !p.theirs.destroyed
}

// failureFee: a failed phase names fees for messages that were not sent.
func failureFee(p *pair) bool {
	a, b := p.ours.action, p.theirs.action
	return p.rules.version < 15 && p.ours.failed() && p.theirs.failed() && !a.NoFunds && a.ResultCode != 50 &&
		coins(a.TotalActionFees).Cmp(coins(b.TotalActionFees)) > 0
}

// fineSince15: version 15 fines a failed action phase for all it tried; the
// reference is older than that.
func fineSince15(p *pair) bool {
	return p.rules.version >= 15 && p.ours.failed() && p.theirs.failed() && coins(p.ours.action.TotalActionFees).Cmp(coins(p.theirs.action.TotalActionFees)) > 0
}

// librariesSince15: only config and elector may publish libraries, everybody
// else's attempt fails with 46; the reference is older than that.
func librariesSince15(p *pair) bool {
	return p.rules.version >= 15 && p.ours.failed() && p.ours.action.ResultCode == 46
}

// specialLimit: the gas limit of an external message to config or elector is
// written as 0, as it is for everybody else.
func specialLimit(p *pair) bool {
	a, b, ok := p.vm()
	return ok && isSpecial(p.step.at) && a.Details.GasCredit != nil && a.Details.GasLimit.Sign() == 0 && b.Details.GasLimit.Sign() > 0
}

// checkedInAnotherOrder: of a message with several faults we name another one:
// a bad address before a mode or flags (35, 36; 34, 45), the size before the want of coin (40; 37).
func checkedInAnotherOrder(p *pair) bool {
	if !p.ours.failed() || !p.theirs.failed() {
		return false
	}
	switch p.ours.action.ResultCode {
	case 35, 36:
		return slices.Contains([]int32{34, 45}, p.theirs.action.ResultCode)
	case 40:
		return p.theirs.action.ResultCode == 37
	}
	return false
}

// emptyTickTock: the reference forgets a state init's tick-tock part that asks
// for neither, also where it hashes the state to freeze it.
func emptyTickTock(p *pair) bool {
	var a tlb.AccountState
	if tlb.Parse(&a, p.ours.account.MustPeekRef(0)) != nil {
		return false
	}
	empty := func(s *tlb.AccountState) bool {
		return s != nil && s.StateInit != nil && s.StateInit.TickTock != nil && !s.StateInit.TickTock.Tick && !s.StateInit.TickTock.Tock
	}
	return empty(&a) || empty(p.step.account.account.State())
}

// sizeFine: for a message over the limits they count differently what it is fined for.
func sizeFine(p *pair) bool {
	return slices.ContainsFunc(messagesOf(p.ours.actions), func(c *cell.Cell) bool {
		used := measure(c)
		return used.CellsUsed.Int64() > 8192 || used.BitsUsed.Int64() > 1<<21
	})
}

// movedInit: a state init that does not fit into a message any more once the
// message is complete goes into a cell of its own, which ours forgets to charge for.
func movedInit(p *pair) bool {
	a, b := p.ours.action, p.theirs.action
	return a != nil && b != nil && a.ResultCode == b.ResultCode && a.TotalMsgSize.Cells.Cmp(b.TotalMsgSize.Cells) < 0 &&
		slices.ContainsFunc(messagesOf(p.ours.actions), func(c *cell.Cell) bool {
			m, err := relaxed(c)
			return err == nil && m.Init.Exists && !m.Init.InRef
		})
}
