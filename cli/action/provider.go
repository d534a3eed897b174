package action

import (
	"context"
	"crypto/ed25519"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Provider is the birth of owner's provider number index under this network's registry.
func (d Desk) Provider(owner cocoon.Account, index uint32) wrappers.ProviderBirth {
	return wrappers.ProviderBirth{Registry: d.Registry, Owner: owner, Index: index}
}

func (d Desk) provider(ctx context.Context, b wrappers.ProviderBirth) (wrappers.Target, wrappers.ProviderFees, error) {
	c, err := wrappers.Find(ctx, d.Chain, b)
	if err != nil {
		return c, wrappers.ProviderFees{}, err
	}
	fees, err := wrappers.GetProviderFees(ctx, c.Fees, c.Account)
	return c, fees, err
}

// provided is provider for what needs the contract to be there, with its state.
func (d Desk) provided(ctx context.Context, b wrappers.ProviderBirth) (wrappers.Target, wrappers.ProviderFees, wrappers.Provider, error) {
	c, fees, err := d.provider(ctx, b)
	if err == nil {
		err = c.Missing("provider")
	}
	if err != nil {
		return c, fees, wrappers.Provider{}, cocoon.WithHint(err, "stake first: cocoon provider stake AMOUNT")
	}
	p, err := wrappers.DecodeProvider(c.Data)
	return c, fees, p, err
}

// Stake locks amount, and deploys the provider where it is not there yet.
func (d Desk) Stake(ctx context.Context, b wrappers.ProviderBirth, amount cocoon.Nano) (chain.Message, error) {
	if amount.IsZero() {
		return chain.Message{}, cocoon.Invalid.Errorf("a stake of nothing locks nothing")
	}
	c, fees, err := d.provider(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.Stake{Amount: wrappers.Coins{Nano: amount}, Response: b.Owner}, fees.Stake, amount)
}

// TopUp adds amount to the provider's free balance, out of which it bonds.
func (d Desk) TopUp(ctx context.Context, b wrappers.ProviderBirth, amount cocoon.Nano) (chain.Message, error) {
	if amount.IsZero() {
		return chain.Message{}, cocoon.Invalid.Errorf("a top-up of nothing adds nothing")
	}
	c, _, _, err := d.provided(ctx, b)
	return chain.Message{To: c.Account, Amount: amount, Bounce: true}, err
}

// ProviderTerms consents to the terms that the registry publishes now.
func (d Desk) ProviderTerms(ctx context.Context, b wrappers.ProviderBirth) (chain.Message, error) {
	c, fees, err := d.provider(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	hash, err := d.termsHash(ctx)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.RefreshTerms{Hash: hash}, fees.RefreshTerms)
}

// SetOperator lets key accept jobs for the provider within allowance.
func (d Desk) SetOperator(ctx context.Context, b wrappers.ProviderBirth, key ed25519.PrivateKey, allowance cocoon.Nano) (chain.Message, error) {
	c, fees, _, err := d.provided(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	possession, err := wrappers.ProvePossession(key, d.GlobalID, c.Account)
	if err != nil {
		return chain.Message{}, err
	}
	body := wrappers.SetOperator{Key: wrappers.PublicKey(key), Allowance: wrappers.Coins{Nano: allowance}, Possession: &possession}
	return wrappers.NewMessage(c, body, fees.SetOperator)
}

// PutWorker registers the machine whose key is worker, or changes its record.
// The change goes to response.
func (d Desk) PutWorker(ctx context.Context, b wrappers.ProviderBirth, operator, worker ed25519.PrivateKey, r wrappers.WorkerRecord, response cocoon.Account) (chain.Message, error) {
	c, fees, p, err := d.provided(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	if err = d.mayRegister(ctx, p, wrappers.PublicKey(operator), wrappers.PublicKey(worker), r); err != nil {
		return chain.Message{}, err
	}
	record, err := r.Cell()
	if err != nil {
		return chain.Message{}, err
	}
	possession, err := wrappers.ProvePossession(worker, d.GlobalID, c.Account)
	if err != nil {
		return chain.Message{}, err
	}
	order := wrappers.PutWorkerOrder{GlobalID: d.GlobalID, Contract: c.Account, Revision: p.Revision + 1, Worker: wrappers.PublicKey(worker), Possession: &possession, Record: record}
	body, err := order.Sign(operator, 0, response)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, body, fees.PutWorker)
}

// mayRegister says beforehand what the contract would refuse, and what nobody could use.
func (d Desk) mayRegister(ctx context.Context, p wrappers.Provider, operator, worker [32]byte, r wrappers.WorkerRecord) error {
	if p.Terms == nil {
		return cocoon.WithHint(cocoon.Conflict.Errorf("the provider has taken no terms yet"), "cocoon provider stake takes them")
	}
	if p.Operator != operator {
		return cocoon.WithHint(cocoon.Forbidden.Errorf("this operator key is not the provider's"), "cocoon provider operator")
	}
	for _, m := range r.Models {
		if _, err := d.Model(ctx, m.Model); err != nil {
			return err
		}
	}
	gpus := uint64(p.GPUs) + uint64(r.GPUs)
	for _, w := range p.Workers {
		switch {
		case w.Key != worker:
		case !w.Active():
			return cocoon.WithHint(cocoon.Conflict.Errorf("this worker was retired, which is for good"), "register it with a new key")
		case r.GPUs < w.GPUs:
			return cocoon.WithHint(cocoon.Conflict.Errorf("this worker is registered with %d GPUs, and a record never shrinks", w.GPUs),
				"retire it, and register the machine with a new key")
		default:
			gpus -= uint64(w.GPUs)
		}
	}
	perGPU, err := p.Terms.MinGPU.Mul(gpus)
	if err != nil {
		return err
	}
	required, err := perGPU.Add(p.Terms.MinProvider.Nano)
	if err != nil {
		return err
	}
	if p.Stake.Cmp(required) < 0 {
		short, _ := required.Sub(p.Stake)
		return cocoon.WithHint(cocoon.NoMoney.Errorf("%d GPUs need a stake of %s, the provider has %s", gpus, required, p.Stake),
			"stake %s more: cocoon provider stake", short)
	}
	return nil
}

// RetireWorker takes a worker out of service, for good. The change goes to response.
func (d Desk) RetireWorker(ctx context.Context, b wrappers.ProviderBirth, operator ed25519.PrivateKey, worker [32]byte, response cocoon.Account) (chain.Message, error) {
	c, fees, p, err := d.provided(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	if p.Operator != wrappers.PublicKey(operator) {
		return chain.Message{}, cocoon.WithHint(cocoon.Forbidden.Errorf("this operator key is not the provider's"), "cocoon provider operator")
	}
	if !slices.ContainsFunc(p.Workers, func(w wrappers.Worker) bool { return w.Key == worker && w.Active() }) {
		return chain.Message{}, cocoon.WithHint(cocoon.NotFound.Errorf("worker %x is no active one of this provider", worker), "cocoon provider status --json lists them")
	}
	order := wrappers.RetireWorkerOrder{GlobalID: d.GlobalID, Contract: c.Account, Revision: p.Revision + 1, Worker: worker}
	body, err := order.Sign(operator, 0, response)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, body, fees.RetireWorker)
}

// RequestUnstake starts the unbonding of amount.
func (d Desk) RequestUnstake(ctx context.Context, b wrappers.ProviderBirth, amount cocoon.Nano) (chain.Message, error) {
	c, fees, p, err := d.provided(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	if amount.IsZero() {
		amount = p.Stake
	}
	if amount.IsZero() || amount.Cmp(p.Stake) > 0 {
		return chain.Message{}, cocoon.NoMoney.Errorf("cannot unstake %s: the provider has %s locked", amount, p.Stake)
	}
	return wrappers.NewMessage(c, wrappers.RequestUnstake{Amount: wrappers.Coins{Nano: amount}}, fees.RequestUnstake)
}

// WithdrawProvider pays what is ripe and free to the owner; an amount of 0 is all of it.
func (d Desk) WithdrawProvider(ctx context.Context, b wrappers.ProviderBirth, amount cocoon.Nano) (chain.Message, error) {
	c, fees, _, err := d.provided(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.Withdraw{Amount: wrappers.Coins{Nano: amount}}, fees.Withdraw)
}
