package localnet

import (
	adnlkeys "github.com/xssnick/tonutils-go/adnl/keys"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

func (l liar) head(_, honest tl.Serializable) tl.Serializable {
	switch a := honest.(type) {
	case ton.MasterchainInfo:
		a.Last = forged(a.Last)
		return a
	case ton.MasterchainInfoExt:
		a.Last = forged(a.Last)
		return a
	}
	return nil
}

func forged(id *ton.BlockIDExt) *ton.BlockIDExt {
	id = id.Copy()
	id.RootHash = flip(id.RootHash, 41)
	return id
}

func (l liar) signature(_, honest tl.Serializable) tl.Serializable {
	return resign(honest, func(s ton.Signature, _ *ton.BlockIDExt) (ton.Signature, error) {
		s.Signature = flip(s.Signature, 41)
		return s, nil
	})
}

func (l liar) signer(_, honest tl.Serializable) tl.Serializable {
	return resign(honest, func(_ ton.Signature, id *ton.BlockIDExt) (s ton.Signature, err error) {
		if s.NodeIDShort, err = tl.Hash(adnlkeys.PublicKeyED25519{Key: publicOf(l.key)}); err != nil {
			return s, err
		}
		s.Signature, err = sign(l.key, id)
		return s, err
	})
}

// resign changes the first signature under each block of a proof.
func resign(honest tl.Serializable, change func(ton.Signature, *ton.BlockIDExt) (ton.Signature, error)) tl.Serializable {
	proof, ok := honest.(ton.PartialBlockProof)
	if !ok {
		return nil
	}
	changed := false
	steps := append([]any{}, proof.Steps...)
	for i, step := range steps {
		link, forward := step.(ton.BlockLinkForward)
		if !forward {
			continue
		}
		set, signatures := cloneSignatures(link.SignatureSet)
		if len(signatures) == 0 {
			continue
		}
		forgery, err := change(signatures[0], link.To)
		if err != nil {
			continue
		}
		signatures[0], link.SignatureSet = forgery, set
		steps[i], changed = link, true
	}
	if !changed {
		return nil
	}
	proof.Steps = steps
	return proof
}

// cloneSignatures is a set of signatures and, to be changed, those in it.
func cloneSignatures(set any) (any, []ton.Signature) {
	switch s := set.(type) {
	case ton.SignatureSet:
		s.Signatures = append([]ton.Signature{}, s.Signatures...)
		return s, s.Signatures
	case ton.SignatureSetOrdinary:
		s.Signatures = append([]ton.Signature{}, s.Signatures...)
		return s, s.Signatures
	case ton.SignatureSetSimplex:
		s.Signatures = append([]ton.Signature{}, s.Signatures...)
		return s, s.Signatures
	}
	return nil, nil
}

func (l liar) block(query, honest tl.Serializable) tl.Serializable {
	a, ok := honest.(ton.BlockData)
	if !ok {
		return nil
	}
	before, ok := older[ton.BlockData](l, a.ID, func(id *ton.BlockIDExt) tl.Serializable { return ton.GetBlockData{ID: id} })
	if !ok {
		return nil
	}
	a.Payload = before.Payload
	return a
}

func (l liar) header(query, honest tl.Serializable) tl.Serializable {
	a, ok := honest.(ton.BlockHeader)
	if _, asked := query.(ton.GetBlockHeader); !ok || !asked {
		return nil
	}
	before, ok := l.headerBefore(a)
	if !ok {
		return nil
	}
	a.HeaderProof = before.HeaderProof
	return a
}

func (l liar) lookup(query, honest tl.Serializable) tl.Serializable {
	a, ok := honest.(ton.BlockHeader)
	if _, asked := query.(ton.LookupBlock); !ok || !asked {
		return nil
	}
	if before, ok := l.headerBefore(a); ok {
		return before
	}
	return nil
}

// headerBefore is the header of the block before that of a.
func (l liar) headerBefore(a ton.BlockHeader) (ton.BlockHeader, bool) {
	return older[ton.BlockHeader](l, a.ID, func(id *ton.BlockIDExt) tl.Serializable { return ton.GetBlockHeader{ID: id} })
}

func (l liar) shards(query, _ tl.Serializable) tl.Serializable {
	switch q := query.(type) {
	case ton.GetAllShardsInfo:
		if a, ok := older[ton.AllShardsInfo](l, q.ID, func(id *ton.BlockIDExt) tl.Serializable { return ton.GetAllShardsInfo{ID: id} }); ok {
			a.ID = q.ID
			return a
		}
	case ton.GetShardInfo:
		asked := q.ID
		if a, ok := older[ton.ShardInfo](l, asked, func(id *ton.BlockIDExt) tl.Serializable { q.ID = id; return q }); ok {
			a.ID = asked
			return a
		}
	}
	return nil
}
