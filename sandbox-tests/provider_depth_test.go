package sandboxtests

import (
	"fmt"
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

// deepest is how many keys may part from one, each a bit further down, where
// no record lists a model.
const deepest = 12

// parting are names of workers by how many bits their keys share with that of
// name: those of the first n numbers of bits.
func parting(name string, n int) []string {
	from, found := publicOf(name), make([]string, n)
	for i, left := 0, n; left > 0; i++ {
		other := fmt.Sprint(name, " ", i)
		key := publicOf(other)
		shared := bits.LeadingZeros16(uint16(from[0]^key[0])<<8 | uint16(from[1]^key[1]))
		if shared < n && found[shared] == "" {
			found[shared], left = other, left-1
		}
	}
	return found
}

func TestProvider_KeysThatSomebodyChoseDoNotDeepenTheRegister(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 1_000_000)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.topUp(ton(30))
	r := workerRecordOf(1)
	r.Models = nil
	s.putWorker("deep", r).requireOK(t)
	chain := parting("deep", deepest+1)
	for _, name := range chain[:deepest] {
		s.putWorker(name, r).requireOK(t)
	}
	m := s.put(s.order(chain[deepest], s.recordCell(r)), "operator")
	s.world.requireRefused(t, errDeepKey, s.provider, func() trace { return ask(s, wallet("relay"), ton(1), m) })
	for _, name := range chain[:deepest] {
		s.report(name).requireOK(t)
	}
	// What lies as deep as it may, among as many slashed ones, is still paid for by whoever asks.
	relay, change := wallet("relay"), wallet("change")
	generously(s, relay, change, s.fees().PutWorker, s.put(s.order("deep", s.recordCell(r)), "operator"))
	o := s.acceptOrder(s.taker(), cocoon.NanoOf(1))
	o.Worker = publicOf("deep")
	generously(s, relay, change, s.fees().AcceptJob, s.accept(o, "operator"))
	generously(s, relay, change, s.fees().RetireWorker, s.retire(s.retireOrder("deep"), "operator"))
	for range 4 {
		s.unstake(ton(1)).requireOK(t)
		s.advance(time.Second)
	}
	s.report("deep").requireOK(t)
	s.advance(unbonding)
	generously(s, relay, change, s.fees().Prune, s.prune("deep"))
	require.Len(t, s.state().Workers, deepest)
}
