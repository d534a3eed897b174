package action_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/wrappers"
)

func (w *town) published() wrappers.Registry {
	w.t.Helper()
	r, err := w.Published(w.t.Context())
	require.NoError(w.t, err)
	return r
}

func TestDeploy_ListsTheSimulatorsImageOnALocalNetwork(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	r := w.published()
	require.True(t, r.Launched)
	require.Len(t, r.Images, 1)
	require.Equal(t, attest.DevelopmentImage(), r.Images[0].Key)
}

func TestRegistry_AnImageIsAnnouncedAppliedSuspendedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	image := [32]byte{7}
	announced := func(a wrappers.Announce, err error) uint32 {
		t.Helper()
		require.NoError(t, err)
		w.do(w.Announce(t.Context(), a))
		changes := w.published().Announced
		require.Len(t, changes, 1)
		return changes[0].ID
	}
	id := announced(wrappers.AnnounceImage(0, image, wrappers.ImageData{Name: "worker 1"}))
	w.do(w.Apply(t.Context(), id))
	require.Len(t, w.published().Images, 1, "not before its delay")
	w.do(w.Retract(t.Context(), id))
	id = announced(wrappers.AnnounceImage(0, image, wrappers.ImageData{Name: "worker 1"}))
	require.NoError(t, w.local.Advance(31*time.Second))
	w.do(w.Apply(t.Context(), id))
	require.Len(t, w.published().Images, 2)
	w.do(w.Suspend(t.Context(), wrappers.ChangeImage, image))
	for _, l := range w.published().Images {
		require.Equal(t, l.Key == image, l.SuspendedUntil > 0)
	}
	id = announced(wrappers.Announce{Kind: wrappers.ChangeImage, Key: image}, nil)
	require.NoError(t, w.local.Advance(31*time.Second))
	w.do(w.Apply(t.Context(), id))
	require.Len(t, w.published().Images, 1)
	id = announced(wrappers.AnnounceOwner(0, w.wallet.Account()), nil)
	require.NoError(t, w.local.Advance(31*time.Second))
	w.do(w.Apply(t.Context(), id))
	require.Equal(t, w.wallet.Account(), w.published().NextOwner)
	w.do(w.TakeOwnership(t.Context()))
	require.Equal(t, cocoon.Account{}, w.published().NextOwner)
}
