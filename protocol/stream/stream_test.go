package stream_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

func clientKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

func filled[T ~[16]byte](n byte) (v T) {
	for i := range v {
		v[i] = n + byte(i)
	}
	return v
}

func wide(n byte) (v [32]byte) {
	for i := range v {
		v[i] = n ^ byte(i)
	}
	return v
}

func price(n uint64) cocoon.Price {
	return cocoon.Price{Prompt: nano(n), Cached: nano(n / 2), Completion: nano(3 * n), Reasoning: nano(2 * n)}
}

func someRoute() stream.Route {
	return stream.Route{Request: filled[stream.RequestID](1), Model: cocoon.NewModelID("a model"), Endpoint: stream.Chat, Issued: 1_750_000_000, Expires: 1_750_000_600,
		MaxOut: 1000, Choices: 2, Caps: price(1000)}
}

func someVoucher(t testing.TB) voucher.Signed {
	v, err := voucher.Voucher{GlobalID: -7, Channel: cocoon.Account(wide(9)), Cumulative: cocoon.TON(3)}.Sign(clientKey())
	require.NoError(t, err)
	return v
}

// messages are one of each kind, and what reads them.
func messages(t testing.TB) map[string]struct {
	m     stream.Message
	parse func([]byte) (stream.Message, error)
} {
	v := someVoucher(t)
	hello := stream.Hello{GlobalID: -7, Rewards: cocoon.Account(wide(2)), Channel: cocoon.Account(wide(3)), Session: 1 << 40}.Sign(clientKey())
	id := filled[stream.RequestID](1)
	type entry = struct {
		m     stream.Message
		parse func([]byte) (stream.Message, error)
	}
	return map[string]entry{
		"route": {someRoute(), as(stream.ParseRoute)},
		"hello": {hello, as(stream.ParseHello)},
		"state": {stream.State{Cover: cocoon.TON(1), Paid: nano(2), Used: nano(3), Open: nano(4), Deposit: cocoon.TON(9), Session: 5, Node: "main",
			Receipts: [][]byte{{1}, {2, 3}}}, as(stream.ParseState)},
		"lease": {stream.Lease{Channel: cocoon.Account(wide(1)), Session: 2, Model: cocoon.ModelID(wide(3)), Caps: price(9), Affinity: wide(4), Tier: 1, Sets: 64, Width: 3}, as(stream.ParseLease)},
		"leases": {stream.Leases{Expires: 99, Sets: []stream.LeaseSet{{ID: 1 << 50, Candidates: []stream.Candidate{
			{Provider: cocoon.Account(wide(1)), Worker: wide(2), Boot: filled[stream.Boot](3), KeyID: 4, Price: price(5)}}}}}, as(stream.ParseLeases)},
		"start":  {stream.Start{Route: someRoute(), Pay: stream.Pay{Channel: cocoon.Account(wide(1)), Session: 2, Lease: 3, Cover: v}, Wraps: [][]byte{{1, 2}}, Size: 3, Body: []byte{4, 5, 6}}, as(stream.ParseStart)},
		"part":   {stream.Part{Request: id, Index: 1, Data: []byte{1}}, as(stream.ParsePart)},
		"took":   {stream.Took{Request: id, Attempt: 1, Candidate: 2, Nonce: wide(3)}, as(stream.ParseTook)},
		"fail":   {&stream.Fail{Request: id, Code: stream.NeedCover, Need: cocoon.TON(1), Wait: 250, Text: "more"}, as(stream.ParseFail)},
		"want":   {stream.Want{Request: id, Need: cocoon.TON(1)}, as(stream.ParseWant)},
		"more":   {stream.More{Request: id, Cover: v}, as(stream.ParseMore)},
		"final":  {stream.Final{Request: id, Receipt: []byte{1, 2}}, as(stream.ParseFinal)},
		"settle": {stream.Settle{Agreed: []stream.Agreed{{Request: id, Usage: cocoon.Usage{Prompt: 1, Cached: 2, Completion: 3, Reasoning: 4}, Cost: nano(5)}, {Cost: nano(6)}}, Paid: v}, as(stream.ParseSettle)},
		"cancel": {stream.Cancel{Request: id, Seq: 7}, as(stream.ParseCancel)},
		"resume": {stream.Resume{Request: id, Seq: 7, Node: "d-1"}, as(stream.ParseResume)},
		"order": {stream.Order{Attempt: 1, Route: someRoute(), Rewards: cocoon.Account(wide(1)), Node: "d-1", Price: price(999), KeyID: 2, Wrap: []byte{3}, Slice: 512, Size: 2, Body: []byte{1, 2}},
			as(stream.ParseOrder)},
		"slice":     {stream.Slice{Request: id, Tokens: 1024}, as(stream.ParseSlice)},
		"ack":       {stream.Ack{Rewards: cocoon.Account(wide(3)), Boot: filled[stream.Boot](1), Number: 2, Earned: []byte{3}}, as(stream.ParseAck)},
		"keys":      {stream.Keys{Provider: cocoon.Account(wide(1)), Worker: wide(2), Boot: filled[stream.Boot](3), Certificate: []byte{4}, Evidence: []byte{5}}, as(stream.ParseKeys)},
		"keys_of":   {stream.KeysOf{Worker: wide(1), Boot: filled[stream.Boot](2)}, as(stream.ParseKeysOf)},
		"models_of": {stream.ModelsOf{Caps: price(9), Tier: 1, Models: []cocoon.ModelID{cocoon.ModelID(wide(3)), cocoon.ModelID(wide(4))}}, as(stream.ParseModelsOf)},
		"models":    {stream.Models{Workers: []uint32{0, 1 << 31}}, as(stream.ParseModels)},
		"close":     {stream.Close{Channel: cocoon.Account(wide(1)), Session: 2, Paid: v}, as(stream.ParseClose)},
		"promise":   {stream.Promise{Final: cocoon.TON(3), Signature: [64]byte(append(bytes.Repeat([]byte{4}, 32), bytes.Repeat([]byte{5}, 32)...))}, as(stream.ParsePromise)},
	}
}

func as[T stream.Message](parse func([]byte) (T, error)) func([]byte) (stream.Message, error) {
	return func(b []byte) (stream.Message, error) { return parse(b) }
}

func TestMessages_TravelUnchanged(t *testing.T) {
	t.Parallel()
	for name, c := range messages(t) {
		raw := c.m.Bytes()
		require.Equal(t, name, stream.KindOf(raw))
		got, err := c.parse(raw)
		require.NoError(t, err, name)
		require.Equal(t, c.m, got, name)
	}
}

func TestMessages_CutExtendedOrOfAnotherKindAreRefused(t *testing.T) {
	t.Parallel()
	all := messages(t)
	for name, c := range all {
		raw := c.m.Bytes()
		for n := range raw {
			_, err := c.parse(raw[:n])
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "%s of %d bytes", name, n)
		}
		_, err := c.parse(append(bytes.Clone(raw), 0))
		require.ErrorContains(t, err, "too many", name)
		for other, o := range all {
			if other != name {
				_, err = o.parse(raw)
				require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "%s read as %s", name, other)
			}
		}
		raw[0]++
		_, err = c.parse(raw)
		require.ErrorContains(t, err, "of version 2", name)
	}
}

func TestSettle_AgreesToSomething(t *testing.T) {
	t.Parallel()
	none := stream.Settle{Agreed: []stream.Agreed{{}}}.Bytes()
	none = none[:len(none)-(16+4*8+15)]
	none[len(none)-1] = 0
	_, err := stream.ParseSettle(none)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

func TestModels_AreAskedForInOneOrderAndNoMoreThanARegistryLists(t *testing.T) {
	t.Parallel()
	var most stream.ModelsOf
	for n := range stream.MaxModels {
		most.Models = append(most.Models, cocoon.ModelID{byte(n >> 8), byte(n)})
	}
	got, err := stream.ParseModelsOf(most.Bytes())
	require.NoError(t, err)
	require.Equal(t, most, got)
	counts, err := stream.ParseModels(stream.Models{Workers: make([]uint32, stream.MaxModels)}.Bytes())
	require.NoError(t, err)
	require.Len(t, counts.Workers, stream.MaxModels)
	for name, models := range map[string][]cocoon.ModelID{"twice": {{1}, {1}}, "out of order": {{2}, {1}}, "too many": append(most.Models, cocoon.ModelID{9})} {
		_, err = stream.ParseModelsOf(stream.ModelsOf{Models: models}.Bytes())
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
	_, err = stream.ParseModels(stream.Models{Workers: make([]uint32, stream.MaxModels+1)}.Bytes())
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	cut := stream.Models{Workers: []uint32{1}}.Bytes()
	cut[len(cut)-5]--
	_, err = stream.ParseModels(cut[:len(cut)-1])
	require.ErrorContains(t, err, "cut within")
}

func FuzzMessages(f *testing.F) {
	all := messages(f)
	for _, c := range all {
		f.Add(c.m.Bytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for name, c := range all {
			m, err := c.parse(raw)
			if err != nil {
				require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
				continue
			}
			require.Equal(t, raw, m.Bytes(), name)
		}
	})
}

func TestBundle_HoldsWhatWasPutInItInOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var in, out [][]byte
		for range random.IntN(40) {
			m := stream.Want{Request: filled[stream.RequestID](byte(len(in)))}.Bytes()
			in = append(in, append(m, make([]byte, random.IntN(1<<random.IntN(18)))...))
		}
		bundles := stream.Bundle(in)
		for _, b := range bundles {
			require.LessOrEqual(t, len(b), bus.MaxMessage)
			all, err := stream.Unbundle(b)
			require.NoError(t, err)
			out = append(out, all...)
		}
		require.Equal(t, in, out)
		require.LessOrEqual(t, len(bundles), len(in))
	}
	alone := stream.Want{}.Bytes()
	require.Equal(t, [][]byte{alone}, stream.Bundle([][]byte{alone}))
	require.Len(t, stream.Bundle([][]byte{alone, alone, alone}), 1)
}

func TestBundle_CutNestedEmptyOrOverFullIsRefused(t *testing.T) {
	t.Parallel()
	alone := stream.Want{}.Bytes()
	two := stream.Bundle([][]byte{alone, alone})[0]
	one, half := two[:2+4+len(alone)], make([]byte, stream.MaxBundle/2)
	long := append(bytes.Clone(two[:2]), slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(half))), half)...)
	long = append(long, long[2:]...)
	nested := append(bytes.Clone(one), binary.BigEndian.AppendUint32(nil, uint32(len(two)))...)
	for what, raw := range map[string][]byte{"none": two[:2], "one": one, "cut": two[:len(two)-1], "with a byte too many": append(bytes.Clone(two), 0),
		"over full": long, "nested": append(nested, two...)} {
		_, err := stream.Unbundle(raw)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), what)
	}
}

func FuzzBundle(f *testing.F) {
	alone := stream.Want{}.Bytes()
	f.Add(alone)
	f.Add(stream.Bundle([][]byte{alone, alone})[0])
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := stream.Unbundle(raw)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.Equal(t, [][]byte{raw}, stream.Bundle(all), "it has one form")
	})
}

func TestHello_IsOfItsChannelsKeyAlone(t *testing.T) {
	t.Parallel()
	key := [32]byte(clientKey().Public().(ed25519.PublicKey))
	h := stream.Hello{GlobalID: 1, Rewards: cocoon.Account{2}, Channel: cocoon.Account{3}, Session: 4}.Sign(clientKey())
	require.NoError(t, h.Verify(key))
	for _, bad := range []stream.Hello{
		{2, h.Rewards, h.Channel, h.Session, h.Signature}, {h.GlobalID, cocoon.Account{9}, h.Channel, h.Session, h.Signature},
		{h.GlobalID, h.Rewards, cocoon.Account{9}, h.Session, h.Signature}, {h.GlobalID, h.Rewards, h.Channel, 5, h.Signature}} {
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(bad.Verify(key)))
	}
	require.Error(t, h.Verify(wide(1)))
	require.Error(t, h.Verify([32]byte{1}), "the identity signs everything")
}

// parties are candidates with their keys.
func parties(t testing.TB, n int) (keys []envelope.PrivateKey, contexts []*envelope.Context) {
	for range n {
		k, err := envelope.NewKeyPair()
		require.NoError(t, err)
		c, err := k.Public().Prepare()
		require.NoError(t, err)
		keys, contexts = append(keys, k), append(contexts, c)
	}
	return keys, contexts
}

func TestSeal_OpensForEachCandidateWithASecretOfItsOwn(t *testing.T) {
	t.Parallel()
	keys, contexts := parties(t, 3)
	route := someRoute()
	sealed, secrets, err := stream.Seal(rand.NewChaCha8([32]byte{1}), route, []byte("a prompt"), contexts)
	require.NoError(t, err)
	seen := map[stream.Secret]bool{}
	for i, k := range keys {
		prompt, secret, err := stream.Open(route, sealed.Body, sealed.Wraps[i], k)
		require.NoError(t, err)
		require.Equal(t, "a prompt", string(prompt))
		require.True(t, secret == secrets[i])
		seen[secret] = true
		_, _, err = stream.Open(route, sealed.Body, sealed.Wraps[(i+1)%3], k)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
	require.Len(t, seen, 3)
	_, _, err = stream.Seal(rand.NewChaCha8([32]byte{1}), route, nil, contexts)
	require.Error(t, err, "a context is for one prompt")
}

// A candidate knows the body's key; it cannot make another take something else.
func TestSeal_ACandidateCannotMakeAnotherTakeAChangedBodyOrRoute(t *testing.T) {
	t.Parallel()
	keys, contexts := parties(t, 2)
	route := someRoute()
	sealed, _, err := stream.Seal(rand.NewChaCha8([32]byte{1}), route, []byte("a prompt"), contexts)
	require.NoError(t, err)
	key := rand.NewChaCha8([32]byte{1}) // the body's key was drawn from the same source
	forged, _, err := envelope.Encrypt(key, []byte("another prompt"))
	require.NoError(t, err)
	_, _, err = stream.Open(route, forged, sealed.Wraps[1], keys[1])
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	for _, change := range []func(*stream.Route){
		func(r *stream.Route) { r.Request[0]++ }, func(r *stream.Route) { r.Model[0]++ }, func(r *stream.Route) { r.Endpoint++ }, func(r *stream.Route) { r.Issued++ },
		func(r *stream.Route) { r.Expires-- }, func(r *stream.Route) { r.MaxOut++ }, func(r *stream.Route) { r.Choices++ }, func(r *stream.Route) { r.Caps = price(1001) }} {
		bad := route
		change(&bad)
		_, _, err = stream.Open(bad, sealed.Body, sealed.Wraps[1], keys[1])
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}

// pair are both ends of one attempt.
func pair(t testing.TB, attempt uint8) (*stream.Sealer, *stream.Opener) {
	s, err := stream.NewSealer(wide(1), filled[stream.RequestID](1), attempt, wide(2))
	require.NoError(t, err)
	o, err := stream.NewOpener(wide(1), filled[stream.RequestID](1), attempt, wide(2))
	require.NoError(t, err)
	return s, o
}

func TestFrames_ComeInOrderWithTheirCountsAndEndOnce(t *testing.T) {
	t.Parallel()
	s, o := pair(t, 1)
	var all []byte
	for i := range 20 {
		content := bytes.Repeat([]byte{byte(i)}, i*37)
		frame, err := s.Seal(content, uint32(i), i == 19)
		require.NoError(t, err)
		require.Zero(t, (len(frame)-stream.FrameHeaderSize-16)%stream.FramePad, "sizes tell little")
		got, h, err := o.Open(frame)
		require.NoError(t, err)
		require.Equal(t, content, append([]byte{}, got...))
		require.EqualValues(t, (i+15)/16*16, h.Out, "counts tell little")
		require.Equal(t, i == 19, h.Final)
		all = append(all, frame...)
		require.Equal(t, sha256.Sum256(all), s.Hash())
	}
	require.True(t, o.Ended())
	_, err := s.Seal(nil, 0, true)
	require.Error(t, err)
}

func TestFrames_CutSwappedRepeatedOrChangedAreRefused(t *testing.T) {
	t.Parallel()
	var frames [][]byte
	s, _ := pair(t, 1)
	for i := range 4 {
		f, err := s.Seal([]byte("token"), uint32(16*i), i == 3)
		require.NoError(t, err)
		frames = append(frames, f)
	}
	after := func(n int) *stream.Opener {
		_, o := pair(t, 1)
		for _, f := range frames[:n] {
			_, _, err := o.Open(f)
			require.NoError(t, err)
		}
		return o
	}
	for n := range frames {
		for i, f := range frames {
			if i != n {
				_, _, err := after(n).Open(f)
				require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "frame %d where %d is due", i, n)
			}
		}
	}
	_, _, err := after(4).Open(frames[3])
	require.Error(t, err, "nothing follows the last")
	for bit := range len(frames[0]) * 8 {
		bad := bytes.Clone(frames[0])
		bad[bit/8] ^= 1 << (bit % 8)
		_, _, err = after(0).Open(bad)
		require.Error(t, err, "bit %d", bit)
	}
	other, _ := pair(t, 2)
	f, err := other.Seal([]byte("token"), 0, false)
	require.NoError(t, err)
	_, _, err = after(0).Open(f)
	require.Error(t, err, "of another attempt")
}

// An item may be larger than a frame: wherever its bytes are cut, it comes whole.
func TestItems_AreWhatWasAppendedHoweverFramesCutThem(t *testing.T) {
	t.Parallel()
	var content []byte
	var w stream.ItemWriter
	want := [][]byte{[]byte("alike, a"), {}, []byte("alike, " + strings.Repeat("b", 300)), []byte("c"), []byte("alike, a"), []byte("alike")}
	for _, item := range want {
		content = w.Append(content, item)
	}
	require.Len(t, content, len(want)*2+1+len("alike, a")+300+len("c"), "how they begin is said once")
	for cut := range len(content) + 1 {
		var items stream.Items
		got, err := items.Next(bytes.Clone(content[:cut]))
		require.NoError(t, err)
		more, err := items.Next(bytes.Clone(content[cut:]))
		require.NoError(t, err)
		got = append(got, more...)
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, string(want[i]), string(got[i]))
		}
		require.True(t, items.Whole())
	}
	var items stream.Items
	got, err := items.Next(content[:len(content)-1])
	require.NoError(t, err)
	require.Len(t, got, len(want)-1)
	require.False(t, items.Whole())
}

func TestItems_RefuseWhatNoWriterWrites(t *testing.T) {
	t.Parallel()
	var w stream.ItemWriter
	long := w.Append(nil, bytes.Repeat([]byte{'a'}, 1000))
	for name, bad := range map[string][]byte{
		"too long":                       binary.AppendUvarint([]byte{0}, stream.MaxItem+1),
		"a length without an end":        append([]byte{0}, bytes.Repeat([]byte{0xff}, 11)...),
		"a first one that shares":        {1, 0},
		"one that shares more than that": {0, 1, 'a', 2, 0},
		"more than memory has":           append(long, bytes.Repeat([]byte{255, 0}, stream.MaxContent/2)...),
	} {
		_, err := new(stream.Items).Next(bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func FuzzItems(f *testing.F) {
	var w stream.ItemWriter
	f.Add(w.Append(w.Append(nil, []byte("alike, a")), []byte("alike, b")), 5)
	f.Fuzz(func(t *testing.T, raw []byte, cut int) {
		var whole, halves stream.Items
		want, err := whole.Next(raw)
		if err != nil || cut < 0 || cut > len(raw) {
			return
		}
		got, err := halves.Next(raw[:cut])
		require.NoError(t, err)
		more, err := halves.Next(raw[cut:])
		require.NoError(t, err)
		got = append(got, more...)
		require.Equal(t, len(want), len(got))
		for i := range want {
			require.Equal(t, string(want[i]), string(got[i]))
		}
	})
}

func FuzzFrames(f *testing.F) {
	s, _ := pair(f, 1)
	frame, err := s.Seal([]byte("x"), 1, false)
	require.NoError(f, err)
	f.Add(frame)
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, o := pair(t, 1)
		content, _, err := o.Open(raw)
		if err == nil {
			require.True(t, bytes.Equal(raw, frame))
			_, _ = new(stream.Items).Next(content)
		}
		_, _ = new(stream.Items).Next(raw)
	})
}

func nano(n uint64) cocoon.Nano {
	v, err := cocoon.NanoFromBig(new(big.Int).SetUint64(n))
	if err != nil {
		panic(err)
	}
	return v
}
