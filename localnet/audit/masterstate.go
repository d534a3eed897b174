package audit

import (
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// masterExtra is McBlockExtra.
type masterExtra struct {
	key           bool
	shardHashes   *cell.Cell
	shards        map[shard]*descr
	fees          shardFees
	shardFees     map[shard]shardFees
	recover, mint *hash
	config        *cell.Cell // of a key block
}

// shardFees is ShardFeeCreated: what a shard collected and created.
type shardFees struct{ collected, created money }

func (f shardFees) plus(o shardFees) shardFees {
	return shardFees{f.collected.plus(o.collected), f.created.plus(o.created)}
}
func (f shardFees) equal(o shardFees) bool {
	return f.collected.equal(o.collected) && f.created.equal(o.created)
}
func (f shardFees) String() string { return fmt.Sprintf("%s and %s", f.collected, f.created) }

func loadShardFees(s *cell.Slice) (f shardFees, err error) {
	err = loadMoneys(s, &f.collected, &f.created)
	return f, err
}

// loadMasterExtra reads masterchain_block_extra#cca5 key_block shard_hashes
// shard_fees ^[prev_blk_signatures recover_create_msg mint_msg] config.
func loadMasterExtra(s *cell.Slice) (*masterExtra, error) {
	m := &masterExtra{shardFees: map[shard]shardFees{}}
	if tag, err := s.LoadUInt(16); err != nil || tag != 0xcca5 {
		return nil, errors.Join(errors.New("not a masterchain block's extra"), err)
	}
	var err error
	if m.key, err = s.LoadBoolBit(); err != nil {
		return nil, err
	}
	if m.shards, m.shardHashes, err = loadShardHashes(s); err != nil {
		return nil, fmt.Errorf("shard_hashes: %w", err)
	}
	dict := aug[shardFees]{name: "shard_fees", bits: 96, load: loadShardFees, add: shardFees.plus, equal: shardFees.equal,
		leaf: func(key []byte, value *cell.Slice) (f shardFees, err error) {
			f, err = loadShardFees(value)
			m.shardFees[shard{int32(uint32Of(key)), uint64(uint32Of(key[4:]))<<32 | uint64(uint32Of(key[8:]))}] = f
			return f, err
		}}
	if m.fees, err = dict.check(s); err != nil {
		return nil, err
	}
	details, err := s.LoadRef()
	if err != nil {
		return nil, err
	}
	if _, err = details.LoadMaybeRef(); err != nil {
		return nil, err
	}
	for _, special := range []**hash{&m.recover, &m.mint} {
		if *special, err = loadMaybeHash(details); err != nil {
			return nil, err
		}
	}
	if m.key {
		if err = s.SkipBits(256); err != nil {
			return nil, err
		}
		m.config, err = s.LoadRefCell()
	}
	return m, err
}

func loadMaybeHash(s *cell.Slice) (*hash, error) {
	has, err := s.LoadBoolBit()
	if err != nil || !has {
		return nil, err
	}
	return loadTx(s)
}

// loadShardHashes also returns the root of the dictionary, nil where it is empty.
func loadShardHashes(s *cell.Slice) (map[shard]*descr, *cell.Cell, error) {
	dict, err := s.LoadDict(32)
	if err != nil {
		return nil, nil, err
	}
	shards, err := loadShards(dict)
	return shards, dict.AsCell(), err
}

// masterState is McStateExtra.
type masterState struct {
	shardHashes *cell.Cell
	shards      map[shard]*descr
	config      config
	validators  uint32 // validator_list_hash_short
	catchain    uint32
	log         blockLog // of masterchain blocks before this one
	afterKey    bool
	lastKey     *ref // newest key block before this one
	balance     money
	logged      []logged // entries of the log not seen before
}

// loadMasterState reads masterchain_state_extra#cc26 shard_hashes config
// ^[flags validator_info prev_blocks after_key_block last_key_block ...] global_balance.
func (a *Auditor) loadMasterState(s *cell.Slice) (*masterState, error) {
	m := &masterState{}
	if tag, err := s.LoadUInt(16); err != nil || tag != 0xcc26 {
		return nil, errors.Join(errors.New("not a masterchain state's extra"), err)
	}
	var err error
	if m.shards, m.shardHashes, err = loadShardHashes(s); err != nil {
		return nil, fmt.Errorf("shard_hashes: %w", err)
	}
	if err = s.SkipBits(256); err != nil {
		return nil, err
	}
	if m.config.root, err = s.LoadRefCell(); err != nil {
		return nil, err
	}
	info, err := s.LoadRef()
	if err != nil {
		return nil, err
	}
	if err = a.loadInfo(m, info); err != nil {
		return nil, err
	}
	m.balance, err = loadMoney(s)
	return m, err
}

func (a *Auditor) loadInfo(m *masterState, s *cell.Slice) error {
	flags, err1 := s.LoadUInt(16)
	list, err2 := s.LoadUInt(32)
	catchain, err3 := s.LoadUInt(32)
	if err := errors.Join(err1, err2, err3, s.SkipBits(1)); err != nil {
		return err
	}
	if flags > 1 {
		return fmt.Errorf("flags %d", flags)
	}
	m.validators, m.catchain = uint32(list), uint32(catchain)
	dict := a.logs
	dict.leaf = func(key []byte, value *cell.Slice) (blockLog, error) {
		entry, err := loadLogged(key, value)
		m.logged = append(m.logged, entry)
		return blockLog{entry.key, entry.endLT, 1}, err
	}
	var err error
	if m.log, err = dict.check(s); err != nil {
		return err
	}
	if m.afterKey, err = s.LoadBoolBit(); err != nil {
		return err
	}
	has, err := s.LoadBoolBit()
	if err != nil || !has {
		return err
	}
	last, err := loadRef(s, shard{masterchain, whole})
	m.lastKey = &last
	return err
}

// blockLog sums OldMcBlocksInfo up; the number of blocks is ours.
type blockLog struct {
	key    bool
	lt     uint64
	blocks int
}

// logged is an entry of OldMcBlocksInfo.
type logged struct {
	ref
	key bool
}

func newLogs() aug[blockLog] {
	return aug[blockLog]{name: "prev_blocks", bits: 32, memo: map[memoKey]blockLog{},
		load: func(s *cell.Slice) (blockLog, error) {
			key, err1 := s.LoadBoolBit()
			lt, err2 := s.LoadUInt(64)
			return blockLog{key: key, lt: lt}, errors.Join(err1, err2)
		},
		add:   func(a, b blockLog) blockLog { return blockLog{a.key || b.key, max(a.lt, b.lt), a.blocks + b.blocks} },
		equal: func(a, b blockLog) bool { return a.key == b.key && a.lt == b.lt }}
}

// loadLogged reads key:Bool blk_ref:ExtBlkRef.
func loadLogged(key []byte, s *cell.Slice) (l logged, err error) {
	if l.key, err = s.LoadBoolBit(); err != nil {
		return l, err
	}
	if l.ref, err = loadRef(s, shard{masterchain, whole}); err != nil {
		return l, err
	}
	if l.seqno != uint32Of(key) {
		return l, fmt.Errorf("it is about block %d", l.seqno)
	}
	return l, nil
}
