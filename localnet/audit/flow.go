package audit

import (
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// flow is ValueFlow: where the money of a block came from and went.
type flow struct {
	fromPrev, toNext, imported, exported     money
	feesCollected, burned                    money
	feesImported, recovered, created, minted money
}

// load reads value_flow#b8e48dfb or value_flow_v2#3ebf98b7.
func (f *flow) load(c *cell.Cell) error {
	s, err := c.BeginParse()
	if err != nil {
		return err
	}
	tag, err := s.LoadUInt(32)
	if err != nil {
		return err
	}
	if tag != 0xb8e48dfb && tag != 0x3ebf98b7 {
		return fmt.Errorf("unknown tag %08x", tag)
	}
	first, err := s.LoadRef()
	if err != nil {
		return err
	}
	second, err := s.LoadRef()
	if err != nil {
		return err
	}
	if err = loadMoneys(s, &f.feesCollected); err != nil {
		return err
	}
	if tag == 0x3ebf98b7 {
		if err = loadMoneys(s, &f.burned); err != nil {
			return err
		}
	}
	return errors.Join(loadMoneys(first, &f.fromPrev, &f.toNext, &f.imported, &f.exported),
		loadMoneys(second, &f.feesImported, &f.recovered, &f.created, &f.minted))
}

// checkOwnFlow is what a block must keep whatever was before it: what came in
// went out, and each member is the sum of the dictionary that lists it
// (unpack_precheck_value_flow and postcheck_value_flow of the reference node).
func (b *block) checkOwnFlow() error {
	f := b.flow
	in := f.fromPrev.plus(f.imported, f.feesImported, f.created, f.minted, f.recovered)
	out := f.toNext.plus(f.exported, f.feesCollected, f.burned)
	if !in.equal(out) {
		return fmt.Errorf("%s came in, %s went out", in, out)
	}
	if err := mustEqual("imported", f.imported, b.inSum.value); err != nil {
		return err
	}
	if err := mustEqual("exported", f.exported, b.outSum); err != nil {
		return err
	}
	// burned fees of the masterchain are taken out of what is collected
	fees := f.feesImported.plus(f.created, b.txFees, b.inSum.collected())
	if b.master == nil || f.burned.isZero() {
		if err := mustEqual("fees_collected", f.feesCollected, fees); err != nil {
			return err
		}
	}
	return b.checkMasterFlow()
}

// checkMasterFlow: only the masterchain imports fees, mints, recovers and burns.
func (b *block) checkMasterFlow() error {
	f := b.flow
	if b.master == nil {
		if !f.feesImported.isZero() || !f.recovered.isZero() {
			return errors.New("a shard imports or recovers fees")
		}
		return nil
	}
	if f.recovered.isZero() != (b.master.recover == nil) {
		return errors.New("fees are recovered without a message, or the other way round")
	}
	return mustEqual("fees_imported", f.feesImported, b.master.fees.collected)
}

func mustEqual(what string, claimed, found money) error {
	if !claimed.equal(found) {
		return fmt.Errorf("%s is %s, found %s", what, claimed, found)
	}
	return nil
}

// checkFlow compares the flow with the states on both sides. Coins are made by
// config parameter 14 alone, except where accounts were set by hand.
func (t *step) checkFlow() error {
	f := t.block.flow
	if err := mustEqual("from_prev_blk", f.fromPrev, t.before.total); err != nil {
		return err
	}
	if err := mustEqual("to_next_blk", f.toNext, t.after.total); err != nil {
		return err
	}
	reward, err := t.reference.config.blockReward(t.block.shard)
	if err != nil {
		return err
	}
	if err = mustEqual("created", f.created, coins(reward)); err != nil {
		return err
	}
	if t.reference.config.burns() {
		return nil // what is burned is the remainder of the equation
	}
	return mustEqual("minted less burned", f.minted.minus(f.burned), t.byHand)
}

// checkFees: the state keeps the fees collected so far.
func (t *step) checkFees() error {
	f := t.block.flow
	return mustEqual("total_validator_fees", t.after.fees.plus(f.recovered), t.before.fees.plus(f.feesCollected))
}
