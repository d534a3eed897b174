package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// maxJobTime bounds the work, the review and the arbitration of a job, in seconds.
const maxJobTime = 30 * 86400

// JobOffer is all that a client and a provider agree on. A job's address is
// derived from it.
type JobOffer struct {
	Client        cocoon.Account `tlb:"bits 256"`
	Dispatcher    cocoon.Account `tlb:"bits 256"` // payee of DispatcherBps
	OfferKey      [32]byte       `tlb:"bits 256"` // signs a PassFor for who may accept; zero lets any provider
	DispatcherBps uint16         `tlb:"## 16"`
	Salt          uint64         `tlb:"## 64"` // tells offers apart that are alike otherwise
	Work          *JobWork       `tlb:"^"`
	Money         *JobMoney      `tlb:"^"`
	Terms         *JobTerms      `tlb:"^"`
}

// JobWork is what is to be done, as hashes.
type JobWork struct {
	Model         cocoon.ModelID `tlb:"bits 256"`
	PayloadHash   [32]byte       `tlb:"bits 256"`
	ResultKeyHash [32]byte       `tlb:"bits 256"`
	Caps          *Prices        `tlb:"^"` // the client's software pays no more
}

// JobMoney is what a job costs and when. Times are seconds but AcceptBy, which
// is the unix second from which on nobody may accept.
type JobMoney struct {
	Budget      Coins          `tlb:"."` // not 0; bounds what a delivery may ask for
	MinBond     Coins          `tlb:"."`
	Deposit     Coins          `tlb:"."` // of a dispute; at most MinBond
	AcceptBy    uint32         `tlb:"## 32"`
	Work        uint32         `tlb:"## 32"` // from acceptance on; a late delivery wins until the job is expired
	Review      uint32         `tlb:"## 32"` // from delivery on
	Arbitration uint32         `tlb:"## 32"` // from dispute on
	DefaultBps  uint16         `tlb:"## 16"` // of the amount, paid where nobody rules on a dispute
	Arbiter     cocoon.Account `tlb:"bits 256"`
}

// Init is the state a job of this program's code is deployed with.
func (o JobOffer) Init() (*tlb.StateInit, error) {
	offer, err := Cell(o)
	if err != nil {
		return nil, err
	}
	return born("job", jobData{Offer: offer})
}

// Account is the address of that job. A contract elsewhere is not this job,
// whatever its code and its state say: it may hold no escrow.
func (o JobOffer) Account() (cocoon.Account, error) { return bornAccount(o.Init()) }

// Validate says why a job with this offer would not open at now, in unix seconds.
func (o JobOffer) Validate(now uint32) error {
	if o.Work == nil || o.Work.Caps == nil || o.Money == nil || o.Terms == nil {
		return cocoon.Invalid.Errorf("an offer needs work with price caps, money and terms")
	}
	m := o.Money
	switch n := len(o.Terms.Codes.List); {
	case o.OfferKey == identityKey:
		return cocoon.Invalid.Errorf("the offer key is one that anyone can sign for")
	case m.Budget.IsZero():
		return cocoon.Invalid.Errorf("a job needs a budget")
	case m.Deposit.Cmp(m.MinBond.Nano) > 0:
		return cocoon.Invalid.Errorf("the deposit of a dispute, %s, is above the least bond, %s", m.Deposit, m.MinBond)
	case max(m.Work, m.Review, m.Arbitration) > maxJobTime:
		return cocoon.Invalid.Errorf("work, review and arbitration take at most %d s each", maxJobTime)
	case m.DefaultBps > 10_000:
		return cocoon.Invalid.Errorf("%d bps are more than all of the amount", m.DefaultBps)
	case int(o.DispatcherBps)+int(o.Terms.NetworkBps) >= 10_000:
		return cocoon.Invalid.Errorf("shares of %d and %d bps leave nothing to the provider", o.DispatcherBps, o.Terms.NetworkBps)
	case n == 0 || n > MaxBirthCodes:
		return cocoon.Invalid.Errorf("terms list 1 to %d provider codes, not %d", MaxBirthCodes, n)
	case now >= m.AcceptBy:
		return cocoon.Invalid.Errorf("nobody could accept by %d: it is %d already", m.AcceptBy, now)
	}
	return nil
}

// identityKey is the key under which any signature may verify.
var identityKey = [32]byte{1}
