package audit

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// toy is a chain that keeps every rule an auditor knows, by the simplest means:
// accounts are balances that pass on a part of what they get. It splits and
// merges, has accounts in the masterchain, and sends anywhere.
type toy struct {
	t      testing.TB
	random *rand.Rand
	people []address
	bags   map[hash][]byte
	config *cell.Cell

	utime    uint32
	lt       uint64
	heads    map[shard]*toyState
	master   *toyState
	tops     map[shard]*descr
	line     []ref              // masterchain blocks by seqno
	past     []map[shard]*descr // tops by masterchain seqno
	fresh    map[shard][]*toyBlock
	fault    func(*toyBlock) // spoils a block before it is written
	orphan   *ref            // where set, the next shard block is not registered, but noted here
	room     int             // messages a block takes in
	nonce    uint64
	passOver bool // the first of the next messages that wait together is passed over
	deep     int
	shrink   bool // shards want to merge, not to split
	seen     map[string]int

	known      map[hash]*toyState // by root hash of the block
	envelopes  map[hash]*cell.Cell
	messages   map[hash]*cell.Cell
	validators map[bool]uint32 // of the masterchain and of shards
}

// toyState is a shard as a block left it.
type toyState struct {
	ref
	cell        *cell.Cell
	accounts    map[[32]byte]toyAccount
	queue       map[queueKey]toyEntry
	processed   processed
	fees        int64
	over, under uint64
	utime       uint32
	log         *cell.AugmentedDictionary // of the masterchain
	libraries   *cell.Dictionary
	miscount    int // added to out_queue_size
}

type toyAccount struct {
	nano      int64
	last, end uint64
	lastHash  hash
	cell      *cell.Cell // the Account
	library   *cell.Cell // that it has made public
}

type toyEntry struct {
	enqueued
	cell *cell.Cell
}

const toyCoins = 1_000_000_000_000

// newToy makes the zerostates. Below a depth of deep the shard with prefix 0x0c
// splits without wanting to.
func newToy(t testing.TB, seed uint64, deep int) *toy {
	t.Helper()
	c := &toy{t: t, random: rand.New(rand.NewPCG(seed, 0)), bags: map[hash][]byte{}, utime: 1_700_000_000, heads: map[shard]*toyState{},
		tops: map[shard]*descr{}, fresh: map[shard][]*toyBlock{}, room: 6, deep: deep, seen: map[string]int{},
		known: map[hash]*toyState{}, envelopes: map[hash]*cell.Cell{}, messages: map[hash]*cell.Cell{}, validators: map[bool]uint32{}}
	for i := range 24 {
		a := address{id: sha256.Sum256([]byte(fmt.Sprint(seed, i)))}
		if i%6 == 0 {
			a.workchain = masterchain
		}
		if deep > 0 && i%2 == 1 {
			a.id[0] %= 16
		}
		c.people = append(c.people, a)
	}
	base := c.zero(shard{0, whole})
	base.over = 1<<24 - 1 // so that it wants to split from the start
	c.heads[base.shard] = c.seal0(base, nil)
	c.config = c.makeConfig(base.ref)
	c.master = c.zero(shard{masterchain, whole})
	c.master.log = newToyLog(t)
	c.seal0(c.master, c.masterState(c.master, c.tops, true, nil, toyCoins*int64(len(c.people))))
	c.line, c.past = []ref{c.master.ref}, []map[shard]*descr{c.tops}
	return c
}

func (c *toy) zero(s shard) *toyState {
	st := &toyState{ref: ref{shard: s}, accounts: map[[32]byte]toyAccount{}, queue: map[queueKey]toyEntry{}, processed: processed{owner: s}, utime: c.utime}
	for _, a := range c.people {
		if a.workchain == s.workchain {
			account := toyAccount{nano: toyCoins}
			if a.workchain == masterchain && st.libraries == nil {
				account.library = cell.BeginCell().MustStoreUInt(1, 8).EndCell()
				st.libraries = publishedBy(account.library, a)
			}
			account.cell = accountCell(a, account)
			st.accounts[a.id] = account
		}
	}
	return st
}

func (c *toy) seal0(st *toyState, extra *cell.Cell) *toyState {
	st.cell = c.stateCell(st, nil, false, ^uint32(0), extra)
	raw := st.cell.ToBOC()
	st.root, st.file = st.cell.HashKey(), sha256.Sum256(raw)
	c.bags[st.root], c.known[st.root] = raw, st
	return st
}

func (c *toy) fetch(id *ton.BlockIDExt) ([]byte, error) {
	raw, ok := c.bags[hash(id.RootHash)]
	if !ok {
		return nil, fmt.Errorf("no block %s", name(id))
	}
	return raw, nil
}

func (c *toy) audit(options ...Option) error {
	_, err := Follow(c.fetch, c.master.id(), options...)
	return err
}

// round makes one or two blocks of every shard and one of the masterchain.
func (c *toy) round() {
	c.utime++
	for _, s := range slices.SortedFunc(maps.Keys(c.heads), func(a, b shard) int { return cmp.Compare(a.prefix, b.prefix) }) {
		head, known := c.heads[s], c.tops[s]
		switch {
		case head == nil: // merged a moment ago
		case known != nil && known.beforeMerge:
			c.merge(s.parent())
		case known != nil && known.beforeSplit:
			c.split(s)
		default:
			for range 1 + c.random.IntN(2) {
				c.block(c.heads[s], s, known != nil && known.plan.split && known.plan.allows(c.utime))
				if c.heads[s] == nil {
					break
				}
			}
		}
	}
	c.masterBlock()
}

func (c *toy) rounds(n int) {
	for range n {
		c.round()
	}
}

func (c *toy) split(s shard) {
	parent := c.heads[s]
	delete(c.heads, s)
	for _, half := range []shard{s.left(), s.right()} {
		b := c.begin(parent, half)
		b.afterSplit = true
		b.base = parent.part(half)
		c.finish(b)
	}
	c.seen["split"]++
	c.block(c.heads[s.left()], s.left(), false) // the masterchain still has the parent
}

func (c *toy) merge(s shard) {
	left, right := c.heads[s.left()], c.heads[s.right()]
	delete(c.heads, s.left())
	delete(c.heads, s.right())
	b := c.begin(left, s)
	b.afterMerge, b.prev = true, []*toyState{left, right}
	b.base = left.with(right)
	b.seqno, b.catchain = b.base.seqno+1, max(c.tops[s.left()].nextCatchain, c.tops[s.right()].nextCatchain)+1
	c.finish(b)
	c.seen["merge"]++
	c.block(c.heads[s], s, false) // the masterchain still has the halves
}

func (c *toy) block(prev *toyState, s shard, beforeSplit bool) {
	b := c.begin(prev, s)
	b.base, b.beforeSplit = prev, beforeSplit && len(c.fresh[s]) == 1
	c.finish(b)
}

func (st *toyState) part(s shard) *toyState {
	part := *st
	part.shard, part.processed, part.over, part.under = s, st.processed.split(s), 0, 0
	part.accounts, part.queue = map[[32]byte]toyAccount{}, map[queueKey]toyEntry{}
	for id, a := range st.accounts {
		if s.contains(address{s.workchain, id}.place()) {
			part.accounts[id] = a
		}
	}
	for k, e := range st.queue {
		if s.contains(e.at()) {
			part.queue[k] = e
		}
	}
	if part.fees /= 2; s.isRight() {
		part.fees = st.fees - part.fees
	}
	return &part
}

func (st *toyState) with(o *toyState) *toyState {
	sum := *st
	sum.shard = st.shard.parent()
	sum.processed, sum.over, sum.under = st.processed.join(o.processed, sum.shard), 0, 0
	sum.accounts, sum.queue = maps.Clone(st.accounts), maps.Clone(st.queue)
	maps.Copy(sum.accounts, o.accounts)
	maps.Copy(sum.queue, o.queue)
	sum.fees, sum.seqno, sum.endLT = st.fees+o.fees, max(st.seqno, o.seqno), max(st.endLT, o.endLT)
	return &sum
}

func TestFollow_AcceptsSplitsAndMerges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		c := newToy(t, seed, 0)
		c.rounds(40)
		c.shrink = true
		c.rounds(50)
		require.NoError(t, c.audit(), "seed %d", seed)
		for _, what := range []string{"split", "merge", "left over"} {
			require.Positive(t, c.seen[what], "%s, seed %d", what, seed)
		}
	}
}

func TestFollow_AcceptsTransit(t *testing.T) {
	t.Parallel()
	c := newToy(t, 1, 7)
	c.rounds(60)
	require.NoError(t, c.audit())
	require.Positive(t, c.seen["transit"])
}
