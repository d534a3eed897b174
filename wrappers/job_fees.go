package wrappers

import (
	"context"

	"github.com/cocoon-network/cocoon"
)

// JobFees are the least values a job's operations must bring, in the schema's
// order, at the live prices. OpenJob comes on top of the budget, Accept on top of
// the bond, and Dispute on top of the deposit where the offer names an arbiter.
// What OpenJob does not use is the client's in the end, what is attached beyond
// the others comes back.
type JobFees struct{ OpenJob, Accept, Cancel, Expire, Deliver, Approve, Dispute, Rule, Finish cocoon.Nano }

// GetJobFees asks the job at a for its fees, which are the same for every job.
func GetJobFees(ctx context.Context, g Getter, a cocoon.Account) (f JobFees, err error) {
	err = getNanos(ctx, g, a, "get_fees", nil, &f.OpenJob, &f.Accept, &f.Cancel, &f.Expire, &f.Deliver, &f.Approve, &f.Dispute, &f.Rule, &f.Finish)
	return f, err
}
