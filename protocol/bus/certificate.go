package bus

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// What is signed is the hash of a cell that begins with one of these tags:
// crc32 of the declaration in docs/protocol/bus.md, as in schema.tlb.
const (
	tagCertificate = 0x69f5a9e6
	tagIntent      = 0x703d2ee2
)

// Certificate says that a worker's run holds an envelope key. Its worker signs it.
type Certificate struct {
	GlobalID int32          `json:"global_id"`
	Provider cocoon.Account `json:"provider"`
	Worker   ID             `json:"worker"`
	KeyHash  ID             `json:"key_hash"` // of the envelope key
	Boot     Boot           `json:"boot"`
	NotAfter uint32         `json:"not_after"` // unix seconds, the first moment at which it is void
}

func (c Certificate) cell() *cell.Cell {
	return cell.BeginCell().MustStoreUInt(tagCertificate, 32).MustStoreInt(int64(c.GlobalID), 32).
		MustStoreSlice(c.Provider[:], 256).MustStoreSlice(c.Worker[:], 256).MustStoreSlice(c.KeyHash[:], 256).
		MustStoreSlice(c.Boot[:], 128).MustStoreUInt(uint64(c.NotAfter), 32).EndCell()
}

func intentCell(c Certificate, job cocoon.Account) *cell.Cell {
	return cell.BeginCell().MustStoreUInt(tagIntent, 32).MustStoreInt(int64(c.GlobalID), 32).
		MustStoreSlice(job[:], 256).MustStoreSlice(c.cell().Hash(), 256).EndCell()
}

// Intent is a worker's answer to an offer: it would take the job, and this is
// the key to grant it to. Both signatures are the worker's.
type Intent struct {
	Job         cocoon.Account `json:"job"`
	PublicKey   []byte         `json:"public_key"` // envelope key of this run
	Certificate Certificate    `json:"certificate"`
	Certified   Signature      `json:"certified"` // over the certificate
	Signature   Signature      `json:"signature"` // over job and certificate
}

// SignIntent makes an intent for job. The certificate's KeyHash and Worker are
// filled in from public and key.
func SignIntent(key ed25519.PrivateKey, c Certificate, job cocoon.Account, public envelope.PublicKey) Intent {
	c.KeyHash, c.Worker = public.Hash(), ID(key.Public().(ed25519.PublicKey))
	return Intent{Job: job, PublicKey: public.Bytes(), Certificate: c,
		Certified: Signature(ed25519.Sign(key, c.cell().Hash())),
		Signature: Signature(ed25519.Sign(key, intentCell(c, job).Hash()))}
}

// Validate checks sizes only; Verify checks the signatures.
func (i Intent) Validate() error {
	if len(i.PublicKey) != envelope.PublicKeySize {
		return cocoon.Invalid.Errorf("envelope key has %d bytes", len(i.PublicKey))
	}
	return nil
}

// Verify checks that the intent is for job on the network globalID, in force
// at now, and signed by the worker it names; the envelope key is returned. It
// is left to the caller to look up on chain whether that worker is active
// under that provider.
func (i Intent) Verify(globalID int32, job cocoon.Account, now time.Time) (envelope.PublicKey, error) {
	c := i.Certificate
	switch {
	case c.GlobalID != globalID:
		return envelope.PublicKey{}, cocoon.Forbidden.Errorf("certificate is for network %d, not %d", c.GlobalID, globalID)
	case i.Job != job:
		return envelope.PublicKey{}, cocoon.Forbidden.Errorf("intent is for job %s, not %s", i.Job, job)
	case now.Unix() >= int64(c.NotAfter):
		return envelope.PublicKey{}, cocoon.Forbidden.Errorf("certificate of worker %s has run out", c.Worker)
	case !ed25519.Verify(c.Worker[:], c.cell().Hash(), i.Certified[:]),
		!ed25519.Verify(c.Worker[:], intentCell(c, job).Hash(), i.Signature[:]):
		return envelope.PublicKey{}, cocoon.Forbidden.Errorf("intent is not signed by worker %s", c.Worker)
	}
	public, err := envelope.ParsePublicKey(i.PublicKey)
	if err != nil {
		return envelope.PublicKey{}, fmt.Errorf("intent of worker %s: %w", c.Worker, err)
	}
	if public.Hash() != c.KeyHash {
		return envelope.PublicKey{}, cocoon.Forbidden.Errorf("worker %s certified another envelope key", c.Worker)
	}
	return public, nil
}
