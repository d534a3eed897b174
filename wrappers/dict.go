package wrappers

import (
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// entry is one entry of a dictionary.
type entry struct{ key, value *cell.Slice }

// entries are those of d in ascending order, Invalid where there are more than
// limit: cells can be shared so that few of them hold entries without end.
func entries(d *cell.Dictionary, limit int) (all []entry, err error) {
	if d.IsEmpty() {
		return nil, nil
	}
	it, err := d.Iterator(false, false)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("read a dictionary: %w", err)
	}
	for it.Next() {
		if len(all) == limit {
			return nil, cocoon.Invalid.Errorf("a dictionary holds more than %d entries", limit)
		}
		key, err := it.Key().BeginParse()
		if err != nil {
			return nil, cocoon.Invalid.Errorf("read a dictionary: %w", err)
		}
		all = append(all, entry{key, it.Value()})
	}
	if err = it.Err(); err != nil {
		return nil, cocoon.Invalid.Errorf("read a dictionary: %w", err)
	}
	return all, nil
}

// readEntry reads a T out of the value of an entry, to its end.
func readEntry[T any](s *cell.Slice) (T, error) {
	c, err := s.ToCell()
	if err != nil {
		var none T
		return none, cocoon.Invalid.Errorf("read an entry: %w", err)
	}
	return Decode[T](c)
}
