package trace

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/xssnick/tonutils-go/tvm/cell"
	"github.com/xssnick/tonutils-go/tvm/tuple"
	"github.com/xssnick/tonutils-go/tvm/vm"
)

// stackOf are the values of a stack, its top last.
func stackOf(s *vm.Stack) []string {
	if s == nil {
		return nil
	}
	values := make([]string, s.Len())
	for i := range values { // 0 is the top
		v, err := s.Get(i)
		if err != nil {
			v = err
		}
		values[len(values)-1-i] = valueText(v, 2)
	}
	return values
}

// valueText is a value as it stands in a log; tuples are opened so many levels deep.
func valueText(v any, depth int) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case *big.Int:
		return x.String()
	case *cell.Cell:
		return fmt.Sprintf("C{%x}", x.WithoutTrace().Hash()[:4])
	case *cell.Slice:
		return fmt.Sprintf("CS{%d bits, %d refs}", x.BitsLeft(), x.RefsNum())
	case *cell.Builder:
		return fmt.Sprintf("BC{%d bits, %d refs}", x.BitsUsed(), x.RefsUsed())
	case vm.NaN:
		return "NaN"
	case tuple.Tuple:
		return tupleText(x, depth)
	case vm.Continuation:
		return "Cont"
	}
	return fmt.Sprintf("%T", v)
}

func tupleText(t tuple.Tuple, depth int) string {
	if depth == 0 {
		return fmt.Sprintf("(%d values)", t.Len())
	}
	var list []string
	for i := range t.Len() {
		v, err := t.Index(i)
		if err != nil {
			v = err
		}
		list = append(list, valueText(v, depth-1))
	}
	return "(" + strings.Join(list, " ") + ")"
}
