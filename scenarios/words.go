package scenarios

import (
	"slices"
	"strconv"
	"strings"
)

// quote puts a text of the file into a message: in double quotes, control characters escaped, cut where it is long.
func quote(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return strconv.Quote(s)
}

// article puts "a" or "an" before a noun.
func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeio") {
		return "an " + noun
	}
	return "a " + noun
}

// join lists words with commas.
func join(words []string) string { return strings.Join(words, ", ") }

// joinOr lists words with commas, and "or" before the last.
func joinOr(words []string) string {
	if len(words) < 2 {
		return join(words)
	}
	return join(words[:len(words)-1]) + " or " + words[len(words)-1]
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return words
}
