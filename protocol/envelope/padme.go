package envelope

import "math/bits"

// padme is n, at least 2, rounded up so that only O(log log n) bits of a size
// show; it adds at most 12 %. See Nikitin et al., "Reducing Metadata Leakage
// from Encrypted Files and Communication with PURBs".
func padme(n int) int {
	exponent := bits.Len(uint(n)) - 1
	mask := 1<<(exponent-bits.Len(uint(exponent))) - 1
	return (n + mask) &^ mask
}
