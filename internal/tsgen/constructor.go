package tsgen

import (
	"fmt"
	"slices"

	"github.com/cocoon-network/cocoon/internal/schema"
)

// constructor writes the interface, store and load of d.
func (g *generator) constructor(d schema.Declaration) {
	name := Pascal(d.Name)
	g.line("\n%sexport interface %s {", comment(d.Doc, ""), name)
	for _, f := range d.Fields {
		g.line("    %s: %s;", Camel(f.Name), g.typeOf(g.kept(d, f)))
	}
	g.line("}")
	if _, width := d.TagBits(); width == 0 && len(d.Fields) == 0 {
		g.fail("%s has neither a tag nor fields", d.Name)
	}
	if g.err != nil {
		return
	}
	for _, f := range d.Fields {
		if f.Type.Kind == schema.Dict {
			g.dict(d, f)
		}
	}
	g.store(d, name)
	g.load(d, name)
}

// dict writes what reads and writes the dictionary f.
func (g *generator) dict(d schema.Declaration, f schema.Field) {
	_, key := g.key(f.Type)
	of := *f.Type.Of
	g.line("\nconst %s = {\n    key: %s,\n    value: %s<%s>(", dictName(d, f), key, g.use("dictValue"), g.typeOf(of))
	g.line("        (src, builder) => %s,\n        (slice) => %s,\n    ),\n};", g.storing(of, "src"), g.loading(of))
}

func dictName(d schema.Declaration, f schema.Field) string { return Camel(d.Name) + Pascal(f.Name) }

// kept is the type of f, ^Cell for what is opaque.
func (g *generator) kept(d schema.Declaration, f schema.Field) schema.Type {
	if !slices.Contains(g.Opaque, d.Name+"."+f.Name) {
		return f.Type
	}
	if f.Type.Kind != schema.Ref {
		g.fail("%s.%s is no reference and cannot be opaque", d.Name, f.Name)
	}
	return schema.Type{Kind: schema.Ref, Of: &schema.Type{Kind: schema.Named, Name: "Cell"}}
}

func (g *generator) store(d schema.Declaration, name string) {
	src := map[bool]string{true: "_", false: "src"}[len(d.Fields) == 0]
	g.line("\nexport function store%s(%s: %s) {\n    return (builder: Builder) => {", name, src, name)
	if value, width := d.TagBits(); width > 0 {
		g.line("        builder.storeUint(%s, %d);", hex(value, width), width)
	}
	for _, f := range d.Fields {
		x := "src." + Camel(f.Name)
		if f.Type.Kind == schema.Dict {
			g.line("        builder.storeDict(%s, %s.key, %s.value);", x, dictName(d, f), dictName(d, f))
		} else {
			g.line("        %s;", g.storing(g.kept(d, f), x))
		}
	}
	g.line("    };\n}")
}

func (g *generator) load(d schema.Declaration, name string) {
	g.line("\nexport function load%s(slice: Slice): %s {", name, name)
	if value, width := d.TagBits(); width > 0 {
		g.line("    %s(slice, %s, %d, '%s');", g.use("loadTag"), hex(value, width), width, d.Name)
	}
	g.line("    return {")
	for _, f := range d.Fields {
		if f.Type.Kind == schema.Dict {
			g.line("        %s: %s(slice, %s.key, %s.value),", Camel(f.Name), g.use("loadDict"), dictName(d, f), dictName(d, f))
		} else {
			g.line("        %s: %s,", Camel(f.Name), g.loading(g.kept(d, f)))
		}
	}
	g.line("    };\n}")
}

// hex is a tag of so many bits.
func hex(value uint64, width int) string { return fmt.Sprintf("0x%0*x", (width+3)/4, value) }

// union writes a type of several constructors, told apart by $$type.
func (g *generator) union(of, doc string, same []schema.Declaration) {
	g.checkUnion(of, same)
	if g.err != nil {
		return
	}
	g.line("\n/** %s */\nexport type %s =", doc, of)
	for i, d := range same {
		end := map[bool]string{true: ";"}[i == len(same)-1]
		g.line("    | ({ $$type: '%s' } & %s)%s", Pascal(d.Name), Pascal(d.Name), end)
	}
	g.line("\nexport function store%s(src: %s): (builder: Builder) => void {\n    switch (src.$$type) {", of, of)
	for _, d := range same {
		g.line("        case '%s':\n            return store%s(src);", Pascal(d.Name), Pascal(d.Name))
	}
	_, width := same[0].TagBits()
	g.line("    }\n}\n\nexport function load%s(slice: Slice): %s {\n    switch (slice.preloadUint(%d)) {", of, of, width)
	for _, d := range same {
		value, _ := d.TagBits()
		g.line("        case %s:\n            return { $$type: '%s', ...load%s(slice) };", hex(value, width), Pascal(d.Name), Pascal(d.Name))
	}
	g.line("    }\n    throw new Error('no %s begins like this');\n}", of)
}

// checkUnion wants constructors that a look at their tags tells apart.
func (g *generator) checkUnion(of string, same []schema.Declaration) {
	_, width := same[0].TagBits()
	for _, d := range same {
		if _, w := d.TagBits(); w != width || w == 0 || w > numberBits {
			g.fail("the tags of %s are not of one width", of)
		}
		if Pascal(d.Name) == of {
			g.fail("%s is a type of several constructors and one of them", of)
		}
	}
}
