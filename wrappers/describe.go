package wrappers

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Describe reads the body of a message of ours for people: the operation's name
// in the schema, and its fields as pairs of name and value, those of a cell within
// it after its name and a dot. Both are empty for what no contract of ours knows,
// and the fields alone where the body does not end as the schema says.
func Describe(body *cell.Cell) (name string, fields [][2]string) {
	name = OperationName(body)
	if name == "" {
		return "", nil
	}
	for _, layouts := range [][]layout{walletMessages, registryMessages, providerMessages, jobMessages, rewardsMessages, epochMessages, channelMessages} {
		for _, l := range layouts {
			if l.name != name {
				continue
			}
			if v, err := l.decode(body); err == nil {
				return name, describe("", reflect.ValueOf(v), nil)
			}
		}
	}
	return name, nil
}

// describe appends the fields of a struct.
func describe(prefix string, v reflect.Value, fields [][2]string) [][2]string {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type == reflect.TypeFor[tlb.Magic]() || !f.IsExported() {
			continue
		}
		name, value := prefix+fieldName(f.Name), v.Field(i)
		if text, plain := textOf(value); plain {
			fields = append(fields, [2]string{name, text})
			continue
		}
		fields = describe(name+".", value.Elem(), fields)
	}
	return fields
}

// textOf is a value in one word; a pointer to a struct has none.
func textOf(v reflect.Value) (text string, plain bool) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "none", true
	}
	switch x := v.Interface().(type) {
	case *cell.Cell:
		return fmt.Sprintf("cell %x", x.Hash()), true
	case fmt.Stringer:
		return x.String(), true
	}
	switch v.Kind() {
	case reflect.Pointer:
		return "", v.Elem().Kind() != reflect.Struct
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := reflect.New(v.Type()).Elem()
			b.Set(v)
			return hex.EncodeToString(b.Bytes()), true
		}
	case reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprint(v.Interface()), true
	}
	return v.Type().String(), true
}

// fieldName is a Go name as the schema writes it: QueryID is query_id.
func fieldName(name string) string {
	var b strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		after := i > 0 && (name[i-1] < 'A' || name[i-1] > 'Z')
		if upper && after {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}
