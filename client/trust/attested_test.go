package trust_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/wrappers"
)

// source is a chain with an empty registry and one block.
type source struct {
	block attest.Block
	at    uint32 // of the registry's proof
	down  error
	asked int
}

func (s *source) Registry(context.Context, cocoon.Account) (wrappers.Registry, attest.Block, error) {
	s.asked++
	return wrappers.Registry{}, attest.Block{Seqno: 9, Time: s.at}, s.down
}

func (s *source) Block(_ context.Context, seqno uint32) (attest.Block, error) {
	if seqno != s.block.Seqno {
		return attest.Block{}, cocoon.NotFound.Errorf("no block %d", seqno)
	}
	return s.block, nil
}

func TestAttested_BelievesWhatTheChainProvesAndTheSessionSigned(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	w, b := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	hpke, err := envelope.NewKeyPair()
	require.NoError(t, err)
	batch, err := envelope.NewKeyPair()
	require.NoError(t, err)
	at := uint32(now.Unix())
	src := &source{block: attest.Block{Seqno: 7, RootHash: [32]byte{7}, Time: at}, at: at}
	vault := cocoon.Account{5}
	c := attest.Claims{GlobalID: netID, Vault: vault, Worker: wrappers.PublicKey(w), Session: wrappers.PublicKey(b), Boot: [16]byte{3}, Block: src.block, NotBefore: at, NotAfter: at + 86_400,
		Keys: []attest.Key{{Use: attest.UseLive, NotBefore: at, NotAfter: at + 7200, Public: [envelope.PublicKeySize]byte(hpke.Public().Bytes())},
			{Use: attest.UseBatch, NotBefore: at, NotAfter: at + 7200, Public: [envelope.PublicKeySize]byte(batch.Public().Bytes())}}}
	evidence := func(c attest.Claims) []byte {
		cert, err := receipt.Certificate{GlobalID: netID, Provider: vault, SessionKey: c.Session, Boot: c.Boot, NotAfter: at + 86_400}.Sign(w)
		require.NoError(t, err)
		data := c.ReportData()
		return attest.Evidence{Claims: c, Certificate: cert, Signature: [64]byte(ed25519.Sign(b, data[:]))}.Bytes()
	}
	judge := &trust.Attested{Policy: attest.Policy{GlobalID: netID, Account: registry, Tiers: []attest.Tier{attest.TierOpen}}, Source: src, Now: func() time.Time { return now }, Cache: attest.NewCache(10)}
	subject := trust.Subject{Registry: registry, Provider: vault, Worker: c.Worker, Boot: c.Boot, Session: c.Session, GPUs: 1, Proven: now}

	v, err := judge.Judge(t.Context(), evidence(c), subject)
	require.NoError(t, err)
	require.Equal(t, c.Session, v.Session)
	require.Len(t, v.Keys, 1, "batch keys are not for requests")
	require.Equal(t, hpke.Public().Bytes(), v.Keys[0].Public.Bytes())
	_, err = judge.Judge(t.Context(), evidence(c), subject)
	require.NoError(t, err)
	require.Equal(t, 1, src.asked, "the registry is read every ten minutes")

	other := subject
	other.Boot[0]++
	_, err = judge.Judge(t.Context(), evidence(c), other)
	require.Error(t, err, "another run")
	_, err = judge.Judge(t.Context(), []byte("no evidence"), subject)
	require.ErrorIs(t, err, attest.ErrMalformed)
	forged := c
	forged.Block.RootHash[0]++
	_, err = judge.Judge(t.Context(), evidence(forged), subject)
	require.Error(t, err, "a block of another chain")
	forged.Block.Seqno++
	_, err = judge.Judge(t.Context(), evidence(forged), subject)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	strict := &trust.Attested{Policy: attest.Policy{GlobalID: netID, Account: registry, Tiers: []attest.Tier{attest.TierTDX}}, Source: src, Now: judge.Now, Cache: attest.NewCache(10)}
	_, err = strict.Judge(t.Context(), evidence(c), subject)
	require.ErrorIs(t, err, attest.ErrTier, "open has to be asked for by name")

	src.down = errors.New("no liteserver answers")
	now = now.Add(59 * time.Minute)
	subject.Proven = now
	_, err = judge.Judge(t.Context(), evidence(c), subject)
	require.NoError(t, err)
	now = now.Add(2 * time.Minute)
	_, err = judge.Judge(t.Context(), evidence(c), subject)
	require.ErrorIs(t, err, attest.ErrStaleProof)
}
