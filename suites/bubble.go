package suites

import (
	"testing"
	"testing/synctest"
)

// InBubble runs body in a bubble of virtual time of its own (testing/synctest), and returns once it and all that it started
// have ended: a goroutine that is left behind fails t. A panic of body, such as a failed assertion's, is raised again outside
// the bubble, where Ginkgo waits for it; an assertion in another goroutine of the bubble cannot be caught there.
//
// t is the *testing.T of the suite's Test function, not Ginkgo's own.
func InBubble(t *testing.T, body func()) {
	var raised any
	synctest.Test(t, func(*testing.T) {
		defer func() { raised = recover() }()
		body()
	})
	if raised != nil {
		panic(raised)
	}
}
