package client

import (
	"context"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Chain is what a client needs of TON. What it reads is proven, at the newest
// masterchain block; no answer is Unreachable. Proven is the real one.
type Chain interface {
	// Registry is the registry's state, and the time of its block.
	Registry(ctx context.Context) (wrappers.Registry, uint32, error)
	// Provider is NotFound where there is no contract.
	Provider(ctx context.Context, a cocoon.Account) (wrappers.Provider, error)
	// Fees are those of the offer's job, also before it is born.
	Fees(ctx context.Context, o wrappers.JobOffer) (wrappers.JobFees, error)
	// WaitJob reads a job now and at every new block until enough says so. Where
	// there is no contract it is inert, with its time alone.
	WaitJob(ctx context.Context, a cocoon.Account, enough func(Job) bool) (Job, error)
}

// Job is a job contract as of a block.
type Job struct {
	Now uint32 // the block's time, unix seconds
	wrappers.Job
}

// Sender is the client's wallet, as *chain.Wallet is one.
type Sender interface {
	Account() cocoon.Account
	Send(ctx context.Context, m ...chain.Message) (chain.Sent, error)
}

// Proven is Chain over a connection that checks proofs.
type Proven struct {
	Client   *chain.Client
	Contract cocoon.Account // the registry
}

// Registry reads the registry.
func (p Proven) Registry(ctx context.Context) (wrappers.Registry, uint32, error) {
	a, now, err := p.active(ctx, p.Contract)
	if err != nil {
		return wrappers.Registry{}, 0, fmt.Errorf("read the registry: %w", err)
	}
	r, err := wrappers.DecodeRegistry(a.Data)
	return r, now, err
}

// Provider reads a provider.
func (p Proven) Provider(ctx context.Context, a cocoon.Account) (wrappers.Provider, error) {
	acc, _, err := p.active(ctx, a)
	if err != nil {
		return wrappers.Provider{}, fmt.Errorf("read provider %s: %w", a, err)
	}
	return wrappers.DecodeProvider(acc.Data)
}

func (p Proven) active(ctx context.Context, a cocoon.Account) (chain.Account, uint32, error) {
	acc, err := p.Client.Account(ctx, a)
	if err != nil {
		return acc, 0, err
	}
	if acc.State != chain.Active {
		return acc, 0, cocoon.NotFound.Errorf("there is no contract at %s", a)
	}
	now, err := p.Client.Time(ctx, acc.Block)
	return acc, unix(now), err
}

func unix(t time.Time) uint32 { return uint32(t.Unix()) }

// Fees asks the job's code, which need not be deployed.
func (p Proven) Fees(ctx context.Context, o wrappers.JobOffer) (wrappers.JobFees, error) {
	a, err := o.Account()
	if err != nil {
		return wrappers.JobFees{}, err
	}
	init, err := o.Init()
	if err != nil {
		return wrappers.JobFees{}, err
	}
	return wrappers.GetJobFees(ctx, p.Client.Unborn(init), a)
}

// WaitJob believes a state only where its offer gives rise to that account: the
// same code with another first state may hold no escrow.
func (p Proven) WaitJob(ctx context.Context, a cocoon.Account, enough func(Job) bool) (j Job, err error) {
	_, waited := p.Client.WaitAccount(ctx, a, func(acc chain.Account) bool {
		j, err = p.read(ctx, acc)
		return err != nil || enough(j)
	})
	if err == nil {
		err = waited
	}
	return j, err
}

func (p Proven) read(ctx context.Context, acc chain.Account) (Job, error) {
	now, err := p.Client.Time(ctx, acc.Block)
	if err != nil || acc.State != chain.Active {
		return Job{Now: unix(now)}, err
	}
	state, err := wrappers.DecodeJob(acc.Data)
	if err != nil {
		return Job{}, fmt.Errorf("job %s: %w", acc.ID, err)
	}
	born, err := state.Offer.Account()
	if err != nil {
		return Job{}, fmt.Errorf("job %s: %w", acc.ID, err)
	}
	if born != acc.ID {
		return Job{}, cocoon.Invalid.Errorf("the contract at %s is not the job it says it is", acc.ID)
	}
	return Job{unix(now), state}, nil
}
