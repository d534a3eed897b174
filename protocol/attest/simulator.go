package attest

import (
	"context"
	"crypto/ed25519"
)

const (
	simulatedTag  = "cocoon-simulated-tee-v1"
	simulatedSize = 32 + ed25519.SignatureSize
)

// Local is a local network for development, where simulated evidence may count.
// The zero Local is none.
type Local struct {
	GlobalID  int32
	Simulator [32]byte // the public key that signs simulated statements there
}

// admits reports why simulated evidence does not count on the network globalID.
// No setting makes it count on a public one.
func (l Local) admits(globalID int32) error {
	switch {
	case globalID == mainnet || globalID == testnet:
		return because(ErrSimulated, "network %d is a real one", globalID)
	case globalID != l.GlobalID || l.Simulator == [32]byte{}:
		return because(ErrSimulated, "network %d is not said to be local", globalID)
	}
	return nil
}

// Simulator stands in for a TEE on a local network. Whoever has its key can claim anything.
type Simulator struct {
	key   ed25519.PrivateKey
	image [32]byte
}

// NewSimulator makes one that claims to run image, and signs with key.
func NewSimulator(key ed25519.PrivateKey, image [32]byte) Simulator { return Simulator{key, image} }

// String keeps the key out of logs and errors.
func (Simulator) String() string { return "simulator" }

// GoString keeps the key out of logs and errors.
func (Simulator) GoString() string { return "simulator" }

// Quote implements Quoter.
func (s Simulator) Quote(_ context.Context, c Claims) (Statement, error) {
	sig := ed25519.Sign(s.key, simulatedMessage(s.image, c.ReportData()))
	return Statement{TEE: TEESimulated, Quote: append(append(make([]byte, 0, simulatedSize), s.image[:]...), sig...)}, nil
}

func simulatedMessage(image [32]byte, data [64]byte) []byte {
	return append(append([]byte(simulatedTag), image[:]...), data[:]...)
}

// openSimulated returns the image that a simulated quote claims for data.
func openSimulated(quote []byte, key [32]byte, data [64]byte) (image [32]byte, err error) {
	image = [32]byte(quote[:32])
	if !ed25519.Verify(key[:], simulatedMessage(image, data), quote[32:]) {
		return image, because(ErrReportData, "not signed by this network's simulator")
	}
	return image, nil
}
