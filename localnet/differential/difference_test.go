package differential

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
)

// difference tells in which fields two outcomes differ, by name.
func difference(ours, theirs outcome) map[string]string {
	if ours.tx == nil || theirs.tx == nil {
		return map[string]string{"tx": fmt.Sprintf("%s, theirs %s", ours, theirs)}
	}
	a, b := fields(ours), fields(theirs)
	list := map[string]string{}
	for name, value := range a {
		if b[name] != value {
			list[name] = fmt.Sprintf("%.60v, theirs %.60v", value, b[name])
		}
	}
	for name, value := range b {
		if _, ok := a[name]; !ok {
			list[name] = fmt.Sprintf("nothing, theirs %.40v", value)
		}
	}
	return list
}

// fields are the leaves of a transaction and of the account it left.
func fields(o outcome) map[string]any {
	flat := map[string]any{"messages": hex.EncodeToString(o.tx.MustPeekRef(0).Hash())}
	var tx tlb.Transaction
	var account tlb.AccountState
	err1, err2 := tlb.Parse(&tx, o.tx), tlb.Parse(&account, o.account.MustPeekRef(0))
	raw, err3 := json.Marshal(map[string]any{"tx": tx, "account": account})
	var tree map[string]any
	if err := errors.Join(err1, err2, err3, json.Unmarshal(raw, &tree)); err != nil {
		flat["unreadable"] = err.Error()
	}
	for name, value := range tree {
		flatten(name, value, flat)
	}
	return flat
}

func flatten(name string, v any, into map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			flatten(name+"."+key, value, into)
		}
	case []any:
		for i, value := range v {
			flatten(fmt.Sprintf("%s[%d]", name, i), value, into)
		}
	default:
		into[name] = v
	}
}
