package engine

import (
	"unicode"
	"unicode/utf8"
)

// pieces cuts text into its tokens, each with the space before it; space after
// the last one is left out. docs/protocol/tokens.md gives the rule.
func pieces(text string) []string {
	var out []string
	start := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		if unicode.IsSpace(r) {
			continue
		}
		for inWord(r) && i < len(text) {
			next, size := utf8.DecodeRuneInString(text[i:])
			if !inWord(next) {
				break
			}
			i += size
		}
		out = append(out, text[start:i])
		start = i
	}
	return out
}

// countTokens is the number of tokens in all texts.
func countTokens(texts ...string) int {
	n := 0
	for _, t := range texts {
		n += len(pieces(t))
	}
	return n
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
