package resilience

import "strconv"

// nameOf returns names[v], or TYPE(v) where there is none.
func nameOf[T ~uint8](v T, typ string, names []string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return typ + "(" + strconv.Itoa(int(v)) + ")"
}
