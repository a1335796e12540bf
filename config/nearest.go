package config

import "strings"

// nearest returns the candidate that whoever wrote name most likely meant: the
// fewest letters away, where the right last part in the wrong section counts as
// one letter. Ties go to the first in the alphabet.
func nearest(name, separator string, candidates []string) string {
	best, least := "", -1
	for _, c := range candidates {
		d := min(distance(name, c), 1+distance(last(name, separator), last(c, separator)))
		if least < 0 || d < least {
			best, least = c, d
		}
	}
	return best
}

// last is the part after the last separator; the names of variables are
// compared without what they all begin with.
func last(name, separator string) string {
	if i := strings.LastIndex(name, separator); i >= 0 {
		return name[i+len(separator):]
	}
	return strings.TrimPrefix(name, envPrefix)
}

// distance is Levenshtein's, in bytes: keys are ASCII.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
