package cli

import (
	"os"

	"github.com/google/go-tdx-guest/verify/trust"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/attest/guest"
	"github.com/cocoon-network/cocoon/worker"
)

// The words of --tee.
const (
	teeNone      = "none"
	teeSimulated = "simulated"
	teeTDX       = "tdx"
)

// environment is what states where this worker runs, and how many GPUs it found
// in confidential mode. What was asked for and is not to be had is an error: a
// worker never serves a lower tier than its owner believes.
func (o *workerRun) environment(globalID int32) (attest.Quoter, uint8, error) {
	tee := o.tee
	if tee == "" {
		if tee = teeTDX; chain.Local(globalID) {
			tee = teeSimulated
		}
	}
	if o.gpuAttest != "" && tee != teeTDX {
		return nil, 0, cocoon.Invalid.Errorf("--gpu-attest goes with --tee %s", teeTDX)
	}
	switch tee {
	case teeNone:
		return attest.NoTEE{}, 0, nil
	case teeSimulated:
		if !chain.Local(globalID) {
			return nil, 0, cocoon.WithHint(cocoon.Forbidden.Errorf("--tee %s on network %d: simulated evidence counts on a local network only", teeSimulated, globalID),
				"run in a TDX guest, or say --tee %s for the open tier", teeNone)
		}
		return attest.Development(), 0, nil
	case teeTDX:
		return o.tdx()
	}
	return nil, 0, cocoon.Invalid.Errorf("--tee %q is neither %s, %s nor %s", tee, teeTDX, teeNone, teeSimulated)
}

// tdx is this TDX guest, with its GPUs where a program attests them.
func (o *workerRun) tdx() (attest.Quoter, uint8, error) {
	source, err := guest.Configfs()
	if err == nil {
		err = source.IsSupported()
	}
	if err != nil {
		return nil, 0, cocoon.WithHint(cocoon.NotFound.Errorf("this machine states nothing as a TDX guest: %w", err),
			"run inside a TDX guest with Linux 6.7 or newer and configfs mounted; or say --tee %s, and clients that ask for the open tier will come", teeNone)
	}
	t := guest.TDX{Source: source, Collateral: trust.DefaultHTTPSGetter()}
	if o.gpuAttest == "" {
		return t, 0, nil
	}
	n, err := guest.CountGPUs(os.DirFS("/"))
	if err != nil {
		return nil, 0, err
	}
	t.GPUs = guest.Program{Path: o.gpuAttest}
	return t, n, nil
}

// tierOf is what the worker's evidence will be worth.
func tierOf(deps worker.Deps) attest.Tier {
	switch q := deps.Quoter.(type) {
	case attest.Simulator:
		return attest.TierSimulated
	case guest.TDX:
		if q.GPUs != nil {
			return attest.TierGPU
		}
		return attest.TierTDX
	}
	return attest.TierOpen
}
