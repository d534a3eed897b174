package worker

import (
	"crypto/ed25519"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/wrappers"
)

// judge decides from proven state alone whether the worker would take the job.
// It returns the price agreed to, or the reason for a refusal.
func (w *Worker) judge(j Job, s Standing, o bus.Offer) (cocoon.Price, error) {
	if s.Record == nil {
		return cocoon.Price{}, bus.Refusef(bus.WrongWork, "worker is not registered any more")
	}
	work, money := j.Offer.Work, j.Offer.Money
	price, serves := s.price(work.Model)
	shares := int(j.Offer.DispatcherBps) + int(j.Offer.Terms.NetworkBps)
	switch {
	case j.Phase != wrappers.JobOpen || j.Now >= money.AcceptBy:
		return price, bus.Refusef(bus.WrongJob, "job is not open any more")
	case !w.cfg.Payee.IsZero() && j.Offer.Dispatcher != w.cfg.Payee:
		return price, bus.Refusef(bus.WrongJob, "job pays another dispatcher")
	case shares > int(w.cfg.MaxShare):
		return price, bus.Refusef(bus.WrongJob, "shares of %d basis points are too large", shares)
	case float64(money.Work) < w.cfg.MinWork.Seconds():
		return price, bus.Refusef(bus.WrongJob, "%d s are too short to work in", money.Work)
	case money.MinBond.Cmp(money.Budget.Nano) > 0:
		return price, bus.Refusef(bus.WrongJob, "the bond of %s exceeds all there is to earn", money.MinBond)
	case money.MinBond.Cmp(s.Bondable) > 0:
		return price, bus.Refusef(bus.WrongWork, "provider cannot bond %s now", money.MinBond)
	case !serves || w.cfg.engineOf(work.Model) == "":
		return price, bus.Refusef(bus.WrongWork, "worker does not serve the model")
	case !price.Within(work.Caps.Price()):
		return price, bus.Refusef(bus.WrongWork, "worker asks more than the job's price caps")
	}
	if err := w.mayBeDisputed(money); err != nil {
		return price, err
	}
	if _, err := j.Offer.Terms.CodeOf(s.Birth, w.cfg.Provider); err != nil {
		return price, bus.Refuse(bus.WrongJob, err)
	}
	if key, err := envelope.ParsePublicKey(o.ResultKey); err != nil || key.Hash() != work.ResultKeyHash {
		return price, bus.Refusef(bus.WrongKey, "result key is not the one the job names")
	}
	return price, nil
}

// mayBeDisputed refuses jobs whose client could keep the result and the money:
// by a default of little, or by an arbiter of its own, who takes of the bond as well.
func (w *Worker) mayBeDisputed(money *wrappers.JobMoney) error {
	if money.DefaultBps < w.cfg.MinDefault {
		return bus.Refusef(bus.WrongJob, "a dispute would pay %d basis points, not %d", money.DefaultBps, w.cfg.MinDefault)
	}
	if a := money.Arbiter; !a.IsZero() && !slices.Contains(w.cfg.Arbiters, a) {
		return bus.Refusef(bus.WrongJob, "arbiter %s is not one of this worker's", a)
	}
	return nil
}

// mayPass checks the offer key's pass for this provider, where the job has such a key.
func (w *Worker) mayPass(j Job, pass *bus.Signature) error {
	if j.Offer.OfferKey == [32]byte{} {
		return nil
	}
	c, err := wrappers.Cell(wrappers.PassFor{GlobalID: w.cfg.GlobalID, Contract: j.Account, Provider: w.cfg.Provider})
	if err != nil {
		return err
	}
	if pass == nil || !ed25519.Verify(j.Offer.OfferKey[:], c.Hash(), pass[:]) {
		return bus.Refusef(bus.WrongKey, "the offer key has not let this provider accept")
	}
	return nil
}

// mayWork opens a payload and checks that it is the work agreed to.
func mayWork(j Job, price cocoon.Price, blob []byte, key envelope.Key) error {
	if envelope.Hash(blob) != j.Offer.Work.PayloadHash {
		return bus.Refusef(bus.WrongKey, "payload does not have the hash on chain")
	}
	file, err := envelope.Open(blob, key)
	if err != nil {
		return bus.Refuse(bus.WrongKey, err)
	}
	batch, err := openai.ParseBatch(file)
	if err != nil { // its text may quote the client's names
		return bus.Refusef(bus.WrongWork, "payload is not a batch the market takes")
	}
	if cocoon.NewModelID(batch.Model) != j.Offer.Work.Model {
		return bus.Refusef(bus.WrongWork, "payload asks another model than the job")
	}
	cost, err := price.Cost(batch.Estimate())
	if err != nil || cost.Cmp(j.Offer.Money.Budget.Nano) > 0 {
		return bus.Refusef(bus.WrongWork, "the work is estimated above the budget of %s", j.Offer.Money.Budget)
	}
	return nil
}
