package indexer

import (
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

// fields writes a decoded message for readers: names as in the schema, keys
// and hashes in hex, amounts as decimal strings. Of a cell its hash is told,
// and what is in it where it is something signed; the log holds all of it.
func fields(message any) (json.RawMessage, error) {
	v, err := readable(reflect.ValueOf(message))
	if err != nil {
		return nil, err
	}
	if m, ok := v.(map[string]any); ok {
		if err = openSigned(message, m); err != nil {
			return nil, err
		}
	}
	return json.Marshal(v)
}

// openSigned puts what somebody signed in the place of its hash, where it can be read.
func openSigned(message any, into map[string]any) (err error) {
	var name string
	var signed any
	switch m := message.(type) {
	case wrappers.PutWorker:
		name = "order"
		signed, err = wrappers.Decode[wrappers.PutWorkerOrder](m.Order)
	case wrappers.RetireWorker:
		name = "order"
		signed, err = wrappers.Decode[wrappers.RetireWorkerOrder](m.Order)
	case wrappers.AcceptJob:
		name = "order"
		signed, err = wrappers.Decode[wrappers.AcceptJobOrder](m.Order)
	case wrappers.Deliver:
		name = "delivery"
		signed, err = wrappers.Decode[wrappers.Delivery](m.Delivery)
	case wrappers.Owe:
		name = "receipt"
		signed, err = wrappers.Decode[earned](m.Receipt)
	case wrappers.Prove:
		name = "receipt"
		signed, err = wrappers.Decode[earned](m.Receipt)
	default:
		return nil
	}
	if err != nil {
		return nil // the hash says what is known of it
	}
	into[name], err = readable(reflect.ValueOf(signed))
	return err
}

func readable(v reflect.Value) (any, error) {
	switch x := v.Interface().(type) {
	case *cell.Cell:
		if x == nil {
			return nil, nil
		}
		return hex.EncodeToString(x.Hash()), nil
	case json.Marshaler, encoding.TextMarshaler:
		return x, nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return readable(v.Elem())
	case reflect.Array:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return hex.EncodeToString(b), nil
	case reflect.Struct:
		return readableStruct(v)
	case reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Int32, reflect.Int64, reflect.String:
		return v.Interface(), nil
	}
	return nil, fmt.Errorf("no way to write a %s", v.Type())
}

func readableStruct(v reflect.Value) (any, error) {
	m := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type == reflect.TypeFor[tlb.Magic]() {
			continue
		}
		x, err := readable(v.Field(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		m[snake(f.Name)] = x
	}
	return m, nil
}

// snake turns QueryID into query_id and MinBond into min_bond.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
