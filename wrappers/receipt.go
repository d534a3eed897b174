package wrappers

import (
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// NewReportEquivocation makes the report of e to the provider it is about. The
// contract takes it as long as it knows the worker; e.Verify says beforehand
// whether it is evidence.
func NewReportEquivocation(e receipt.Equivocation, queryID uint64, response cocoon.Account) (m ReportEquivocation, err error) {
	m = ReportEquivocation{QueryID: queryID, Response: response, Worker: e.Worker}
	if m.Certificate, err = signedCell(e.Certificate, e.Certificate.Signature); err != nil {
		return ReportEquivocation{}, err
	}
	if m.First, err = signedCell(e.First, e.First.Signature); err != nil {
		return ReportEquivocation{}, err
	}
	m.Second, err = signedCell(e.Second, e.Second.Signature)
	return m, err
}

// NewOwe lodges a receipt with its rewards contract.
func NewOwe(s receipt.SignedEarned, queryID uint64, response cocoon.Account) (Owe, error) {
	c, err := s.Cell()
	return Owe{QueryID: queryID, Response: response, Signature: s.Signature, Receipt: c}, err
}

// NewProve refutes an epoch with a receipt. index is where the provider's leaf is,
// or would be; proof shows the leaves there and before it, as far as there are.
func NewProve(s receipt.SignedEarned, index uint32, proof *cell.Cell, queryID uint64, response cocoon.Account) (Prove, error) {
	c, err := s.Cell()
	return Prove{QueryID: queryID, Response: response, Signature: s.Signature, Index: index, Receipt: c, Proof: proof}, err
}

func signedCell(v interface{ Cell() (*cell.Cell, error) }, signature [64]byte) (*SignedCell, error) {
	c, err := v.Cell()
	return &SignedCell{Signature: signature, Signed: c}, err
}
