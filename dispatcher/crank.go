package dispatcher

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// crank moves one epoch on by the step that is due, if one is.
func (k *keeper) crank(ctx context.Context, p *plan, r wrappers.Rewards, now uint32) error {
	a, err := k.deps.Chain.Account(ctx, p.account())
	if err != nil || a.State != chain.Active {
		return err // not there yet
	}
	e, err := wrappers.DecodeEpoch(a.Data)
	if err != nil || e.Opened == nil {
		return err
	}
	pending, ended := r.Pending == p.account(), now >= e.Until
	switch e.Phase {
	case wrappers.EpochPublishing:
		if ended {
			k.send(ctx, p, failOp, 0, 0, nil)
			return nil
		}
		return k.page(ctx, p, e, publishOp, int(e.Published), wrappers.MaxPublishPage)
	case wrappers.EpochWindow:
		if ended {
			k.send(ctx, p, passOp, 0, 0, nil)
		}
	case wrappers.EpochPaying:
		passed := e.Until - e.Opened.Terms.Expiry
		switch {
		case pending: // its passed is on the way, or has to be repeated
			k.send(ctx, p, passOp, 0, 0, nil)
		case e.Cursor == e.Opened.Count || ended:
			k.send(ctx, p, closeOp, 0, 0, nil)
		case now >= passed+k.cfg.Grace:
			return k.page(ctx, p, e, pushOp, int(e.Cursor), wrappers.MaxPushPage)
		}
	case wrappers.EpochFinished:
		k.log.Info("epoch finished", "epoch", p.Number, "amount_nano", e.Paid.Text())
		return k.close(ctx, p, true)
	case wrappers.EpochFailed:
		if pending { // its money is on the way, or came back to it
			k.send(ctx, p, failOp, 0, 0, nil)
			return nil
		}
		k.log.Warn("epoch failed, it is opened again", "epoch", p.Number)
		return k.close(ctx, p, false)
	}
	return nil
}

// close ends a plan, or with done false its attempt.
func (k *keeper) close(ctx context.Context, p *plan, done bool) error {
	if p.leaves == nil {
		return nil // not ours
	}
	p.Done = done
	if !done {
		p.Account = []byte{}
	}
	return k.store.replan(ctx, p)
}

// page sends the leaves from index from on, at most limit of them.
func (k *keeper) page(ctx context.Context, p *plan, e wrappers.Epoch, op epochOp, from, limit int) error {
	if p.leaves == nil {
		return nil // only who planned it has its leaves
	}
	tree, err := wrappers.NewEpochTree(p.leaves)
	if err != nil {
		return err
	}
	if tree.Root() != e.Opened.Root {
		return cocoon.Conflict.Errorf("%s was opened with root %x, planned was %x", p.account(), e.Opened.Root, tree.Root())
	}
	count := min(limit, tree.Len()-from)
	proof, err := tree.Proof(from, count)
	if err != nil {
		return err
	}
	k.send(ctx, p, op, from, count, proof)
	return nil
}

// epochOp is what is sent to an epoch.
type epochOp string

const (
	publishOp epochOp = "publish"
	passOp    epochOp = "pass"
	pushOp    epochOp = "push"
	closeOp   epochOp = "finish"
	failOp    epochOp = "fail"
)

// send sends one op; from, count and proof are of its page, where it has one.
func (k *keeper) send(ctx context.Context, p *plan, op epochOp, from, count int, proof *cell.Cell) {
	to, response := p.account(), k.deps.Sender.Account()
	k.relay.once(ctx, fmt.Sprintf("%s from %d of epoch %s", op, from, to), func(ctx context.Context) (chain.Message, error) {
		fees, err := wrappers.GetEpochFees(ctx, k.deps.Chain, to, count)
		if err != nil {
			return chain.Message{}, err
		}
		id := uint64(p.Number)
		switch op {
		case publishOp:
			return message(to, fees.Publish, wrappers.Publish{QueryID: id, Response: response, From: uint32(from), Count: uint16(count), Page: proof})
		case pushOp:
			return message(to, fees.Push, wrappers.Push{QueryID: id, Response: response, From: uint32(from), Count: uint8(count), Page: proof})
		case passOp:
			return message(to, fees.Pass, wrappers.Pass{QueryID: id, Response: response})
		case failOp:
			return message(to, fees.Fail, wrappers.Fail{QueryID: id, Response: response})
		}
		return message(to, fees.Finish, wrappers.Finish{QueryID: id, Response: response})
	})
}
