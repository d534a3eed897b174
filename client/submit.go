package client

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Terms are what a client offers for a batch.
type Terms struct {
	Model      string        // that the batch must ask for; "" takes the batch's
	Budget     cocoon.Nano   // the most that is paid; escrowed at once
	Caps       cocoon.Price  // workers that ask more are not taken
	MinBond    cocoon.Nano   // what the provider loses if it does not deliver; zero means a tenth of Budget
	AcceptIn   time.Duration // from now on, after which nobody may accept
	Work       time.Duration // from acceptance to delivery
	Review     time.Duration // from delivery, after which it is paid
	DefaultBps uint16        // of the amount, paid for a disputed result on which nobody rules
}

// DefaultTerms are the times of the main network. Budget and caps are missing.
func DefaultTerms() Terms {
	return Terms{AcceptIn: time.Hour, Work: 24 * time.Hour, Review: 24 * time.Hour, DefaultBps: 5000}
}

// Submit checks and encrypts a batch in OpenAI's format, announces it to the
// dispatcher and opens its job on chain with the budget as escrow. Nothing is
// paid where anything is refused before. The job is returned, with an error or
// without, as soon as its money may have moved: Attend goes on from there.
func (c *Client) Submit(ctx context.Context, file io.Reader, t Terms) (cocoon.Account, error) {
	s, payload, err := c.prepare(ctx, file, t)
	if err != nil {
		return cocoon.Account{}, err
	}
	m, err := c.opening(ctx, s)
	if err != nil {
		return cocoon.Account{}, err
	}
	if err = c.vault.keep(s, payload); err != nil {
		return cocoon.Account{}, err
	}
	if _, err = c.desk.register(ctx, s); err == nil {
		_, err = c.deps.Sender.Send(ctx, m)
	}
	if err != nil && !errors.Is(err, chain.ErrOutcomeUnknown) {
		return cocoon.Account{}, fmt.Errorf("open a job: %w", errors.Join(err, c.vault.forget(s.job)))
	}
	if err != nil {
		return s.job, fmt.Errorf("open job %s: %w", s.job, err)
	}
	c.log.Info("job opened", "job", s.job, "amount_nano", m.Amount.Text())
	return s.job, nil
}

// prepare makes the offer and the encrypted payload of a batch.
func (c *Client) prepare(ctx context.Context, file io.Reader, t Terms) (*secrets, []byte, error) {
	content, batch, err := readBatch(file, t)
	if err != nil {
		return nil, nil, err
	}
	offer, now, err := c.offer(ctx, batch, t)
	if err != nil {
		return nil, nil, err
	}
	payload, key, err := envelope.Encrypt(c.deps.Random, content)
	if err != nil {
		return nil, nil, err
	}
	s := &secrets{BodyKey: bus.ID(key)}
	if s.result, err = envelope.NewKeyPair(); err != nil {
		return nil, nil, err
	}
	if s.ResultKey, err = s.result.Bytes(); err != nil {
		return nil, nil, err
	}
	var random [32 + 32 + 8]byte
	if _, err = io.ReadFull(c.deps.Random, random[:]); err != nil {
		return nil, nil, fmt.Errorf("draw a job's secrets: %w", err)
	}
	s.OfferKey, s.Token = random[:32], hex.EncodeToString(random[32:64])
	offer.Salt = binary.BigEndian.Uint64(random[64:])
	offer.OfferKey = wrappers.PublicKey(ed25519.NewKeyFromSeed(s.OfferKey))
	offer.Work.PayloadHash, offer.Work.ResultKeyHash = envelope.Hash(payload), s.result.Public().Hash()
	if err = offer.Validate(now); err != nil {
		return nil, nil, err
	}
	encoded, err := wrappers.Cell(offer)
	if err != nil {
		return nil, nil, err
	}
	s.Offer, s.offer = encoded.ToBOC(), offer
	s.job, err = offer.Account()
	return s, payload, err
}

func readBatch(file io.Reader, t Terms) ([]byte, openai.Batch, error) {
	if t.Budget.IsZero() {
		return nil, openai.Batch{}, cocoon.WithHint(cocoon.Invalid.Errorf("a job needs a budget"), "say how much it may cost at most")
	}
	content, err := io.ReadAll(io.LimitReader(file, openai.MaxFile+1))
	if err != nil {
		return nil, openai.Batch{}, fmt.Errorf("read the batch: %w", err)
	}
	batch, err := openai.ParseBatch(content)
	if err == nil && t.Model != "" && t.Model != batch.Model {
		err = cocoon.Invalid.Errorf("the batch asks for model %q, not %q", batch.Model, t.Model)
	}
	return content, batch, err
}

// opening is the message that gives birth to the job with its escrow.
func (c *Client) opening(ctx context.Context, s *secrets) (chain.Message, error) {
	fees, err := c.deps.Chain.Fees(ctx, s.offer)
	if err != nil {
		return chain.Message{}, fmt.Errorf("ask for the fees of a job: %w", err)
	}
	value, err := s.offer.Money.Budget.Add(fees.OpenJob)
	if err != nil {
		return chain.Message{}, fmt.Errorf("escrow of a job: %w", err)
	}
	init, err := s.offer.Init()
	if err != nil {
		return chain.Message{}, err
	}
	body, err := wrappers.Cell(wrappers.OpenJob{})
	return chain.Message{To: s.job, Amount: value, Bounce: true, Init: init, Body: body}, err
}
