// Package tsgen writes TypeScript for @ton/core from a schema: an interface,
// store and load for every constructor, and classes that send messages.
//
// What a schema names and does not declare, the hand-written codec module
// gives: for a type Text the names Text, storeText and loadText.
package tsgen

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cocoon-network/cocoon/internal/schema"
)

// Options are what the schema does not say.
type Options struct {
	Head     string   // first lines of every file, without the comment's mark
	Messages string   // what the types of messages end with, as in "Msg"
	Opaque   []string // fields as in "entry.record", whose cell is to be kept as it is
	Defaults []string // fields that whoever sends a message may leave out
}

// numberBits is the widest integer that becomes a number; wider ones are bigint.
const numberBits = 32

// generator writes one file.
type generator struct {
	Options
	strings.Builder
	declared map[string][]schema.Declaration // by the type they construct
	outside  map[string]bool                 // types that nothing declares
	used     map[string]bool                 // names of the codec module
	err      error                           // the first
}

func newGenerator(all []schema.Declaration, o Options) *generator {
	g := &generator{Options: o, declared: map[string][]schema.Declaration{}, outside: map[string]bool{}, used: map[string]bool{}}
	for _, d := range all {
		g.declared[d.Of] = append(g.declared[d.Of], d)
	}
	return g
}

// Schema is the module with the layouts of all declarations, and a type of all
// messages that each of receivers takes.
func Schema(all []schema.Declaration, receivers []Contract, o Options) (string, error) {
	g := newGenerator(all, o)
	g.table(all, "Op", "Operations, which bodies of messages begin with.", true)
	g.table(all, "Tag", "Tags of other layouts.", false)
	g.checkOpaque(all)
	unions := map[string]bool{}
	for _, d := range all {
		g.constructor(d)
		if same := g.declared[d.Of]; len(same) > 1 && !unions[d.Of] && !g.isMessage(d) {
			unions[d.Of] = true
			g.union(d.Of, "Any "+d.Of+".", same)
		}
	}
	for _, r := range receivers {
		g.union(Pascal(r.Name)+"Message", "Any message that "+article(r.Name)+" takes.", g.taken(all, r))
	}
	if g.err != nil {
		return "", g.err
	}
	return g.head() + "import { " + strings.Join(core(g.String()), ", ") + " } from '@ton/core';\n" + g.codecImports() + g.String(), nil
}

// checkOpaque finds options about nothing.
func (g *generator) checkOpaque(all []schema.Declaration) {
	for _, name := range g.Opaque {
		declaration, field, _ := strings.Cut(name, ".")
		if !slices.ContainsFunc(all, func(d schema.Declaration) bool {
			return d.Name == declaration && slices.ContainsFunc(d.Fields, func(f schema.Field) bool { return f.Name == field })
		}) {
			g.fail("no field %s to be opaque", name)
		}
	}
}

func (g *generator) head() string {
	return comment(strings.Split(g.Head, "\n"), "") + "\n"
}

var (
	coreName    = regexp.MustCompile(`\b(?:Builder|Cell|Dictionary|Slice)\b`)
	commentForm = regexp.MustCompile(`(?s)/\*.*?\*/`)
)

// core are the names of @ton/core that src uses.
func core(src string) []string {
	names := coreName.FindAllString(commentForm.ReplaceAllString(src, ""), -1)
	slices.Sort(names)
	return slices.Compact(names)
}

// codecImports imports what was used of the codec module.
func (g *generator) codecImports() string {
	var names []string
	for name := range g.used {
		names = append(names, name)
	}
	for name := range g.outside {
		names = append(names, "type "+name)
	}
	if len(names) == 0 {
		return ""
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(strings.TrimPrefix(a, "type "), strings.TrimPrefix(b, "type "))
	})
	return "import { " + strings.Join(names, ", ") + " } from './codec';\n"
}

func (g *generator) line(format string, args ...any) { fmt.Fprintf(g, format+"\n", args...) }

func (g *generator) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

// use is a name of the codec module.
func (g *generator) use(name string) string {
	g.used[name] = true
	return name
}

// table lists the 32-bit tags of messages, or of everything else.
func (g *generator) table(all []schema.Declaration, name, doc string, messages bool) {
	g.line("\n/** %s */\nexport const %s = {", doc, name)
	for _, d := range all {
		if op, ok := d.Op(); ok && g.isMessage(d) == messages {
			g.line("    %s: 0x%08x,", Camel(d.Name), op)
		}
	}
	g.line("} as const;")
}

func (g *generator) isMessage(d schema.Declaration) bool { return strings.HasSuffix(d.Of, g.Messages) }

// comment is lines as a documentation comment.
func comment(lines []string, indent string) string {
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "*/", "*\\/")
	}
	if len(lines) == 0 {
		return ""
	}
	if len(lines) == 1 {
		return indent + "/** " + lines[0] + " */\n"
	}
	return indent + "/**\n" + indent + " * " + strings.Join(lines, "\n"+indent+" * ") + "\n" + indent + " */\n"
}

// Camel is a schema's name as a field, as in queryId.
func Camel(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words[1:] {
		words[i+1] = title(w)
	}
	return strings.Join(words, "")
}

// Pascal is a schema's name as a type, as in OpenJob.
func Pascal(name string) string { return title(Camel(name)) }

func title(word string) string {
	if word == "" {
		return word
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
