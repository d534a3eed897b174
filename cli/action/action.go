// Package action turns what a user wants done into messages for the chain:
// with the fee that the contracts ask for at the live prices, the state init
// where the contract is not there yet, and a check that what is asked can
// succeed. It sends nothing.
package action

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Desk prepares messages for the contracts of one network.
type Desk struct {
	Chain    wrappers.Reader
	GlobalID int32
	Registry cocoon.Account
}
