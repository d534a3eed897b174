package tsgen

import (
	"slices"
	"strings"

	"github.com/cocoon-network/cocoon/internal/schema"
)

// Contract is what a class of messages is written for.
type Contract struct {
	Name   string   // as in "channel"
	Groups []string // the types of the messages it takes
}

// Messages is the module with a class for each contract, which sends what a
// wallet or a program may send. Messages that only contracts send are left out.
func Messages(all []schema.Declaration, contracts []Contract, o Options) (string, error) {
	g := newGenerator(all, o)
	var layouts []string
	for _, c := range contracts {
		g.line("\n/** What a wallet or a program may send to %s contract; value is nanoTON. */", article(c.Name))
		g.line("export abstract class %sMessages extends ContractBase {", Pascal(c.Name))
		first := true
		for _, d := range g.taken(all, c) {
			if !FromOutside(d, contracts) {
				continue
			}
			if !first {
				g.line("")
			}
			first = false
			g.sending(d)
			layouts = append(layouts, "store"+Pascal(d.Name), "type "+Pascal(d.Name))
		}
		g.line("}")
	}
	if g.err != nil {
		return "", g.err
	}
	slices.SortFunc(layouts, func(a, b string) int {
		return strings.Compare(strings.TrimPrefix(a, "type "), strings.TrimPrefix(b, "type "))
	})
	imports := "import type { ContractProvider, Sender } from '@ton/core';\nimport { ContractBase, type Outgoing, send } from './contract';\nimport {\n    " +
		strings.Join(slices.Compact(layouts), ",\n    ") + ",\n} from './schema_gen';\n"
	return g.head() + imports + g.String(), nil
}

func (g *generator) sending(d schema.Declaration) {
	name := Pascal(d.Name)
	message := "message: Outgoing<" + name + ">"
	if g.optional(d) {
		message += " = {}"
	}
	g.line("%s    async send%s(provider: ContractProvider, via: Sender, value: bigint, %s) {", comment(d.Doc, "    "), name, message)
	g.line("        await send(provider, via, value, message, store%s);\n    }", name)
}

// optional tells whether all fields of d have a default.
func (g *generator) optional(d schema.Declaration) bool {
	return !slices.ContainsFunc(d.Fields, func(f schema.Field) bool { return !slices.Contains(g.Defaults, f.Name) })
}

// taken are the messages that c takes, in the schema's order.
func (g *generator) taken(all []schema.Declaration, c Contract) (some []schema.Declaration) {
	for _, group := range c.Groups {
		if len(g.declared[group]) == 0 {
			g.fail("%s takes %s, which is not declared", c.Name, group)
		}
	}
	for _, d := range all {
		if slices.Contains(c.Groups, d.Of) {
			some = append(some, d)
		}
	}
	return some
}

// FromOutside reads off the comment, which begins with who sends d, whether
// that is anyone else than one of the contracts.
func FromOutside(d schema.Declaration, contracts []Contract) bool {
	if len(d.Doc) == 0 {
		return true
	}
	sender := strings.ToLower(d.Doc[0])
	if i := strings.IndexAny(sender, ".,;:("); i >= 0 {
		sender = sender[:i]
	}
	words := strings.Fields(sender)
	if slices.Contains(words, "anyone") {
		return true
	}
	return !slices.ContainsFunc(contracts, func(c Contract) bool { return slices.Contains(words, c.Name) })
}

func article(name string) string {
	if strings.ContainsAny(name[:1], "aeiou") {
		return "an " + name
	}
	return "a " + name
}
