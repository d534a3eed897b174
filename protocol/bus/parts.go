package bus

import (
	"crypto/sha256"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// PartSize is the size of every part of a blob but the last.
const PartSize = 256 << 10

// Fetch asks the dispatcher for one part of a job's payload.
type Fetch struct {
	Job   cocoon.Account `json:"job"`
	Index uint32         `json:"index"`
}

// Validate bounds the index.
func (f Fetch) Validate() error { return checkIndex(f.Index, maxParts()) }

// Part is one part of a blob: of the payload towards the worker, of the result
// towards the dispatcher.
type Part struct {
	Job   cocoon.Account `json:"job"`
	Hash  ID             `json:"hash"` // of the whole blob
	Size  uint32         `json:"size"` // of the whole blob
	Index uint32         `json:"index"`
	Data  []byte         `json:"data"`
}

// Validate checks that the data is as long as its place in the blob asks.
func (p Part) Validate() error {
	if p.Size == 0 || int(p.Size) > envelope.MaxBlob {
		return cocoon.Invalid.Errorf("part of a blob of %d bytes", p.Size)
	}
	if err := checkIndex(p.Index, Parts(p.Size)); err != nil {
		return err
	}
	if want := min(PartSize, int(p.Size)-int(p.Index)*PartSize); len(p.Data) != want {
		return cocoon.Invalid.Errorf("part %d has %d bytes instead of %d", p.Index, len(p.Data), want)
	}
	return nil
}

// Parts is the number of parts of a blob of size bytes.
func Parts(size uint32) uint32 { return (size + PartSize - 1) / PartSize }

// PartOf cuts part index out of blob, the whole of which has hash.
func PartOf(job cocoon.Account, hash [32]byte, blob []byte, index uint32) (Part, error) {
	if err := checkIndex(index, Parts(uint32(len(blob)))); err != nil {
		return Part{}, err
	}
	data := blob[index*PartSize:]
	return Part{job, hash, uint32(len(blob)), index, data[:min(len(data), PartSize)]}, nil
}

// Assembly puts a blob together from its parts in order.
type Assembly struct {
	Job  cocoon.Account
	Hash ID     // that the blob must have
	Size uint32 // that it must have

	blob []byte
}

// Next is the index of the part to add.
func (a *Assembly) Next() uint32 { return uint32(len(a.blob) / PartSize) }

// Add appends the next part, and returns the blob once it is whole. A part of
// another blob or another place, and a whole with another hash, are refused.
func (a *Assembly) Add(p Part) (blob []byte, err error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.Job != a.Job || p.Hash != a.Hash || p.Size != a.Size || p.Index != a.Next() {
		return nil, cocoon.Invalid.Errorf("part %d of blob %s came instead of part %d of %s", p.Index, p.Hash, a.Next(), a.Hash)
	}
	if a.blob = append(a.blob, p.Data...); len(a.blob) < int(a.Size) {
		return nil, nil
	}
	if sha256.Sum256(a.blob) != a.Hash {
		return nil, cocoon.Invalid.Errorf("blob does not have the hash %s", a.Hash)
	}
	return a.blob, nil
}

func maxParts() uint32 { return Parts(uint32(envelope.MaxBlob)) }

func checkIndex(index, count uint32) error {
	if index >= count {
		return cocoon.Invalid.Errorf("no part %d in a blob of %d", index, count)
	}
	return nil
}
