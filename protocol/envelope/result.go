package envelope

import (
	"bytes"
	"fmt"
	"io"

	"github.com/cocoon-network/cocoon"
)

const resultInfo = "cocoon result v1"

// EncryptResult makes the result blob of job for the holder of the result key.
// The fresh body key, read from random, travels inside, bound to the job.
func EncryptResult(random io.Reader, plaintext []byte, job cocoon.Account, to PublicKey) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, cocoon.Invalid.Errorf("%d bytes do not fit an envelope of %d", len(plaintext), MaxPlaintext)
	}
	var key Key
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return nil, fmt.Errorf("draw a body key: %w", err)
	}
	wrap, err := to.wrap(key, resultInfo, resultAAD(job))
	if err != nil {
		return nil, err
	}
	return encryptBody(append(resultHeader[:], wrap...), resultHeader[:], key, plaintext), nil
}

// OpenResult is the plaintext of job's result. It refuses what Open refuses,
// and a result of another job.
func OpenResult(blob []byte, job cocoon.Account, k PrivateKey) ([]byte, error) {
	if !bytes.HasPrefix(blob, resultHeader[:]) || len(blob) < headerSize+WrapSize {
		return nil, cocoon.Invalid.Errorf("not a result envelope of version 1")
	}
	key, err := k.unwrap(blob[headerSize:headerSize+WrapSize], resultInfo, resultAAD(job))
	if err != nil {
		return nil, err
	}
	return openBody(resultHeader[:], blob[headerSize+WrapSize:], key)
}

func resultAAD(job cocoon.Account) []byte {
	return append(append(make([]byte, 0, headerSize+32), resultHeader[:]...), job[:]...)
}
