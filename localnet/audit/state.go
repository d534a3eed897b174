package audit

import (
	"errors"
	"fmt"

	"github.com/tonkeeper/tongo/boc"
	tongo "github.com/tonkeeper/tongo/tlb"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// state is a ShardStateUnsplit taken apart.
type state struct {
	root                *cell.Cell
	globalID            int32
	shard               shard
	seqno, vertSeqno    uint32
	utime               uint32
	lt                  uint64
	minRef              uint32
	queue               queue
	processed           processed
	beforeSplit         bool
	accounts            *tlb.ShardAccountsAugDict
	total               money // of all accounts, added up
	overload, underload uint64
	balance, fees       money
	libraries           *cell.Dictionary
	master              *ref // nil in the masterchain
	extra               *masterState
}

// parseState reads a state twice, as parseBlock does a block.
func (a *Auditor) parseState(root *cell.Cell) (*state, error) {
	if err := parseStateStrictly(root); err != nil {
		return nil, fmt.Errorf("strict parser: %w", err)
	}
	st := &state{root: root}
	s, err := root.BeginParse()
	if err != nil {
		return nil, err
	}
	if err = st.loadHeader(s); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	queue, err := s.LoadRef()
	if err != nil {
		return nil, err
	}
	if err = st.loadQueue(queue); err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	if st.beforeSplit, err = s.LoadBoolBit(); err != nil {
		return nil, err
	}
	accounts, err := s.LoadRefCell()
	if err != nil {
		return nil, err
	}
	if err = st.loadAccounts(accounts, &a.balances); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	rest, err := s.LoadRef()
	if err != nil {
		return nil, err
	}
	if err = st.loadTotals(rest); err != nil {
		return nil, fmt.Errorf("totals: %w", err)
	}
	custom, err := s.LoadMaybeRef()
	if err != nil {
		return nil, err
	}
	if custom != nil {
		st.extra, err = a.loadMasterState(custom)
	}
	return st, err
}

func parseStateStrictly(root *cell.Cell) error {
	cells, err := boc.DeserializeBoc(root.ToBOC())
	if err != nil {
		return err
	}
	var parsed tongo.ShardStateUnsplit
	return tongo.Unmarshal(cells[0], &parsed)
}

// loadHeader reads shard_state#9023afe2 global_id shard_id seq_no vert_seq_no
// gen_utime gen_lt min_ref_mc_seqno.
func (st *state) loadHeader(s *cell.Slice) error {
	tag, err1 := s.LoadUInt(32)
	id, err2 := s.LoadInt(32)
	kind, err3 := s.LoadUInt(2)
	bits, err4 := s.LoadUInt(6)
	workchain, err5 := s.LoadInt(32)
	prefix, err6 := s.LoadUInt(64)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	if tag != 0x9023afe2 || kind != 0 {
		return fmt.Errorf("tag %08x is not of an unsplit state", tag)
	}
	var err error
	st.globalID = int32(id)
	if st.shard, err = newShard(int32(workchain), prefix, int(bits)); err != nil {
		return err
	}
	seqno, err1 := s.LoadUInt(32)
	vert, err2 := s.LoadUInt(32)
	utime, err3 := s.LoadUInt(32)
	lt, err4 := s.LoadUInt(64)
	minRef, err5 := s.LoadUInt(32)
	st.seqno, st.vertSeqno, st.utime, st.lt, st.minRef = uint32(seqno), uint32(vert), uint32(utime), lt, uint32(minRef)
	return errors.Join(err1, err2, err3, err4, err5)
}

// newShard is ShardIdent, whose prefix lacks the closing bit.
func newShard(workchain int32, prefix uint64, bits int) (shard, error) {
	if bits > 60 || prefix<<bits != 0 {
		return shard{}, fmt.Errorf("shard prefix %016x of %d bits", prefix, bits)
	}
	s := shard{workchain, prefix | whole>>bits}
	if !s.valid() {
		return shard{}, fmt.Errorf("there is no shard %s", s)
	}
	return s, nil
}

// loadTotals reads overload_history underload_history total_balance
// total_validator_fees libraries master_ref.
func (st *state) loadTotals(s *cell.Slice) (err error) {
	if st.overload, err = s.LoadUInt(64); err != nil {
		return err
	}
	if st.underload, err = s.LoadUInt(64); err != nil {
		return err
	}
	if err = loadMoneys(s, &st.balance, &st.fees); err != nil {
		return err
	}
	if st.libraries, err = s.LoadDict(256); err != nil {
		return err
	}
	has, err := s.LoadBoolBit()
	if err != nil || !has {
		return err
	}
	r, err := loadRef(s, shard{masterchain, whole})
	st.master = &r
	return err
}

// loadRef reads ext_blk_ref$_ end_lt:uint64 seq_no:uint32 root_hash file_hash.
func loadRef(s *cell.Slice, of shard) (ref, error) {
	lt, err1 := s.LoadUInt(64)
	seqno, err2 := s.LoadUInt(32)
	r := ref{shard: of, seqno: uint32(seqno), endLT: lt}
	err := errors.Join(err1, err2, s.LoadSliceInto(r.root[:], 256), s.LoadSliceInto(r.file[:], 256))
	return r, err
}
