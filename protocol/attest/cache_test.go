package attest_test

import (
	"crypto/elliptic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

func TestCache_AnswersAsVerifyDoes(t *testing.T) {
	t.Parallel()
	w, cache := newWorld(t), attest.NewCache(2)
	e := w.evidence()
	want, err := w.verify(e)
	require.NoError(t, err)
	for range 3 {
		got, err := cache.Verify(e.Bytes(), w.policy, w.worker, w.now)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, 1, cache.Len())
}

func TestCache_BelievesNothingLongerThanVerify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then func(*world)
		want error
	}{
		"a proof of 61 minutes":  {func(w *world) { w.policy.Registry.Time = noon.Add(-61 * time.Minute) }, attest.ErrStaleProof},
		"a suspended image":      {suspend, attest.ErrSuspended},
		"a removed image":        {func(w *world) { w.policy.Registry.Images = nil }, attest.ErrImage},
		"a refused platform":     {func(w *world) { w.policy.Platforms = [][16]byte{testPPID} }, attest.ErrPlatform},
		"a stricter status":      {func(w *world) { w.policy.TCB = []attest.Status{attest.OutOfDate} }, attest.ErrTCB},
		"another tier":           {func(w *world) { w.policy.Tiers = nil }, attest.ErrTier},
		"another root":           {func(w *world) { w.policy.Root = nil }, attest.ErrQuoteChain},
		"another worker":         {func(w *world) { w.worker.Key[0]++ }, attest.ErrWorker},
		"a block that was wrong": {func(w *world) { w.policy.Blocks = blocks{} }, attest.ErrBlock},
		"collateral that ended": {func(w *world) {
			w.now = noon.Add(30 * time.Minute)
		}, attest.ErrStaleCollateral},
		"evidence that ended": {func(w *world) {
			w.now = noon.Add(25 * time.Hour)
			w.policy.Registry.Time, w.worker.Time = w.now, w.now
		}, attest.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, cache := newWorld(t), attest.NewCache(2)
			w.onCollateral = func(c *attest.Collateral) {
				c.PCKCRL = revoked(t, w.intel.platform, w.intel.platformKey, noon.Add(30*time.Minute))
			}
			raw := w.evidence().Bytes()
			_, err := cache.Verify(raw, w.policy, w.worker, w.now)
			require.NoError(t, err)
			c.then(w)
			_, err = cache.Verify(raw, w.policy, w.worker, w.now)
			requireReason(t, err, c.want)
		})
	}
}

func TestCache_BelievesNoTokensOfAKeyThatIsPinnedNoMore(t *testing.T) {
	t.Parallel()
	w, cache := newWorld(t), attest.NewCache(2)
	w.withGPUs(1)
	raw := w.evidence().Bytes()
	_, err := cache.Verify(raw, w.policy, w.worker, w.now)
	require.NoError(t, err)
	w.policy.GPU.Keys = otherKey(t, elliptic.P384())
	_, err = cache.Verify(raw, w.policy, w.worker, w.now)
	requireReason(t, err, attest.ErrGPUKey)
}

func TestCache_IsBounded(t *testing.T) {
	t.Parallel()
	w, cache := newWorld(t), attest.NewCache(3)
	simulator := w.onLocalnet()
	var group errgroup.Group
	for range 10 {
		w.now = w.now.Add(time.Second)
		raw, policy, worker, now := w.evidenceBy(simulator).Bytes(), w.policy, w.worker, w.now
		group.Go(func() error {
			_, err := cache.Verify(raw, policy, worker, now)
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 3, cache.Len())

	_, err := cache.Verify([]byte{1}, w.policy, w.worker, w.now)
	requireReason(t, err, attest.ErrMalformed)
	w.policy.Local.Simulator[0]++
	_, err = cache.Verify(w.evidenceBy(simulator).Bytes(), w.policy, w.worker, w.now)
	requireReason(t, err, attest.ErrReportData)
	require.Equal(t, 3, cache.Len(), "refusals are not kept")
}
