package worker

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Proven is Chain over a client that checks proofs.
type Proven struct{ Client *chain.Client }

// Standing reads provider and worker record; a record that cannot be read is
// Invalid. No bond is possible below the stake that its workers need.
func (p Proven) Standing(ctx context.Context, provider cocoon.Account, worker bus.ID) (Standing, error) {
	a, err := p.Client.Account(ctx, provider)
	if err != nil {
		return Standing{}, err
	}
	if a.State != chain.Active {
		return Standing{}, cocoon.NotFound.Errorf("there is no provider at %s", provider)
	}
	state, err := wrappers.DecodeProvider(a.Data)
	if err != nil {
		return Standing{}, fmt.Errorf("provider %s: %w", provider, err)
	}
	s := Standing{Birth: state.Birth, Operator: state.Operator}
	if s.Block, err = p.block(ctx, a); err != nil {
		return Standing{}, err
	}
	for _, w := range state.Workers {
		if w.Key != worker || !w.Active() {
			continue
		}
		r, err := wrappers.DecodeWorkerRecord(w.Record)
		if err != nil {
			return Standing{}, fmt.Errorf("record of worker %s: %w", worker, err)
		}
		s.Record = &r
	}
	money, err := wrappers.GetProviderMoney(ctx, p.Client, provider)
	if err != nil {
		return Standing{}, err
	}
	if money.Required != nil && state.Stake.Cmp(*money.Required) >= 0 {
		s.Bondable = money.Free
		if state.Allowance.Cmp(s.Bondable) < 0 {
			s.Bondable = state.Allowance
		}
	}
	return s, nil
}

// block is the one that an account was proven under.
func (p Proven) block(ctx context.Context, a chain.Account) (attest.Block, error) {
	at, err := p.Client.Time(ctx, a.Block)
	if err != nil {
		return attest.Block{}, err
	}
	return attest.Block{Seqno: a.Block.SeqNo, RootHash: [32]byte(a.Block.RootHash), Time: uint32(at.Unix())}, nil
}

// Dispatcher believes a rewards contract's state only where its birth gives rise
// to that account: the same data in other code may hold no bond.
func (p Proven) Dispatcher(ctx context.Context, rewards cocoon.Account) (answer.Dispatcher, error) {
	a, err := p.Client.Account(ctx, rewards)
	if err != nil {
		return answer.Dispatcher{}, err
	}
	if a.State != chain.Active {
		return answer.Dispatcher{}, cocoon.Invalid.Errorf("there is no rewards contract at %s", rewards)
	}
	d := answer.Dispatcher{}
	if d.Rewards, err = wrappers.DecodeRewards(a.Data); err != nil {
		return d, fmt.Errorf("rewards contract %s: %w", rewards, err)
	}
	born, err := d.Birth.Account()
	if err != nil {
		return d, err
	}
	if born != rewards {
		return d, cocoon.Invalid.Errorf("the contract at %s is not the rewards contract it says it is", rewards)
	}
	if d.Block, err = p.block(ctx, a); err != nil {
		return d, err
	}
	d.Pot, err = wrappers.GetPot(ctx, p.Client, rewards)
	return d, err
}

// Job reads a job at the newest block.
func (p Proven) Job(ctx context.Context, job cocoon.Account) (Job, error) {
	a, err := p.Client.Account(ctx, job)
	if err != nil {
		return Job{}, err
	}
	return p.read(ctx, a)
}

// WaitJob goes on while there is no contract yet; any other error ends it.
func (p Proven) WaitJob(ctx context.Context, job cocoon.Account, enough func(Job) bool) (j Job, err error) {
	_, waited := p.Client.WaitAccount(ctx, job, func(a chain.Account) bool {
		if j, err = p.read(ctx, a); cocoon.KindOf(err) == cocoon.NotFound {
			err = nil
			return false
		}
		return err != nil || enough(j)
	})
	if err == nil {
		err = waited
	}
	return j, err
}

// read believes a job's state only where its offer gives rise to that account:
// the same code with another first state may hold no escrow.
func (p Proven) read(ctx context.Context, a chain.Account) (Job, error) {
	if a.State != chain.Active {
		return Job{}, cocoon.NotFound.Errorf("there is no job at %s", a.ID)
	}
	state, err := wrappers.DecodeJob(a.Data)
	if err != nil {
		return Job{}, fmt.Errorf("job %s: %w", a.ID, err)
	}
	born, err := state.Offer.Account()
	if err != nil {
		return Job{}, fmt.Errorf("job %s: %w", a.ID, err)
	}
	if born != a.ID {
		return Job{}, cocoon.Invalid.Errorf("the contract at %s is not the job it says it is", a.ID)
	}
	now, err := p.Client.Time(ctx, a.Block)
	return Job{Account: a.ID, Now: uint32(now.Unix()), Job: state}, err
}

// Deliver sends the delivery as an external message, which the job pays for.
func (p Proven) Deliver(ctx context.Context, job cocoon.Account, d bus.Deliver) error {
	body, err := wrappers.Cell(wrappers.Deliver{Signature: d.Signature, Delivery: d.Delivery.Cell})
	if err != nil {
		return err
	}
	message, err := external(job, body)
	if err != nil {
		return err
	}
	return p.Client.Broadcast(ctx, message)
}

func external(to cocoon.Account, body *cell.Cell) (*cell.Cell, error) {
	c, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: chain.Address(to), Body: body})
	if err != nil {
		return nil, fmt.Errorf("message to %s: %w", to, err)
	}
	return c, nil
}
