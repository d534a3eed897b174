package chain

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// errRehearsal marks errors that came before anything was sent.
var errRehearsal = errors.New("not sent")

// plenty is lent to a wallet in rehearsal, so that what it would spend shows
// even where it does not have it.
var plenty = new(big.Int).Lsh(big.NewInt(1), 80)

// rehearse runs the request here, on the wallet's proven state with plenty of
// money, and refuses it if the messages would not leave or if they and all fees
// cost more than the wallet has.
func (c *Client) rehearse(ctx context.Context, from Account, u Unsigned, external *cell.Cell, messages int) error {
	if from.State == None {
		return c.noMoney(from, "so it can send nothing", "send coins to it")
	}
	_, block, err := c.moment(ctx, from.Block)
	if err != nil {
		return fmt.Errorf("rehearse: %w", err)
	}
	res, err := perform(block, from, external)
	if err != nil {
		return cocoon.Invalid.Errorf("%w: the request cannot be executed: %w", errRehearsal, err)
	}
	if !res.Accepted || len(res.OutMessages) < messages {
		if now, err := c.Time(ctx, from.Block); err == nil && !now.Before(u.ValidUntil) {
			return cocoon.WithHint(cocoon.Invalid.Errorf("%w: %w: the request is valid until %s, and the chain's time is %s already", errRehearsal, ErrRejected, stamp(u.ValidUntil), stamp(now)),
				"sign it anew; where it is new, set this machine's clock, which is behind the chain's")
		}
		return cocoon.Invalid.Errorf("%w: %w: the wallet would send %d of %d messages (exit code %d)", errRehearsal, ErrRejected, len(res.OutMessages), messages, res.ExitCode)
	}
	spent := new(big.Int).Add(from.Balance.Big(), plenty)
	need, err := cocoon.NanoFromBig(spent.Sub(spent, res.NextAccount.State().Balance.Nano()))
	if err != nil {
		return fmt.Errorf("rehearse: %w", err)
	}
	if need.Cmp(from.Balance) > 0 {
		more, err := need.Sub(from.Balance)
		if err != nil {
			return err
		}
		return c.noMoney(from, "sending needs "+need.String(), "send it "+more.String())
	}
	return nil
}

// stamp is a time for people and programs to read.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (c *Client) noMoney(a Account, why, remedy string) error {
	return cocoon.WithHint(cocoon.NoMoney.Errorf("%w: wallet %s holds %s, %s", errRehearsal, a.ID, a.Balance, why),
		"%s: %s", remedy, a.ID.Friendly(false, c.Network().Testing()))
}

func perform(block *tvm.BlockContext, a Account, external *cell.Cell) (*tvm.TransactionExecutionResult, error) {
	state := *a.state
	state.Balance = tlb.FromNanoTON(new(big.Int).Add(a.Balance.Big(), plenty))
	root, err := tlb.ToCell(state)
	if err != nil {
		return nil, err
	}
	shard := &tlb.ShardAccount{Account: root, LastTransHash: a.LastHash[:], LastTransLT: a.LastLT}
	account, err := tvm.PrepareParsedAccount(shard, &state, Address(a.ID))
	if err != nil {
		return nil, err
	}
	message, err := tvm.PrepareMessage(external)
	if err != nil {
		return nil, err
	}
	return tvm.NewTVM().EmulateTransaction(block, account, message, tvm.TransactionOptions{})
}
