package stream_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

var update = flag.Bool("update", false, "renew testdata/vector.json")

const vectorFile = "testdata/vector.json"

// vector is one request and its answer, for implementations in other languages; all is hex but the texts.
type vector struct {
	Route       string   `json:"route"`
	RouteHash   string   `json:"route_hash"`
	Key         string   `json:"private_key"`
	Body        string   `json:"body"`
	Wrap        string   `json:"wrap"`
	Prompt      string   `json:"prompt"`
	Secret      string   `json:"secret"`
	Attempt     uint8    `json:"attempt"`
	Nonce       string   `json:"nonce"`
	Frames      []string `json:"frames"`
	Contents    []string `json:"contents"`
	Hash        string   `json:"frames_hash"`
	HelloSeed   string   `json:"hello_seed"`
	Hello       string   `json:"hello"`
	Close       string   `json:"close"`   // of the channel in hello, paid by its key
	Promise     string   `json:"promise"` // over that channel, by promise_seed
	PromiseSeed string   `json:"promise_seed"`
	ModelsOf    string   `json:"models_of"` // two models, of the route's caps
	Models      string   `json:"models"`    // the answer: none and 3 workers
}

// closing is the cell that a close promise signs, as docs/contracts/channel.md has it.
func closing(t *testing.T, channel cocoon.Account, final cocoon.Nano) []byte {
	t.Helper()
	b := cell.BeginCell().MustStoreUInt(0x50159285, 32).MustStoreInt(-239, 32).MustStoreSlice(channel[:], 256)
	require.NoError(t, b.StoreBigCoins(final.Big()))
	return b.EndCell().Hash()
}

func newVector(t *testing.T) (v vector) {
	keys, contexts := parties(t, 1)
	seed, err := keys[0].Bytes()
	require.NoError(t, err)
	route := someRoute()
	sealed, secrets, err := stream.Seal(rand.NewChaCha8([32]byte{1}), route, []byte("What is a cocoon?"), contexts)
	require.NoError(t, err)
	hash, secret, nonce := route.Hash(), secrets[0], wide(2)
	v = vector{Route: hex.EncodeToString(route.Bytes()), RouteHash: hex.EncodeToString(hash[:]), Key: hex.EncodeToString(seed), Body: hex.EncodeToString(sealed.Body),
		Wrap: hex.EncodeToString(sealed.Wraps[0]), Prompt: "What is a cocoon?", Secret: hex.EncodeToString(secret[:]), Attempt: 1, Nonce: hex.EncodeToString(nonce[:]),
		Contents: []string{"A silk case", "", " for change."}, HelloSeed: hex.EncodeToString(clientKey().Seed())}
	s, err := stream.NewSealer(secret, route.Request, v.Attempt, nonce)
	require.NoError(t, err)
	for i, c := range v.Contents {
		f, err := s.Seal([]byte(c), uint32(3*i), i == 2)
		require.NoError(t, err)
		v.Frames = append(v.Frames, hex.EncodeToString(f))
	}
	sum := s.Hash()
	v.Hash = hex.EncodeToString(sum[:])
	v.Hello = hex.EncodeToString(stream.Hello{GlobalID: -239, Rewards: cocoon.Account(wide(2)), Channel: cocoon.Account(wide(3)), Session: 4}.Sign(clientKey()).Bytes())
	paid, err := voucher.Voucher{GlobalID: -239, Channel: cocoon.Account(wide(3)), Cumulative: cocoon.TON(2)}.Sign(clientKey())
	require.NoError(t, err)
	v.Close = hex.EncodeToString(stream.Close{Channel: cocoon.Account(wide(3)), Session: 4, Paid: paid}.Bytes())
	dispatcher := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	v.PromiseSeed = hex.EncodeToString(dispatcher.Seed())
	v.Promise = hex.EncodeToString(stream.Promise{Final: cocoon.TON(2), Signature: [64]byte(ed25519.Sign(dispatcher, closing(t, cocoon.Account(wide(3)), cocoon.TON(2))))}.Bytes())
	v.ModelsOf, v.Models = hex.EncodeToString(question().Bytes()), hex.EncodeToString(answer().Bytes())
	return v
}

func question() stream.ModelsOf {
	return stream.ModelsOf{Caps: someRoute().Caps, Tier: 1, Models: []cocoon.ModelID{cocoon.ModelID(wide(3)), cocoon.ModelID(wide(4))}}
}

func answer() stream.Models { return stream.Models{Workers: []uint32{0, 3}} }

func TestVector_OpensAsDocumented(t *testing.T) {
	t.Parallel()
	if *update {
		raw, err := json.MarshalIndent(newVector(t), "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(vectorFile, append(raw, '\n'), 0o600))
	}
	raw, err := os.ReadFile(vectorFile)
	require.NoError(t, err)
	var v vector
	require.NoError(t, json.Unmarshal(raw, &v))
	route, err := stream.ParseRoute(unhex(t, v.Route))
	require.NoError(t, err)
	require.Equal(t, someRoute(), route)
	hash := route.Hash()
	require.Equal(t, v.RouteHash, hex.EncodeToString(hash[:]))
	key, err := envelope.ParsePrivateKey(unhex(t, v.Key))
	require.NoError(t, err)
	prompt, secret, err := stream.Open(route, unhex(t, v.Body), unhex(t, v.Wrap), key)
	require.NoError(t, err)
	require.Equal(t, v.Prompt, string(prompt))
	require.Equal(t, v.Secret, hex.EncodeToString(secret[:]))
	o, err := stream.NewOpener(secret, route.Request, v.Attempt, stream.Nonce(unhex(t, v.Nonce)))
	require.NoError(t, err)
	var frames []byte
	for i, f := range v.Frames {
		frames = append(frames, unhex(t, f)...)
		content, _, err := o.Open(unhex(t, f))
		require.NoError(t, err)
		require.Equal(t, v.Contents[i], string(content))
	}
	require.True(t, o.Ended())
	sum := sha256.Sum256(frames)
	require.Equal(t, v.Hash, hex.EncodeToString(sum[:]))
	h, err := stream.ParseHello(unhex(t, v.Hello))
	require.NoError(t, err)
	client := [32]byte(ed25519.NewKeyFromSeed(unhex(t, v.HelloSeed)).Public().(ed25519.PublicKey))
	require.NoError(t, h.Verify(client))
	c, err := stream.ParseClose(unhex(t, v.Close))
	require.NoError(t, err)
	require.Equal(t, h.Channel, c.Channel)
	require.Equal(t, h.Session, c.Session)
	require.NoError(t, c.Paid.Verify(client))
	p, err := stream.ParsePromise(unhex(t, v.Promise))
	require.NoError(t, err)
	require.Equal(t, c.Paid.Cumulative, p.Final)
	dispatcher := ed25519.NewKeyFromSeed(unhex(t, v.PromiseSeed)).Public().(ed25519.PublicKey)
	require.True(t, ed25519.Verify(dispatcher, closing(t, c.Channel, p.Final), p.Signature[:]))
	q, err := stream.ParseModelsOf(unhex(t, v.ModelsOf))
	require.NoError(t, err)
	require.Equal(t, question(), q)
	a, err := stream.ParseModels(unhex(t, v.Models))
	require.NoError(t, err)
	require.Equal(t, answer(), a)
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}
