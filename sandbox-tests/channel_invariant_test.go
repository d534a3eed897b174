package sandboxtests

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// TestChannel_MoneyAddsUpOverAnyHistory plays whatever comes, right or wrong:
// no more is settled than was signed, and no nanoTON comes or goes.
func TestChannel_MoneyAddsUpOverAnyHistory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := fundedChannel(t)
		most, brought := cocoon.Nano{}, cocoon.Nano{}
		key, fees := "channel", c.fees()
		for range 60 {
			var tr trace
			switch r.IntN(8) {
			case 0:
				tr = c.send(wallet("stranger"), chain.Message{To: c.channel, Amount: cocoon.NanoOf(r.Uint64N(3_000_000_000))})
			case 1:
				c.advance(time.Duration(r.Int64N(int64(closeDelay))))
				continue
			case 2:
				next := []string{"channel", "next", "third"}[r.IntN(3)]
				if tr = post(c, c.birth.Client, fees.Rotate, c.rotateTo(next)); !tr.steps[0].aborted {
					key = next
				}
			case 3:
				if r.IntN(4) == 0 {
					tr = post(c, c.birth.Client, fees.RequestClose, wrappers.RequestClose{QueryID: 1})
				}
			case 4:
				tr = post(c, wallet("crank"), fees.Finish, finishTo("crank"))
			case 5:
				if r.IntN(6) == 0 {
					final := plus(t, c.state().Settled, cocoon.NanoOf(r.Uint64N(2_000_000_000)))
					if tr = post(c, c.birth.Client, fees.CloseNow, c.promise(final)); !tr.steps[0].aborted && final.Cmp(most) > 0 {
						most = final
					}
				}
			default:
				amount := cocoon.NanoOf(r.Uint64N(30_000_000_000))
				if amount.Cmp(most) > 0 {
					most = amount
				}
				tr = post(c, wallet("relay"), plus(t, fees.Settle, cocoon.NanoOf(r.Uint64N(2)*1_000_000_000)), c.voucherBy(key, voucherOver(c, amount)))
			}
			for _, s := range tr.steps {
				if s.op() == opSettlement {
					brought = plus(t, brought, tr.settled(t))
				}
			}
			require.Equal(t, brought, c.state().Settled, "settled is what rewards got")
			require.NotEqual(t, 1, brought.Cmp(most), "and no more than somebody signed")
		}
		c.requireBooks()
	}
}
