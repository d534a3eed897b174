package attest_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

// TestSession_TwoKeysAreValidAtAnyTime follows a worker for three days, with new evidence at each rotation.
func TestSession_TwoKeysAreValidAtAnyTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	simulator := w.onLocalnet()
	start, drawnLive := w.now, map[[32]byte]bool{}
	for w.now.Sub(start) < 72*time.Hour {
		w.now = w.now.Add(20 * time.Minute)
		w.block = attest.Block{Seqno: w.block.Seqno + 1, Time: uint32(w.now.Unix())}
		w.policy.Blocks = blocks{w.block.Seqno: w.block}
		w.policy.Registry.Time, w.worker.Time = w.now, w.now
		w.certify(w.now.Add(24 * time.Hour))
		_, err := w.session.Rotate(w.now)
		require.NoError(t, err)
		v, err := w.verify(w.evidenceBy(simulator))
		require.NoError(t, err)

		count := map[attest.Use]int{}
		for _, k := range v.Keys {
			count[k.Use]++
			_, ok := w.session.Private(k.ID, w.now)
			require.True(t, ok)
			if k.Use == attest.UseLive {
				drawnLive[k.ID] = true
			}
		}
		require.LessOrEqual(t, count[attest.UseLive], 2)
		require.LessOrEqual(t, count[attest.UseBatch], 2)
		if w.now.Sub(start) >= time.Hour {
			require.Equal(t, 2, count[attest.UseLive])
		}
		newest, err := v.Key(attest.UseLive, w.now)
		require.NoError(t, err)
		require.Less(t, w.now.Sub(newest.NotBefore), time.Hour)
	}
	require.Len(t, drawnLive, 73)
}

func TestSession_ForgetsKeysAfterTheirEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.evidence().Claims.Keys[0].ID()
	_, ok := w.session.Private(id, noon.Add(2*time.Hour+9*time.Minute))
	require.True(t, ok, "what was encrypted just before the end still opens")
	_, ok = w.session.Private(id, noon.Add(2*time.Hour+10*time.Minute))
	require.False(t, ok)
	_, err := w.session.Rotate(noon.Add(2*time.Hour + 10*time.Minute))
	require.NoError(t, err)
	_, ok = w.session.Private(id, noon)
	require.False(t, ok, "it is forgotten, not only refused")
}

func TestSession_TakesOnlyItsOwnCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request := w.session.Request(noon.Add(time.Hour))
	other := ed25519.NewKeyFromSeed(append(make([]byte, 31), 5))
	cert, err := request.Sign(other)
	require.NoError(t, err)
	requireReason(t, w.session.Certify(cert), attest.ErrCertificate)
	request.Boot[0]++
	cert, err = request.Sign(w.key)
	require.NoError(t, err)
	requireReason(t, w.session.Certify(cert), attest.ErrCertificate)
}

func TestSession_ClaimsNothingWithoutCertificateBlockOrKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.session.Claims(attest.Block{Time: uint32(noon.Add(-24 * time.Hour).Unix())}, noon)
	require.ErrorContains(t, err, "too old")
	_, err = w.session.Claims(w.block, noon.Add(24*time.Hour))
	require.ErrorContains(t, err, "too old")
	s, err := attest.NewSession(mathrand.NewChaCha8([32]byte{3}), attest.Identity{GlobalID: mainnet, Vault: w.worker.Vault, Worker: w.worker.Key})
	require.NoError(t, err)
	_, err = s.Claims(w.block, noon)
	require.ErrorContains(t, err, "certificate")
	cert, err := s.Request(noon.Add(time.Hour)).Sign(w.key)
	require.NoError(t, err)
	require.NoError(t, s.Certify(cert))
	_, err = s.Claims(w.block, noon)
	require.ErrorContains(t, err, "0 valid keys")
	_, err = attest.NewSession(strings.NewReader("too short"), attest.Identity{})
	require.Error(t, err)
}

func TestSession_KeysStayOutOfLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := fmt.Sprintf("%d", w.session.Signer()[:8])
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(format, w.session), strings.Trim(secret, "[]"))
	}
}

// TestSession_TheOwnerAloneMakesNoReceipts: who has W but not B can certify another
// B, yet no statement of the TEE binds that one.
func TestSession_TheOwnerAloneMakesNoReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	genuine := w.evidence()
	mine := ed25519.NewKeyFromSeed(append(make([]byte, 31), 6))
	forged := genuine
	forged.Claims.Session = [32]byte(mine.Public().(ed25519.PublicKey))
	request := w.session.Request(noon.Add(time.Hour))
	request.SessionKey = forged.Claims.Session
	var err error
	forged.Certificate, err = request.Sign(w.key)
	require.NoError(t, err)
	data := forged.Claims.ReportData()
	forged.Signature = [64]byte(ed25519.Sign(mine, data[:]))
	_, err = w.verify(forged)
	requireReason(t, err, attest.ErrReportData)
	require.False(t, errors.Is(err, attest.ErrCertificate))
}
