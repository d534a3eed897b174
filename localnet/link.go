package localnet

import (
	"crypto/ed25519"
	"math/big"

	adnlkeys "github.com/xssnick/tonutils-go/adnl/keys"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// shardBlockProof leads from a masterchain block, through its top, back to a
// shard block.
func (l lookout) shardBlockProof(q ton.GetShardBlockProof) (tl.Serializable, error) {
	b, err := l.findBlock(q.ID)
	if err != nil {
		return nil, err
	}
	if b.id.Workchain == -1 {
		return nil, badQuery("block %d is of the masterchain", b.id.SeqNo)
	}
	master := l.history.find(wholeMasterchain, b.master)
	if master == nil {
		return nil, errNoBlock
	}
	proof, err := master.prove(visitShardHashes)
	if err != nil {
		return nil, err
	}
	top := master.topOf(place{b.shard.workchain, b.shard.prefix}).block
	answer := ton.ShardBlockProof{MasterchainID: master.id, Links: []ton.ShardBlockLink{{ID: top.id, Proof: proof.ToBOC()}}}
	for later := top; later.id.SeqNo > b.id.SeqNo; {
		if proof, err = later.prove(nil); err != nil {
			return nil, err
		}
		if later = l.history.find(b.shard, later.id.SeqNo-1); later == nil {
			return nil, errNoBlock
		}
		answer.Links = append(answer.Links, ton.ShardBlockLink{ID: later.id, Proof: proof.ToBOC()})
	}
	return answer, nil
}

// visitShardHashes walks from a block's extra part to its shard hashes.
func visitShardHashes(extra *cell.Slice) error {
	custom, err := masterExtraOf(extra)
	if err != nil {
		return err
	}
	shards, err := custom.LoadRefCell()
	if err != nil {
		return err
	}
	return visitAll(shards)
}

// masterExtraOf skips the message descriptors and accounts of a block's extra part.
func masterExtraOf(extra *cell.Slice) (*cell.Slice, error) {
	for range 3 {
		if _, err := extra.LoadRefCell(); err != nil {
			return nil, err
		}
	}
	return extra.LoadRef()
}

// blockProof leads from one masterchain block to another: back through the log
// of blocks in the state, forward by signatures that the key block's config
// makes good.
func (l lookout) blockProof(q ton.GetBlockProof) (tl.Serializable, error) {
	from, err := l.findMaster(q.KnownBlock)
	if err != nil {
		return nil, err
	}
	to := l.head
	if q.Mode&1 != 0 {
		if to, err = l.findMaster(q.TargetBlock); err != nil {
			return nil, err
		}
	}
	answer := ton.PartialBlockProof{Complete: true, From: from.id, To: to.id, Steps: []any{}}
	add := func(link func(from, to *block) (any, error), from, to *block) error {
		if from == to {
			return nil
		}
		step, err := link(from, to)
		answer.Steps = append(answer.Steps, step)
		return err
	}
	if to.id.SeqNo < from.id.SeqNo {
		return answer, add(l.linkBack, from, to)
	}
	if from == to {
		return answer, nil
	}
	path, err := l.keysBetween(from, to)
	if err != nil {
		return nil, err
	}
	if err = add(l.linkBack, from, path[0]); err != nil {
		return nil, err
	}
	for i, key := range path {
		next := to
		if i+1 < len(path) {
			next = path[i+1]
		}
		if err = add(l.linkForward, key, next); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// keysBetween are the key blocks on the way: the newest that is not after from,
// then all up to the last one that is not after to.
func (l lookout) keysBetween(from, to *block) (path []*block, err error) {
	seqno := to.keySeqno()
	for {
		key := l.history.find(wholeMasterchain, seqno)
		if key == nil || key.root == nil {
			return nil, errNoBlock
		}
		path = append([]*block{key}, path...)
		if seqno <= from.id.SeqNo {
			return path, nil
		}
		seqno = key.lastKey.SeqNo
	}
}

func (l lookout) linkBack(from, to *block) (any, error) {
	dest, err := to.prove(nil)
	if err != nil {
		return nil, err
	}
	header, err := from.prove(nil)
	if err != nil {
		return nil, err
	}
	state, err := from.proveState(func(state *tlb.ShardStateUnsplit) error {
		var extra tlb.McStateExtra
		if err := tlb.Parse(&extra, state.McStateExtra); err != nil {
			return err
		}
		log, err := loadBlockLog(extra.Info)
		if err != nil {
			return err
		}
		_, err = log.LoadValueByIntKey(big.NewInt(int64(to.id.SeqNo)))
		return err
	})
	if err != nil {
		return nil, err
	}
	return ton.BlockLinkBackward{ToKeyBlock: to.key, From: from.id, To: to.id, DestProof: dest.ToBOC(), Proof: header.ToBOC(), StateProof: state.ToBOC()}, nil
}

func (l lookout) linkForward(from, to *block) (any, error) {
	dest, err := to.prove(nil)
	if err != nil {
		return nil, err
	}
	config, err := from.prove(visitValidators)
	if err != nil {
		return nil, err
	}
	id, err := tl.Hash(adnlkeys.PublicKeyED25519{Key: l.chain.keys.validator.Public().(ed25519.PublicKey)})
	if err != nil {
		return nil, err
	}
	signatures := ton.SignatureSet{ValidatorSetHash: int32(l.chain.keys.masterSet), Signatures: []ton.Signature{{NodeIDShort: id, Signature: to.signature}}}
	return ton.BlockLinkForward{ToKeyBlock: to.key, From: from.id, To: to.id, DestProof: dest.ToBOC(), ConfigProof: config.ToBOC(), SignatureSet: signatures}, nil
}

// visitValidators walks to the config parameters that name the validators.
func visitValidators(extra *cell.Slice) error {
	custom, err := masterExtraOf(extra)
	if err != nil {
		return err
	}
	// shard_hashes, shard_fees where there are any, details; the config is last
	var config *cell.Dictionary
	for custom.RefsNum() > 0 {
		part, err := custom.LoadRefCell()
		if err != nil {
			return err
		}
		if _, err = part.BeginParse(); err != nil {
			return err
		}
		config = part.AsDict(32)
	}
	for _, id := range []int64{28, 34} {
		value, err := config.LoadValueByIntKey(big.NewInt(id))
		if err != nil {
			return err
		}
		param, err := value.LoadRefCell()
		if err != nil {
			return err
		}
		if err = visitAll(param); err != nil {
			return err
		}
	}
	return nil
}
