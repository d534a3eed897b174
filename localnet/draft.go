package localnet

import (
	"errors"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"github.com/xssnick/tonutils-go/tvm/tuple"
)

// draft is a block being filled: messages go in, transactions and further
// messages come out, in the order of logical time.
type draft struct {
	*base
	chain   *Chain
	rules   *rules
	machine *tvm.TVM
	cleaner cleaner
	context *tvm.BlockContext
	seed    []byte
	utime   uint32
	ref     uint32 // the masterchain block whose queues it reads, its own seqno in the masterchain
	ended   func(seqno uint32, p place) uint64

	startLT, endLT uint64
	touched        map[accountID]*touched
	txs            []transaction
	in, out        *augTree // InMsgDescr, OutMsgDescr
	minted, burned *big.Int // by hand, in nanoTON

	inbound  letters // that neighbours sent and earlier blocks left, in order
	fresh    letters // that this block's transactions sent, a heap
	room     int     // deliveries of internal messages this block still takes
	last     *letter // delivered last
	dequeued map[cell.Hash]bool
	enqueued letters
}

// refusal tells that an external message must stay out of the chain because of
// what would follow from it.
type refusal struct {
	root   int
	reason error
}

func (r *refusal) Error() string { return r.reason.Error() }

func (r *refusal) Unwrap() error { return r.reason }

var errDestroyed = errors.New("a transaction would fail its actions and still delete its account, which executors do not agree about")

// setting is what all blocks of a round share.
type setting struct {
	rules *rules
	utime uint32
	past  tuple.Tuple // masterchain blocks that contracts may ask for
	ended func(seqno uint32, p place) uint64
}

func (c *Chain) newDraft(b *base, s setting, startLT uint64) (*draft, error) {
	d := &draft{base: b, chain: c, rules: s.rules, machine: tvm.NewTVM(), cleaner: cleaner{}, utime: s.utime, ended: s.ended, startLT: startLT, endLT: startLT + 1,
		touched: map[accountID]*touched{}, room: c.deliveries, dequeued: map[cell.Hash]bool{}, minted: new(big.Int), burned: new(big.Int)}
	d.seed = randSeed(c.keys.validator, b.shard, startLT)
	d.in, d.out = newAugTree(256, tlb.AugInMsgDescr{}), newAugTree(256, tlb.AugOutMsgDescr{})
	var err error
	d.context, err = s.rules.context(d.utime, startLT, d.seed, s.past)
	return d, err
}

// read takes in what neighbours know: messages they brought in leave the queue,
// messages they hold for this shard wait to be brought in.
func (d *draft) read(neighbours []neighbour) {
	for _, l := range d.queue {
		// a half that merged may have brought in what the other sent it; the
		// reference tells of the left half then
		owner := neighbour{shard: d.shard, marks: d.marks, endLT: d.previous[0].endLT}
		for _, n := range neighbours {
			if n.shard.contains(l.next()) {
				owner = n
			}
		}
		if owner.marks.processed(l, d.ended) {
			d.recordDeparture(l, owner.endLT)
		} else if d.shard.contains(l.next()) {
			d.inbound = append(d.inbound, l)
		}
	}
	for _, n := range neighbours {
		d.inbound = append(d.inbound, n.queue.filter(func(l letter) bool {
			return d.shard.contains(l.next()) && !d.marks.processed(l, d.ended)
		})...)
	}
	d.inbound.sort()
}
