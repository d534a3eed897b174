package envelope_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

var update = flag.Bool("update", false, "renew testdata/vector.json")

// hexBytes is written as hex.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// vector is one envelope of each sort, for implementations in other languages.
type vector struct {
	Plaintext   hexBytes       `json:"plaintext"`
	Key         hexBytes       `json:"body_key"`
	Payload     hexBytes       `json:"payload"`
	PayloadHash hexBytes       `json:"payload_hash"`
	Job         cocoon.Account `json:"job"`
	PrivateKey  hexBytes       `json:"private_key"`
	PublicHash  hexBytes       `json:"public_key_hash"`
	Grant       hexBytes       `json:"grant"`
	Result      hexBytes       `json:"result"`
}

const vectorFile = "testdata/vector.json"

func TestVector_OpensAsDocumented(t *testing.T) {
	t.Parallel()
	if *update {
		writeVector(t)
	}
	raw, err := os.ReadFile(vectorFile)
	require.NoError(t, err)
	var v vector
	require.NoError(t, json.Unmarshal(raw, &v))

	blob, key, err := envelope.Encrypt(bytes.NewReader(v.Key), v.Plaintext)
	require.NoError(t, err)
	require.Equal(t, []byte(v.Payload), blob)
	hash := envelope.Hash(blob)
	require.Equal(t, []byte(v.PayloadHash), hash[:])

	k, err := envelope.ParsePrivateKey(v.PrivateKey)
	require.NoError(t, err)
	public := k.Public().Hash()
	require.Equal(t, []byte(v.PublicHash), public[:])
	granted, err := envelope.OpenGrant(v.Grant, v.Job, hash, k)
	require.NoError(t, err)
	require.Equal(t, [32]byte(key), [32]byte(granted))
	text, err := envelope.OpenResult(v.Result, v.Job, k)
	require.NoError(t, err)
	require.Equal(t, []byte(v.Plaintext), text)
}

func writeVector(t *testing.T) {
	t.Helper()
	k, err := envelope.ParsePrivateKey(bytes.Repeat([]byte{0x42}, 32))
	require.NoError(t, err)
	v := vector{Plaintext: []byte("Hello, worker."), Job: cocoon.Account{0x11}, PrivateKey: bytes.Repeat([]byte{0x42}, 32)}
	blob, key, err := envelope.Encrypt(seeded(1), v.Plaintext)
	require.NoError(t, err)
	hash, public := envelope.Hash(blob), k.Public().Hash()
	v.Key, v.Payload, v.PayloadHash, v.PublicHash = key[:], blob, hash[:], public[:]
	v.Grant, err = envelope.Grant(key, v.Job, hash, k.Public())
	require.NoError(t, err)
	v.Result, err = envelope.EncryptResult(seeded(2), v.Plaintext, v.Job, k.Public())
	require.NoError(t, err)
	raw, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(vectorFile, append(raw, '\n'), 0o644))
}
