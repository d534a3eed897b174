package localnet

import (
	"reflect"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// blocksIn are the blocks that a query or an answer names.
func blocksIn(message tl.Serializable) (ids []*ton.BlockIDExt) {
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if v.IsNil() || !v.CanInterface() {
				return
			}
			switch named := v.Interface().(type) {
			case *ton.BlockIDExt:
				ids = append(ids, named)
			case *cell.Cell:
			default:
				walk(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				return
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
	}
	if message != nil {
		walk(reflect.ValueOf(message))
	}
	return ids
}
