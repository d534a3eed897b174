package stream_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

var update = flag.Bool("update", false, "renew testdata/vector.json")

const vectorFile = "testdata/vector.json"

// vector is one request and its answer, for implementations in other languages; all is hex but the texts.
type vector struct {
	Route     string   `json:"route"`
	RouteHash string   `json:"route_hash"`
	Key       string   `json:"private_key"`
	Body      string   `json:"body"`
	Wrap      string   `json:"wrap"`
	Prompt    string   `json:"prompt"`
	Secret    string   `json:"secret"`
	Attempt   uint8    `json:"attempt"`
	Nonce     string   `json:"nonce"`
	Frames    []string `json:"frames"`
	Contents  []string `json:"contents"`
	Hash      string   `json:"frames_hash"`
	HelloSeed string   `json:"hello_seed"`
	Hello     string   `json:"hello"`
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
	return v
}

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
	for i, f := range v.Frames {
		content, _, err := o.Open(unhex(t, f))
		require.NoError(t, err)
		require.Equal(t, v.Contents[i], string(content))
	}
	require.True(t, o.Ended())
	sum := o.Hash()
	require.Equal(t, v.Hash, hex.EncodeToString(sum[:]))
	h, err := stream.ParseHello(unhex(t, v.Hello))
	require.NoError(t, err)
	require.NoError(t, h.Verify([32]byte(ed25519.NewKeyFromSeed(unhex(t, v.HelloSeed)).Public().(ed25519.PublicKey))))
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}
