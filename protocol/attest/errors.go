package attest

import (
	"fmt"

	"github.com/cocoon-network/cocoon"
)

const (
	hintOther  = "choose another worker; its owner has to renew the evidence"
	hintAsk    = "ask for the tier by name if it is enough, or choose another worker"
	hintProof  = "fetch a new proof of the registry and the vault, and check that the clock is right"
	hintOwner  = "choose another worker; its owner has to run an image that the registry lists"
	hintUpdate = "choose another worker; its owner has to update firmware and fetch new collateral"
)

// refusal is a reason not to believe evidence.
func refusal(text, hint string) error {
	return cocoon.WithHint(cocoon.Forbidden.Errorf("%s", text), "%s", hint)
}

// Reasons why evidence is refused, one for each thing that is checked.
var (
	ErrMalformed = cocoon.WithHint(cocoon.Invalid.Errorf("not evidence as this version writes it"), "update whichever side is older")

	// What the client asked for.
	ErrTier      = refusal("the tier was not asked for", hintAsk)
	ErrSimulated = refusal("simulated evidence counts on a local network only", "choose another worker")

	// What the caller proved.
	ErrNetwork    = refusal("of another network", "check the configured network")
	ErrRegistry   = refusal("of another registry", "check the configured registry")
	ErrStaleProof = cocoon.WithHint(cocoon.Conflict.Errorf("the proof is too old or of a time to come"), hintProof)
	ErrWorker     = refusal("of another worker or vault than the one proven", hintOther)

	// Keys and times.
	ErrCertificate = refusal("the session key is not certified by the worker's key", hintOther)
	ErrSignature   = refusal("the claims are not signed by the session key", hintOther)
	ErrLifetime    = refusal("times in the claims are out of bounds", hintOther)
	ErrEarly       = refusal("not valid yet", "check the clock")
	ErrExpired     = refusal("expired", hintOther)
	ErrKeys        = refusal("no usable encryption key", hintOther)
	ErrBlock       = refusal("names a masterchain block that is not known", hintOther)
	ErrStaleBlock  = refusal("names a masterchain block that is too old", hintOther)

	// The statement of the TEE.
	ErrQuote         = refusal("the quote is not well formed", hintOther)
	ErrQuoteChain    = refusal("the quote is not signed under the trusted root", hintOther)
	ErrDebug         = refusal("the environment can be debugged", hintOwner)
	ErrSeptVE        = refusal("the environment has SEPT_VE_DISABLE off", hintOwner)
	ErrAttributes    = refusal("attributes or XFAM of the environment are not allowed", hintOwner)
	ErrModule        = refusal("the TDX module is not Intel's", hintOther)
	ErrConfiguration = refusal("the environment has an owner's configuration or a service TD, which nothing measures", hintOwner)
	ErrReportData    = refusal("the statement does not bind the claims", hintOther)
	ErrImage         = refusal("the image is not in the registry", hintOwner)
	ErrSuspended     = refusal("the image is suspended", hintOwner)

	// Collateral.
	ErrCollateral        = refusal("the collateral is not signed under the trusted root", hintUpdate)
	ErrStaleCollateral   = refusal("the collateral has expired", hintUpdate)
	ErrForeignCollateral = refusal("the collateral is of another platform", hintUpdate)
	ErrRevoked           = refusal("a certificate is revoked", hintOther)
	ErrEnclave           = refusal("the quoting enclave is not Intel's", hintOther)
	ErrTCB               = refusal("the TCB status is not allowed", hintUpdate)
	ErrPlatform          = refusal("the platform is refused by local policy", "choose another worker")

	// GPUs.
	ErrGPU        = refusal("the GPU evidence is not well formed or not of all GPUs", hintOther)
	ErrGPUKey     = refusal("the GPU token is not signed by a pinned key", "update the pinned keys, or choose another worker")
	ErrGPUNonce   = refusal("the GPU token does not bind the claims", hintOther)
	ErrGPUExpired = refusal("the GPU token has expired or is of a time to come", hintOther)
	ErrGPUResult  = refusal("the GPU token does not say that all went well", hintOther)
	ErrGPUModel   = refusal("the GPU's model is not allowed", "allow the model, or choose another worker")
)

// because adds what was seen to a reason, in the words of format.
func because(reason error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", reason, fmt.Sprintf(format, args...))
}
