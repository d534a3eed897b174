package sandboxtests

import (
	"crypto/ed25519"
	"testing"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// earned is what a dispatcher signs about a provider's earnings, as the schema has it.
type earned struct {
	_        tlb.Magic      `tlb:"#1c10961d"`
	GlobalID int32          `tlb:"## 32"`
	Contract cocoon.Account `tlb:"bits 256"`
	Number   uint32         `tlb:"## 32"`
	Provider cocoon.Account `tlb:"bits 256"`
	Amount   wrappers.Coins `tlb:"."`
}

// signedReceipt is a cell and who signed it.
type signedReceipt struct {
	signed    *cell.Cell
	signature [64]byte
}

// earnedIn is an honest receipt of that rewards contract and number.
func earnedIn(rewards cocoon.Account, number uint32, provider cocoon.Account, amount cocoon.Nano) earned {
	return earned{GlobalID: globalID, Contract: rewards, Number: number, Provider: provider, Amount: coins(amount)}
}

// signedBy is e, signed by the key of name.
func signedBy(t rapid.TB, name string, e earned) signedReceipt {
	t.Helper()
	return signedCell(name, body(t, e))
}

// signedCell is whatever may be in c, signed by the key of name.
func signedCell(name string, c *cell.Cell) signedReceipt {
	return signedReceipt{c, [64]byte(ed25519.Sign(keyOf(name), c.Hash()))}
}

// notOf are receipts that no rewards contract or epoch takes for honest, with what is said of them.
func notOf(t *testing.T, honest earned) map[string]struct {
	signedReceipt
	code int32
} {
	t.Helper()
	network, contract, nothing, more := honest, honest, honest, honest
	network.GlobalID, contract.Contract = globalID+1, wallet("other rewards")
	nothing.Amount, more.Amount = wrappers.Coins{}, coins(plus(t, honest.Amount.Nano, cocoon.NanoOf(1)))
	tampered := signedBy(t, "receipts", honest)
	tampered.signed = body(t, more)
	return map[string]struct {
		signedReceipt
		code int32
	}{
		"of another network":   {signedBy(t, "receipts", network), errWrongNetwork},
		"of another contract":  {signedBy(t, "receipts", contract), errWrongContract},
		"by another key":       {signedBy(t, "other", honest), errWrongSignature},
		"of other contents":    {tampered, errWrongSignature},
		"of nothing":           {signedBy(t, "receipts", nothing), errWrongAmount},
		"with a bit too many":  {signedCell("receipts", longer(body(t, honest))), errTrailing},
		"with a bit too few":   {signedCell("receipts", cut(body(t, honest))), errTrailing},
		"that is no receipt":   {signedCell("receipts", relabelled(t, honest)), errWrongSignature},
		"that is nothing much": {signedCell("receipts", cell.BeginCell().EndCell()), errTrailing},
	}
}

// relabelled is the same receipt under the tag of a voucher, which the key may sign as well.
func relabelled(t *testing.T, e earned) *cell.Cell {
	t.Helper()
	rest := body(t, e).MustBeginParse()
	rest.MustLoadUInt(32)
	return cell.BeginCell().MustStoreUInt(0x686caeb8, 32).MustStoreBuilder(rest.MustToCell().ToBuilder()).EndCell()
}
