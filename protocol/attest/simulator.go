package attest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
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

// LocalTo is the local network globalID, where Development counts. Of a public one
// it is the zero Local.
func LocalTo(globalID int32) Local {
	if globalID == mainnet || globalID == testnet {
		return Local{}
	}
	return Local{globalID, [32]byte(developmentKey().Public().(ed25519.PublicKey))}
}

// developmentKey is no secret: its seed is the hash of a name.
func developmentKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(simulatedTag + " development"))
	return ed25519.NewKeyFromSeed(seed[:])
}

// DevelopmentImage is the measurement that Development claims; registries of local
// networks list it.
func DevelopmentImage() [32]byte { return sha256.Sum256([]byte(simulatedTag + " image")) }

// Development is the simulator that workers of all local networks share. Anybody
// can state what it states: it proves nothing but that the way to a verdict works.
func Development() Simulator { return NewSimulator(developmentKey(), DevelopmentImage()) }

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
