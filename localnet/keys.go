package localnet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"hash/crc32"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// keys are all the secrets of a chain; its seed decides them.
type keys struct {
	validator, liteserver, faucet ed25519.PrivateKey
	validatorSet                  uint32 // gen_validator_list_hash_short of every block
}

func deriveKeys(seed []byte) (keys, error) {
	of := func(purpose string) ed25519.PrivateKey {
		h := sha256.Sum256(append([]byte("localnet "+purpose+" "), seed...))
		return ed25519.NewKeyFromSeed(h[:])
	}
	k := keys{validator: of("validator"), liteserver: of("liteserver"), faucet: of("faucet")}
	set := ton.ValidatorSetHashable{Validators: []ton.ValidatorItemHashable{{Key: publicOf(k.validator), Weight: validatorWeight, Addr: make([]byte, 32)}}}
	b, err := tl.Serialize(set, true)
	k.validatorSet = crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return k, err
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }
