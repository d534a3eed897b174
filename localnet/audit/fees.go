package audit

import (
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// importFees is the extra of in_msg_descr: what was collected, in nanoTON, and
// what came in, fees included.
type importFees struct {
	fees  *big.Int
	value money
}

func (f importFees) collected() money { return coins(f.fees) }
func (f importFees) plus(o importFees) importFees {
	return importFees{f.collected().plus(o.collected()).amount(), f.value.plus(o.value)}
}
func (f importFees) equal(o importFees) bool {
	return f.collected().equal(o.collected()) && f.value.equal(o.value)
}
func (f importFees) String() string { return fmt.Sprintf("%s of %s", f.collected(), f.value) }
func loadImportFees(s *cell.Slice) (importFees, error) {
	fees, err := s.LoadBigCoins()
	if err != nil {
		return importFees{}, err
	}
	value, err := loadMoney(s)
	return importFees{fees, value}, err
}

// fees of one record, as InMsg::get_import_fees of the reference node has them:
// a message made and delivered in one block brings a fee but no value.
func (r *inbound) fees(version uint32) importFees {
	switch r.tag {
	case importExt:
		return importFees{}
	case importImm:
		return importFees{fees: r.fee}
	case importFin, importDeferredFin:
		return importFees{r.env.fee, r.env.carried(version)}
	}
	return importFees{r.fee, r.env.carried(version)}
}

// exported is the value a record takes out, as OutMsg::get_export_value has it.
func (r *outbound) exported(version uint32) money {
	switch r.tag {
	case exportNew, exportTr, exportTrReq, exportNewDefer, exportDeferredTr:
		return r.env.carried(version)
	}
	return money{}
}
