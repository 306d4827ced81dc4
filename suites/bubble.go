package suites

import (
	"testing"
	"testing/synctest"
)

// inBubble runs body in a bubble of virtual time of its own, and returns once it and all that it started have ended. A
// panic of body, such as a failed assertion's, is raised again outside the bubble, where Ginkgo waits for it.
func inBubble(t *testing.T, body func()) {
	var raised any
	synctest.Test(t, func(*testing.T) {
		defer func() { raised = recover() }()
		body()
	})
	if raised != nil {
		panic(raised)
	}
}
