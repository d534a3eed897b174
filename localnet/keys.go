package localnet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"hash/crc32"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// keys are all the secrets of a chain; its seed decides them.
type keys struct {
	validator, liteserver, faucet ed25519.PrivateKey
	// gen_validator_list_hash_short of blocks: in a shard every validator weighs one.
	masterSet, shardSet uint32
}

func deriveKeys(seed []byte) (keys, error) {
	of := func(purpose string) ed25519.PrivateKey {
		h := sha256.Sum256(append([]byte("localnet "+purpose+" "), seed...))
		return ed25519.NewKeyFromSeed(h[:])
	}
	k := keys{validator: of("validator"), liteserver: of("liteserver"), faucet: of("faucet")}
	var err1, err2 error
	k.masterSet, err1 = setHash(publicOf(k.validator), validatorWeight)
	k.shardSet, err2 = setHash(publicOf(k.validator), 1)
	return k, errors.Join(err1, err2)
}

// setHash is the checksum of a set of one validator, at catchain seqno 0.
func setHash(key ed25519.PublicKey, weight uint64) (uint32, error) {
	set := ton.ValidatorSetHashable{Validators: []ton.ValidatorItemHashable{{Key: key, Weight: weight, Addr: make([]byte, 32)}}}
	b, err := tl.Serialize(set, true)
	return crc32.Checksum(b, castagnoli), err
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }
