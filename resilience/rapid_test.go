package resilience_test

import (
	"testing"

	"pgregory.net/rapid"
)

// checkInBubbles checks a property of a policy in virtual time: each try runs in a synctest bubble of its own.
// rapid makes a hundred tries a round; rounds make up for how cheap one is.
func checkInBubbles(t *testing.T, rounds int, prop func(*rapid.T)) {
	for range rounds {
		rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, prop) })
		if t.Failed() {
			return
		}
	}
}
