package audit

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Fetch returns the bag of cells of a block, or of a zerostate where seqno is 0.
type Fetch func(*ton.BlockIDExt) ([]byte, error)

// Follow audits a whole chain, from its zerostates to a masterchain block whose
// id is trusted, and with it every block and state that leads there.
func Follow(fetch Fetch, head *ton.BlockIDExt, options ...Option) (*Auditor, error) {
	f := &follower{fetch: fetch, known: map[hash]bool{}}
	line, err := f.line(head)
	if err != nil {
		return nil, fmt.Errorf("audit: walk back from %s: %w", name(head), err)
	}
	zerostates, err := f.zerostates(line[0])
	if err != nil {
		return nil, fmt.Errorf("audit: fetch the zerostates: %w", err)
	}
	a, err := New(zerostates, options...)
	if err != nil {
		return nil, err
	}
	for _, master := range line[1:] {
		shards, err := f.under(master)
		if err != nil {
			return nil, fmt.Errorf("audit: fetch shard blocks under %s: %w", name(master.ID), err)
		}
		if err = a.Add(master, shards); err != nil {
			return nil, err
		}
	}
	return a, nil
}

type follower struct {
	fetch Fetch
	known map[hash]bool // shard blocks found, and zerostates
}

func (f *follower) get(id *ton.BlockIDExt) (Block, error) {
	boc, err := f.fetch(id)
	return Block{id, boc}, err
}

// line is the masterchain, zerostate first.
func (f *follower) line(head *ton.BlockIDExt) ([]Block, error) {
	var line []Block
	for id := head; ; {
		b, err := f.get(id)
		if err != nil {
			return nil, err
		}
		line = append(line, b)
		if id.SeqNo == 0 {
			break
		}
		parsed, err := openBlock(b)
		if err != nil {
			return nil, err
		}
		parents, err := ton.GetParentBlocks(&parsed.BlockInfo)
		if err != nil {
			return nil, err
		}
		id = parents[0]
	}
	for i, j := 0, len(line)-1; i < j; i, j = i+1, j-1 {
		line[i], line[j] = line[j], line[i]
	}
	return line, nil
}

func openBlock(b Block) (*tlb.Block, error) {
	root, err := cell.FromBOC(b.BoC)
	if err != nil {
		return nil, err
	}
	var parsed tlb.Block
	if err = tlb.Parse(&parsed, root); err != nil {
		return nil, fmt.Errorf("parse %s: %w", name(b.ID), err)
	}
	return &parsed, nil
}

// zerostates are the masterchain's, and those that its config names.
func (f *follower) zerostates(master Block) ([]Block, error) {
	root, err := openBag(refOf(master.ID), master.BoC)
	if err != nil {
		return nil, err
	}
	var st tlb.ShardStateUnsplit
	if err = tlb.Parse(&st, root); err != nil {
		return nil, err
	}
	var extra tlb.McStateExtra
	if err = tlb.Parse(&extra, st.McStateExtra); err != nil {
		return nil, err
	}
	w, err := config{extra.ConfigParams.Config.Params.AsCell()}.workchain(0)
	if err != nil {
		return nil, err
	}
	base, err := f.get(&ton.BlockIDExt{Workchain: 0, Shard: -1 << 63, RootHash: w.ZeroStateRootHash, FileHash: w.ZeroStateFileHash})
	f.known[hash(w.ZeroStateRootHash)] = true
	return []Block{master, base}, err
}

// under are the shard blocks that a masterchain block is the first to register,
// each after those it follows.
func (f *follower) under(master Block) ([]Block, error) {
	parsed, err := openBlock(master)
	if err != nil {
		return nil, err
	}
	if parsed.Extra.Custom == nil {
		return nil, fmt.Errorf("%s has no masterchain extra", name(master.ID))
	}
	tops, err := loadShards(parsed.Extra.Custom.ShardHashes)
	if err != nil {
		return nil, err
	}
	var list []Block
	for _, top := range tops {
		if list, err = f.collect(top.id(), list); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (f *follower) collect(id *ton.BlockIDExt, list []Block) ([]Block, error) {
	if f.known[hash(id.RootHash)] {
		return list, nil
	}
	f.known[hash(id.RootHash)] = true
	b, err := f.get(id)
	if err != nil {
		return nil, err
	}
	parsed, err := openBlock(b)
	if err != nil {
		return nil, err
	}
	parents, err := ton.GetParentBlocks(&parsed.BlockInfo)
	if err != nil {
		return nil, err
	}
	for _, p := range parents {
		if list, err = f.collect(p, list); err != nil {
			return nil, err
		}
	}
	return append(list, b), nil
}

func (r ref) id() *ton.BlockIDExt {
	return &ton.BlockIDExt{Workchain: r.shard.workchain, Shard: int64(r.shard.prefix), SeqNo: r.seqno, RootHash: r.root[:], FileHash: r.file[:]}
}
