package localnet

import (
	"math/big"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// config flips the last bit of a parameter: one that was asked for, or the
// basechain's gas prices.
func (l liar) config(query, honest tl.Serializable) tl.Serializable {
	a, ok := honest.(ton.ConfigAll)
	if !ok {
		return nil
	}
	id := int32(21)
	if q, some := query.(ton.GetConfigParams); some && len(q.Params) > 0 {
		id = q.Params[0]
	}
	proof, err := cell.FromBOC(a.ConfigProof)
	if err != nil {
		return nil
	}
	param := configParam(proof, id)
	if param == nil || param.BitsSize() == 0 {
		return nil
	}
	lie, err := withBit(param, param.BitsSize()-1)
	if err != nil {
		return nil
	}
	other := replace(proof, func(c *cell.Cell) *cell.Cell {
		if c.HashKey() != param.HashKey() {
			return nil
		}
		return lie
	})
	if other == nil {
		return nil
	}
	a.ConfigProof = other.ToBOC()
	return a
}

// configParam finds a parameter in a proof of the masterchain's state.
func configParam(proof *cell.Cell, id int32) *cell.Cell {
	root, err := proof.PeekRef(0)
	if err != nil {
		return nil
	}
	loader, err := root.BeginParse()
	if err != nil {
		return nil
	}
	var state tlb.ShardStateUnsplit
	if err = tlb.LoadFromCellAsProof(&state, loader, false); err != nil || state.McStateExtra == nil {
		return nil
	}
	var extra tlb.McStateExtra
	if err = tlb.Parse(&extra, state.McStateExtra); err != nil {
		return nil
	}
	value, err := extra.ConfigParams.Config.Params.LoadValueByIntKey(big.NewInt(int64(id)))
	if err != nil {
		return nil
	}
	param, err := value.LoadRefCell()
	if err != nil {
		return nil
	}
	return param
}
