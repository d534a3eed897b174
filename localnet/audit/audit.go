// Package audit checks the blocks of a TON chain as a stranger would: it knows
// how blocks must be, and nothing of who made them. It keeps the states itself,
// by applying each block's state update to what it trusted before, and follows
// every message from its sender to its destination.
//
// Rules are those of the reference node's validator (validate-query.cpp of
// ton-blockchain/ton), as far as they can be judged without executing contracts
// and without other validators' signatures. Left out are therefore: what a
// transaction computes, signatures, limits of size and gas, block creator
// statistics, the times at which validator sets rotate, which of the two dequeue
// records a capability asks for. Messages deferred in the dispatch queue are
// refused, not followed.
package audit

import (
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/ton"
)

// Block is a block, or a zerostate where its seqno is 0: its id and the bag of
// cells that file_hash is of.
type Block struct {
	ID  *ton.BlockIDExt
	BoC []byte
}

// Auditor has seen a chain up to some masterchain block. It is not safe for
// concurrent use, and of no use after an error.
type Auditor struct {
	waived  map[Rule]bool
	surgery map[address]bool

	globalID int32
	balances aug[depthBalance]
	logs     aug[blockLog]
	masters  []*anchor      // by seqno
	blocks   map[hash]*made // whose states are kept, by root hash
	heads    map[shard]*made
	round    []*made // shard blocks that no masterchain block has registered yet
	ledger   ledger
}

// anchor is a masterchain block that others refer to.
type anchor struct {
	ref
	startLT uint64
	utime   uint32
	key     bool
	state   *state // nil when it is too old
	config  config
	tops    map[shard]*descr
}

// made is a shard block that was found good.
type made struct {
	ref
	block    *block // nil for a zerostate
	state    *state
	prev     []*made
	followed []shard // that have a block after it
}

// kept is how many masterchain blocks back states are kept: a shard block may
// refer to one of these.
const kept = 64

// Option changes how an Auditor judges.
type Option func(*Auditor)

// AllowSurgery lets an account change without a transaction, as where its state
// was set by hand. In such a block minted less burned must be the difference of
// its balance.
func AllowSurgery(workchain int32, id [32]byte) Option {
	return func(a *Auditor) { a.surgery[address{workchain, id}] = true }
}

// Waive leaves rules unchecked.
func Waive(rules ...Rule) Option {
	return func(a *Auditor) {
		for _, r := range rules {
			a.waived[r] = true
		}
	}
}

// New begins at zerostates, of the masterchain and of whole workchains, whose ids
// are trusted.
func New(zerostates []Block, options ...Option) (*Auditor, error) {
	a := &Auditor{waived: map[Rule]bool{}, surgery: map[address]bool{}, balances: newBalances(), logs: newLogs(),
		blocks: map[hash]*made{}, heads: map[shard]*made{}, ledger: newLedger()}
	for _, option := range options {
		option(a)
	}
	for _, z := range zerostates {
		if err := a.addZero(z); err != nil {
			return nil, &Violation{Block: name(z.ID), Rule: RuleParse, Err: err}
		}
	}
	if len(a.masters) == 0 {
		return nil, errors.New("audit: there is no zerostate of the masterchain")
	}
	return a, nil
}

func (a *Auditor) addZero(z Block) error {
	r := refOf(z.ID)
	root, err := openBag(r, z.BoC)
	if err != nil {
		return err
	}
	st, err := a.parseState(root)
	if err != nil {
		return err
	}
	if st.shard != r.shard || st.seqno != 0 || r.seqno != 0 || r.shard.prefix != whole {
		return fmt.Errorf("it is the state of block %d of shard %s", st.seqno, st.shard)
	}
	r.endLT = st.lt
	if r.shard.workchain != masterchain {
		a.heads[r.shard] = &made{ref: r, state: st}
		a.blocks[r.root] = a.heads[r.shard]
		return nil
	}
	if st.extra == nil {
		return errors.New("it has no masterchain extra")
	}
	a.globalID = st.globalID
	a.masters = []*anchor{{ref: r, utime: st.utime, key: st.extra.afterKey, state: st, config: st.extra.config, tops: st.extra.shards}}
	return nil
}

// Add judges a masterchain block and the shard blocks it registers, older ones
// first. A *Violation tells what is wrong.
func (a *Auditor) Add(master Block, shards []Block) error {
	for _, b := range shards {
		if err := a.addShard(b); err != nil {
			return err
		}
	}
	return a.addMaster(master)
}

func (a *Auditor) addShard(b Block) error {
	t, err := a.begin(b)
	if err != nil {
		return err
	}
	if t.block.shard.workchain == masterchain {
		return t.violation(RuleHeader, errors.New("a masterchain block among shard blocks"))
	}
	if err = t.judge(); err != nil {
		return err
	}
	m := &made{ref: t.block.ref, block: t.block, state: t.after, prev: t.prev}
	for _, p := range t.prev {
		if p.followed = append(p.followed, m.shard); p.isFollowed() {
			delete(a.heads, p.shard)
		}
	}
	a.blocks[m.root], a.heads[m.shard], a.round = m, m, append(a.round, m)
	return nil
}

// isFollowed tells whether the block is no longer the newest anywhere: it takes
// two to follow a split.
func (m *made) isFollowed() bool {
	return len(m.followed) == 2 || m.followed[0].covers(m.shard)
}

func (a *Auditor) addMaster(b Block) error {
	t, err := a.begin(b)
	if err != nil {
		return err
	}
	if t.block.master == nil {
		return t.violation(RuleHeader, errors.New("a shard block in place of the masterchain's"))
	}
	if err = t.judge(); err != nil {
		return err
	}
	info := t.block.info
	a.masters = append(a.masters, &anchor{ref: t.block.ref, startLT: info.StartLt, utime: info.GenUtime, key: info.KeyBlock, state: t.after,
		config: t.after.extra.config, tops: t.block.master.shards})
	if !a.waived[RuleDelivery] {
		if err = a.ledger.settle(t); err != nil {
			return t.violation(RuleDelivery, err)
		}
	}
	a.forget()
	return nil
}

// forget lets go of states that no later block may refer to.
func (a *Auditor) forget() {
	for _, m := range a.round {
		m.prev = nil
	}
	a.round = nil
	last := len(a.masters) - 1
	if last < kept {
		return
	}
	a.masters[last-kept].state = nil
	alive := map[hash]bool{}
	for _, m := range a.masters[last-kept+1:] {
		for _, d := range m.tops {
			alive[d.root] = true
		}
	}
	for root, m := range a.blocks {
		if !alive[root] && a.heads[m.shard] != m {
			delete(a.blocks, root)
		}
	}
}

func name(id *ton.BlockIDExt) string {
	return fmt.Sprintf("(%d,%016x,%d)", id.Workchain, uint64(id.Shard), id.SeqNo)
}
