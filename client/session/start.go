package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// Reserve is the most that r may cost as far as Start lets it run.
func (s *Session) Reserve(_ context.Context, r api.Request) (cocoon.Nano, error) {
	route, err := s.route(r)
	if err != nil {
		return cocoon.Nano{}, err
	}
	sealed := len(r.Body) + len(r.Body)/8 + 1<<10 // encryption pads
	return s.sizeOf(route, sealed).Reserve(s.leases.price(route.Model), bound.Slice)
}

// sizeOf bounds a request whose ciphertext has so many bytes, as the dispatcher
// does. Embeddings have no tokens of their own.
func (s *Session) sizeOf(r stream.Route, sealed int) bound.Size {
	return bound.Size{Prompt: uint64(sealed), Overhead: s.cfg.Overhead, Choices: uint64(r.Choices), MaxOut: uint64(max(r.MaxOut, 1))}
}

// route is what dispatcher and worker see of r.
func (s *Session) route(r api.Request) (stream.Route, error) {
	endpoint, err := stream.EndpointOf(r.Endpoint)
	if err != nil {
		return stream.Route{}, err
	}
	now := s.deps.Now()
	until := now.Add(stream.MaxRoute)
	if !r.Deadline.IsZero() && r.Deadline.Before(until) {
		until = r.Deadline
	}
	v := stream.Route{Request: stream.NewRequestID(), Model: cocoon.NewModelID(r.Model), Endpoint: endpoint, Issued: uint32(now.Unix()),
		Expires: uint32(until.Add(time.Second - 1).Unix()), Choices: uint8(max(1, min(r.Choices, stream.MaxChoices))), Caps: s.cfg.Caps}
	v.Expires = min(v.Expires, v.Issued+uint32(stream.MaxRoute/time.Second))
	if endpoint != stream.Embeddings {
		if v.MaxOut = uint32(min(r.MaxOut, stream.MaxOut)); r.MaxOut <= 0 {
			v.MaxOut = stream.MaxOut
		}
	}
	if r.Choices > stream.MaxChoices {
		return v, cocoon.Invalid.Errorf("%d choices are asked for, the most is %d", r.Choices, stream.MaxChoices)
	}
	return v, v.Validate()
}

// Start returns when a worker took r, or when it failed and nothing is owed. Where
// ctx ended before, the answer ends at once, and has what was done all the same.
// What fails before a worker took it is asked once more, of other workers.
func (s *Session) Start(ctx context.Context, r api.Request) (*answer, error) {
	for again := true; ; again = false {
		a, err := s.start(ctx, r)
		if err == nil || !again || !s.worthwhile(err) {
			return a, err
		}
	}
}

// worthwhile reports whether asking again may help.
func (s *Session) worthwhile(err error) bool {
	var f *stream.Fail
	if !errors.As(err, &f) {
		return false
	}
	switch f.Code {
	case stream.LeaseGone, stream.WrongKey, stream.Busy, stream.WorkerLost:
		return true
	case stream.NeedCover:
		_, err = s.deps.Ledger.Cover(f.Need)
		return err == nil
	}
	return false
}

func (s *Session) start(ctx context.Context, r api.Request) (*answer, error) {
	if _, _, err := s.place(); err != nil {
		return nil, err
	}
	route, err := s.route(r)
	if err != nil {
		return nil, err
	}
	w := want{model: route.Model}
	copy(w.affinity[:], r.Affinity)
	set, err := s.leases.take(ctx, w)
	if err != nil {
		return nil, err
	}
	a, sealed, err := s.seal(route, set, r.Body)
	if err != nil {
		return nil, err
	}
	amount, err := a.size.Reserve(set.price(), bound.Slice)
	if err != nil {
		return nil, err
	}
	cover, err := s.deps.Ledger.Reserve(ctx, a.id, a.hash, amount)
	if err != nil {
		if cocoon.KindOf(err) == cocoon.NoMoney {
			err = &api.Error{Code: api.CodeVoucher, Err: err}
		}
		return nil, err
	}
	a.reserved, a.granted = amount, min(bound.Slice, a.size.MaxOut)
	return s.send(ctx, a, sealed, stream.Pay{Channel: s.cfg.Channel, Lease: set.ID, Cover: cover}, r.Deadline)
}

// seal encrypts a prompt to the candidates of a set. Those that are not trusted
// get an empty wrap in their place.
func (s *Session) seal(route stream.Route, set *set, prompt []byte) (*answer, stream.Sealed, error) {
	var to []*envelope.Context
	var places []int
	for i, c := range set.Candidates {
		if set.peers[i] == nil {
			continue
		}
		k, err := set.peers[i].Context(c.KeyID, s.deps.Trust.Now())
		if err != nil {
			s.log.Info("candidate left out", "error", err)
			continue
		}
		to, places = append(to, k), append(places, i)
	}
	sealed, secrets, err := stream.Seal(s.deps.Random, route, prompt, to)
	if err != nil {
		return nil, sealed, err
	}
	a := newAnswer(s, route, set)
	wraps := make([][]byte, len(set.Candidates))
	for n, i := range places {
		wraps[i] = sealed.Wraps[n]
		a.secrets[i] = &secrets[n]
	}
	sealed.Wraps = wraps
	a.size, a.plain = s.sizeOf(route, len(sealed.Body)), uint64(len(prompt))
	return a, sealed, nil
}

// send publishes a request and waits until a worker took it.
func (s *Session) send(ctx context.Context, a *answer, sealed stream.Sealed, pay stream.Pay, deadline time.Time) (*answer, error) {
	node, number, err := s.place()
	if err == nil {
		pay.Session = number
		s.put(a)
		if err = s.publish(node, a, sealed, pay); err != nil {
			s.remove(a.id)
		}
	}
	if err == nil && !s.spawn(func() { a.run(deadline) }) {
		s.remove(a.id)
		err = errClosed
	}
	if err != nil {
		_, aerr := s.deps.Ledger.Agree(a.id, cocoon.Nano{})
		return nil, errors.Join(err, aerr)
	}
	select {
	case <-a.taken:
	case <-ctx.Done():
		a.halt(context.Cause(ctx))
		return a, nil // a worker may have a bill
	}
	if err = a.refusal(); err != nil {
		return nil, err
	}
	return a, nil
}

func (s *Session) publish(node string, a *answer, sealed stream.Sealed, pay stream.Pay) error {
	parts := slices.Collect(slices.Chunk(sealed.Body, stream.MaxPart))
	err := s.link.tell(node, stream.StartVerb, stream.Start{Route: a.route, Pay: pay, Wraps: sealed.Wraps, Size: uint32(len(sealed.Body)), Body: parts[0]})
	for i, part := range parts[1:] {
		if err == nil {
			err = s.link.tell(node, stream.PartVerb, stream.Part{Request: a.id, Index: uint8(i + 1), Data: part})
		}
	}
	return err
}
