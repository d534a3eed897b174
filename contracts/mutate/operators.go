package mutate

import (
	"regexp"
	"slices"
	"strconv"
)

// operator is one kind of mistake. Its form has one group, which is what a
// mistake stands in the place of.
type operator struct {
	name    string
	form    *regexp.Regexp
	instead func(s source, from, to int) []edit
}

func (o operator) edits(s source) (all []edit) {
	for _, m := range o.form.FindAllStringSubmatchIndex(s.code, -1) {
		all = append(all, o.instead(s, m[2], m[3])...)
	}
	return all
}

// Whatever does not compile, or compiles to the same, is sorted out later: the
// forms may be simple.
var operators = []operator{
	{"drop check", regexp.MustCompile(`\b((?:throw_if|throw_unless|check_\w+|require_\w+|refuse_\w+)\([^;{}]*;|[\w.()*+: ]*\.end_parse\(\);)`), drop},
	{"drop save", regexp.MustCompile(`\b((?:save_\w+|set_data|commit|become_owner)\([^;{}]*;)`), drop},
	{"drop send", regexp.MustCompile(`\b((?:` + sends + `|raw_reserve|accept_message)\([^;{}]*;)`), drop},
	{"drop update", regexp.MustCompile(`(?m)^[ \t]+(\w+ [-+*]?= [^;{}]*;|\([\w, ]+\) = [^;{}]*;)`), drop},
	{"negate", regexp.MustCompile(`\b(ifnot|if|throw_if|throw_unless)\b ?\(`), swap("if", "ifnot", "throw_if", "throw_unless")},
	{"compare", regexp.MustCompile(` (>=|<=|==|!=|<|>) `), swap(">=", ">", "<=", "<", "==", "!=")},
	{"logic", regexp.MustCompile(` ([&|]) `), swap("&", "|")},
	{"arithmetic", regexp.MustCompile(` ([-+])=? `), swap("+", "-")},
	{"bound", regexp.MustCompile(`\b(min|max)\(`), swap("min", "max")},
	{"mode", regexp.MustCompile(`(send::\w+ \| send::\w+)`), modes},
	{"width", regexp.MustCompile(`\b(?:load_u?int|preload_uint|skip_bits|first_bits|load_bits|store_zeroes|store_u?int)\((?:(?:[^();]|\([^();]*\))*, )?(?:\d+ \* )?(\d+)\)`), near},
	{"constant", regexp.MustCompile(`[ (](\d+)\b`), near},
	{"recipient", regexp.MustCompile(`\b((?:` + sends + `)\([^;{}]*;)`), recipients},
}

// sends are the names of what sends a message or makes the head of one.
const sends = `pay|pay_\w+|give_\w+|send_\w+|return_excess|report_failed|divide|close|begin_payment\w*|begin_message\w*`

func drop(_ source, from, to int) []edit { return []edit{{from, to, ""}} }

// swap exchanges the words of each pair. Of the comparisons an order loses or
// gains its equality.
func swap(pairs ...string) func(s source, from, to int) []edit {
	return func(s source, from, to int) []edit {
		i := slices.Index(pairs, s.code[from:to])
		return []edit{{from, to, pairs[i^1]}}
	}
}

// modes exchanges what pays for a message, and drops the second flag.
func modes(s source, from, to int) []edit {
	first, second := "send::fees_apart", " | send::bounce_on_failure"
	if s.code[from:to] == first+second {
		return []edit{{from, to, first}, {from, to, "send::rest" + second}}
	}
	return []edit{{from, to, "send::rest"}, {from, to, first + second}}
}

// near is one more, and one less where that is not below zero.
func near(s source, from, to int) []edit {
	n, err := strconv.Atoi(s.code[from:to])
	if err != nil { // too long for a width or a figure
		return nil
	}
	if n == 0 {
		return []edit{{from, to, "1"}}
	}
	return []edit{{from, to, strconv.Itoa(n + 1)}, {from, to, strconv.Itoa(n - 1)}}
}

var role = regexp.MustCompile(`\b(?:owner|sender|response|client|provider|treasury|dispatcher|arbiter|rewards|registry|proven|job|to)\b`)

// recipients gives what one is paid to others of whom the function has heard.
func recipients(s source, from, to int) (all []edit) {
	begin := s.around(from).at
	heard := role.FindAllString(s.code[begin:from], -1)
	slices.Sort(heard)
	heard = slices.Compact(heard)
	for _, m := range role.FindAllStringIndex(s.code[from:to], -1) {
		is := s.code[from+m[0] : from+m[1]]
		for _, other := range heard {
			if other != is {
				all = append(all, edit{from + m[0], from + m[1], other})
			}
		}
	}
	return all
}
