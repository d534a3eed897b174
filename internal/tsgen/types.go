package tsgen

import (
	"fmt"

	"github.com/cocoon-network/cocoon/internal/schema"
)

// named is how TypeScript calls a type: after its only constructor, or after
// itself where there are several or none.
func (g *generator) named(name string) string {
	switch same := g.declared[name]; len(same) {
	case 0:
		g.outside[name] = true
		return name
	case 1:
		return Pascal(same[0].Name)
	}
	return name
}

// function is storeX or loadX, of this module or of the codec's.
func (g *generator) function(verb, name string) string {
	if len(g.declared[name]) == 0 {
		return g.use(verb + name)
	}
	return verb + g.named(name)
}

func isCell(t schema.Type) bool {
	return t.Kind == schema.Ref && t.Of.Kind == schema.Named && t.Of.Name == "Cell"
}

// typeOf is t in TypeScript.
func (g *generator) typeOf(t schema.Type) string {
	switch t.Kind {
	case schema.Uint, schema.Int:
		if t.Width > numberBits {
			return "bigint"
		}
		return "number"
	case schema.Bits:
		if t.Width%8 != 0 {
			g.fail("%d bits are no bytes", t.Width)
		}
		return "Buffer"
	case schema.Bool:
		return "boolean"
	case schema.Coins:
		return "bigint"
	case schema.Ref:
		if isCell(t) {
			return "Cell"
		}
		if t.Of.Kind != schema.Named {
			g.fail("a reference leads to a cell or to what is declared")
		}
		return g.typeOf(*t.Of)
	case schema.Maybe:
		if t.Of.Kind != schema.Ref {
			g.fail("only a reference may be absent")
		}
		return g.typeOf(*t.Of) + " | null"
	case schema.Dict:
		if t.Of.Kind == schema.Dict {
			g.fail("a dictionary of dictionaries")
		}
		key, _ := g.key(t)
		return fmt.Sprintf("Dictionary<%s, %s>", key, g.typeOf(*t.Of))
	}
	return g.named(t.Name)
}

// key is the type of a dictionary's key, and what reads it.
func (g *generator) key(t schema.Type) (is, codec string) {
	switch {
	case t.Width <= numberBits:
		return "number", fmt.Sprintf("Dictionary.Keys.Uint(%d)", t.Width)
	case t.Width%8 == 0:
		return "Buffer", fmt.Sprintf("Dictionary.Keys.Buffer(%d)", t.Width/8)
	}
	g.fail("no key of %d bits", t.Width)
	return "", ""
}

// storing is the expression that puts x, a t, into builder.
func (g *generator) storing(t schema.Type, x string) string {
	switch t.Kind {
	case schema.Uint:
		return fmt.Sprintf("builder.storeUint(%s, %d)", x, t.Width)
	case schema.Int:
		return fmt.Sprintf("builder.storeInt(%s, %d)", x, t.Width)
	case schema.Bits:
		return fmt.Sprintf("%s(builder, %s, %d)", g.use("storeBytes"), x, t.Width/8)
	case schema.Bool:
		return fmt.Sprintf("builder.storeBit(%s)", x)
	case schema.Coins:
		return fmt.Sprintf("builder.storeCoins(%s)", x)
	case schema.Ref:
		return fmt.Sprintf("builder.storeRef(%s)", g.cellOf(t, x))
	case schema.Maybe:
		if isCell(*t.Of) {
			return fmt.Sprintf("builder.storeMaybeRef(%s)", x)
		}
		return fmt.Sprintf("builder.storeMaybeRef(%s && %s)", x, g.cellOf(*t.Of, x))
	}
	return fmt.Sprintf("%s(%s)(builder)", g.function("store", t.Name), x)
}

// cellOf is the expression of the cell that a reference to x leads to.
func (g *generator) cellOf(t schema.Type, x string) string {
	if isCell(t) {
		return x
	}
	return fmt.Sprintf("%s(%s(%s))", g.use("encode"), g.function("store", t.Of.Name), x)
}

// loading is the expression that takes a t from slice.
func (g *generator) loading(t schema.Type) string {
	switch t.Kind {
	case schema.Uint, schema.Int:
		method := map[schema.Kind]string{schema.Uint: "loadUint", schema.Int: "loadInt"}[t.Kind]
		if t.Width > numberBits {
			method += "Big"
		}
		return fmt.Sprintf("slice.%s(%d)", method, t.Width)
	case schema.Bits:
		return fmt.Sprintf("slice.loadBuffer(%d)", t.Width/8)
	case schema.Bool:
		return "slice.loadBoolean()"
	case schema.Coins:
		return "slice.loadCoins()"
	case schema.Ref:
		return g.within(t, "slice.loadRef()")
	case schema.Maybe:
		if isCell(*t.Of) {
			return "slice.loadMaybeRef()"
		}
		return fmt.Sprintf("%s(slice.loadMaybeRef(), %s)", g.use("decodeMaybe"), g.function("load", t.Of.Of.Name))
	}
	return fmt.Sprintf("%s(slice)", g.function("load", t.Name))
}

// within is the expression of what the cell x of a reference holds, to its end.
func (g *generator) within(t schema.Type, x string) string {
	if isCell(t) {
		return x
	}
	return fmt.Sprintf("%s(%s, %s)", g.use("decode"), x, g.function("load", t.Of.Name))
}
