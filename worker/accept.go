package worker

import (
	"context"

	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/wrappers"
)

// accept checks a grant against the chain and the payload itself, and signs
// the job's acceptance, which is on disk when it returns.
func (w *Worker) accept(ctx context.Context, o bus.Offer, g bus.Grant) (*kept, error) {
	j, err := w.chain.Job(ctx, o.Job)
	if err != nil {
		return nil, err
	}
	s, err := w.chain.Standing(ctx, w.cfg.Provider, w.id)
	if err != nil {
		return nil, err
	}
	price, err := w.judge(j, s, o)
	if err == nil {
		err = w.mayPass(j, g.Pass)
	}
	if err != nil {
		return nil, err
	}
	key, err := envelope.OpenGrant(g.Wrap, j.Account, j.Offer.Work.PayloadHash, w.key)
	if err != nil {
		return nil, bus.Refuse(bus.WrongKey, err)
	}
	blob, err := w.fetch(ctx, o, j.Offer.Work.PayloadHash)
	if err != nil {
		return nil, err
	}
	if err = mayWork(j, price, blob, key); err != nil {
		return nil, err
	}
	k := &kept{Offer: o, Price: price, Key: bus.ID(key), payload: blob,
		ValidUntil: min(j.Now+uint32(w.cfg.AcceptFor.Seconds()), j.Offer.Money.AcceptBy)}
	if k.Accept, err = w.signAccept(j, s, k.ValidUntil, g.Pass); err != nil {
		return nil, err
	}
	return k, w.store.save(k)
}

func (w *Worker) signAccept(j Job, s Standing, validUntil uint32, pass *bus.Signature) (bus.Accept, error) {
	code, err := j.Offer.Terms.CodeOf(s.Birth, w.cfg.Provider)
	if err != nil {
		return bus.Accept{}, err
	}
	order := wrappers.AcceptJobOrder{GlobalID: w.cfg.GlobalID, Contract: w.cfg.Provider, Job: j.Account, Code: code,
		Worker: w.id, Bond: j.Offer.Money.MinBond, ValidUntil: validUntil}
	if j.Offer.OfferKey != [32]byte{} {
		order.Pass = &wrappers.Signature{Bytes: *pass}
	}
	c, sig, err := wrappers.Sign(order, w.cfg.Operator)
	return bus.Accept{Job: j.Account, Order: bus.Cell{Cell: c}, Signature: bus.Signature(sig.Bytes)}, err
}

// fetch brings the payload from the dispatcher, part by part.
func (w *Worker) fetch(ctx context.Context, o bus.Offer, hash [32]byte) ([]byte, error) {
	a := bus.Assembly{Job: o.Job, Hash: hash, Size: o.PayloadSize}
	for {
		p, err := ask[bus.Part](ctx, w.link, o.Node, bus.PayloadVerb, bus.Fetch{Job: o.Job, Index: a.Next()})
		if err != nil {
			return nil, err
		}
		blob, err := a.Add(p)
		if err != nil {
			return nil, bus.Refuse(bus.WrongKey, err)
		}
		if blob != nil {
			return blob, nil
		}
	}
}
