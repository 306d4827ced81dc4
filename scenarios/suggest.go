package scenarios

import "strings"

// Suggest returns the word of from that got was most likely meant to be, or "" where none is near: the one with the
// smallest Damerau-Levenshtein distance (insertions, deletions, changes and swaps of neighbours, letters compared
// without case), if that is at most the larger of 1 and a third of got's length. Of equally near ones it returns the
// first.
//
// The distance is the restricted one ("optimal string alignment"): no part is edited twice.
func Suggest(got string, from []string) string {
	a := []rune(strings.ToLower(got))
	best, near := "", max(1, len(a)/3)+1
	for _, word := range from {
		b := []rune(strings.ToLower(word))
		if d := len(a) - len(b); d >= near || -d >= near {
			continue
		}
		if d := distance(a, b); d < near {
			best, near = word, d
		}
	}
	return best
}

// distance returns the restricted Damerau-Levenshtein distance of a and b. Three rows of its table are kept.
func distance(a, b []rune) int {
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		two, one, row = one, row, two
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
