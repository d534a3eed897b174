package indexer

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// occurrence is an event with what the projections need beyond what is told.
type occurrence struct {
	market.Event
	body  *cell.Cell // of the message that caused it
	birth *birth     // set where this transaction activated the contract

	prev, next link // of the account's transactions; read off the chain only
}

// EventOf reads one transaction of a contract of that kind, as the log tells it
// but for its place: Seq and Seqno are 0. A transaction that no message caused is
// an error, as contracts of ours have none.
func EventOf(tx *tlb.Transaction, kind wrappers.Kind, account cocoon.Account) (market.Event, error) {
	o, err := occurrenceOf(tx, kind, account)
	return o.Event, err
}

// occurrenceOf reads one transaction of one of our contracts. Seq and Seqno are
// the caller's to fill.
func occurrenceOf(tx *tlb.Transaction, kind wrappers.Kind, account cocoon.Account) (occurrence, error) {
	o := occurrence{Event: market.Event{Time: tx.Now, LT: tx.LT, Tx: hex.EncodeToString(tx.Hash), Contract: string(kind), Account: account,
		Data: json.RawMessage("{}"), Out: []market.Out{}}}
	o.prev, o.next = linksOf(tx)
	if err := o.readOut(tx); err != nil {
		return o, fmt.Errorf("transaction %s: %w", o.Tx, err)
	}
	if err := o.readResult(tx); err != nil {
		return o, fmt.Errorf("transaction %s: %w", o.Tx, err)
	}
	if err := o.readMessage(tx.IO.In, kind); err != nil {
		return o, fmt.Errorf("transaction %s: %w", o.Tx, err)
	}
	return o, nil
}

// readOut fills in the messages sent, and all fees: the sender has paid what
// its messages carry for their way as well.
func (o *occurrence) readOut(tx *tlb.Transaction) (err error) {
	fees := new(big.Int).Set(tx.TotalFees.Coins.Nano())
	var out []tlb.Message
	if tx.IO.Out != nil {
		if out, err = tx.IO.Out.ToSlice(); err != nil {
			return err
		}
	}
	for _, m := range out {
		sent, ok := m.Msg.(*tlb.InternalMessage)
		if !ok {
			continue // our contracts log nothing outside
		}
		fees.Add(fees, sent.FwdFee.Nano())
		told, err := outOf(sent)
		if err != nil {
			return err
		}
		o.Out = append(o.Out, told)
	}
	o.Fees, err = cocoon.NanoFromBig(fees)
	return err
}

func outOf(m *tlb.InternalMessage) (market.Out, error) {
	value, err := cocoon.NanoFromBig(m.Amount.Nano())
	if err != nil {
		return market.Out{}, err
	}
	to, err := chain.AccountOf(m.DstAddr)
	if err != nil {
		to = cocoon.Account{} // back to a sender elsewhere, whom our contracts refuse
	}
	if m.Bounced {
		return market.Out{To: to, Value: value, Name: bounce}, nil
	}
	out := market.Out{To: to, Value: value, Name: wrappers.OperationName(m.Body)}
	if s, err := wrappers.Decode[wrappers.Settlement](m.Body); err == nil {
		out.Amount = &s.Amount.Nano
	}
	return out, nil
}

// Names of what is no operation of the schema.
const (
	transfer = "transfer" // coins without a message
	bounce   = "bounce"   // a message that came back
	unknown  = "unknown"  // no operation of the receiver
)

// readResult tells whether the contract took the message. A contract that
// refuses changes nothing, whichever phase it failed in.
func (o *occurrence) readResult(tx *tlb.Transaction) error {
	d, ok := tx.Description.(tlb.TransactionDescriptionOrdinary)
	if !ok {
		return fmt.Errorf("it is %T, which our contracts never have", tx.Description)
	}
	o.OK = !d.Aborted
	if vm, ok := d.ComputePhase.Phase.(tlb.ComputePhaseVM); ok {
		o.ExitCode = vm.Details.ExitCode
		if vm.Success {
			o.ExitCode = 0
		}
	}
	if o.ExitCode == 0 && d.ActionPhase != nil && !d.ActionPhase.Success {
		o.ExitCode = d.ActionPhase.ResultCode
	}
	return nil
}

// readMessage fills in what caused the transaction.
func (o *occurrence) readMessage(in *tlb.Message, kind wrappers.Kind) (err error) {
	if in == nil {
		return errors.New("no message caused it")
	}
	switch m := in.Msg.(type) {
	case *tlb.InternalMessage:
		if o.Value, err = cocoon.NanoFromBig(m.Amount.Nano()); err != nil {
			return err
		}
		if o.From, err = chain.AccountOf(m.SrcAddr); err != nil {
			o.From = cocoon.Account{} // a sender elsewhere, whom our contracts refuse
		}
		o.body = m.Body
		if m.Bounced {
			o.Name = bounce
			return nil
		}
	case *tlb.ExternalMessage:
		o.body = m.Body
	}
	if o.body == nil || o.body.BitsSize() == 0 && o.body.RefsNum() == 0 {
		o.Name = transfer
		return nil
	}
	name, message, err := wrappers.DecodeMessage(kind, o.body)
	if name == "" {
		o.Name = unknown
		return nil
	}
	o.Name = name
	if err != nil {
		return nil // malformed: the contract has refused it, or has not looked at all of it
	}
	o.Data, err = fields(message)
	return err
}
