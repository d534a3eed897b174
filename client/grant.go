package client

import (
	"context"
	"crypto/ed25519"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/wrappers"
)

// grant gives the key of the payload to the worker that would take the job,
// after checking its certificate, and its record on chain.
func (c *Client) grant(ctx context.Context, s *secrets, v view) error {
	cert := v.Intent.Certificate
	key, err := v.Intent.Verify(c.cfg.GlobalID, s.job, c.deps.Now())
	if err == nil {
		err = c.mayWork(ctx, s, cert)
	}
	if err == nil {
		err = c.mayGrant(s, cert.Worker, v.Refused)
	}
	if err != nil { // the dispatcher may come up with a better one
		return cocoon.Conflict.Errorf("no grant to worker %s: %w", cert.Worker, err)
	}
	g := bus.Grant{Job: s.job}
	if g.Wrap, err = envelope.Grant(envelope.Key(s.BodyKey), s.job, s.offer.Work.PayloadHash, key); err != nil {
		return err
	}
	pass, err := wrappers.PassFor{GlobalID: c.cfg.GlobalID, Contract: s.job, Provider: cert.Provider}.Sign(ed25519.NewKeyFromSeed(s.OfferKey))
	if err != nil {
		return err
	}
	g.Pass = (*bus.Signature)(&pass.Bytes)
	if !slices.Contains(s.Granted, cert.Worker) {
		s.Granted = append(s.Granted, cert.Worker)
		if err = c.vault.save(s); err != nil { // before anybody can read the prompt
			s.Granted = s.Granted[:len(s.Granted)-1]
			return err
		}
	}
	if err = c.desk.grant(ctx, s, cert, g); err != nil {
		return err
	}
	c.log.Info("key granted", "job", s.job, "worker", cert.Worker)
	return nil
}

// mayGrant shows the prompt to one worker only, to another one when those
// before have refused.
func (c *Client) mayGrant(s *secrets, w bus.ID, refused map[bus.ID]string) error {
	if slices.Contains(s.Granted, w) {
		return nil
	}
	for _, before := range s.Granted {
		if _, gone := refused[before]; !gone {
			return cocoon.Conflict.Errorf("worker %s has the key and has not refused", before)
		}
	}
	if len(s.Granted) >= c.cfg.MaxGrants {
		return cocoon.Conflict.Errorf("%d workers were granted the key already", len(s.Granted))
	}
	return nil
}

// mayWork checks on chain that the certificate's worker is an active one of
// that provider, that the provider may accept the job and stands by its stake,
// and that the worker serves the model within the caps.
func (c *Client) mayWork(ctx context.Context, s *secrets, cert bus.Certificate) error {
	p, err := c.deps.Chain.Provider(ctx, cert.Provider)
	if err != nil {
		return err
	}
	if _, err = s.offer.Terms.CodeOf(p.Birth, cert.Provider); err != nil {
		return err
	}
	if err = trust.StandsByStake(p, cocoon.Nano{}); err != nil {
		return err
	}
	i := slices.IndexFunc(p.Workers, func(w wrappers.Worker) bool { return w.Key == cert.Worker && w.Active() })
	if i < 0 {
		return cocoon.Forbidden.Errorf("it is no active worker of provider %s", cert.Provider)
	}
	record, err := wrappers.DecodeWorkerRecord(p.Workers[i].Record)
	if err != nil {
		return err
	}
	serves := slices.ContainsFunc(record.Models, func(m wrappers.ModelOffer) bool {
		return m.Model == s.offer.Work.Model && m.Price.Within(s.offer.Work.Caps.Price())
	})
	if !serves {
		return cocoon.Forbidden.Errorf("it does not serve the model within the price caps")
	}
	return nil
}
