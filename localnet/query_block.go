package localnet

import (
	"crypto/sha256"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// findBlock is find for questions that a zerostate cannot answer.
func (l lookout) findBlock(id *ton.BlockIDExt) (*block, error) {
	b, err := l.find(id)
	if err == nil && b.root == nil {
		return nil, fmt.Errorf("%w: seqno 0 is a state, not a block", errNoBlock)
	}
	return b, err
}

// findMaster is findBlock for the masterchain.
func (l lookout) findMaster(id *ton.BlockIDExt) (*block, error) {
	b, err := l.findBlock(id)
	if err == nil && b.id.Workchain != -1 {
		return nil, badQuery("block %d of workchain %d is not of the masterchain", b.id.SeqNo, b.id.Workchain)
	}
	return b, err
}

func badQuery(format string, args ...any) error {
	return ton.LSError{Code: codeBadQuery, Text: fmt.Sprintf(format, args...)}
}

func (l lookout) blockData(q ton.GetBlockData) (tl.Serializable, error) {
	b, err := l.findBlock(q.ID)
	if err != nil {
		return nil, err
	}
	return ton.BlockData{ID: b.id, Payload: b.boc}, nil
}

func (l lookout) blockState(q ton.GetState) (tl.Serializable, error) {
	b, err := l.find(q.ID)
	if err != nil {
		return nil, err
	}
	boc := b.state.ToBOC()
	hash := sha256.Sum256(boc)
	return ton.BlockState{ID: b.id, RootHash: b.state.Hash(), FileHash: hash[:], Data: boc}, nil
}

func (l lookout) blockHeader(q ton.GetBlockHeader) (tl.Serializable, error) {
	b, err := l.findBlock(q.ID)
	if err != nil {
		return nil, err
	}
	proof, err := b.prove(nil)
	if err != nil {
		return nil, err
	}
	return ton.BlockHeader{ID: b.id, Mode: q.Mode, HeaderProof: proof.ToBOC()}, nil
}

// lookupBlock finds by seqno (mode 1), or the first block that ends at or after
// a logical time (mode 2) or was made at or after a time (mode 4).
func (l lookout) lookupBlock(q ton.LookupBlock) (tl.Serializable, error) {
	if q.ID == nil {
		return nil, badQuery("no block id")
	}
	at := place{q.ID.Workchain, uint64(q.ID.Shard)}
	var reached func(*block) bool
	switch q.Mode & 7 {
	case 1:
		reached = func(b *block) bool { return b.id.SeqNo >= uint32(q.ID.Seqno) }
	case 2:
		reached = func(b *block) bool { return b.endLT >= q.LT }
	case 4:
		reached = func(b *block) bool { return b.utime >= q.UTime }
	default:
		return nil, badQuery("lookup takes one of seqno, lt and utime")
	}
	b := l.first(at, reached)
	if b == nil || q.Mode&1 != 0 && b.id.SeqNo != uint32(q.ID.Seqno) {
		return nil, errNoBlock
	}
	proof, err := b.prove(nil)
	if err != nil {
		return nil, err
	}
	return ton.BlockHeader{ID: b.id, HeaderProof: proof.ToBOC()}, nil
}

func (l lookout) allShardsInfo(q ton.GetAllShardsInfo) (tl.Serializable, error) {
	b, err := l.findMaster(q.ID)
	if err != nil {
		return nil, err
	}
	proof, err := b.proveShards()
	if err != nil {
		return nil, err
	}
	shards, err := b.shardHashes()
	if err != nil {
		return nil, err
	}
	return ton.AllShardsInfo{ID: b.id, Proof: proof, Data: cell.BeginCell().MustStoreDict(shards).EndCell()}, nil
}

func (b *block) shardHashes() (*cell.Dictionary, error) {
	var state tlb.ShardStateUnsplit
	if err := tlb.Parse(&state, b.state); err != nil {
		return nil, err
	}
	var extra tlb.McStateExtra
	if err := tlb.Parse(&extra, state.McStateExtra); err != nil {
		return nil, err
	}
	return extra.ShardHashes, nil
}

func (l lookout) shardInfo(q ton.GetShardInfo) (tl.Serializable, error) {
	b, err := l.findMaster(q.ID)
	if err != nil {
		return nil, err
	}
	t := b.topOf(place{q.Workchain, uint64(q.Shard)})
	if t == nil || q.Exact && t.block.shard.prefix != uint64(q.Shard) {
		return nil, fmt.Errorf("%w: no shard %016x in workchain %d", errNoBlock, uint64(q.Shard), q.Workchain)
	}
	proof, err := b.proveShards()
	if err != nil {
		return nil, err
	}
	desc, err := tlb.ToCell(t.descr(b.id.SeqNo))
	if err != nil {
		return nil, err
	}
	return ton.ShardInfo{ID: b.id, ShardBlock: t.block.id, ShardProof: proof, ShardDescription: desc}, nil
}

// libraries are those of the asked hashes that masterchain accounts publish.
func (l lookout) libraries(q ton.GetLibraries) (tl.Serializable, error) {
	answer := ton.LibraryResult{Result: []*ton.LibraryEntry{}}
	all := l.head.rules.libraries
	if all == nil {
		return answer, nil
	}
	for _, hash := range q.LibraryList {
		if len(hash) != 32 {
			return nil, badQuery("the hash of a library has 32 bytes, not %d", len(hash))
		}
		value, err := all.AsDict(256).LoadValue(bits256([32]byte(hash)))
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		library, err := value.LoadRefCell()
		if err != nil {
			return nil, err
		}
		answer.Result = append(answer.Result, &ton.LibraryEntry{Hash: hash, Data: library.ToBOC()})
	}
	return answer, nil
}

// config proves the parameters asked for, or all of them.
func (l lookout) config(id *ton.BlockIDExt, mode int32, wanted []int32) (tl.Serializable, error) {
	b, err := l.findMaster(id)
	if err != nil {
		return nil, err
	}
	header, err := b.prove(nil)
	if err != nil {
		return nil, err
	}
	proof, err := b.proveState(func(state *tlb.ShardStateUnsplit) error { return visitConfig(state, wanted) })
	if err != nil {
		return nil, err
	}
	return ton.ConfigAll{Mode: int(mode), ID: b.id, StateProof: header.ToBOC(), ConfigProof: proof.ToBOC()}, nil
}

func visitConfig(state *tlb.ShardStateUnsplit, wanted []int32) error {
	s, err := state.McStateExtra.BeginParse()
	if err != nil {
		return err
	}
	if _, err = s.LoadRefCell(); err != nil { // shard_hashes
		return err
	}
	config, err := s.LoadRefCell()
	if err != nil {
		return err
	}
	if wanted == nil {
		return visitAll(config)
	}
	dict := config.AsDict(32)
	for _, id := range wanted {
		value, err := dict.LoadValueByIntKey(big.NewInt(int64(id)))
		if isMissing(err) {
			continue
		}
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
