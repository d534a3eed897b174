package envelope

import "github.com/cocoon-network/cocoon"

const grantInfo = "cocoon grant v1"

// Grant encrypts the key of a job's payload to one worker. It opens for this
// job and this payload only, so nobody can pair it with another body.
func Grant(key Key, job cocoon.Account, payloadHash [32]byte, to PublicKey) ([]byte, error) {
	return to.wrap(key, grantInfo, grantAAD(job, payloadHash))
}

// OpenGrant is the body key that Grant gave to the holder of k.
func OpenGrant(wrap []byte, job cocoon.Account, payloadHash [32]byte, k PrivateKey) (Key, error) {
	return k.unwrap(wrap, grantInfo, grantAAD(job, payloadHash))
}

func grantAAD(job cocoon.Account, payloadHash [32]byte) []byte {
	return append(append(make([]byte, 0, 64), job[:]...), payloadHash[:]...)
}
