package wrappers_test

import (
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// A message is a struct; its cell is what the chain carries, and reads back.
func ExampleDecodeMessage() {
	body, err := wrappers.Cell(wrappers.Stake{QueryID: 7, Amount: wrappers.Coins{Nano: cocoon.TON(50)}})
	if err != nil {
		panic(err)
	}
	name, message, err := wrappers.DecodeMessage(wrappers.KindProvider, body)
	if err != nil {
		panic(err)
	}
	fmt.Println(name, message.(wrappers.Stake).Amount)
	// Output: stake 50 TON
}

// Addresses are derived offline, from the code in this program and the birth data.
func ExampleProviderBirth_Account() {
	first, err := wrappers.ProviderBirth{Owner: cocoon.Account{1}}.Account()
	if err != nil {
		panic(err)
	}
	second, err := wrappers.ProviderBirth{Owner: cocoon.Account{1}, Index: 1}.Account()
	if err != nil {
		panic(err)
	}
	fmt.Println(first == second)
	// Output: false
}
