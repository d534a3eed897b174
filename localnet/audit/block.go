package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/tonkeeper/tongo/boc"
	tongo "github.com/tonkeeper/tongo/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// ref is a block as others refer to it.
type ref struct {
	shard      shard
	seqno      uint32
	endLT      uint64
	root, file hash
}

func (r ref) String() string {
	return fmt.Sprintf("(%d,%016x,%d)", r.shard.workchain, r.shard.prefix, r.seqno)
}

// sameBlock leaves out the logical time, which block ids do not carry.
func (r ref) sameBlock(o ref) bool {
	return r.shard == o.shard && r.seqno == o.seqno && r.root == o.root && r.file == o.file
}

func refOf(id *ton.BlockIDExt) ref {
	return ref{shard: shard{id.Workchain, uint64(id.Shard)}, seqno: id.SeqNo, root: hash(id.RootHash), file: hash(id.FileHash)}
}

// block is a block taken apart.
type block struct {
	ref
	globalID int32
	info     tongo.BlockInfo
	version  uint32 // global version that decides what messages carry
	flow     flow
	update   *cell.Cell
	in       map[hash]*inbound
	out      map[hash]*outbound
	inSum    importFees
	outSum   money
	accounts []*accountBlock
	txs      map[hash]*transaction
	txFees   money
	randSeed hash
	master   *masterExtra // nil in shards
}

// parseBlock reads a block twice: by tongo, which must find nothing wrong, and by
// hand. It also adds up all its dictionaries. A version of nil is the one in its
// header.
func parseBlock(id ref, raw []byte, version *uint32) (*block, error) {
	b := &block{ref: id, in: map[hash]*inbound{}, out: map[hash]*outbound{}, txs: map[hash]*transaction{}}
	root, err := cell.FromBOC(raw)
	if err != nil {
		return nil, fmt.Errorf("bag of cells: %w", err)
	}
	if file := sha256.Sum256(raw); hash(file) != id.file {
		return nil, fmt.Errorf("file hash is %x, claimed is %x", file, id.file)
	}
	if root.HashKey() != id.root {
		return nil, fmt.Errorf("root hash is %x, claimed is %x", root.Hash(), id.root)
	}
	if err = b.parseStrictly(raw); err != nil {
		return nil, fmt.Errorf("strict parser: %w", err)
	}
	if b.endLT = b.info.EndLt; version != nil {
		b.version = *version
	} else if b.info.GenSoftware != nil {
		b.version = b.info.GenSoftware.Version
	}
	return b, b.open(root)
}

func (b *block) parseStrictly(raw []byte) error {
	cells, err := boc.DeserializeBoc(raw)
	if err != nil {
		return err
	}
	var parsed tongo.Block
	if err = tongo.Unmarshal(cells[0], &parsed); err != nil {
		return err
	}
	if _, err = parsed.Extra.InMsgDescr(); err != nil {
		return fmt.Errorf("in_msg_descr: %w", err)
	}
	if _, err = parsed.Extra.OutMsgDescr(); err != nil {
		return fmt.Errorf("out_msg_descr: %w", err)
	}
	b.globalID, b.info = parsed.GlobalId, parsed.Info
	return nil
}

// open reads block#11ef55aa global_id info value_flow state_update extra.
func (b *block) open(root *cell.Cell) error {
	var parts [4]*cell.Cell
	for i := range parts {
		var err error
		if parts[i], err = root.PeekRef(i); err != nil {
			return err
		}
	}
	b.update = parts[2]
	if err := b.flow.load(parts[1]); err != nil {
		return fmt.Errorf("value flow: %w", err)
	}
	return b.openExtra(parts[3])
}

// openExtra reads block_extra in_msg_descr out_msg_descr account_blocks
// rand_seed created_by custom.
func (b *block) openExtra(c *cell.Cell) error {
	s, err := c.BeginParse()
	if err != nil {
		return err
	}
	if err = s.SkipBits(32); err != nil {
		return err
	}
	for _, open := range []func(*cell.Slice) error{b.openIn, b.openOut, b.openAccounts} {
		part, err := s.LoadRef()
		if err != nil {
			return err
		}
		if err = open(part); err != nil {
			return err
		}
		if part.BitsLeft() > 0 || part.RefsNum() > 0 {
			return fmt.Errorf("a dictionary of the block has something left over")
		}
	}
	if err = s.LoadSliceInto(b.randSeed[:], 256); err != nil {
		return err
	}
	if err = s.SkipBits(256); err != nil {
		return err
	}
	custom, err := s.LoadMaybeRef()
	if err != nil || custom == nil {
		return err
	}
	b.master, err = loadMasterExtra(custom)
	return err
}

func (b *block) openIn(s *cell.Slice) (err error) {
	dict := aug[importFees]{name: "in_msg_descr", bits: 256, load: loadImportFees, add: importFees.plus, equal: importFees.equal,
		leaf: func(key []byte, value *cell.Slice) (importFees, error) {
			r, err := loadInbound(value)
			if err != nil {
				return importFees{}, err
			}
			if !bytes.Equal(key, r.msg.hash[:]) {
				return importFees{}, fmt.Errorf("it is about message %x", r.msg.hash)
			}
			b.in[r.msg.hash] = r
			return r.fees(b.version), nil
		}}
	b.inSum, err = dict.check(s)
	return err
}

func (b *block) openOut(s *cell.Slice) (err error) {
	dict := moneyAug("out_msg_descr", 256, func(key []byte, value *cell.Slice) (money, error) {
		r, err := loadOutbound(value)
		if err != nil {
			return money{}, err
		}
		if r.msg != nil && !bytes.Equal(key, r.msg.hash[:]) {
			return money{}, fmt.Errorf("it is about message %x", r.msg.hash)
		}
		b.out[hash(key)] = r
		return r.exported(b.version), nil
	})
	b.outSum, err = dict.check(s)
	return err
}

func moneyAug(name string, bits int, leaf func([]byte, *cell.Slice) (money, error)) aug[money] {
	return aug[money]{name: name, bits: bits, load: loadMoney, leaf: leaf, equal: money.equal,
		add: func(a, b money) money { return a.plus(b) }}
}

func uint32Of(key []byte) uint32 { return binary.BigEndian.Uint32(key) }
