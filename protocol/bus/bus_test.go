package bus_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

var (
	job      = cocoon.Account{1}
	provider = cocoon.Account{2}
	boot     = bus.Boot{3}
	key      = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{4}, 32))
	worker   = bus.ID(key.Public().(ed25519.PublicKey))
	order    = bus.Cell{Cell: cell.BeginCell().MustStoreUInt(7, 32).MustStoreRef(cell.BeginCell().EndCell()).EndCell()}
)

// valid holds one good message of each type.
func valid() []bus.Message {
	return []bus.Message{
		bus.Offer{Job: job, Node: "d-1", ResultKey: make([]byte, envelope.PublicKeySize), PayloadSize: 9},
		bus.Intent{Job: job, PublicKey: make([]byte, envelope.PublicKeySize), Certificate: bus.Certificate{GlobalID: -3, Boot: boot}},
		bus.Grant{Job: job, Wrap: make([]byte, envelope.WrapSize)},
		bus.Grant{Job: job, Wrap: make([]byte, envelope.WrapSize), Pass: &bus.Signature{1}},
		bus.Accept{Job: job, Order: order, Signature: bus.Signature{1}},
		bus.Deliver{Job: job, Delivery: order},
		bus.Ack{},
		bus.Heartbeat{Provider: provider, Boot: boot, Models: []cocoon.ModelID{{1}}, Concurrency: 4, Ready: true, P50: 12},
		bus.Fetch{Job: job, Index: 2},
		bus.Part{Job: job, Hash: bus.ID{1}, Size: 3, Data: []byte("abc")},
	}
}

// again encodes m and decodes it into its own type.
func again[T bus.Message](m bus.Message) (bus.Message, error) {
	raw, err := bus.Encode(m)
	if err != nil {
		return nil, err
	}
	return bus.Decode[T](raw)
}

func roundTrip(m bus.Message) (bus.Message, error) {
	switch m.(type) {
	case bus.Offer:
		return again[bus.Offer](m)
	case bus.Intent:
		return again[bus.Intent](m)
	case bus.Grant:
		return again[bus.Grant](m)
	case bus.Accept:
		return again[bus.Accept](m)
	case bus.Deliver:
		return again[bus.Deliver](m)
	case bus.Heartbeat:
		return again[bus.Heartbeat](m)
	case bus.Fetch:
		return again[bus.Fetch](m)
	case bus.Part:
		return again[bus.Part](m)
	}
	return again[bus.Ack](m)
}

func TestMessage_SurvivesTheWire(t *testing.T) {
	t.Parallel()
	for _, m := range valid() {
		got, err := roundTrip(m)
		require.NoError(t, err, "%T", m)
		want, err := bus.Encode(m)
		require.NoError(t, err)
		have, err := bus.Encode(got)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(have))
	}
}

func TestMessage_OutOfBoundsIsRefusedOnBothSides(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]bus.Message{
		"node":            bus.Offer{Job: job, Node: "a.b", ResultKey: make([]byte, envelope.PublicKeySize), PayloadSize: 9},
		"result key":      bus.Offer{Job: job, Node: "d", PayloadSize: 9},
		"payload of 0":    bus.Offer{Job: job, Node: "d", ResultKey: make([]byte, envelope.PublicKeySize)},
		"payload of 4294": bus.Offer{Job: job, Node: "d", ResultKey: make([]byte, envelope.PublicKeySize), PayloadSize: 1<<32 - 1},
		"envelope key":    bus.Intent{},
		"grant has 0":     bus.Grant{},
		"lacks its cell":  bus.Accept{},
		"lacks its c":     bus.Deliver{},
		"concurrency 0":   bus.Heartbeat{},
		"9 models":        bus.Heartbeat{Concurrency: 1, Models: make([]cocoon.ModelID, 9)},
		"no part 99":      bus.Fetch{Index: 99},
		"of 0 bytes":      bus.Part{},
		"no part 1 in":    bus.Part{Size: 5, Index: 1},
		"instead of 5":    bus.Part{Size: 5, Data: []byte("abcdef")},
	} {
		_, err := bus.Encode(m)
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), want)
	}
	for want, raw := range map[string]string{
		"not a message of the bus": `hello`,
		"is of version 2":          `{"v":2,"body":{}}`,
		"has no body":              `{"v":1}`,
		"body":                     `{"v":1,"body":null}`,
		"both answers and refuses": `{"v":1,"body":{},"refused":{"code":"busy"}}`,
		"no known code":            `{"v":1,"refused":{"code":"because"}}`,
		"a reason of 501 bytes":    `{"v":1,"refused":{"code":"busy","reason":"` + strings.Repeat("x", 501) + `"}}`,
		"wrap":                     `{"v":1,"body":{"wrap":7}}`,
		"grant has 0 bytes":        `{"v":1,"body":{"job":"` + job.String() + `"}}`,
	} {
		_, err := bus.Decode[bus.Grant]([]byte(raw))
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), want)
	}
	_, err := bus.Decode[bus.Ack](bytes.Repeat([]byte{' '}, bus.MaxMessage+1))
	require.ErrorContains(t, err, "the most is")
}

func TestMessage_FieldsOfLaterVersionsAreLeftAlone(t *testing.T) {
	t.Parallel()
	got, err := bus.Decode[bus.Fetch]([]byte(`{"v":1,"later":1,"body":{"job":"` + job.String() + `","index":1,"colour":"red"}}`))
	require.NoError(t, err)
	require.Equal(t, bus.Fetch{Job: job, Index: 1}, got)
}

func TestRefusal_ArrivesAsAnError(t *testing.T) {
	t.Parallel()
	raw, err := bus.Refuse(bus.WrongWork, errors.New("serves another model")).Encode()
	require.NoError(t, err)
	_, err = bus.Decode[bus.Intent](raw)
	require.EqualError(t, err, "refused (wrong_work): serves another model")
	require.Equal(t, bus.WrongWork, bus.CodeOf(err))
	require.Empty(t, bus.CodeOf(errors.New("other")))

	inner := bus.Refusef(bus.Busy, "holds %d jobs", 3)
	require.Same(t, inner, bus.Refuse(bus.Failed, fmt.Errorf("offer: %w", inner)), "a refusal is not wrapped in another")
	require.NoError(t, bus.Refuse(bus.Failed, errors.New(strings.Repeat("x", 9000))).Validate())
}

func TestCell_OnlySmallOrdinaryOnes(t *testing.T) {
	t.Parallel()
	var c bus.Cell
	for _, raw := range []string{`7`, `""`, `"AAAA"`, `"` + strings.Repeat("A", 8000) + `"`} {
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(c.UnmarshalJSON([]byte(raw))), raw[:min(len(raw), 9)])
	}
	raw, err := order.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, c.UnmarshalJSON(raw))
	require.Equal(t, order.Hash(), c.Hash())
	_, err = bus.Cell{}.MarshalJSON()
	require.Error(t, err)
}

func TestHex_HasOneSpelling(t *testing.T) {
	t.Parallel()
	var id bus.ID
	require.NoError(t, id.UnmarshalText([]byte(worker.String())))
	require.Equal(t, worker, id)
	for _, bad := range []string{"", "ab", strings.ToUpper(worker.String()), strings.Repeat("g", 64), worker.String() + "00"} {
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(id.UnmarshalText([]byte(bad))), bad)
	}
}

func TestSubjects_NameTheirWorker(t *testing.T) {
	t.Parallel()
	w, b := worker.String(), boot.String()
	require.Equal(t, "w."+w+"."+b+".offer", bus.ToWorker(worker, boot, bus.OfferVerb))
	require.Equal(t, "g.d1."+w+".deliver", bus.ToDispatcher("d1", worker, bus.DeliverVerb))
	publish, subscribe := bus.Permissions(worker)
	require.Equal(t, []string{"g.*." + w + ".>", "hb." + w}, publish)
	require.Equal(t, []string{"w." + w + ".>"}, subscribe)
	require.True(t, strings.HasPrefix(bus.InboxPrefix(worker, boot), "w."+w+"."), "answers arrive within the permissions")

	for _, subject := range []string{bus.ToDispatcher("d1", worker, bus.ResultVerb), bus.HeartbeatOf(worker)} {
		got, err := bus.SenderOf(subject)
		require.NoError(t, err)
		require.Equal(t, worker, got)
	}
	for _, bad := range []string{"", "g", "hb.", "hb.zz", "g.d1." + w, "g.D." + w + ".x", "g.d1.zz.x", "w." + w + "." + b + ".offer", "g.d1." + w + ".a.b"} {
		_, err := bus.SenderOf(bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), bad)
	}
}

func TestPart_PutTogetherGivesTheBlobOrNothing(t *testing.T) {
	t.Parallel()
	blob := make([]byte, 2*bus.PartSize+17)
	_, err := rand.NewChaCha8([32]byte{5}).Read(blob)
	require.NoError(t, err)
	hash := sha256.Sum256(blob)
	part := func(i uint32) bus.Part {
		p, err := bus.PartOf(job, hash, blob, i)
		require.NoError(t, err)
		return p
	}
	fresh := func() *bus.Assembly { return &bus.Assembly{Job: job, Hash: hash, Size: uint32(len(blob))} }

	a := fresh()
	for a.Next() < 2 {
		whole, err := a.Add(part(a.Next()))
		require.NoError(t, err)
		require.Nil(t, whole)
	}
	_, err = a.Add(part(1))
	require.ErrorContains(t, err, "came instead of part 2")
	whole, err := a.Add(part(2))
	require.NoError(t, err)
	require.Equal(t, blob, whole)

	bad := part(0)
	bad.Data = bytes.Clone(bad.Data)
	bad.Data[5] ^= 1
	a = fresh()
	_, err = a.Add(bad)
	require.NoError(t, err)
	_, err = a.Add(part(1))
	require.NoError(t, err)
	_, err = a.Add(part(2))
	require.ErrorContains(t, err, "does not have the hash")

	for _, change := range []func(*bus.Part){
		func(p *bus.Part) { p.Job = provider }, func(p *bus.Part) { p.Hash[0] ^= 1 },
		func(p *bus.Part) { p.Index = 1 }, func(p *bus.Part) { p.Data = p.Data[1:] },
	} {
		p := part(0)
		change(&p)
		_, err := fresh().Add(p)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
	_, err = bus.PartOf(job, hash, blob, 3)
	require.ErrorContains(t, err, "no part 3")
}

func TestPart_FitsAMessage(t *testing.T) {
	t.Parallel()
	blob := make([]byte, bus.PartSize)
	p, err := bus.PartOf(job, sha256.Sum256(blob), blob, 0)
	require.NoError(t, err)
	raw, err := bus.Encode(p)
	require.NoError(t, err)
	require.Less(t, len(raw), bus.MaxMessage)
}

// fuzz checks that a decoder never panics, and that what it takes it writes and takes again.
func fuzz[T bus.Message](t *testing.T, raw []byte) {
	m, err := bus.Decode[T](raw)
	if err != nil {
		return
	}
	once, err := bus.Encode(m)
	require.NoError(t, err)
	m, err = bus.Decode[T](once)
	require.NoError(t, err)
	twice, err := bus.Encode(m)
	require.NoError(t, err)
	require.Equal(t, string(once), string(twice))
}

func FuzzDecode(f *testing.F) {
	for _, m := range valid() {
		raw, err := bus.Encode(m)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte(`{"v":1,"refused":{"code":"busy","reason":"x"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fuzz[bus.Offer](t, raw)
		fuzz[bus.Intent](t, raw)
		fuzz[bus.Grant](t, raw)
		fuzz[bus.Accept](t, raw)
		fuzz[bus.Deliver](t, raw)
		fuzz[bus.Ack](t, raw)
		fuzz[bus.Heartbeat](t, raw)
		fuzz[bus.Fetch](t, raw)
		fuzz[bus.Part](t, raw)
	})
}

func FuzzSenderOf(f *testing.F) {
	f.Add(bus.ToDispatcher("d1", worker, bus.ResultVerb))
	f.Add(bus.HeartbeatOf(worker))
	f.Fuzz(func(t *testing.T, subject string) {
		if w, err := bus.SenderOf(subject); err == nil {
			require.Contains(t, subject, w.String())
		}
	})
}
