package bundle_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/localnet"
)

func TestBundle_ShowsWhatTheChainHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	data := w.make(0, 0)
	p, err := bundle.Verify(data, w.client.Network())
	require.NoError(t, err)
	require.Equal(t, *head, p.Block)
	at, err := w.client.Time(t.Context(), head)
	require.NoError(t, err)
	require.True(t, at.Equal(p.Time))
	require.Equal(t, int32(localnet.DefaultGlobalID), p.GlobalID)
	require.Len(t, p.Accounts, len(w.all()))
	for _, a := range w.all() {
		want, err := w.client.AccountAt(t.Context(), head, a)
		require.NoError(t, err)
		got, ok := p.Account(a)
		require.True(t, ok)
		require.Equal(t, []any{want.State, want.Balance, want.LastLT, want.LastHash}, []any{got.State, got.Balance, got.LastLT, got.LastHash}, a)
	}
	none, _ := p.Account(w.nobody)
	require.Equal(t, chain.None, none.State)
	_, ok := p.Account(cocoon.Account{99})
	require.False(t, ok)
	b, err := bundle.Parse(data)
	require.NoError(t, err)
	require.Greater(t, len(b.Links), 4, "key blocks on the way")
	t.Logf("%d accounts, %d links, %d bytes", len(b.Accounts), len(b.Links), len(data))
}

func TestBundle_LeadsFromAnyTrustedBlockToAnyOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	maker := bundle.NewMaker(w.client)
	var back, ahead int
	for from := uint32(1); from <= head.SeqNo; from += 3 {
		n := w.trusting(from)
		for at := uint32(2); at <= head.SeqNo; at += 7 {
			data, err := maker.Make(t.Context(), at, from, w.rich[0], w.nobody)
			require.NoError(t, err, "from %d to %d", from, at)
			p, err := bundle.Verify(data, n)
			require.NoError(t, err, "from %d to %d", from, at)
			require.Equal(t, at, p.Block.SeqNo)
			if at < from {
				back++
			} else {
				ahead++
			}
		}
	}
	require.Greater(t, back, 5)
	require.Greater(t, ahead, 5)
}

func TestBundle_WhatItProvesMayBeTrustedNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.client.Network()
	p, err := bundle.Verify(w.make(0, 0), n)
	require.NoError(t, err)
	w.rekey(99)
	n.Trusted = p.Block
	next, err := bundle.Verify(w.make(0, p.Block.SeqNo), n)
	require.NoError(t, err)
	require.Greater(t, next.Block.SeqNo, p.Block.SeqNo)
}

func TestBundle_NoByteMayChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.client.Network()
	asked := []cocoon.Account{w.rich[3], w.nobody}
	data, err := bundle.NewMaker(w.client).Make(t.Context(), 0, 0, asked...)
	require.NoError(t, err)
	p, err := bundle.Verify(data, n)
	require.NoError(t, err)
	found, err := p.Of(asked...)
	require.NoError(t, err)
	require.Equal(t, []cocoon.Account{w.rich[3], w.nobody}, []cocoon.Account{found[0].ID, found[1].ID})
	rnd := rand.New(rand.NewPCG(1, 2))
	refuse := func(at int, mask byte, mended bool) {
		bad := bytes.Clone(data)
		bad[at] ^= mask
		if mended && at < len(bad)-4 {
			repair(bad)
		}
		p, err := bundle.Verify(bad, n)
		if mended && err == nil { // that somebody else is not there either is as true, but not what was asked
			_, err = p.Of(asked...)
			require.ErrorIs(t, err, bundle.ErrOthers, "byte %d of %d, mask %02x, was %02x; around it %x", at, len(data), mask, data[at], data[max(0, at-40):min(len(data), at+40)])
			_, known := p.Account(w.nobody)
			require.False(t, known)
		}
		require.Error(t, err, "byte %d of %d, mask %02x, checksum mended: %t", at, len(data), mask, mended)
	}
	for at := range data {
		refuse(at, 1<<rnd.IntN(8), false)
	}
	for range 1500 {
		refuse(rnd.IntN(len(data)), byte(1+rnd.IntN(255)), true)
	}
	for at := range 300 { // the head, where numbers are
		refuse(at, 1<<rnd.IntN(8), true)
	}
	for _, bad := range [][]byte{nil, data[:len(data)-1], append(bytes.Clone(data), 0), make([]byte, bundle.MaxBytes+1)} {
		_, err = bundle.Verify(bad, n)
		require.ErrorIs(t, err, bundle.ErrMalformed)
	}
}

func TestBundle_EveryRefusalHasItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.client.Network()
	data := w.make(0, 0)
	older := w.make(w.client.Network().Trusted.SeqNo+4, 0)
	for name, c := range map[string]struct {
		want   error
		change func(b, old *bundle.Bundle)
	}{
		"another global id":         {bundle.ErrNetwork, func(b, _ *bundle.Bundle) { b.GlobalID++ }},
		"another zero state":        {bundle.ErrNetwork, func(b, _ *bundle.Bundle) { b.ZeroState[0] ^= 1 }},
		"starts elsewhere":          {bundle.ErrUntrusted, func(b, _ *bundle.Bundle) { b.From, b.Links = b.Links[0].To, b.Links[1:] }},
		"another root":              {bundle.ErrUntrusted, func(b, _ *bundle.Bundle) { b.From.Root[9] ^= 1 }},
		"another file hash":         {bundle.ErrUntrusted, func(b, _ *bundle.Bundle) { b.From.FileHash[9] ^= 1 }},
		"a link is missing":         {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links = b.Links[1:] }},
		"a link of another seqno":   {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links[1].To.Seqno++ }},
		"a link of another file":    {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links[1].To.FileHash[0] ^= 1 }},
		"a link of another kind":    {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links[0].ToKey = !b.Links[0].ToKey }},
		"a forged signature":        {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links[2].Signed.List[0].Bytes[5] ^= 4 }},
		"no signature":              {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links[2].Signed.List = nil }},
		"a stranger's signature":    {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links[2].Signed.List[0].Node[5] ^= 4 }},
		"signed as simplex":         {bundle.ErrLink, func(b, _ *bundle.Bundle) { b.Links[2].Signed.Simplex = &bundle.Simplex{Candidate: []byte{1}} }},
		"another block":             {bundle.ErrMaster, func(b, old *bundle.Bundle) { b.Accounts[0].Master = old.Accounts[0].Master }},
		"another shard":             {bundle.ErrAccount, func(b, _ *bundle.Bundle) { b.Accounts[0].Shard = b.Accounts[len(b.Accounts)-1].Shard }},
		"an older shard block":      {bundle.ErrAccount, func(b, old *bundle.Bundle) { b.Accounts[0].Shard = old.Accounts[0].Shard }},
		"another's state":           {bundle.ErrAccount, func(b, _ *bundle.Bundle) { b.Accounts[0].AccountState = b.Accounts[1].AccountState }},
		"hidden":                    {bundle.ErrAbsence, func(b, _ *bundle.Bundle) { b.Accounts[0].AccountState = nil }},
		"hidden by a way elsewhere": {bundle.ErrAbsence, func(b, _ *bundle.Bundle) { b.Accounts[0].Shard, b.Accounts[0].AccountState = b.Accounts[1].Shard, nil }},
		"nothing":                   {bundle.ErrMalformed, func(b, _ *bundle.Bundle) { b.Accounts = nil }},
	} {
		b, err := bundle.Parse(data)
		require.NoError(t, err)
		old, err := bundle.Parse(older)
		require.NoError(t, err)
		c.change(b, old)
		_, err = b.Verify(n)
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func TestBundle_OfAnotherNetworkIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := w.make(0, 0)
	other, err := chain.ParseNetwork(localnet.New(t, func(c *localnet.Config) { c.Seed = []byte("other") }).GlobalConfig())
	require.NoError(t, err)
	_, err = bundle.Verify(data, other)
	require.ErrorIs(t, err, bundle.ErrNetwork)
	n := w.client.Network()
	n.GlobalID = chain.Mainnet
	_, err = bundle.Verify(data, n)
	require.ErrorIs(t, err, bundle.ErrNetwork)
	n = w.client.Network()
	n.Trusted = other.Trusted
	_, err = bundle.Verify(data, n)
	require.ErrorIs(t, err, bundle.ErrUntrusted)
}

func TestBundle_GrowsOld(t *testing.T) {
	t.Parallel()
	p := bundle.Proven{Time: time.Unix(1_000_000, 0)}
	require.NoError(t, p.CheckAge(time.Unix(1_000_600, 0), 10*time.Minute))
	require.ErrorIs(t, p.CheckAge(time.Unix(1_000_601, 0), 10*time.Minute), bundle.ErrStale)
	require.NoError(t, p.CheckAge(time.Unix(999_940, 0), 10*time.Minute))
	require.ErrorIs(t, p.CheckAge(time.Unix(999_939, 0), 10*time.Minute), bundle.ErrClock)
}
