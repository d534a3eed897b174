package audit

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// money is a CurrencyCollection: nanoTON and other currencies by id. It never
// changes once it is made. The zero value is nothing.
type money struct {
	nano  *big.Int
	other map[uint32]*big.Int
}

func coins(n *big.Int) money { return money{nano: n} }

func (m money) amount() *big.Int {
	if m.nano == nil {
		return new(big.Int)
	}
	return m.nano
}

func (m money) combine(o money, with func(z, x, y *big.Int) *big.Int) money {
	sum := money{nano: with(new(big.Int), m.amount(), o.amount()), other: maps.Clone(m.other)}
	for id, n := range o.other {
		if sum.other == nil {
			sum.other = map[uint32]*big.Int{}
		}
		before := sum.other[id]
		if before == nil {
			before = new(big.Int)
		}
		sum.other[id] = with(new(big.Int), before, n)
	}
	return sum
}

func (m money) plus(all ...money) money {
	for _, o := range all {
		m = m.combine(o, (*big.Int).Add)
	}
	return m
}

func (m money) minus(o money) money { return m.combine(o, (*big.Int).Sub) }

func (m money) equal(o money) bool { return m.minus(o).isZero() }

func (m money) isZero() bool {
	for _, n := range m.other {
		if n.Sign() != 0 {
			return false
		}
	}
	return m.amount().Sign() == 0
}

func (m money) String() string {
	parts := []string{m.amount().String()}
	for _, id := range slices.Sorted(maps.Keys(m.other)) {
		parts = append(parts, fmt.Sprintf("%s of currency %d", m.other[id], id))
	}
	return strings.Join(parts, " and ")
}

// loadMoney reads grams:Grams other:(HashmapE 32 (VarUInteger 32)).
func loadMoney(s *cell.Slice) (money, error) {
	nano, err := s.LoadBigCoins()
	if err != nil {
		return money{}, err
	}
	m := coins(nano)
	dict, err := s.LoadDict(32)
	if err != nil {
		return money{}, err
	}
	items, err := dict.LoadAll()
	if err != nil {
		return money{}, err
	}
	for _, item := range items {
		id, err := item.Key.LoadUInt(32)
		if err != nil {
			return money{}, err
		}
		n, err := item.Value.LoadVarUInt(32)
		if err != nil {
			return money{}, err
		}
		if n.Sign() == 0 {
			return money{}, fmt.Errorf("an entry of zero for currency %d", id)
		}
		if m.other == nil {
			m.other = map[uint32]*big.Int{}
		}
		m.other[uint32(id)] = n
	}
	return m, nil
}

// loadMoneys reads several CurrencyCollections in a row.
func loadMoneys(s *cell.Slice, into ...*money) (err error) {
	for _, m := range into {
		if *m, err = loadMoney(s); err != nil {
			return err
		}
	}
	return nil
}
