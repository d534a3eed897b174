package sandboxtests

import (
	"crypto/ed25519"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/wrappers"
)

var someBoot = [16]byte{1, 15: 2}

// certificate lets the key called session sign receipts for a boot of worker.
func (s *providerStory) certificate(session string) receipt.Certificate {
	return receipt.Certificate{GlobalID: globalID, Provider: s.provider, SessionKey: publicOf(session), Boot: someBoot, NotAfter: s.now + 3600}
}

// usage is the receipt of that number by a worker's session, over so much.
func (s *providerStory) usage(worker string, number uint32, cost uint64) receipt.Usage {
	return receipt.Usage{Scope: receipt.Scope{GlobalID: globalID, Provider: s.provider, Rewards: wallet("rewards"), Worker: publicOf(worker), Boot: someBoot, Number: number},
		Content: receipt.Content{Request: [16]byte{9}, Usage: cocoon.Usage{Prompt: 10, Completion: cost}, Price: priceOf(1), Cost: cocoon.NanoOf(cost)}}
}

// evidence is everything in a report, as it may be forged.
type evidence struct {
	worker        string
	certifier     ed25519.PrivateKey
	session       ed25519.PrivateKey
	certificate   receipt.Certificate
	first, second receipt.Usage
}

// evidence of an equivocation by a worker, which the provider believes.
func (s *providerStory) evidence(worker string) evidence {
	return evidence{worker: worker, certifier: keyOf(worker), session: keyOf("session"), certificate: s.certificate("session"), first: s.usage(worker, 7, 100), second: s.usage(worker, 7, 90)}
}

// message signs e and puts it in a report.
func (e evidence) message(t rapid.TB) wrappers.ReportEquivocation {
	t.Helper()
	certificate, err := e.certificate.Sign(e.certifier)
	require.NoError(t, err)
	first, err := e.first.Sign(e.session)
	require.NoError(t, err)
	second, err := e.second.Sign(e.session)
	require.NoError(t, err)
	m, err := wrappers.NewReportEquivocation(receipt.Equivocation{Worker: publicOf(e.worker), Certificate: certificate, First: first, Second: second}, 11, wallet("reporter"))
	require.NoError(t, err)
	return m
}

// report sends the evidence of an equivocation by a worker.
func (s *providerStory) report(worker string) trace {
	s.t.Helper()
	return ask(s, wallet("anyone"), s.fees().ReportEquivocation, s.evidence(worker).message(s.t))
}

// requireTaken wants a report to have paid a fifth to the reporter, with the
// excess, and the rest to the treasury.
func (s *providerStory) requireTaken(tr trace, taken, excess cocoon.Nano) {
	s.t.Helper()
	part, err := taken.MulDiv(1, 5)
	require.NoError(s.t, err)
	require.Equal(s.t, plus(s.t, part, excess), tr.paidTo(s.t, wallet("reporter")))
	require.Equal(s.t, minus(s.t, taken, part), tr.paidTo(s.t, wallet("treasury")))
	s.requireSolvent()
}

// worker is what the provider keeps of it.
func (s *providerStory) worker(name string) wrappers.Worker {
	s.t.Helper()
	for _, w := range s.state().Workers {
		if w.Key == publicOf(name) {
			return w
		}
	}
	require.Failf(s.t, "no such worker", "%s", name)
	return wrappers.Worker{}
}
