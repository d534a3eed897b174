package trace

import (
	"encoding/hex"
	"strings"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
)

// View is one transaction as it is shown; its JSON keys stay.
type View struct {
	Tx        string         `json:"tx"`
	Account   string         `json:"account"` // raw
	Name      string         `json:"name,omitempty"`
	LT        uint64         `json:"lt"`
	Now       uint32         `json:"now"`  // unix seconds
	Kind      string         `json:"kind"` // ordinary, tick, tock, storage, split_prepare, ...
	Before    string         `json:"status_before"`
	After     string         `json:"status_after"` // nonexist, uninit, active or frozen
	Outcome   string         `json:"outcome"`      // in a few words
	Failed    bool           `json:"failed"`
	Aborted   bool           `json:"aborted"`
	Destroyed bool           `json:"destroyed"`
	Marks     []string       `json:"marks,omitempty"` // deployed, frozen, destroyed, bounced back, ...
	Fees      Nano           `json:"fees_nano"`       // of the transaction; its messages' stand with them
	In        *MessageView   `json:"in,omitempty"`
	Storage   *StoragePhase  `json:"storage,omitempty"`
	Credit    *CreditPhase   `json:"credit,omitempty"`
	Compute   *ComputePhase  `json:"compute,omitempty"`
	Action    *ActionPhase   `json:"action,omitempty"`
	Bounce    *BouncePhase   `json:"bounce,omitempty"`
	Out       []*MessageView `json:"out,omitempty"`
	Log       *Run           `json:"vm,omitempty"`
}

// Show is t as it is shown.
func Show(t *Transaction, n Names) *View {
	v := &View{Tx: hex.EncodeToString(t.Cell.Hash()), Account: t.Account.StringRaw(), Name: n.account(t.Account), LT: t.LT, Now: t.Now,
		Before: status(t.OrigStatus), After: status(t.EndStatus), Fees: nanoOf(t.TotalFees.Coins)}
	if t.In != nil {
		v.In = showMessage(t.In, n)
	}
	for _, m := range t.Out {
		v.Out = append(v.Out, showMessage(m, n))
	}
	v.describe(t, n)
	v.conclude()
	return v
}

func status(s tlb.AccountStatus) string {
	return strings.ToLower(strings.ReplaceAll(string(s), "NON_EXIST", "nonexist"))
}

// describe takes over the phases, which differ by the kind of transaction.
func (v *View) describe(t *Transaction, n Names) {
	switch d := t.Description.(type) {
	case tlb.TransactionDescriptionOrdinary:
		v.Kind, v.Aborted, v.Destroyed = "ordinary", d.Aborted, d.Destroyed
		v.Storage, v.Credit = storagePhase(d.StoragePhase), creditPhase(d.CreditPhase)
		v.Compute, v.Action, v.Bounce = computePhase(d.ComputePhase, t.Account, n), actionPhase(d.ActionPhase), bouncePhase(d.BouncePhase)
	case tlb.TransactionDescriptionTickTock:
		v.Kind, v.Aborted, v.Destroyed = "tick", d.Aborted, d.Destroyed
		if d.IsTock {
			v.Kind = "tock"
		}
		v.Storage, v.Compute, v.Action = storagePhase(&d.StoragePhase), computePhase(d.ComputePhase, t.Account, n), actionPhase(d.ActionPhase)
	case tlb.TransactionDescriptionStorage:
		v.Kind, v.Storage = "storage", storagePhase(&d.StoragePhase)
	case tlb.TransactionDescriptionSplitPrepare:
		v.Kind, v.Aborted, v.Destroyed = "split_prepare", d.Aborted, d.Destroyed
		v.Storage, v.Compute, v.Action = storagePhase(d.StoragePhase), computePhase(d.ComputePhase, t.Account, n), actionPhase(d.ActionPhase)
	case tlb.TransactionDescriptionSplitInstall:
		v.Kind = "split_install"
	case tlb.TransactionDescriptionMergePrepare:
		v.Kind, v.Aborted, v.Storage = "merge_prepare", d.Aborted, storagePhase(&d.StoragePhase)
	case tlb.TransactionDescriptionMergeInstall:
		v.Kind, v.Aborted, v.Destroyed = "merge_install", d.Aborted, d.Destroyed
		v.Storage, v.Credit = storagePhase(d.StoragePhase), creditPhase(d.CreditPhase)
		v.Compute, v.Action = computePhase(d.ComputePhase, t.Account, n), actionPhase(d.ActionPhase)
	}
}

// Tree is a node as it is shown.
type Tree struct {
	End         End          `json:"end,omitempty"`
	Message     *MessageView `json:"message,omitempty"` // where there is no transaction
	Transaction *View        `json:"transaction,omitempty"`
	Children    []*Tree      `json:"children,omitempty"`
}

// ShowTree is the node and all below it as they are shown.
func ShowTree(node *Node, n Names) *Tree {
	t := &Tree{End: node.End}
	if node.Transaction != nil {
		t.Transaction = Show(node.Transaction, n)
	} else {
		t.Message = showMessage(node.Message, n)
	}
	for _, c := range node.Children {
		t.Children = append(t.Children, ShowTree(c, n))
	}
	return t
}

// raw is an address in full, whatever its kind; "" for none.
func raw(a *address.Address) string {
	switch {
	case a == nil || a.IsAddrNone():
		return ""
	case isStd(a):
		return a.StringRaw()
	}
	return a.String()
}
