package localnet

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// laggard answers as a server that is behind the chain. It knows the chain only
// by what the chain answers.
type laggard struct {
	chain  *Chain
	faults Faults
}

func (l laggard) answer(ctx context.Context, query tl.Serializable) tl.Serializable {
	wait, question := bare(query)
	if wait != nil {
		if refusal, refused := l.await(ctx, *wait).(ton.LSError); refused {
			return refusal
		}
	}
	h, err := l.look(ctx)
	if err != nil {
		return asRefusal(err)
	}
	for _, id := range blocksIn(question) {
		if !h.knows(id) {
			return h.refuse(question, id)
		}
	}
	return l.ask(ctx, question, h)
}

// await is the wait of the reference server, which is for its shard client.
func (l laggard) await(ctx context.Context, w ton.WaitMasterchainSeqno) tl.Serializable {
	seqno := min(uint64(uint32(w.Seqno))+uint64(l.faults.LagBlocks)+uint64(l.faults.ShardLag), math.MaxUint32)
	w.Seqno = int32(uint32(seqno))
	return l.chain.answer(ctx, []tl.Serializable{w, ton.GetTime{}})
}

func (l laggard) ask(ctx context.Context, question tl.Serializable, h horizon) tl.Serializable {
	switch q := question.(type) {
	case ton.GetMasterchainInf, ton.GetMasterchainInfoExt:
		return l.info(ctx, question, h)
	case ton.GetBlockProof:
		if q.Mode&1 == 0 { // to what is newest, which the reference server takes of its shard client
			q.Mode, q.TargetBlock = q.Mode|1, h.applied
		}
		question = q
	}
	answer := l.chain.answer(ctx, question)
	if _, described := answer.(ton.ShardInfo); described { // it says what the masterchain says
		return answer
	}
	for _, id := range blocksIn(answer) {
		if !h.knows(id) {
			return h.refuse(question, id)
		}
	}
	return answer
}

// info is what the chain says of its newest block, said of an older one.
func (l laggard) info(ctx context.Context, question tl.Serializable, h horizon) tl.Serializable {
	utime, state, err := l.header(ctx, h.head)
	if err != nil {
		return asRefusal(err)
	}
	switch info := l.chain.answer(ctx, question).(type) {
	case ton.MasterchainInfo:
		info.Last, info.StateRootHash = h.head, state
		return info
	case ton.MasterchainInfoExt:
		info.Last, info.LastUTime, info.StateRootHash = h.head, utime, state
		return info
	default:
		return info
	}
}

// header reads when a block was made and the hash of the state after it.
func (l laggard) header(ctx context.Context, id *ton.BlockIDExt) (utime uint32, state []byte, err error) {
	h, err := expect[ton.BlockHeader](l.chain.answer(ctx, ton.GetBlockHeader{ID: id}))
	if err != nil {
		return 0, nil, err
	}
	proof, err := cell.FromBOC(h.HeaderProof)
	if err != nil {
		return 0, nil, err
	}
	block, err := ton.CheckBlockProof(proof, id.RootHash)
	if err != nil {
		return 0, nil, err
	}
	after, err := block.StateUpdate.PeekRef(1)
	if err != nil {
		return 0, nil, err
	}
	return block.BlockInfo.GenUtime, after.Hash(0), nil
}

func (l laggard) look(ctx context.Context) (h horizon, err error) {
	info, err := expect[ton.MasterchainInfo](l.chain.answer(ctx, ton.GetMasterchainInf{}))
	if err != nil {
		return h, err
	}
	if h.head, err = l.before(ctx, info.Last, l.faults.LagBlocks); err != nil {
		return h, err
	}
	if h.applied, err = l.before(ctx, h.head, l.faults.ShardLag); err != nil {
		return h, err
	}
	shards, err := expect[ton.AllShardsInfo](l.chain.answer(ctx, ton.GetAllShardsInfo{ID: h.applied}))
	if err != nil {
		return h, err
	}
	var hashes tlb.AllShardsInfo
	if err = tlb.Parse(&hashes, shards.Data); err != nil {
		return h, err
	}
	h.tops, err = ton.LoadShardsFromHashes(hashes.ShardHashes, false)
	return h, err
}

// before is the block n before another, at least the first.
func (l laggard) before(ctx context.Context, id *ton.BlockIDExt, n uint32) (*ton.BlockIDExt, error) {
	if n == 0 || id.SeqNo <= 1 {
		return id, nil
	}
	seqno := id.SeqNo - min(n, id.SeqNo-1)
	h, err := expect[ton.BlockHeader](l.chain.answer(ctx, ton.LookupBlock{Mode: 1,
		ID: &ton.BlockInfoShort{Workchain: id.Workchain, Shard: id.Shard, Seqno: int32(seqno)}}))
	return h.ID, err
}

func expect[T any](answer tl.Serializable) (T, error) {
	t, ok := answer.(T)
	if ok {
		return t, nil
	}
	if refusal, refused := answer.(ton.LSError); refused {
		return t, refusal
	}
	return t, fmt.Errorf("the chain answered %T", answer)
}

func asRefusal(err error) ton.LSError {
	var refusal ton.LSError
	if errors.As(err, &refusal) {
		return refusal
	}
	return ton.LSError{Code: codeInternal, Text: err.Error()}
}
