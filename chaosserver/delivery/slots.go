package delivery

import "context"

// slots bound how many connections are open at once. Those who want several get them all before anybody else gets one, in the
// order in which they ask, so that two never wait for each other.
type slots struct {
	turn chan struct{} // held while slots are collected
	free chan struct{}
}

func newSlots(n int) *slots {
	s := &slots{turn: make(chan struct{}, 1), free: make(chan struct{}, n)}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// take takes n slots, at most as many as there are. It reports false where ctx ended first, and then has taken none.
func (s *slots) take(ctx context.Context, n int) bool {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-s.turn }()
	for taken := range n {
		select {
		case <-s.free:
		case <-ctx.Done():
			s.give(taken)
			return false
		}
	}
	return true
}

func (s *slots) give(n int) {
	for range n {
		s.free <- struct{}{}
	}
}
