package bundle

import (
	"time"

	"github.com/cocoon-network/cocoon"
)

// Why a bundle is refused. Every other error of Parse and Verify wraps one of them.
var (
	ErrMalformed = cocoon.Invalid.Errorf("not a proof bundle as this version writes it")
	ErrNetwork   = cocoon.Invalid.Errorf("the proof bundle is of another network")
	ErrUntrusted = cocoon.Invalid.Errorf("the block that the proof bundle starts from is not trusted")
	ErrLink      = cocoon.Invalid.Errorf("a block does not follow from the one before it")
	ErrMaster    = cocoon.Invalid.Errorf("the masterchain block does not lead to the shard")
	ErrAccount   = cocoon.Invalid.Errorf("the shard block does not lead to the account")
	ErrAbsence   = cocoon.Invalid.Errorf("the proof does not show that there is no such account")
	ErrOthers    = cocoon.Invalid.Errorf("the proof bundle is of other accounts")
	ErrStale     = cocoon.Conflict.Errorf("the proof bundle is too old")
	ErrClock     = cocoon.Conflict.Errorf("the proof bundle is of a time to come: the clock is wrong")
)

// ahead is how far a block's time may be ahead of our clock.
const ahead = time.Minute

// CheckAge wants the block to be no older than most: a proof of the past is a
// proof all the same.
func (p Proven) CheckAge(now time.Time, most time.Duration) error {
	switch age := now.Sub(p.Time); {
	case age > most:
		return cocoon.Conflict.Errorf("%w: block %d was made %s ago, at most %s are allowed", ErrStale, p.Block.SeqNo, age.Truncate(time.Second), most)
	case age < -ahead:
		return cocoon.Conflict.Errorf("%w: block %d is of %s", ErrClock, p.Block.SeqNo, p.Time.UTC().Format(time.RFC3339))
	}
	return nil
}
